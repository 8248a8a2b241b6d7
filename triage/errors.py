"""The few kinds of error a user can meet, each saying what was wrong, where, what was expected and what to do."""

from __future__ import annotations

from collections.abc import Iterable


class TriageError(Exception):
    """Base of every error meant for a user; its text is complete and holds no patient text."""


class UsageError(TriageError):
    """A value given by the caller is wrong (exit code 2)."""


class MissingError(TriageError):
    """A file the program needs is not there or cannot be read."""


class ArtefactError(TriageError):
    """A model or compiled knowledge file is damaged, of another version, or does not match its manifest."""


class KnowledgeError(TriageError):
    """Knowledge files with problems; `problems` lists every one, each with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__("\n".join((f"The knowledge has {count} {noun}:", *(f"  {problem}" for problem in self.problems))))
