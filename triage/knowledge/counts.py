"""Counts from real visits laid over the condition files, and the rule for who wins.

`counts/*.toml` are written by `triage count` and never edited. The rule, number by number:

- a published number in a file stays: it says what patients *have*, a count says what was written down;
- an estimate yields to a count of 30 or more patients and shrinks towards it: (k + 20 * estimate) / (n + 20); the rate of visits, which no
  one here could estimate better, from 10 visits and as it is;
- an estimate far below the finding's background is a stated absence and part of what the condition is; it stays;
- `not_counted` in a condition file keeps an estimate and says why;
- a finding that the file does not name is added when it is mentioned much more often than its background explains.

A mention becomes a frequency through `noted`, how completely staff write a finding down when it is there: P(present) = P(mentioned) / noted.
What is noted rarely says little, and it differs from condition to condition, so a count of mentions stands for n * noted patients, 40 at
most, and moves the odds of an estimate by a factor of three at most; findings that are hardly ever noted are not counted at all. The count is the mean over all states of a condition: the
numbers of the condition and of its presentations and severities all move by the same log-odds until that mean comes out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from triage.knowledge import schema
from triage.knowledge.parsing import read_toml
from triage.knowledge.quantities import SHRINKAGE, Number, changed, expit, logit
from triage.knowledge.schema import Condition, Finding, Part
from triage.records import AGE_BANDS

SETTING = "emergency"
ENOUGH = 30  # patients a count needs to win
FEW_VISITS = 10  # visits from which a share of all visits is better counted than guessed
ENOUGH_AGES = 60
CALIBRATES = (60, 0.12)  # patients and frequency from which a condition says how completely a finding is noted
MOST = 300  # patients that one condition counts for in it
FEW_CONDITIONS = 3  # conditions that have to say so
HARDLY_NOTED = 0.1  # findings noted less completely than this are not counted
STANDS_FOR = 40.0  # patients that a count of mentions stands for at most
FURTHEST = math.log(3)  # how far a count of mentions moves the log-odds of an estimate at most
STATED_ABSENCE = 0.5  # an estimate below this multiple of the background
ADDED = (8, 3.0, 0.04)  # mentions, multiple of the background and frequency from which a finding is added to a condition
LIMITS = (0.002, 0.97)


def read(root: Path, problems: list[str]) -> dict[str, Any]:
    """The counts below `root`, by source; empty where there are none."""
    result: dict[str, Any] = {}
    for path in sorted(root.glob("counts/*.toml")):
        if path.stem != "reasons":
            table = read_toml(path, f"counts/{path.name}", problems)
            if table:
                result[str(table.get("source", path.stem))] = table
    return result


def state_shares(one: Condition) -> list[tuple[float, Part, Part]]:
    """(share in emergency departments, presentation, severity) of the states of a condition, averaged over its ages."""
    ages = [value + 1e-9 for value in one.age]
    total = sum(ages)
    return [
        (sum(a * p.share[SETTING][band] * s.share[SETTING][band] for band, a in enumerate(ages)) / total, p, s)
        for p in one.presentations
        for s in one.severities
    ]


def mean_frequency(one: Condition, finding: Finding, shift: float = 0.0, states: Sequence[tuple[float, Part, Part]] = ()) -> float:
    """The mean over its states of a finding's frequency, with its estimates moved by `shift` log-odds; `states` saves finding them anew."""
    number = one.findings.get(finding.id)
    own = logit(finding.background) + shift if number is None else logit(_moved(number, finding, shift))
    total = 0.0
    for share, presentation, severity in states or state_shares(one):
        changes = [_moved(part.findings[finding.id], finding, shift) for part in (presentation, severity) if finding.id in part.findings]
        total += share * expit(changed(own, changes))
    return total


def _moved(number: Number, finding: Finding, shift: float) -> float:
    """A number moved by `shift` log-odds, within the limits, if it is an estimate and no stated absence."""
    if number.source != "estimate" or number.value <= STATED_ABSENCE * finding.background or not shift:
        return number.value
    return min(max(expit(logit(number.value) + shift), min(LIMITS[0], number.value)), max(LIMITS[1], number.value))


def shift_for(one: Condition, finding: Finding, mean: float, states: Sequence[tuple[float, Part, Part]] = ()) -> float:
    """The log-odds, within FURTHEST, by which all its numbers have to move for a finding's mean over the states to come out."""
    low, high = -FURTHEST, FURTHEST
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if mean_frequency(one, finding, middle, states) < mean else (low, middle)
    return (low + high) / 2


def mention_share(entry: Mapping[str, Any], finding: Finding) -> tuple[int, int]:
    """(k, n): mentions, of all patients or, for a finding that refines another, of those with the other mentioned."""
    mentions = entry.get("mentions", {})
    k = int(mentions.get(finding.id, 0))
    n = int(mentions.get(finding.parent, 0)) if finding.parent else int(entry["visits"])
    return min(k, n), n


def noted(conditions: Sequence[Condition], findings: Sequence[Finding], counted: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How completely a finding is noted when it is there: mentions over those expected, for findings that enough conditions have."""
    enough, frequent = CALIBRATES
    seen: dict[str, list[tuple[float, float]]] = {}  # (mentions, mentions if everything were noted), a condition counting for MOST at most
    for one in conditions:
        states = state_shares(one)
        for finding in findings if one.id in counted else ():
            k, n = mention_share(counted[one.id], finding)
            if n >= enough and finding.id in one.findings:
                p = mean_frequency(one, finding, states=states)
                if p >= frequent:
                    weight = min(n, MOST) / n
                    seen.setdefault(finding.id, []).append((weight * k, weight * n * p))
    return {
        name: round(min(max(sum(k for k, _ in pairs) / sum(e for _, e in pairs), 0.02), 1.0), 3)
        for name, pairs in sorted(seen.items())
        if len(pairs) >= FEW_CONDITIONS
    }


def overlay(one: Condition, table: Mapping[str, Any], source: str, findings: Sequence[Finding]) -> Condition:
    """A condition with the counts of one survey laid over it."""
    entry = table.get("conditions", {}).get(one.id)
    if entry is None:
        return one
    changes: dict[str, Any] = {}
    visits = int(entry["visits"])
    kept = one.not_counted
    if visits >= FEW_VISITS and "emergency" not in kept and (one.rate[SETTING].source == "estimate" or one.rate[SETTING].source == source):
        changes["rate"] = one.rate | {
            SETTING: Number(float(entry["per_10000"]), source, int(table["visits"]), visits, one.rate[SETTING].value)
        }
    if visits >= ENOUGH and "female" not in kept and one.female.source == "estimate" and 0 < one.female.value < 1:
        changes["female"] = _counted(int(entry["women"]), visits, one.female.value, source)
    if visits >= ENOUGH_AGES and "age" not in kept and one.age_source in ("estimate", source):
        # Shrunk towards the file's ages as if it had seen twenty patients; a band the file excludes stays empty.
        counted, mean = sum(entry["age"]) / len(AGE_BANDS) or 1.0, sum(one.age) / len(AGE_BANDS) or 1.0
        mixed = [
            (visits * float(c) / counted + SHRINKAGE * a / mean) / (visits + SHRINKAGE) if a > 0 else 0.0
            for c, a in zip(entry["age"], one.age, strict=True)
        ]
        if sum(mixed) > 0:
            changes["age"], changes["age_source"] = tuple(mixed), source
    changes |= _findings(one, entry, table.get("noted", {}), source, findings)
    if "vitals" not in kept:
        changes["vitals"] = one.vitals | _vitals(one.vitals, entry.get("all", {}), source, add=True)
        told = {vital for part in one.presentations for vital in part.vitals}
        told |= {vital for vital, numbers in one.vitals.items() if numbers[0].source not in ("estimate", source)}
        changes["severities"] = tuple(_severity(part, entry, source, told) for part in changes["severities"])
    return replace(one, **changes)


def _counted(k: int, n: int, estimate: float, source: str) -> Number:
    return Number((k + SHRINKAGE * estimate) / (n + SHRINKAGE), source, n, k, estimate)


def _findings(
    one: Condition, entry: Mapping[str, Any], completeness: Mapping[str, float], source: str, findings: Sequence[Finding]
) -> dict[str, Any]:
    """The findings, presentations and severities of a condition with the counts of mentions laid over them."""
    numbers, shifts = dict(one.findings), dict[str, float]()
    fewest, multiple, frequent = ADDED
    states = state_shares(one)
    for finding in findings:
        noted_share = completeness.get(finding.id, 0.0)
        k, n = mention_share(entry, finding)
        number = one.findings.get(finding.id)
        if noted_share < HARDLY_NOTED or n < ENOUGH or finding.id in one.not_counted or (number and number.source != "estimate"):
            continue
        counted = min(k / n / noted_share, LIMITS[1])
        worth = min(n * noted_share, STANDS_FOR)
        estimate = mean_frequency(one, finding, states=states)
        mean = (worth * counted + SHRINKAGE * estimate) / (worth + SHRINKAGE)
        if number is None:
            if k < fewest or mean < frequent or mean < multiple * finding.background or (finding.parent and finding.parent not in numbers):
                continue
            if not _possible(one, finding):
                continue
            numbers[finding.id] = Number(mean, source, n, k, finding.background, worth)
        elif number.value > STATED_ABSENCE * finding.background:
            shifts[finding.id] = shift_for(one, finding, mean, states)
            numbers[finding.id] = Number(_moved(number, finding, shifts[finding.id]), source, n, k, number.value, worth)
    return {
        "findings": _exclusive(numbers, findings, {name for name in numbers if numbers[name] is not one.findings.get(name)}),
        "presentations": tuple(_shifted(part, shifts, findings) for part in one.presentations),
        "severities": tuple(_shifted(part, shifts, findings) for part in one.severities),
    }


def _possible(one: Condition, finding: Finding) -> bool:
    """Whether a finding can occur in anyone who has the condition."""
    people = [[rate > 0 and share > 0 for share in (one.female.value, 1 - one.female.value)] for rate in one.age]
    return any(can and here for row, who in zip(schema.applies(finding), people, strict=True) for can, here in zip(row, who, strict=True))


def _shifted(part: Part, shifts: Mapping[str, float], findings: Sequence[Finding]) -> Part:
    """A presentation or severity with the estimates of its findings moved as the condition's were."""
    by_id = {finding.id: finding for finding in findings if finding.id in shifts}
    moved = {
        name: replace(number, value=_moved(number, by_id[name], shifts[name])) if name in by_id else number
        for name, number in part.findings.items()
    }
    return replace(part, findings=_exclusive(moved, findings, {name for name in moved if moved[name].value != part.findings[name].value}))


def _exclusive(numbers: dict[str, Number], findings: Sequence[Finding], touched: set[str]) -> dict[str, Number]:
    """Findings of one group sum to at most 0.98: those that a count has touched give way in proportion, the others stay."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        if finding.group and finding.id in numbers:
            groups.setdefault(finding.group, []).append(finding.id)
    for members in groups.values():
        giving = [name for name in members if name in touched]
        taken, given = sum(numbers[name].value for name in members if name not in touched), sum(numbers[name].value for name in giving)
        if giving and taken + given > 0.98:
            for name in giving:
                numbers[name] = replace(numbers[name], value=max(numbers[name].value * (0.98 - taken) / given, 0.001))
    return numbers


def _vitals(
    own: Mapping[str, tuple[Number, ...]], counted: Mapping[str, Any], source: str, *, add: bool = False
) -> dict[str, tuple[Number, ...]]:
    """Counted vital signs that win: over an estimate, or (with `add`) where the file says nothing."""
    result = {}
    for vital, (mean, sd, n) in counted.items():
        before = own.get(vital)
        if n < ENOUGH or (before is None and not add) or (before is not None and before[0].source != "estimate"):
            continue
        weight = SHRINKAGE if before else 0.0
        result[vital] = tuple(
            Number((n * value + weight * (old.value if old else 0.0)) / (n + weight), source, int(n), 0, old.value if old else None)
            for value, old in zip((float(mean), max(float(sd), 0.2)), before or (None, None), strict=True)
        )
    return result


def _severity(part: Part, entry: Mapping[str, Any], source: str, told: set[str]) -> Part:
    """A mild severity takes the vital signs of those sent home; one that needs a hospital the same day those of the admitted, where the
    file says nothing. Severe ones keep the file's: they are defined by their vital signs, and an American admission is not. What a
    presentation or a source says of a vital sign (`told`) stays, since a severity would hide it."""
    if part.acuity <= 2:
        return part
    counted = entry.get("home", {}) if part.acuity >= 4 else {v: x for v, x in entry.get("admitted", {}).items() if v not in part.vitals}
    counted = {vital: three for vital, three in counted.items() if vital in part.vitals or vital not in told}
    return replace(part, vitals=part.vitals | _vitals(part.vitals, counted, source, add=True))
