"""A number of the knowledge with where it comes from, and how frequencies of one finding combine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SHRINKAGE = 20.0  # weight of an estimate against a count, in patients (design, section 5)
LOWEST = 1e-6  # no frequency is taken as impossible or certain


@dataclass(frozen=True, slots=True)
class Number:
    """A number and where it comes from; `n` is the sample size of a count and `k` the cases in it, `before` the estimate that it replaced."""

    value: float
    source: str
    n: int = 0
    k: int = 0
    before: float | None = None
    worth: float = 0.0  # patients a count of mentions stands for

    @property
    def spread(self) -> float:
        """The concentration of the Beta that says how far clinics differ: 20 estimate, 100 literature, up to 300 for a count."""
        if self.source == "estimate":
            return 20.0
        return self.worth + SHRINKAGE if self.worth else float(min(self.n, 300)) if self.n else 100.0


def logit(p: float) -> float:
    """The log-odds of a probability, kept away from certainty."""
    p = min(max(p, LOWEST), 1 - LOWEST)
    return math.log(p / (1 - p))


def expit(x: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + math.exp(-x))


def changed(base: float, changes: Sequence[float]) -> float:
    """The log-odds of a finding in a state: the condition's `base`, changed by the frequencies that its presentation and its severity give.

    Changes in the same direction are one and the same fact told twice, so the larger one counts; opposite ones add up.
    """
    shifts = [0.0, *(logit(value) - base for value in changes)]
    return base + max(shifts) + min(shifts)
