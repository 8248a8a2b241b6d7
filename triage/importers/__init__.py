"""Data that nobody here made up, read into the program's own terms: real emergency visits, and vignettes and tables of other projects."""
