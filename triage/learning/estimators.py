"""Our own estimators, with the scikit-learn contract: constructors only store, fitted state ends in `_`, seeded runs repeat.

`ThreeStateNaiveBayes` reads a signed matrix: above 0.5 present, below -0.5 absent, below -1.5 not applicable, anything between unknown.
`SoftmaxRegression` is multinomial logistic regression that starts from given weights, is pulled back towards them, and takes a log prior per
row (`offset`): it refines what is known instead of learning it anew, and the prior can be changed when serving.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

Floats = NDArray[np.float64]


def _classes(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"Invalid y. Got {len(classes)} class. Expected at least 2 classes.")
    return classes, codes


class _LogLikelihood(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Template over one method `_joint_log_likelihood`, as in scikit-learn's naive Bayes."""

    classes_: NDArray[Any]

    def _joint_log_likelihood(self, X: Any) -> Floats:
        raise NotImplementedError

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """The log of P(class | row) [n, classes]."""
        check_is_fitted(self)
        return np.asarray(log_softmax(self._joint_log_likelihood(self._checked(X)), axis=1))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """P(class | row) [n, classes]."""
        return np.exp(self.predict_log_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row [n]; ties go to the first."""
        check_is_fitted(self)
        return np.asarray(self.classes_[self._joint_log_likelihood(self._checked(X)).argmax(axis=1)])

    def _checked(self, X: ArrayLike) -> Any:
        return validate_data(self, X, reset=False, accept_sparse="csr")


class ThreeStateNaiveBayes(_LogLikelihood):
    """Naive Bayes in which every finding is present, absent or unknown, and unknown is a value of its own.

    alpha : pseudo-patients spread over the three values in the proportions of the whole sample.
    """

    def __init__(self, alpha: float = 2.0) -> None:
        self.alpha = alpha

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Counts each value of each column by class."""
        X, y = validate_data(self, X, y)
        if self.alpha <= 0:
            raise ValueError(f"Invalid alpha. Got {self.alpha!r}. Expected a number above 0.")
        self.classes_, codes = _classes(y)
        order = np.argsort(codes, kind="stable")
        first = np.searchsorted(codes[order], np.arange(len(self.classes_)))
        ordered = X[order]
        counts = np.stack([np.add.reduceat(mask, first, axis=0, dtype=np.int64) for mask in _three(ordered)]).astype(float)
        overall = counts.sum(axis=1, keepdims=True) + 1.0
        share = overall / overall.sum(axis=0, keepdims=True)
        smoothed = counts + self.alpha * share
        self.feature_log_prob_ = np.log(smoothed) - np.log(smoothed.sum(axis=0, keepdims=True))
        self.class_log_prior_ = np.log(np.bincount(codes) / len(codes))
        return self

    def _joint_log_likelihood(self, X: NDArray[Any]) -> Floats:
        unknown, present, absent = (mask.astype(np.float64) for mask in _three(X))
        tables = self.feature_log_prob_
        return np.asarray(unknown @ tables[0].T + present @ tables[1].T + absent @ tables[2].T + self.class_log_prior_)


def _three(X: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    return (X <= 0.5) & (X >= -0.5), X > 0.5, (X < -0.5) & (X >= -1.5)


class SoftmaxRegression(_LogLikelihood):
    """Multinomial logistic regression by Adam over mini-batches, pulled towards `start` (zeros if None) with strength `pull`.

    start : weights [features, classes] to begin from, for the classes in sorted order.
    intercept : whether a constant per class is learned.
    """

    def __init__(
        self,
        start: NDArray[Any] | None = None,
        *,
        intercept: bool = True,
        pull: float = 1e-4,
        step: float = 0.02,
        epochs: int = 30,
        batch: int = 256,
        random_state: int | None = 0,
    ) -> None:
        self.start = start
        self.intercept = intercept
        self.pull = pull
        self.step = step
        self.epochs = epochs
        self.batch = batch
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(
        self, X: Any, y: ArrayLike, offset: NDArray[Any] | None = None, on_batch: Callable[[], None] | None = None, classes: Any = None
    ) -> Self:
        """Fits by passes over shuffled mini-batches; `offset` [n, classes] is a fixed log prior per row, `classes` names them all."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        if classes is None:
            self.classes_, codes = _classes(np.asarray(y))
        else:
            self.classes_ = np.asarray(classes)
            codes = np.searchsorted(self.classes_, y)
        shape = (X.shape[1], len(self.classes_))
        start = np.zeros(shape, dtype=np.float32) if self.start is None else np.asarray(self.start, dtype=np.float32)
        if start.shape != shape:
            raise ValueError(f"Invalid start. Got shape {start.shape}. Expected {shape}.")
        weights, intercept = start.copy(), np.zeros(shape[1], dtype=np.float32)
        moments = [np.zeros_like(weights), np.zeros_like(weights), np.zeros_like(intercept), np.zeros_like(intercept)]
        rng = check_random_state(self.random_state)
        steps = 0
        total = self.epochs * -(-X.shape[0] // self.batch)
        for _ in range(self.epochs):
            order = rng.permutation(X.shape[0])
            for begin in range(0, len(order), self.batch):
                rows = order[begin : begin + self.batch]
                part = X[rows]
                score = np.asarray(part @ weights) + intercept
                if offset is not None:
                    score += offset[rows]
                score -= score.max(axis=1, keepdims=True)
                np.exp(score, out=score)
                score /= score.sum(axis=1, keepdims=True)
                score[np.arange(len(rows)), codes[rows]] -= 1
                score /= len(rows)
                steps += 1
                rate = self.step * 0.5 * (1 + np.cos(np.pi * steps / total))
                gradient = np.asarray(part.T @ score) + np.float32(self.pull) * (weights - start)
                _adam(weights, gradient, moments[0], moments[1], steps, rate)
                if self.intercept:
                    _adam(intercept, score.sum(axis=0), moments[2], moments[3], steps, rate)
                if on_batch is not None:
                    on_batch()
        self.coef_, self.intercept_ = weights, intercept
        self.n_iter_ = steps
        return self

    def _joint_log_likelihood(self, X: Any) -> Floats:
        return np.asarray(X @ self.coef_ + self.intercept_, dtype=np.float64)


def _adam(
    weights: NDArray[np.float32], gradient: NDArray[Any], mean: NDArray[np.float32], square: NDArray[np.float32], steps: int, rate: float
) -> None:
    """One Adam step in place (Kingma and Ba 2015, with its usual constants)."""
    mean += 0.1 * (gradient - mean)
    square += 0.001 * (gradient * gradient - square)
    size = rate * np.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
    weights -= (size * mean / (np.sqrt(square) + 1e-8)).astype(np.float32)


def sparse_rows(bounds: NDArray[np.intp], rows: NDArray[np.intp], factors: NDArray[np.float32], width: int) -> sparse.csr_matrix:
    """The encoding of `diagnosis.encoding.encode` as a sparse matrix [N, width]."""
    matrix = sparse.csr_matrix((factors, rows.astype(np.int32), bounds.astype(np.int32)), shape=(len(bounds) - 1, width))
    matrix.sum_duplicates()
    return matrix
