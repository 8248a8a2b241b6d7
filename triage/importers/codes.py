"""Lists of ICD-10 codes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from triage.errors import UsageError
from triage.importers.files import number, opened
from triage.knowledge.icd10 import plain

CODE_COLUMNS = ("code", "icd10", "diag1")
WEIGHT_COLUMNS = ("weight", "patwt")


def read(path: Path) -> Iterator[tuple[str, float]]:
    """(code, weight) of each line: a CSV with a column code, icd10 or diag1 and optionally weight or patwt, or one code a line; may be gzipped."""
    with opened(path, "list of codes") as stream:
        rows = csv.reader(stream)
        header = [cell.strip().lower() for cell in next(rows, [])]
        column = next((header.index(name) for name in CODE_COLUMNS if name in header), -1)
        weight = next((header.index(name) for name in WEIGHT_COLUMNS if name in header), -1)
        if column < 0:
            if len(header) != 1 or not plain(header[0])[1:2].isdigit():
                raise UsageError(
                    f"Invalid list of codes {path.name}. Got the columns {', '.join(header) or 'of an empty file'}. "
                    f"Expected a column {', '.join(CODE_COLUMNS)}, or one ICD-10 code a line."
                )
            yield header[0], 1.0
            column = 0
        for line, row in enumerate(rows, start=2):
            if len(row) > max(column, weight):
                share = number(row[weight]) if weight >= 0 else 1.0
                if share is None or share < 0:
                    raise UsageError(
                        f"Invalid list of codes {path.name}, line {line}: got weight {row[weight]!r}. Expected a number of 0 or more."
                    )
                yield row[column], share
