"""Visits as arrays: what was said, asked and measured, made consistent, with everything that was dropped or contradicted named.

The only place where a finding can come from a text, an elicited answer, a measured vital sign or a stated pregnancy. A present finding
wins over an absent one (it is safer), a measured vital sign replaces the reported findings it implies, and nothing is dropped silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.diagnosis.encoding import Cases
from triage.knowledge.hierarchy import make_consistent
from triage.knowledge.loader import Knowledge
from triage.reading import Reader
from triage.records import (
    ABSENT,
    PRESENT,
    SEXES,
    VITALS,
    Evidence,
    Reading,
    Visit,
    age_band,
)
from triage.urgency.redflags import ALTERED, Given, implied, present_mask, scaled

NUMERIC = tuple(name for name in VITALS if name != "consciousness")
CONSCIOUS = "ACVPU"
# Middle of the adult normal range: only to tell which of two contradicting values is the more alarming.
TYPICAL = {
    "temperature": 36.8,
    "heart_rate": 75.0,
    "respiratory_rate": 16.0,
    "systolic_bp": 125.0,
    "diastolic_bp": 78.0,
    "spo2": 99.0,
    "glucose": 6.0,
    "pain_score": 0.0,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """N visits ready to be scored. `enough` [N] says whether there is anything to answer from."""

    cases: Cases
    given: Given
    on_oxygen: NDArray[np.int8]
    enough: NDArray[np.bool_]
    evidence: tuple[tuple[Evidence, ...], ...]
    readings: tuple[Reading | None, ...]
    messages: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.enough)


def prepare(knowledge: Knowledge, reader: Reader | None, visits: Sequence[Visit]) -> Prepared:
    """The evidence of each visit; `reader` may be None where no visit has a complaint."""
    count, width = len(visits), len(knowledge.findings)
    codes = np.zeros((count, width), dtype=np.int8)
    bands = np.full((count, len(knowledge.vitals)), -1, dtype=np.int8)
    said = np.full(count, -1, dtype=np.int16)
    band = np.full(count, -1, dtype=np.int8)
    sex = np.full(count, -1, dtype=np.int8)
    age = np.full(count, np.nan)
    measured = {name: np.full(count, np.nan) for name in NUMERIC}
    consciousness = np.full(count, "", dtype="<U1")
    oxygen = np.full(count, -1, dtype=np.int8)
    evidence: list[tuple[Evidence, ...]] = []
    readings: list[Reading | None] = []
    messages: list[tuple[str, ...]] = []
    for i, visit in enumerate(visits):
        notes: list[str] = []
        reading = reader.read(visit.complaint) if reader is not None and visit.complaint.strip() else None
        values = _values(visit, reading, notes)
        if values["age"] is not None:
            age[i] = values["age"]
            band[i] = age_band(float(age[i]))
        if values["sex"] is not None:
            sex[i] = SEXES.index(str(values["sex"]))
        for name in NUMERIC:
            if values[name] is not None:
                measured[name][i] = values[name]
        consciousness[i] = values["consciousness"] or ""
        oxygen[i] = -1 if visit.on_oxygen is None else int(visit.on_oxygen)
        items = _findings(knowledge, visit, reading, values, notes)
        for item in items:
            codes[i, knowledge.finding_index[item.id]] = PRESENT if item.status == "present" else ABSENT
        if sex[i] < 0:
            sex[i] = _implied_sex(knowledge, codes[i], notes)
        if reading is not None:
            said[i] = sum(
                item.source == "text" and item.status == "present" and knowledge.parent[knowledge.finding_index[item.id]] < 0
                for item in items
            )
            notes.extend(reading.problems)
            notes.extend(
                f"{mention.finding}: {mention.status.replace('_', ' ')}, not counted as this patient's now"
                for mention in reading.mentions
                if mention.status in ("past", "other_person", "hypothetical")
            )
        evidence.append(tuple(items))
        readings.append(reading)
        messages.append(tuple(notes))
    measured["duration"] = measured["onset_hours"]
    reported = present_mask(knowledge, codes)
    _band_vitals(knowledge, measured, consciousness, band, bands)
    enough = (codes == PRESENT).any(axis=1) | _beyond_limits(knowledge, measured, consciousness, band)
    messages = [(*notes, *_contradictions(knowledge, reported[i], measured, consciousness, band, i)) for i, notes in enumerate(messages)]
    given = Given(implied(knowledge, reported, measured, consciousness, band), age, sex, measured, consciousness)
    impossible = _impossible(knowledge, codes, band, sex)
    make_consistent(knowledge, codes, bands, band, sex)
    for i, names in enumerate(impossible):
        evidence[i] = tuple(item for item in evidence[i] if item.id not in names)
        messages[i] = (*messages[i], *(f"{name}: cannot occur at this age or sex; not used" for name in names))
    evidence = [(*items, *_vital_evidence(knowledge, bands[i], measured, consciousness, i)) for i, items in enumerate(evidence)]
    return Prepared(
        cases=Cases(codes, bands, said, band, sex),
        given=given,
        on_oxygen=oxygen,
        enough=np.asarray(enough),
        evidence=tuple(evidence),
        readings=tuple(readings),
        messages=tuple(messages),
    )


def _values(visit: Visit, reading: Reading | None, notes: list[str]) -> dict[str, float | str | None]:
    """Age, sex, vital signs and pregnancy weeks: as given, else as read in the text; a disagreement is named."""
    values: dict[str, float | str | None] = {name: getattr(visit, name) for name in ("age", "sex", "pregnancy_weeks", *VITALS)}
    for value in reading.values if reading is not None else ():
        given = values.get(value.name)
        if given is None:
            values[value.name] = value.value
        elif given != value.value:
            worse = _worse(value.name, given, value.value)
            values[value.name] = worse
            which = "the value given was used" if worse == given else "the one in the text is further from normal and was used"
            notes.append(f"{value.name}: the text says something else than the value given; {which}")
    return values


def _worse(name: str, given: float | str, read: float | str) -> float | str:
    """Of two different values of a vital sign the one further from normal; of anything else the one given."""
    if name in TYPICAL and isinstance(given, int | float) and isinstance(read, int | float):
        return read if abs(read - TYPICAL[name]) > abs(given - TYPICAL[name]) else given
    return given


def _findings(
    knowledge: Knowledge, visit: Visit, reading: Reading | None, values: dict[str, float | str | None], notes: list[str]
) -> list[Evidence]:
    """Findings in the order in which they were given, each once, present before absent, parents before refinements."""
    found: dict[str, Evidence] = {}

    def enter(item: Evidence) -> None:
        if item.id not in knowledge.finding_index:
            return
        before = found.get(item.id)
        if before is not None and before.status != item.status:
            notes.append(f"{item.id}: given as present and as absent; taken as present")
        if before is None or (before.status == "absent" and item.status == "present"):
            found[item.id] = item

    for mention in reading.mentions if reading is not None else ():
        status = {"present": "present", "uncertain": "present", "absent": "absent"}.get(mention.status)
        if status:
            enter(Evidence(mention.finding, status, "text", mention.start, mention.end))
    for name, present in visit.findings:
        enter(Evidence(name, "present" if present else "absent", "findings"))
    weeks = values["pregnancy_weeks"]
    if visit.pregnant is not None:
        enter(Evidence("pregnant", "present" if visit.pregnant else "absent", "findings"))
    if isinstance(weeks, int | float):
        enter(Evidence("pregnant", "present", "findings"))
        enter(Evidence("late_pregnancy", "present" if weeks >= 20 else "absent", "findings"))
    ordered: dict[str, Evidence] = {}
    for name, item in found.items():
        parent = int(knowledge.parent[knowledge.finding_index[name]])
        if parent >= 0 and item.status == "present":
            parent_id = knowledge.findings[parent]
            stated = found.get(parent_id)
            if stated is None:
                ordered.setdefault(
                    parent_id, Evidence(parent_id, "present", "text" if item.source == "text" else "implied", item.start, item.end)
                )
            elif stated.status == "absent":
                notes.append(f"{parent_id}: given as absent, but {name} is present; taken as present")
                ordered[parent_id] = Evidence(parent_id, "present", "implied", item.start, item.end)
            else:
                ordered.setdefault(parent_id, stated)
        ordered.setdefault(name, item)
    return list(ordered.values())


def _band_vitals(
    knowledge: Knowledge,
    measured: dict[str, NDArray[np.float64]],
    consciousness: NDArray[np.str_],
    band: NDArray[np.int8],
    bands: NDArray[np.int8],
) -> None:
    """Fills `bands` [N, vital signs] in place."""
    for column, (name, vital) in enumerate(knowledge.vitals.items()):
        if name == "consciousness":
            bands[:, column] = [CONSCIOUS.find(value) if value else -1 for value in consciousness]
            continue
        values = scaled(knowledge, name, measured[name], band)
        known = np.flatnonzero(~np.isnan(values))
        bands[known, column] = np.searchsorted(vital["edges"], values[known], side="right")


def _beyond_limits(
    knowledge: Knowledge, measured: dict[str, NDArray[np.float64]], consciousness: NDArray[np.str_], band: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """Whether any vital sign is beyond its limits [N]."""
    beyond = (consciousness != "") & (consciousness != "A")
    for name, vital in knowledge.vitals.items():
        if "limits" in vital:
            low, high = vital["limits"]
            values = scaled(knowledge, name, measured[name], band)
            with np.errstate(invalid="ignore"):
                beyond |= (values < low) | (values > high)
    return np.asarray(beyond)


def _contradictions(
    knowledge: Knowledge,
    reported: NDArray[np.bool_],
    measured: dict[str, NDArray[np.float64]],
    consciousness: NDArray[np.str_],
    band: NDArray[np.int8],
    i: int,
) -> list[str]:
    """Reported findings that a measured vital sign does not bear out, as `finding: ...` messages."""
    result = []
    for name, vital in knowledge.vitals.items():
        for finding, (low, _) in vital.get("implies", {}).items():
            value = scaled(knowledge, name, measured[name][i : i + 1], band[i : i + 1])[0]
            if finding in vital.get("replaces", ()) and reported[knowledge.finding_index[finding]] and value < low:
                result.append(
                    f"{finding}: reported, but the {name.replace('_', ' ')} measured now does not show it; the measurement was used"
                )
    for finding in set(ALTERED.values()):
        if consciousness[i] == "A" and reported[knowledge.finding_index[finding]]:
            result.append(f"{finding}: reported, but the patient is alert now; what is seen now was used, the red flags count both")
    return sorted(result)


def _implied_sex(knowledge: Knowledge, codes: NDArray[np.int8], notes: list[str]) -> int:
    """The sex (-1: none) that a present finding implies, such as pregnancy; named in the notes."""
    present = knowledge.applies[:, :, codes == PRESENT]
    possible = np.asarray(present.any(axis=0)).all(axis=1)  # by sex
    if present.shape[2] and possible.sum() == 1:
        sex = int(np.flatnonzero(possible)[0])
        notes.append(f"sex: not given; taken as {SEXES[sex]} from the findings")
        return sex
    return -1


def _impossible(knowledge: Knowledge, codes: NDArray[np.int8], band: NDArray[np.int8], sex: NDArray[np.int8]) -> list[tuple[str, ...]]:
    """For each visit the present findings that cannot occur at the stated age and sex."""
    result = []
    for i in range(len(codes)):
        bands = slice(None) if band[i] < 0 else slice(band[i], band[i] + 1)
        sexes = slice(None) if sex[i] < 0 else slice(sex[i], sex[i] + 1)
        possible = knowledge.applies[bands, sexes].any(axis=(0, 1))
        result.append(tuple(knowledge.findings[f] for f in np.flatnonzero((codes[i] == PRESENT) & ~possible)))
    return result


def _vital_evidence(
    knowledge: Knowledge, bands: NDArray[np.int8], measured: dict[str, NDArray[np.float64]], consciousness: NDArray[np.str_], i: int
) -> tuple[Evidence, ...]:
    """The measured vital signs of one visit as evidence, each with its value."""
    result = []
    for column, (name, vital) in enumerate(knowledge.vitals.items()):
        if bands[column] >= 0:
            label = vital["bands"][bands[column]] if vital["bands"] else f"{measured[name][i]:g}"
            result.append(Evidence(name, label, "vital"))
    return tuple(result)
