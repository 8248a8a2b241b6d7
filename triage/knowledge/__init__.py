"""Conditions, findings, red flags, words and advice: the reviewable files, their checker, compiler and loader."""
