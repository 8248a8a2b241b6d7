"""A linter for synthetic data: what makes a data set easier than it looks.

It reads CSV files as `triage simulate` writes them and reports patients that stand in two splits, findings that are always or never
there, labels that one column decides, and clinics shared by splits.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from triage.errors import UsageError

MOST = 0.98  # a finding present in more than this share of a label's patients decides too much
FEWEST = 40  # patients a label needs before its shares mean anything


def problems(files: Sequence[Path]) -> list[str]:
    """Every problem of the files, each with its place; an empty list means none was found."""
    seen: dict[str, tuple[str, ...]] = {}
    found: list[str] = []
    clinics: dict[str, set[str]] = {}
    for path in files:
        table = list(_rows(path))
        found.extend(f"{path.name}: {text}" for text in _within(table))
        clinics[path.name] = {row.get("clinic", "") for row in table}
        for row in table:
            key = tuple(value for name, value in sorted(row.items()) if name not in ("patient_id", "clinic"))
            other = seen.setdefault(repr(key), (path.name, row.get("patient_id", "?")))
            if other[0] != path.name and len(row.get("findings", "")) > 80:
                found.append(f"{path.name}: {row['patient_id']}: the same patient is {other[1]} in {other[0]}")
    names = list(clinics)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            shared = clinics[first] & clinics[second] - {""}
            if shared:
                found.append(f"{first} and {second} share {len(shared)} clinics, such as {min(shared)}")
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield {name: value or "" for name, value in row.items() if isinstance(name, str) and not isinstance(value, list)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as a CSV file of synthetic patients ({error.__class__.__name__}).") from error


def _within(table: list[dict[str, str]]) -> Iterator[str]:
    """Problems of one file."""
    if not table:
        yield "no patients"
        return
    for column in table[0]:
        values = {row.get(column, "") for row in table}
        if len(values) == 1:
            yield f"column {column}: always {values.pop()!r}"
    present: dict[str, Counter[str]] = defaultdict(Counter)
    labels: Counter[str] = Counter()
    carriers: Counter[str] = Counter()
    for row in table:
        label = row.get("true_condition", "")
        labels[label] += 1
        for finding in filter(None, (item.strip() for item in row.get("findings", "").split(";"))):
            if not finding.startswith("-"):
                present[finding][label] += 1
                carriers[finding] += 1
    for finding, by_label in present.items():
        if carriers[finding] > MOST * len(table):
            yield f"finding {finding}: present in nearly every patient"
        for label, count in by_label.items():
            if labels[label] >= FEWEST and count > MOST * labels[label] and count > MOST * carriers[finding]:
                yield f"finding {finding} decides the label {label}: present in {count} of {labels[label]} and hardly anywhere else"
