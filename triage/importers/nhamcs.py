"""Visits of the National Hospital Ambulatory Medical Care Survey, emergency departments (CDC/NCHS public-use microdata, as CSV).

Columns used: visit_id, year, age, age_days, sex (F or M), temp_c, hr, rr, sbp, dbp, spo2, pain_0_10, rfv1..5 and their labels, diag1..5 with prdiag1..5
(1: only probable), doa, lwbs, lbtc, leftama, out_critical, out_hospitalised, triage_level, msa and patwt (national weight). Everything but
visit_id may be empty. Statistical use only; no attempt at re-identification.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from triage.errors import UsageError
from triage.importers.files import number, opened

REASONS = DIAGNOSES = 5
VITALS = {"temperature": "temp_c", "heart_rate": "hr", "respiratory_rate": "rr", "systolic_bp": "sbp", "diastolic_bp": "dbp", "spo2": "spo2",
          "pain_score": "pain_0_10"}  # fmt: skip
REQUIRED = ("visit_id", "year", "age", "sex", "rfv1", "diag1", "patwt", "out_critical", "out_hospitalised")
# Physically possible; anything else is a slip of recording and is left out.
POSSIBLE = {"temperature": (28.0, 43.5), "heart_rate": (20, 260), "respiratory_rate": (4, 99), "systolic_bp": (40, 290), "diastolic_bp": (20, 200),
            "spo2": (40, 100), "pain_score": (0, 10)}  # fmt: skip
_SITE = re.compile(r"(?:Symptoms of )?([^,]+?) symptoms$(?<!related symptoms)")
_BRACKETS = re.compile(r"\s*[\(\[][^()\[\]]*[\)\]]")


@dataclass(frozen=True, slots=True)
class RealVisit:
    """One emergency visit; age in years, vital signs in the units of `records.Visit`, `diagnoses` as (code, only probable)."""

    id: str
    year: int
    age: float | None
    sex: str | None  # female | male
    vitals: dict[str, float]
    reasons: tuple[tuple[str, str], ...]  # (code, label in words)
    diagnoses: tuple[tuple[str, bool], ...]
    weight: float
    critical: bool  # critical-care admission or death
    hospitalised: bool
    completed: bool  # neither dead on arrival nor left early
    triage_level: int | None
    metropolitan: bool | None


def clean_label(label: str) -> str:
    """A reason for visit in words: without the brackets of coding language and without its group prefix, unless that names the site.

    "Stomach and abdominal pain, cramps and spasms: Lower abdominal pain" is "Lower abdominal pain"; "Knee symptoms: swelling" is "Knee swelling".
    """
    group, _, words = _BRACKETS.sub("", label).split("(")[0].rpartition(":")
    site = _SITE.match(group.strip())
    return " ".join(f"{site.group(1) if site else ''} {words}".split()).strip(" ,;-")


def _number(row: dict[str, str], column: str) -> float | None:
    return number(row.get(column))


def _visit(row: dict[str, str]) -> RealVisit:
    days, years = (value if value is not None and value >= 0 else None for value in (_number(row, "age_days"), _number(row, "age")))
    vitals = {}
    for name, column in VITALS.items():
        value = _number(row, column)
        low, high = POSSIBLE[name]
        if value is not None and low <= value <= high:
            vitals[name] = value
    reasons = []
    for i in range(1, REASONS + 1):
        code = _number(row, f"rfv{i}")
        if code is not None:
            reasons.append((str(int(code)), clean_label(row.get(f"rfv{i}_label") or "")))
    diagnoses = [
        ((row.get(f"diag{i}") or "").strip(), (row.get(f"prdiag{i}") or "").startswith("1"))
        for i in range(1, DIAGNOSES + 1)
        if (row.get(f"diag{i}") or "").strip()
    ]
    level, area = _number(row, "triage_level"), _number(row, "msa")
    return RealVisit(
        id=row["visit_id"],
        year=int(_number(row, "year") or 0),
        age=years if days is None else days / 365.25,
        sex={"F": "female", "M": "male"}.get((row.get("sex") or "").strip()),
        vitals=vitals,
        reasons=tuple(reasons),
        diagnoses=tuple(diagnoses),
        weight=_number(row, "patwt") or 0.0,
        critical=_number(row, "out_critical") == 1,
        hospitalised=_number(row, "out_hospitalised") == 1,
        completed=not any(_number(row, name) == 1 for name in ("doa", "lwbs", "lbtc", "leftama")),
        triage_level=int(level) if level is not None and 1 <= level <= 5 else None,
        metropolitan=None if area is None else area == 1,
    )


def read(path: Path) -> Iterator[RealVisit]:
    """The visits of a file, in order; raises UsageError when a column that is needed is missing."""
    with opened(path, "visits") as stream:
        rows = csv.DictReader(stream)
        missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
        if missing:
            raise UsageError(f"Invalid file of visits {path.name}. Missing columns: {', '.join(missing)}. Expected NHAMCS visits as CSV.")
        for row in rows:
            yield _visit(row)
