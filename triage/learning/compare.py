"""The comparators: what the usual estimators learn from the same synthetic clinics, beside the ceiling and the shipped model."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from triage.knowledge.loader import Knowledge
from triage.learning import samples
from triage.learning.estimators import ThreeStateNaiveBayes
from triage.records import ABSENT, PRESENT
from triage.world.patients import Level, Patients, concatenate, simulate

Floats = NDArray[np.float64]
SETTING = "clinic"


def features(knowledge: Knowledge, patients: Patients) -> NDArray[np.float32]:
    """A signed matrix [N, D]: findings (1 present, -1 absent, 0 unknown), one column per band of each vital sign, age band and sex."""
    signed = np.zeros(patients.codes.shape, dtype=np.float32)
    signed[patients.codes == PRESENT] = 1
    signed[patients.codes == ABSENT] = -1
    blocks = [signed]
    for column, vital in enumerate(knowledge.vitals.values()):
        blocks.append((patients.bands[:, column, None] == np.arange(vital["count"])).astype(np.float32))
    blocks.append((patients.age_band[:, None] == np.arange(knowledge.applies.shape[0])).astype(np.float32))
    blocks.append((patients.sex[:, None] == np.arange(2)).astype(np.float32))
    return np.concatenate(blocks, axis=1)


def fit_all(
    knowledge: Knowledge, level: Level, count: int, seed: int, say: Callable[[str], None]
) -> dict[str, tuple[Callable[[Patients], Floats], float, int]]:
    """Name to (function that gives P(condition), seconds of training, patients learned from).

    Each comparator learns from patients of this level of information alone, in their natural mix: generous, since the shipped model has to
    serve all levels with one table, but a mixture would teach them to read the level out of what is unknown.
    """
    drawn = simulate(knowledge, count, seed=samples.SEEDS["train"] + 9000 + seed, setting=SETTING, clinics=150, level=level)
    patients = concatenate(list(drawn))
    X, condition = features(knowledge, patients), knowledge.state_condition[patients.state].astype(np.intp)
    result: dict[str, tuple[Callable[[Patients], Floats], float, int]] = {}

    def timed(name: str, estimator: Any, labels: NDArray[Any], rows: slice = slice(None)) -> None:
        say(f"fitting {name}")
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a comparator with a fixed budget; its budget is in the table
            estimator.fit(X[rows], labels[rows])
        seconds = time.perf_counter() - began
        by_state = labels is not condition

        def posterior(new: Patients) -> Floats:
            log = np.full((len(new), knowledge.n_states if by_state else len(knowledge.conditions)), -50.0)
            with np.errstate(divide="ignore"):
                log[:, estimator.classes_] = np.maximum(np.log(estimator.predict_proba(features(knowledge, new))), -50)
            p = np.exp(log - logsumexp(log, axis=1, keepdims=True))
            return np.asarray(np.add.reduceat(p, knowledge.first_state, axis=1) if by_state else p)

        result[name] = (posterior, seconds, len(labels[rows]))

    timed("three-state naive Bayes over states", ThreeStateNaiveBayes(alpha=5.0), patients.state.astype(np.intp))
    timed("multinomial logistic regression", LogisticRegression(C=0.1, max_iter=60), condition)
    timed("MLP, 128 units", MLPClassifier(128, early_stopping=True, max_iter=12, batch_size=512, alpha=1e-4, random_state=0), condition)
    few = np.flatnonzero(np.bincount(condition, minlength=len(knowledge.conditions))[condition] > 20)
    few = few[:: max(len(few) // 10_000, 1)]
    boosting = HistGradientBoostingClassifier(max_iter=5, learning_rate=0.05, max_leaf_nodes=8, early_stopping=False, random_state=0)
    X, condition = X[few], condition[few]
    timed("gradient boosting, 5 rounds", boosting, condition)
    return result
