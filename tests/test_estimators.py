from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from triage.learning.estimators import SoftmaxRegression, ThreeStateNaiveBayes

# No check is expected to fail; one that must would be declared here with its reason.
EXPECTED: dict[str, str] = {}


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [ThreeStateNaiveBayes(), SoftmaxRegression()],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks themselves warn about the data they make
        check(estimator)


def signed(rng: np.random.Generator, n: int) -> tuple[Any, Any]:
    y = rng.integers(0, 3, n)
    p = np.array([[0.9, 0.1, 0.2, 0.5], [0.1, 0.9, 0.2, 0.5], [0.1, 0.1, 0.8, 0.5]])[y]
    return np.where(rng.random((n, 4)) < 0.3, 0, np.where(rng.random((n, 4)) < p, 1, -1)), y


def test_naive_bayes_learns_and_order_of_features_has_no_effect() -> None:
    rng = np.random.default_rng(0)
    X, y = signed(rng, 3000)
    first = ThreeStateNaiveBayes().fit(X, y)
    turned = ThreeStateNaiveBayes().fit(X[:, ::-1], y)
    np.testing.assert_allclose(first.predict_proba(X), turned.predict_proba(X[:, ::-1]))
    assert (first.predict(X) == y).mean() > 0.7


def test_not_applicable_is_neutral() -> None:
    rng = np.random.default_rng(1)
    X, y = signed(rng, 2000)
    model = ThreeStateNaiveBayes().fit(X, y)
    row = np.array([[-2, -2, -2, -2]])
    np.testing.assert_allclose(model.predict_proba(row)[0], np.exp(model.class_log_prior_))


@pytest.mark.parametrize("learn", ["weights", "exponents"])
def test_refinement_starts_from_what_is_known_and_repeats(learn: str) -> None:
    rng = np.random.default_rng(2)
    X, y = signed(rng, 4000)
    start = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2], [0, 0, 0]], dtype=np.float32)
    model = SoftmaxRegression(start, learn=learn, epochs=4, random_state=3)
    first, again = clone(model).fit(X, y), clone(model).fit(sparse.csr_matrix(X), y)
    np.testing.assert_allclose(first.predict_proba(X), again.predict_proba(X), atol=1e-5)
    assert (first.predict(X) == y).mean() > 0.7
    if learn == "exponents":
        assert first.exponents_.shape == (4,)


def test_wrong_parameters_are_named() -> None:
    X, y = signed(np.random.default_rng(4), 50)
    with pytest.raises(ValueError, match="Invalid learn"):
        SoftmaxRegression(learn="everything").fit(X, y)
    with pytest.raises(ValueError, match="Invalid start"):
        SoftmaxRegression(np.zeros((2, 2))).fit(X, y)
