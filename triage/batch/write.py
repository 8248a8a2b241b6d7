"""Answers become CSV lines: the columns of the contract in their order, the columns that pass through, and a file that appears whole.

Cells that a spreadsheet would run as a formula are prefixed with `'`. Lines end in LF; a cell with a comma, a quote or a line end is
quoted (the standard library's writer leaves a lone CR bare before Python 3.13, hence the own few lines).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from triage.batch.rows import Table
from triage.errors import TriageError, UsageError
from triage.records import Assessment

STDOUT = "-"
DIFFERENTIAL = 5
SEPARATOR = ";"  # between ids and between unread words
BETWEEN_MESSAGES = " | "
_DIAGNOSES = tuple(f"{kind}_{i}" for i in range(1, DIFFERENTIAL + 1) for kind in ("diagnosis", "probability"))
_ANSWER = ("acuity", "urgent", "disposition", "p_emergency", "red_flags", *_DIAGNOSES, "must_not_miss")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_QUOTED = re.compile('[",\r\n]')


def columns(several: bool, probability_of: Sequence[str]) -> tuple[str, ...]:
    """The program's own output columns in order; `several` input files put `file` first."""
    asked = (f"p_{name}" for name in probability_of)
    return (*(("file",) if several else ()), "row", "patient_id", "status", *_ANSWER, "unread", "message", "model", *asked)


def passing(tables: Sequence[Table], own: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """The names of the columns that pass through, and for each table where they stand (-1: it has none).

    Files may differ: the columns are the union in order of first appearance, matched case-insensitively and, for a name that a file has
    twice, by occurrence. A name of the program's own columns becomes `input_NAME`, again if that is taken too.
    """
    names: dict[tuple[str, int], str] = {}
    places: list[dict[tuple[str, int], int]] = []
    for table in tables:
        place: dict[tuple[str, int], int] = {}
        for i in table.others:
            key, nth = table.header[i].strip().casefold(), 0
            while (key, nth) in place:
                nth += 1
            place[key, nth] = i
            names.setdefault((key, nth), table.header[i])
        places.append(place)
    reserved = {name.casefold() for name in own}
    taken = reserved | {key for key, _ in names}
    for identity, name in names.items():
        new = name.strip() if identity[0] in reserved else name
        while identity[0] in reserved and new.casefold() in taken:
            new = f"input_{new}"
        names[identity] = new
        taken.add(new.casefold())
    return list(names.values()), [[place.get(identity, -1) for identity in names] for place in places]


def safe(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula; numbers stay as they are."""
    return "'" + cell if cell.startswith(_FORMULA) and _NUMBER.fullmatch(cell) is None else cell


def line(cells: Sequence[str]) -> str:
    """One CSV line with its end."""
    made = (safe(cell) for cell in cells)
    return ",".join('"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell for cell in made) + "\n"


def answer_cells(assessment: Assessment | None) -> list[str]:
    """The cells from `acuity` to `must_not_miss`; all empty unless there is an answer."""
    if assessment is None or assessment.status != "ok" or assessment.acuity is None:
        return [""] * len(_ANSWER)
    differential = [cell for item in assessment.differential[:DIFFERENTIAL] for cell in (item.condition, probability(item.probability))]
    return [
        str(int(assessment.acuity)),
        "true" if assessment.urgent else "false",
        assessment.acuity.disposition,
        "" if assessment.p_emergency is None else probability(assessment.p_emergency),
        SEPARATOR.join(flag.id for flag in assessment.red_flags),
        *differential,
        *[""] * (len(_DIAGNOSES) - len(differential)),
        SEPARATOR.join(item.condition for item in assessment.must_not_miss),
    ]


def probability(value: float) -> str:
    """A probability as printed: four decimals."""
    return f"{value:.4f}"


def unread(complaint: str, assessment: Assessment | None) -> str:
    """The words of the row's own complaint that were not understood."""
    spans = assessment.unread if assessment is not None else ()
    return SEPARATOR.join(" ".join(complaint[start:end].split()) for start, end in spans)


def message(parts: Sequence[str]) -> str:
    """Messages on one line, each once."""
    return BETWEEN_MESSAGES.join(dict.fromkeys(" ".join(part.split()) for part in parts))


def check(output: str, inputs: Sequence[str]) -> None:
    """UsageError when writing there would destroy an input or cannot work."""
    if output == STDOUT:
        return
    if output and Path(output).is_dir():
        raise UsageError(f"{output}: is a directory. Expected the name of the output file.")
    if not output or "\0" in output or not Path(output).resolve().parent.is_dir():
        raise UsageError(f"{output}: its directory does not exist. Create it or choose another output.")
    for path in inputs:
        with contextlib.suppress(OSError, ValueError):
            if Path(output).is_file() and Path(path).samefile(output):
                raise UsageError(f"{output}: is also an input. Expected another name: the output would replace it.")


class Output:
    """A context in which lines are written: a file appears complete at the end or not at all; `-` is standard output."""

    def __init__(self, path: str) -> None:
        """Nothing is opened before the context is entered."""
        self.path = path
        self._target = Path(path)
        self._temporary: Path | None = None
        self._stream: BinaryIO

    def _failed(self, error: OSError) -> TriageError:
        return TriageError(f"{self.path}: cannot be written ({error.strerror or type(error).__name__}).")

    def __enter__(self) -> Self:
        """Opens a temporary file beside the target; a device or pipe is written to directly."""
        if self.path == STDOUT:
            self._stream = sys.stdout.buffer
            return self
        self._target = Path(self.path).resolve()
        try:
            if self._target.exists() and not self._target.is_file():
                self._stream = self._target.open("wb")
                return self
            name = self._target.parent / f".triage-{secrets.token_hex(8)}.part"
            self._stream = name.open("xb")
        except OSError as error:
            raise self._failed(error) from None
        self._temporary = name
        return self

    def write(self, text: str) -> None:
        """Appends text as UTF-8."""
        try:
            self._stream.write(text.encode("utf-8", "replace"))
        except OSError as error:
            raise self._failed(error) from None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Puts the file in its place, or removes what was written if anything went wrong."""
        try:
            if kind is None:
                self._finish()
        except OSError as problem:
            raise self._failed(problem) from None
        finally:
            if self.path != STDOUT:
                with contextlib.suppress(OSError):
                    self._stream.close()
            if self._temporary is not None:
                with contextlib.suppress(OSError):
                    self._temporary.unlink()

    def _finish(self) -> None:
        self._stream.flush()
        if self._temporary is not None:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._temporary.replace(self._target)
            self._temporary = None
