"""Counts from real emergency visits for the knowledge: `triage count`, reproducible to the byte.

What is counted for each condition, from visits whose ICD-10 codes map to it (`knowledge.icd10`): visits and their share, women, ages, what
staff wrote down as reasons for the visit, and vital signs by outcome, against those of all visits that were sent home. An acute condition
counts from any diagnosis that is not only probable, a chronic one from the first diagnosis alone, since old age collects codes. A first
diagnosis that belongs to no condition counts for `other`. A visit whose codes map to several conditions is shared among them as the knowledge
expects at that age and sex; in the shares of visits each visit counts once, split over its diagnoses.

Reasons are *mentions* by staff, up to five a visit: never P(present). How completely a finding is noted is estimated for each finding as the
mentions counted over those the knowledge expects, over all conditions with enough visits (`knowledge.counts.noted`).
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from triage.errors import UsageError
from triage.importers.nhamcs import RealVisit, read
from triage.knowledge import counts
from triage.knowledge.corpus import HERE, Corpus
from triage.knowledge.icd10 import CodeMap, plain
from triage.knowledge.schema import Condition
from triage.records import AGE_BANDS, age_band

SOURCE = "nhamcs-ed-2016-2018"
YEARS = (2016, 2017, 2018)
FEWEST_VISITS = 5.0  # conditions with fewer are left out
FEWEST_MENTIONS = 0.5
VITAL_SIGNS = ("temperature", "heart_rate", "respiratory_rate", "systolic_bp", "spo2", "pain_score")
INJURY = "injury"  # the folder of conditions whose visits are for an injury
GROUPS = ("all", "home", "admitted")


@dataclass(slots=True)
class Tally:
    """What has been counted of one condition."""

    visits: float = 0.0
    share: float = 0.0  # national weight
    women: float = 0.0
    ages: list[float] = field(default_factory=lambda: [0.0] * len(AGE_BANDS))
    mentions: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    vitals: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))  # (value, weight)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Findings by code of a reason for visit; a reason that names a disease, an examination or a procedure has none."""

    findings: Mapping[str, list[str]]
    after_injury: Mapping[str, str]  # what the pain of a place means in a visit for an injury

    @classmethod
    def read(cls, directory: Path = HERE) -> Reasons:
        """The table of `counts/reasons.toml`."""
        with (directory / "counts" / "reasons.toml").open("rb") as stream:
            table = tomllib.load(stream)
        return cls(table["reasons"], table["after_injury"])

    def mentioned(self, visit: RealVisit, parents: Mapping[str, str], *, injured: bool) -> set[str]:
        """The findings that the reasons of a visit mention, with those they refine."""
        found = {finding for code, _ in visit.reasons for finding in self.findings.get(code, ())}
        if injured:
            found = {self.after_injury.get(finding, finding) for finding in found}
        return found | {parents[finding] for finding in found if parents.get(finding)}


class VisitCounter:
    """Counts visits by condition of a corpus."""

    def __init__(self, corpus: Corpus, reasons: Reasons) -> None:
        self.conditions = {one.id: one for one in corpus.conditions}
        self.codes = CodeMap(corpus.conditions)
        self.reasons = reasons
        self.parents = {finding.id: finding.parent for finding in corpus.findings}
        self.vitals = corpus.vitals
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.bands = [0.0] * len(AGE_BANDS)
        self.weight = 0.0
        self.visits = 0
        self.sent_home: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def expected(self, one: Condition, band: int, sex: str | None) -> float:
        """The rate at which the knowledge expects a condition at an age and sex: how a code that several conditions claim is shared."""
        women = one.female.value
        return max(one.rate["emergency"].value * one.age[band] * (1.0 if sex is None else women if sex == "female" else 1 - women), 1e-6)

    def shares(self, visit: RealVisit, band: int) -> list[tuple[bool, dict[str, float]]]:
        """For each diagnosis of a visit that counts: only probable or not, and the conditions it belongs to with their shares."""
        result = []
        for position, (code, probable) in enumerate(visit.diagnoses):
            owners = [name for name, _ in self.codes.owners(plain(code))]
            if position:  # later diagnoses count for acute illness only
                owners = [] if probable else [name for name in owners if self.conditions[name].course == "acute"]
            elif not owners and plain(code)[1:2].isdigit():
                owners = ["other"]
            if owners:
                weights = {name: self.expected(self.conditions[name], band, visit.sex) for name in owners}
                total = sum(weights.values())
                result.append((probable, {name: weight / total for name, weight in weights.items()}))
        return result

    def add(self, visit: RealVisit) -> None:
        """Counts one visit."""
        if visit.age is None or not visit.completed:
            return
        band = age_band(visit.age)
        self.visits += 1
        self.weight += visit.weight
        self.bands[band] += visit.weight
        said = {injured: self.reasons.mentioned(visit, self.parents, injured=injured) for injured in (False, True)}
        scaled = self._scaled(visit, band)
        admitted = visit.critical or visit.hospitalised
        if not admitted:
            for vital, value in scaled.items():
                self.sent_home[vital].append((value, 1.0))
        groups = ("all", "admitted" if admitted else "home")
        shares = self.shares(visit, band)
        belongs: dict[str, float] = {}
        for probable, diagnosis in shares:
            for name, share in diagnosis.items():
                self.tallies[name].share += visit.weight * share / len(shares)
                if not probable:
                    belongs[name] = max(belongs.get(name, 0.0), share)
        for name, share in belongs.items():
            tally = self.tallies[name]
            tally.visits += share
            tally.women += share * (visit.sex == "female")
            tally.ages[band] += share * visit.weight
            for finding in said[self.conditions[name].system == INJURY]:
                tally.mentions[finding] += share
            for vital, value in scaled.items():
                for group in groups:
                    tally.vitals[group, vital].append((value, share))

    def _scaled(self, visit: RealVisit, band: int) -> dict[str, float]:
        """Vital signs in adult units."""
        result = {}
        adult = AGE_BANDS.index("30-44")
        for name in VITAL_SIGNS:
            if name in visit.vitals:
                table, value = self.vitals[name], visit.vitals[name]
                if "by_age" in table:
                    value = value * table["by_age"][adult] / table["by_age"][band]
                result[name] = value
        return result

    def _against(self, usual: Mapping[str, float], vital: str, moments: list[float]) -> list[float]:
        """Moments as the knowledge writes them: what follows age as the shift from normal, the rest moved so that the usual is normal."""
        table = self.vitals[vital]
        centre = moments[0] - usual[vital] + (0.0 if "by_age" in table else table["normal"][0])
        return [round(centre, 2), *moments[1:]]

    def document(self) -> dict[str, Any]:
        """All counts, rounded, as the file holds them."""
        overall = np.array(self.bands)
        conditions: dict[str, Any] = {}
        # Whoever comes to an emergency department is in pain and afraid: what is normal there is what those have who are sent home.
        usual = {vital: _moments(values)[0] for vital, values in self.sent_home.items()}
        for name in sorted(self.tallies):
            tally = self.tallies[name]
            if tally.visits < FEWEST_VISITS or name not in self.conditions:
                continue
            rate = np.array(tally.ages) / np.maximum(overall, 1e-9)
            mean = float((rate * overall).sum() / overall.sum())
            entry: dict[str, Any] = {
                "visits": round(tally.visits),
                "per_10000": round(1e4 * tally.share / self.weight, 2),
                "women": round(tally.women),
                "age": [round(float(value), 3) for value in rate / max(mean, 1e-12)],
                "mentions": {finding: round(k) for finding, k in sorted(tally.mentions.items()) if k >= FEWEST_MENTIONS},
            }
            for group in GROUPS:
                signs = {
                    vital: self._against(usual, vital, _moments(tally.vitals[group, vital])) for vital in VITAL_SIGNS if vital in usual
                }
                signs = {vital: three for vital, three in signs.items() if three[2] >= counts.ENOUGH}
                if signs:
                    entry[group] = signs
            conditions[name] = entry
        return {"visits": self.visits, "conditions": conditions}


def _moments(values: Iterable[tuple[float, float]]) -> list[float]:
    """Centre, standard deviation and number of patients, made robust, since slips of the pen have long tails.

    The centre is halfway between mean and median; the deviation is that of the normal distribution with the same distance between its 5th
    and 95th percentile.
    """
    table = np.array(sorted(values), dtype=float).reshape(-1, 2)
    total = float(table[:, 1].sum())
    if total <= 0:
        return [0.0, 0.0, 0]
    place = (np.cumsum(table[:, 1]) - table[:, 1] / 2) / total
    low, middle, high = np.interp([0.05, 0.5, 0.95], place, table[:, 0])
    mean = float((table[:, 0] * table[:, 1]).sum() / total)
    centre = (mean + middle) / 2  # the median of a coarsely recorded value jumps, the mean follows its tail
    return [round(centre, 2), round((high - low) / 3.29, 2), round(total)]


def count(corpus: Corpus, path: Path, reasons: Reasons | None = None) -> dict[str, Any]:
    """The counts of a file of visits for a corpus (as written: not yet overlaid with earlier counts)."""
    counter = VisitCounter(corpus, reasons or Reasons.read())
    for visit in read(path):
        if visit.year not in YEARS:
            raise UsageError(
                f"Invalid visit {visit.id}: of {visit.year}. Expected {YEARS[0]} to {YEARS[-1]}; later years are kept for measuring."
            )
        counter.add(visit)
    if counter.weight <= 0:
        raise UsageError(f"Nothing to count in {path.name}: no completed visit with an age and a weight.")
    document = counter.document()
    document["noted"] = counts.noted(corpus.conditions, corpus.findings, document["conditions"])
    return document


def as_toml(document: Mapping[str, Any], source: str) -> str:
    """The counts as the text of the file in `knowledge/counts/`."""

    def inline(value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + " }"
        if isinstance(value, list):
            return "[" + ", ".join(f"{one:g}" for one in value) + "]"
        return f"{value:g}" if isinstance(value, int | float) else f'"{value}"'

    lines = ["# Counted by 'triage count'; never edited. What the columns mean: triage/importers/counting.py and triage/knowledge/counts.py.",
             f'source = "{source}"', f"visits = {document['visits']}", "", "# How completely staff note a finding that is there.", "[noted]"]  # fmt: skip
    lines += [f"{name} = {value:g}" for name, value in sorted(document["noted"].items())]
    for name, entry in document["conditions"].items():
        lines += ["", f"[conditions.{name}]", *(f"{key} = {inline(value)}" for key, value in entry.items() if value != {})]
    return "\n".join(lines) + "\n"
