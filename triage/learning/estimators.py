"""Our own estimators, with the scikit-learn contract: constructors only store, fitted state ends in `_`, seeded runs repeat.

`ThreeStateNaiveBayes` reads a signed matrix: above 0.5 present, below -0.5 absent, below -1.5 not applicable, anything between unknown.
`SoftmaxRegression` is multinomial logistic regression that can start from given weights and takes a log prior per row: it refines what is
known instead of learning it anew, and the prior can be changed when serving.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

DENSE = 0.02  # share of entries that are not zero from which a batch is worth making dense

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
        checked: tuple[NDArray[Any], NDArray[Any]] = validate_data(self, X, y)
        if self.alpha <= 0:
            raise ValueError(f"Invalid alpha. Got {self.alpha!r}. Expected a number above 0.")
        self.classes_, codes = _classes(checked[1])
        order = np.argsort(codes, kind="stable")
        first = np.searchsorted(codes[order], np.arange(len(self.classes_)))
        ordered = checked[0][order]
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
    """Multinomial logistic regression by Adam over mini-batches, pulled towards where it starts.

    start : weights [features, classes] to begin from, for the classes in sorted order; zeros if None.
    learn : "weights" learns every weight; "exponents" keeps the start and learns one factor per feature, which discounts evidence that
        is correlated with other evidence (a weighted naive Bayes) with as few parameters as there are features.
    held : with "exponents", a mask of features whose factor stays 1.
    pull : strength of the quadratic pull towards the start, or towards exponents of one.
    """

    def __init__(
        self,
        start: NDArray[Any] | None = None,
        *,
        learn: str = "weights",
        held: NDArray[Any] | None = None,
        pull: float = 1e-4,
        step: float = 0.02,
        epochs: int = 30,
        batch: int = 256,
        random_state: int | None = 0,
    ) -> None:
        self.start = start
        self.learn = learn
        self.held = held
        self.pull = pull
        self.step = step
        self.epochs = epochs
        self.batch = batch
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fits by passes over shuffled mini-batches."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float32)
        self.classes_, codes = _classes(np.asarray(y))
        self._begin(X.shape[1], self.epochs * -(-X.shape[0] // self.batch))
        rng = check_random_state(self.random_state)
        for _ in range(self.epochs):
            order = rng.permutation(X.shape[0])
            for begin in range(0, len(order), self.batch):
                rows = order[begin : begin + self.batch]
                self._step(X[rows], codes[rows], 0.0)
        return self._finish()

    def fit_stream(self, batches: Iterable[tuple[Any, NDArray[np.intp], NDArray[Any]]], classes: int, total: int) -> Self:
        """Fits on a stream of (sparse rows, class numbers, log prior [n, classes]) with `total` steps, in memory of one batch."""
        self.classes_ = np.arange(classes)
        for X, codes, offset in batches:
            if not hasattr(self, "_weights"):
                self.n_features_in_ = X.shape[1]
                self._begin(X.shape[1], total)
            self._step(X, codes, offset)
        return self._finish()

    def _begin(self, features: int, total: int) -> None:
        if self.learn not in ("weights", "exponents"):
            raise ValueError(f"Invalid learn. Got {self.learn!r}. Expected 'weights' or 'exponents'.")
        shape = (features, len(self.classes_))
        start = np.zeros(shape, dtype=np.float32) if self.start is None else np.asarray(self.start, dtype=np.float32)
        if start.shape != shape:
            raise ValueError(f"Invalid start. Got shape {start.shape}. Expected {shape}.")
        self._origin = start
        self._weights = start.copy() if self.learn == "weights" else np.ones(features, dtype=np.float32)
        self._intercept = np.zeros(shape[1], dtype=np.float32)
        self._moments = [np.zeros_like(x) for x in (self._weights, self._weights, self._intercept, self._intercept)]
        self._total, self.n_iter_ = max(total, 1), 0

    def _table(self) -> NDArray[np.float32]:
        return self._weights if self.learn == "weights" else self._weights[:, None] * self._origin

    def _step(self, X: Any, codes: NDArray[np.intp], offset: NDArray[Any] | float) -> None:
        if sparse.issparse(X) and X.nnz > DENSE * X.shape[0] * X.shape[1]:
            X = X.toarray()  # fully recorded visits: a dense product is many times faster than a sparse one
        score = np.asarray(X @ self._table(), dtype=np.float32) + self._intercept + offset
        score -= score.max(axis=1, keepdims=True)
        np.exp(score, out=score)
        score /= score.sum(axis=1, keepdims=True)
        score[np.arange(len(codes)), codes] -= 1
        score /= len(codes)
        gradient = np.asarray(X.T @ score)
        if self.learn == "weights":
            gradient += np.float32(self.pull) * (self._weights - self._origin)
        else:
            gradient = (gradient * self._origin).sum(axis=1) + np.float32(self.pull) * (self._weights - 1)
            if self.held is not None:
                gradient[self.held] = 0
        self.n_iter_ += 1
        rate = self.step * 0.5 * (1 + np.cos(np.pi * min(self.n_iter_ / self._total, 1.0)))
        _adam(self._weights, gradient, self._moments[0], self._moments[1], self.n_iter_, rate)
        if self.learn == "weights":
            _adam(self._intercept, score.sum(axis=0), self._moments[2], self._moments[3], self.n_iter_, rate)

    def _finish(self) -> Self:
        self.coef_, self.intercept_ = self._table(), self._intercept
        if self.learn == "exponents":
            self.exponents_ = self._weights
        del self._weights, self._intercept, self._moments, self._origin, self._total
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
