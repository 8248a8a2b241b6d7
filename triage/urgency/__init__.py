"""Red flags, early-warning scores and the decision: rules that never consult the model, and a loss table that takes its posterior."""
