"""Rows of CSV files that come from elsewhere, plain or gzipped; whatever is wrong with the file itself is a UsageError."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from triage.errors import UsageError


@contextmanager
def opened(path: Path, what: str) -> Iterator[TextIO]:
    """The text of a file; errors while it is open, in reading or decoding it, name the file and what it should have been."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error) as error:
        raise UsageError(f"Cannot read the {what} {path}: {error}") from error


def number(text: str | None) -> float | None:
    """A finite number, or None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
