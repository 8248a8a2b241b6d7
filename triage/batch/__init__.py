"""Files of visits in, one file of answers out: every row comes back, in order, with its fate."""
