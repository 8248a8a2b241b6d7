"""Synthetic patients as CSV files in the contract of `triage batch`, with the truth in columns that begin with `true_`."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from triage.errors import UsageError
from triage.knowledge.loader import Knowledge
from triage.records import ABSENT, LANGUAGES, PRESENT, SEXES
from triage.world import vitals
from triage.world.patients import Patients
from triage.world.text import complaints

VITAL_COLUMNS = ("temperature", "heart_rate", "respiratory_rate", "systolic_bp", "spo2", "glucose", "pain_score", "onset_hours")
COLUMNS = (
    "patient_id", "age", "sex", "complaint", "findings", *VITAL_COLUMNS, "consciousness",
    "clinic", "true_condition", "true_presentation", "true_severity", "true_acuity",
)  # fmt: skip


def rows(
    knowledge: Knowledge, groups: Iterable[Patients], lexicon: dict[str, dict[str, list[str]]], *, split: str, seed: int
) -> Iterator[list[str]]:
    """The data rows of a file; clinics write in English, Chinese or Korean in turn."""
    number = 0
    for order, patients in enumerate(groups):
        rng = np.random.default_rng([seed, order])
        if not len(patients):
            continue  # a small clinic all of whose visits were silent
        language = LANGUAGES[int(patients.clinic[0]) % len(LANGUAGES)]
        texts = complaints(knowledge, patients, lexicon, language, rng)
        measured, consciousness, age = vitals.values(knowledge, patients, seed)
        for i, text in enumerate(texts):
            number += 1
            condition, presentation, severity, _ = knowledge.manifest["states"][patients.state[i]]
            yield [
                f"{split}-{number}",
                _age(float(age[i])),
                SEXES[patients.sex[i]],
                text,
                "; ".join(_elicited(knowledge, patients, i)),
                *("" if np.isnan(measured[name][i]) else f"{measured[name][i]:g}" for name in VITAL_COLUMNS),
                str(consciousness[i]),
                f"{split}-clinic-{int(patients.clinic[i])}",
                knowledge.conditions[condition],
                presentation,
                severity,
                str(int(knowledge.acuity[patients.state[i]])),
            ]


def _age(years: float) -> str:
    """An age as the contract writes it: days for newborns, months below two years, years."""
    if years < 28 / 365.25:
        return f"{int(years * 365.25)}d"
    return f"{int(years * 12)}mo" if years < 2 and years * 12 >= 1 else f"{max(int(years), 1)}" if years >= 2 else f"{int(years * 365.25)}d"


def _elicited(knowledge: Knowledge, patients: Patients, i: int) -> Iterator[str]:
    """The answered questions of one patient: ids, with a leading `-` for absent."""
    for f in np.flatnonzero((patients.codes[i] == PRESENT) & ~patients.volunteered[i]):
        yield knowledge.findings[f]
    for f in np.flatnonzero(patients.codes[i] == ABSENT):
        yield "-" + knowledge.findings[f]


def write(path: Path, lines: Iterable[list[str]]) -> int:
    """Writes a CSV file whole or not at all; returns the number of data rows."""
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path}: cannot be written. Expected the name of a file in a directory that exists.")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    count = 0
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            for line in lines:
                writer.writerow(line)
                count += 1
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return count
