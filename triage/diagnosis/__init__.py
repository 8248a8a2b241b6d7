"""The serving model: posterior over states, weights of evidence; numpy only."""
