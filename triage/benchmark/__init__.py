"""Metrics with intervals, suites and tables: what the assistant is worth, beside what is possible."""
