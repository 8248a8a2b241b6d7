"""Red flags evaluated on arrays: rules on findings, vital signs, age and sex that raise acuity whatever the model says.

A rule has no way to ask for the absence of anything, so another finding or a worse vital sign can never clear it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge
from triage.records import AGE_BANDS, PRESENT, SEXES, Acuity

Bools = NDArray[np.bool_]
# What each level of consciousness (ACVPU) implies.
ALTERED = {"C": "confusion", "V": "drowsiness", "P": "drowsiness", "U": "unresponsive"}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Given:
    """What rules look at: codes [N, F] (or a mask of present findings), age in years [N] (NaN unknown), sex [N] (-1 unknown), measured values."""

    present: Bools
    age: NDArray[np.float64]
    sex: NDArray[np.int8]
    vitals: Mapping[str, NDArray[np.float64]]  # NaN where not measured
    consciousness: NDArray[np.str_]  # A C V P U, or "" where not assessed

    def __len__(self) -> int:
        return len(self.age)


def present_mask(knowledge: Knowledge, codes: NDArray[np.int8]) -> Bools:
    """Which findings are present [N, F]; a refinement makes its parent present."""
    mask = codes == PRESENT
    children = np.flatnonzero(knowledge.parent >= 0)
    for child in children[mask[:, children].any(axis=0)]:
        mask[:, knowledge.parent[child]] |= mask[:, child]
    return np.asarray(mask)


def scaled(knowledge: Knowledge, name: str, values: NDArray[np.float64], band: NDArray[np.int8]) -> NDArray[np.float64]:
    """A vital sign divided by the normal for age, in adult units; an unknown age (band -1) counts as adult."""
    adult = AGE_BANDS.index("30-44")
    return values * knowledge.normal(name, np.where(band < 0, adult, band).astype(np.intp))


def implied(
    knowledge: Knowledge,
    present: Bools,
    measured: Mapping[str, NDArray[np.float64]],
    consciousness: NDArray[np.str_],
    band: NDArray[np.int8],
) -> Bools:
    """What rules may count as present [N, F]: all that was reported, and what the measurements imply."""
    mask = present.copy()
    for name, vital in knowledge.vitals.items():
        for finding, (low, high) in vital.get("implies", {}).items():
            values = scaled(knowledge, name, measured[name], band)
            with np.errstate(invalid="ignore"):
                mask[:, knowledge.finding_index[finding]] |= (values >= low) & (values <= high)
    for letter, finding in ALTERED.items():
        mask[:, knowledge.finding_index[finding]] |= consciousness == letter
    return mask


def fires(rule: Mapping[str, Any], given: Given, index: Mapping[str, int]) -> Bools:
    """Where one rule fires [N]. An unknown age or sex, or a vital sign that was not measured, does not fire."""
    hit = np.ones(len(given), dtype=bool)
    for finding in rule.get("all", ()):
        hit &= given.present[:, index[finding]]
    for group in rule.get("any", ()):
        hit &= given.present[:, [index[finding] for finding in group]].any(axis=1)
    if not hit.any():
        return hit
    if "age" in rule:
        low, high = rule["age"]
        hit &= (given.age >= low) & (given.age < high)
    if "sex" in rule:
        hit &= given.sex == SEXES.index(rule["sex"])
    for test in rule.get("vitals", ()):
        hit &= _compare(test, given)
    if rule.get("any_vitals"):
        hit &= np.any([_compare(test, given) for test in rule["any_vitals"]], axis=0)
    if "consciousness" in rule:
        hit &= np.isin(given.consciousness, rule["consciousness"])
    return hit


def _compare(test: Sequence[Any], given: Given) -> Bools:
    name, sign, limit = test
    with np.errstate(invalid="ignore"):
        return np.asarray(COMPARE[sign](given.vitals[name], limit), dtype=bool)  # NaN compares false


def evaluate(knowledge: Knowledge, given: Given) -> Bools:
    """Which rules fire [N, rules], in the order of the knowledge."""
    rules = knowledge.manifest["red_flags"]
    result = np.zeros((len(given), len(rules)), dtype=bool)
    for column, rule in enumerate(rules.values()):
        result[:, column] = fires(rule, given, knowledge.finding_index)
    return result


def acuities(knowledge: Knowledge) -> NDArray[np.int8]:
    """The acuity each rule raises to [rules]."""
    return np.array([Acuity(rule["acuity"]) for rule in knowledge.manifest["red_flags"].values()], dtype=np.int8)


def reasons(rule: Mapping[str, Any], given: Given, i: int, index: Mapping[str, int]) -> tuple[str, ...]:
    """The ids of the findings and measured signs that made a rule fire for patient `i`."""
    wanted = [*rule.get("all", ()), *(finding for group in rule.get("any", ()) for finding in group)]
    seen = [finding for finding in wanted if given.present[i, index[finding]]]
    tests = [test[0] for test in (*rule.get("vitals", ()), *rule.get("any_vitals", ())) if _compare(test, given)[i]]
    return tuple(dict.fromkeys((*seen, *tests, *(("consciousness",) if "consciousness" in rule else ()))))
