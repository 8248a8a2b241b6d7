"""Counts from real visits laid over the condition files, and the rule for who wins.

`counts/*.toml` are written by `triage count` and never edited. The rule, number by number:

- a published number in a file stays: it says what patients *have*, a count says what was written down;
- an estimate yields to a count of 30 or more patients, towards which it shrinks: (k + 20 * estimate) / (n + 20);
- `not_counted` in a condition file keeps an estimate and says why;
- a finding that the file does not name is added when it is mentioned much more often than its background explains.

A mention becomes a frequency through `noted`, how completely staff write a finding down when it is there: P(present) = P(mentioned) / noted.
The file's number for a finding belongs to the states that no presentation or severity changes; the count is the mean over all states, so the
number is set to make that mean come out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.knowledge import schema
from triage.knowledge.schema import SHRINKAGE, Condition, Finding, Number, Part
from triage.records import AGE_BANDS

if TYPE_CHECKING:
    from triage.knowledge.corpus import Corpus

SETTING = "emergency"
ENOUGH = 30  # patients a count needs to win
FEW_VISITS = 10  # visits from which a share of all visits is better counted than guessed
ENOUGH_AGES = 60
CALIBRATES = (100, 0.08)  # patients and frequency from which a condition says how completely a finding is noted
FEW_CONDITIONS = 3
HARDLY_NOTED = 0.12  # findings noted less completely than this are not counted
ADDED = (8, 3.0)  # mentions, and multiple of the background, from which a finding is added to a condition
PLAIN = 0.02  # a finding less frequent than this is not worth adding
LIMITS = (0.004, 0.97)


def read(root: Path, problems: list[str]) -> dict[str, Any]:
    """The counts below `root`, by source; empty where there are none."""
    result: dict[str, Any] = {}
    for path in sorted(root.glob("counts/*.toml")):
        if path.stem != "reasons":
            table = schema.read_toml(path, f"counts/{path.name}", problems)
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


def mean_frequency(one: Condition, finding: Finding, base: float | None = None) -> float:
    """The mean over its states of a finding's frequency; `base` replaces the file's number for states that nothing changes."""
    number = one.findings.get(finding.id)
    own = number.value if number else finding.background
    total = 0.0
    for share, presentation, severity in state_shares(one):
        changes = [part.findings[finding.id].value for part in (presentation, severity) if finding.id in part.findings]
        if not changes:
            total += share * (own if base is None else base)
        else:
            total += share * _expit(sum(_logit(value) for value in changes) - (len(changes) - 1) * _logit(own))
    return total


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def base_for(one: Condition, finding: Finding, mean: float) -> float:
    """The number of the unchanged states that makes the mean over all states come out, as far as it can."""
    low, high = LIMITS
    fixed = mean_frequency(one, finding, 0.0)
    free = mean_frequency(one, finding, 1.0) - fixed
    return low if free < 1e-9 else min(max((mean - fixed) / free, low), high)


def mention_share(entry: Mapping[str, Any], finding: Finding) -> tuple[int, int]:
    """(k, n): mentions, of all patients or, for a finding that refines another, of those with the other mentioned."""
    k = int(entry["mentions"].get(finding.id, 0))
    n = int(entry["mentions"].get(finding.parent, 0)) if finding.parent else int(entry["visits"])
    return min(k, n), n


def noted(corpus: Corpus, conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """How completely each counted finding is noted when it is there: a median over conditions; by kind where too few tell."""
    own: dict[str, list[float]] = {}
    enough, frequent = CALIBRATES
    for one in corpus.conditions:
        for finding in corpus.findings if one.id in conditions else ():
            k, n = mention_share(conditions[one.id], finding)
            if k and n >= enough and finding.id in one.findings:
                p = mean_frequency(one, finding)
                if p >= frequent:
                    own.setdefault(finding.id, []).append(k / n / p)
    kinds = {finding.id: finding.kind for finding in corpus.findings}
    pooled: dict[str, list[float]] = {}
    for name, ratios in own.items():
        pooled.setdefault(kinds[name], []).extend(ratios)
    everything = [ratio for ratios in own.values() for ratio in ratios] or [0.5]
    seen = {name for entry in conditions.values() for name in entry["mentions"]}
    result = {}
    for name in sorted(seen & kinds.keys()):
        ratios = own.get(name, [])
        if len(ratios) < FEW_CONDITIONS:
            ratios = pooled.get(kinds[name], everything)
        result[name] = round(min(max(_median(ratios), 0.02), 1.0), 3)
    return result


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


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
        mean = sum(one.age) / len(one.age) or 1.0
        mixed = [
            (visits * float(c) + SHRINKAGE * a / mean) / (visits + SHRINKAGE) if a > 0 else 0.0
            for c, a in zip(entry["age"], one.age, strict=True)
        ]
        if sum(mixed) > 0 and len(mixed) == len(AGE_BANDS):
            changes["age"], changes["age_source"] = tuple(mixed), source
    changes["findings"] = _findings(one, entry, table["noted"], source, findings)
    if "vitals" not in kept:
        changes["vitals"] = one.vitals | _vitals(one.vitals, entry.get("all", {}), source, add=True)
        changes["severities"] = tuple(_severity(part, entry, source) for part in one.severities)
    return replace(one, **changes)


def _counted(k: int, n: int, estimate: float, source: str) -> Number:
    return Number((k + SHRINKAGE * estimate) / (n + SHRINKAGE), source, n, k, estimate)


def _findings(
    one: Condition, entry: Mapping[str, Any], completeness: Mapping[str, float], source: str, findings: Sequence[Finding]
) -> dict[str, Number]:
    result = dict(one.findings)
    fewest, multiple = ADDED
    for finding in findings:
        share = completeness.get(finding.id, 0.0)
        k, n = mention_share(entry, finding)
        number = one.findings.get(finding.id)
        if share < HARDLY_NOTED or n < ENOUGH or finding.id in one.not_counted or (number and number.source != "estimate"):
            continue
        estimate = mean_frequency(one, finding)
        p = min((k + SHRINKAGE * share * estimate) / (n + SHRINKAGE) / share, LIMITS[1])
        if number is None and not (k >= fewest and p >= PLAIN and p >= multiple * finding.background):
            continue
        if finding.parent and finding.parent not in result:
            continue
        result[finding.id] = Number(base_for(one, finding, p), source, n, k, number.value if number else finding.background)
    return _exclusive(result, one, findings)


def _exclusive(numbers: dict[str, Number], one: Condition, findings: Sequence[Finding]) -> dict[str, Number]:
    """Findings of one group sum to at most 0.98: counted ones give way in proportion."""
    groups: dict[str, list[str]] = {}
    for finding in findings:
        if finding.group and finding.id in numbers:
            groups.setdefault(finding.group, []).append(finding.id)
    for members in groups.values():
        total = sum(numbers[name].value for name in members)
        if total > 0.98:
            for name in members:
                numbers[name] = replace(numbers[name], value=numbers[name].value * 0.98 / total)
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


def _severity(part: Part, entry: Mapping[str, Any], source: str) -> Part:
    """A mild severity takes the vital signs of those sent home. Severe ones keep the file's: they are defined by their vital signs,
    and an American admission is not."""
    return replace(part, vitals=part.vitals | _vitals(part.vitals, entry.get("home", {}), source)) if part.acuity >= 4 else part
