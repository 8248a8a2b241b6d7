"""Metrics of classifiers and of triage, with exact binomial intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Floats = NDArray[np.float64]
BINS = 15


@dataclass(frozen=True, slots=True)
class Share:
    """k of n with an exact 95 % interval (Clopper and Pearson 1934)."""

    k: int
    n: int

    @property
    def value(self) -> float:
        """k / n; NaN of nothing."""
        return self.k / self.n if self.n else float("nan")

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided exact interval."""
        tail = (1 - level) / 2
        low = 0.0 if self.k == 0 else float(beta.ppf(tail, self.k, self.n - self.k + 1))
        high = 1.0 if self.k == self.n else float(beta.ppf(1 - tail, self.k + 1, self.n - self.k))
        return low, high

    def upper(self, level: float = 0.95) -> float:
        """The one-sided exact upper bound; what may be said where k is 0."""
        return 1.0 if self.k == self.n else float(beta.ppf(level, self.k + 1, self.n - self.k))

    def document(self) -> dict[str, Any]:
        """As plain numbers, rounded."""
        low, high = self.interval()
        return {"k": self.k, "n": self.n, "value": round(self.value, 4), "low": round(low, 4), "high": round(high, 4)}


def share(mask: NDArray[np.bool_]) -> Share:
    """How many of a mask are true."""
    return Share(int(mask.sum()), len(mask))


def log_loss(posterior: Floats, truth: NDArray[Any]) -> float:
    """Mean negative log-probability of the truth, natural logarithm."""
    return float(-np.log(np.maximum(posterior[np.arange(len(truth)), truth], 1e-12)).mean())


def top(posterior: Floats, truth: NDArray[Any], k: int) -> Share:
    """How often the truth is among the k most probable; ties count against it."""
    own = posterior[np.arange(len(truth)), truth][:, None]
    return share((posterior >= own).sum(axis=1) <= k)


def calibration_error(posterior: Floats, truth: NDArray[Any]) -> float:
    """Expected calibration error of the most probable class in 15 equal bins."""
    confidence, right = posterior.max(axis=1), posterior.argmax(axis=1) == truth
    return binary_calibration_error(confidence, right)


def binary_calibration_error(p: Floats, truth: NDArray[np.bool_]) -> float:
    """Expected calibration error of a probability in 15 equal bins."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    return float(sum(abs(p[bins == b].mean() - truth[bins == b].mean()) * (bins == b).mean() for b in range(BINS) if (bins == b).any()))


def auroc(score: Floats, truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties counted half (Mann-Whitney)."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    _, start, counts = np.unique(ordered, return_index=True, return_counts=True)
    ranks = np.empty(len(score))
    ranks[order] = np.repeat(start + (counts + 1) / 2, counts)
    positive, negative = int(truth.sum()), int((~truth).sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative)) if positive and negative else float("nan")


def at_flag_rate(score: Floats, rate: float) -> NDArray[np.bool_]:
    """The share `rate` of cases with the highest scores; ties broken by order."""
    flagged = np.zeros(len(score), dtype=bool)
    flagged[np.argsort(-score, kind="stable")[: round(rate * len(score))]] = True
    return flagged
