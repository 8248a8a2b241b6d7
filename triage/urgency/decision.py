"""From a posterior over states to an acuity: minimum expected loss, then must-not-miss conditions and rules, which only raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge

Floats = NDArray[np.float64]


def acuity_probabilities(knowledge: Knowledge, states: Floats) -> Floats:
    """P(acuity 1 to 5) [N, 5] from P(state) [N, S]."""
    order = np.stack([knowledge.acuity == level for level in range(1, 6)], axis=1).astype(float)
    # Summed in state order for each row alone, so that neither chunk nor worker can change the result.
    return np.stack([(states * order[:, level]).sum(axis=1) for level in range(5)], axis=1)


def loss_table(knowledge: Knowledge, setting: str) -> Floats:
    """The loss [true acuity, given acuity] of a setting."""
    return np.array(knowledge.manifest["decision"][setting]["loss"], dtype=float)


def least_loss(probabilities: Floats, loss: Floats) -> NDArray[np.int8]:
    """The acuity of least expected loss [N]; ties go to the more urgent."""
    expected = np.zeros((len(probabilities), 5))
    for true in range(5):
        expected += probabilities[:, true, None] * loss[true]
    return np.asarray(expected.argmin(axis=1) + 1, dtype=np.int8)


def serious_posterior(knowledge: Knowledge, states: Floats) -> Floats:
    """P(a must-not-miss condition in a state at least as urgent as its `at_least`) [N, C]; 0 for other conditions.

    The mild states of a must-not-miss condition (a pneumonia that can be treated at home) are no reason to escalate.
    """
    limit = knowledge.at_least[knowledge.state_condition]
    serious = knowledge.acuity <= limit
    return np.asarray(np.add.reduceat(states * serious, knowledge.first_state, axis=1))


def escalate_threshold(loss: Floats, level: int) -> float:
    """The probability from which missing a condition that needs acuity `level` costs more than sending a patient of acuity 4 on."""
    alarm, miss = float(loss[3, level - 1]), float(loss[level - 1, 3])
    return alarm / (alarm + miss)


def decide(
    knowledge: Knowledge,
    states: Floats,
    serious: Floats,
    syndromes: Mapping[str, Floats],
    rule_acuity: NDArray[np.int8],
    thresholds: dict[str, NDArray[Any]],
    setting: str,
) -> NDArray[np.int8]:
    """The acuity of each patient [N]: least expected loss, raised to `at_least` where a must-not-miss condition or syndrome passes its
    `escalate` threshold, and raised to `rule_acuity` [N] (5 where no rule fired)."""
    acuity = least_loss(acuity_probabilities(knowledge, states), loss_table(knowledge, setting))
    for condition in np.flatnonzero(knowledge.at_least > 0):
        passed = serious[:, condition] >= thresholds["escalate"][condition]
        acuity[passed] = np.minimum(acuity[passed], knowledge.at_least[condition])
    for name, entry in knowledge.manifest["decision"]["syndromes"].items():
        if name in syndromes:
            level = int(entry["at_least"])
            passed = syndromes[name] >= escalate_threshold(loss_table(knowledge, setting), level)
            acuity[passed] = np.minimum(acuity[passed], level)
    return np.asarray(np.minimum(acuity, rule_acuity), dtype=np.int8)


def emergency_probability(states: Floats, knowledge: Knowledge, fired: NDArray[np.bool_], ppv: Floats) -> Floats:
    """P(acuity 1 or 2) [N], raised by each rule that fired to that rule's positive predictive value in the setting."""
    p = (states * (knowledge.acuity <= 2)).sum(axis=1)
    if fired.shape[1]:
        p = np.maximum(p, np.where(fired, ppv, 0.0).max(axis=1))
    return np.asarray(p)
