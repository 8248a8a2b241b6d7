"""CSV files become rows whose fate is explicit: every line that holds something belongs to exactly one row, whatever its bytes are.

UTF-8 with or without a byte order mark, any line end, quoted newlines. A row that cannot be split into the header's columns is still a
row: it carries the fault. A quote that is never closed would swallow the patients after it; then only its own line is faulty and
reading goes on with the next line. A file that is no CSV of visits at all is refused before anything is answered, all such files at once.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import sys
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from triage.errors import MissingError, UsageError
from triage.intake import COLUMNS

STDIN = "-"
LONGEST_LINE = 1 << 20  # characters; a longer line is skipped piece by piece and comes back as a faulty row
LONGEST_RECORD = 1 << 20  # characters and lines a quoted field may run over before its quote counts as never closed
MOST_LINES = 1_000
_UNDECODED = re.compile("[\udc80-\udcff]")
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

# Faults of a row: the cause as counted in the summary, and what the message says.
TOO_MANY = "too many fields"
BAD_QUOTE = "damaged quotes"
TOO_LONG = "line too long"


Record = tuple[int, list[str], list[str], str]  # number of its first line, its lines, its fields, its fault


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read: `fields` has the header's length; with a `fault` it holds at most the first field, the only one sure of its place.

    `notes` say what was odd but could be read.
    """

    number: int  # of the data rows of its file, from 1
    line: int  # of the file, from 1
    fields: tuple[str, ...]
    fault: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    undecoded: tuple[int, ...] = ()  # fields with bytes that were no UTF-8; each such byte is U+FFFD


@dataclass(slots=True)
class Table:
    """One input: its path, its name in messages, its header, where each known column stands, and the positions of all others."""

    path: str
    name: str
    header: tuple[str, ...]
    known: dict[str, int]
    others: tuple[int, ...]
    held: Reader | None = field(default=None, repr=False)  # an input that can be read only once stays open


class Reader:
    """The records of an open text stream, one at a time, with their line numbers; a faulty line never takes the next ones with it."""

    def __init__(self, stream: TextIO) -> None:
        """Starts at the stream's first line."""
        self.stream = stream
        self._again: deque[str] = deque()  # lines handed back after a damaged quote
        self._taken = 0

    def _line(self) -> str:
        """The next line with its end, at most one character longer than LONGEST_LINE; empty at the end of the file."""
        if self._again:
            line = self._again.popleft()
        else:
            line = piece = self.stream.readline(LONGEST_LINE + 1)
            while len(piece) > LONGEST_LINE and not piece.endswith(("\n", "\r")):
                piece = self.stream.readline(LONGEST_LINE + 1)  # dropped: the row is faulty anyway
        self._taken += bool(line)
        return line

    def _split(self, first: str) -> tuple[list[str], list[str]]:
        """The fields of the record that begins with a line, and its lines; csv.Error if it is damaged, other lines handed back."""
        lines = [first]

        def feed() -> Iterator[str]:
            yield first
            size = len(first)
            while len(lines) < MOST_LINES and size < LONGEST_RECORD and (line := self._line()):
                lines.append(line)
                size += len(line)
                yield line

        try:
            return next(csv.reader(feed(), strict=True)), lines
        except csv.Error:
            self._again.extendleft(reversed(lines[1:]))
            self._taken -= len(lines) - 1
            raise

    def records(self) -> Iterator[Record]:
        """Every record in order; blank lines are no records."""
        while line := self._line():
            number = self._taken
            if not line.strip(" \t\r\n\ufeff"):
                continue
            if len(line) > LONGEST_LINE:
                yield number, [line], [], TOO_LONG
                continue
            try:
                fields, lines = self._split(line)
            except csv.Error as error:
                yield number, [line], [], TOO_LONG if "field limit" in str(error) else BAD_QUOTE
                continue
            yield number, lines, fields, ""


def _reason(error: Exception) -> str:
    """What the operating system says, without the path, which the caller names."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__


def _wrap(raw: BinaryIO) -> TextIO:
    """Bytes as text; bytes that are no UTF-8 become single surrogates, so that they stay in their field."""
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _open(path: str) -> TextIO:
    """An input as text whose undecodable bytes are kept apart; MissingError says why it cannot be read."""
    if path == STDIN:
        return _wrap(sys.stdin.buffer)
    try:
        if Path(path).is_dir():
            raise MissingError(f"{path}: is a directory. Expected a CSV file: name the files in it.")
        return _wrap(Path(path).open("rb"))
    except (OSError, ValueError) as error:
        raise MissingError(f"{path}: cannot be read ({_reason(error)}).") from None


def _header_of(name: str, reader: Reader) -> tuple[str, ...]:
    """The first record, which must be a header of visits; MissingError with what to do otherwise."""
    try:
        line, _, fields, fault = next(reader.records(), (0, [], [], ""))
    except OSError as error:
        raise MissingError(f"{name}: cannot be read ({_reason(error)}).") from None
    text = ",".join(fields)
    if "\0" in text or text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        raise MissingError(f"{name}: looks like UTF-16. Expected UTF-8: save it as 'CSV UTF-8'.")
    if _UNDECODED.search(text):
        raise MissingError(f"{name}: the header is not UTF-8. Expected UTF-8: save it as 'CSV UTF-8'.")
    if not line:
        raise MissingError(f"{name}: is empty. Expected a header with columns such as age, sex, complaint.")
    if fault:
        raise MissingError(f"{name}: line {line}: the header cannot be read ({fault}).")
    keys = [_key(cell) for cell in fields]
    if not set(keys) & set(COLUMNS):
        used = next((words for mark, words in _DELIMITERS.items() if len(fields) == 1 and mark in text), "")
        hint = f" It seems to be separated by {used}: expected commas." if used else ""
        raise MissingError(f"{name}: line {line}: no column is known.{hint} Expected a header with some of {', '.join(COLUMNS)}.")
    twice = sorted(key for key, count in Counter(keys).items() if count > 1 and key in COLUMNS)
    if twice:
        raise MissingError(f"{name}: line {line}: the header has {', '.join(twice)} more than once. Expected each known column once.")
    return tuple(cell.lstrip("\ufeff") for cell in fields)


def _key(cell: str) -> str:
    """A header cell as it is compared: names are case-insensitive."""
    return cell.strip(" \t\r\n\ufeff").casefold()


def _open_table(path: str) -> Table:
    reader = Reader(_open(path))
    name = "stdin" if path == STDIN else path
    keep = False
    try:
        header = _header_of(name, reader)
        keys = [_key(cell) for cell in header]
        known = {key: i for i, key in enumerate(keys) if key in COLUMNS}
        others = tuple(i for i, key in enumerate(keys) if key not in known)
        keep = path == STDIN or not stat.S_ISREG(os.fstat(reader.stream.fileno()).st_mode)
        return Table(path, name, header, known, others, reader if keep else None)
    finally:
        if not keep:
            _close(path, reader)


def _close(path: str, reader: Reader) -> None:
    """Closes a file; standard input is only let go of."""
    if path == STDIN:
        reader.stream.detach()  # type: ignore[attr-defined]
    else:
        reader.stream.close()


def open_tables(inputs: Sequence[str]) -> list[Table]:
    """Every input with its header checked; MissingError lists everything wrong with any of them."""
    if not inputs:
        raise UsageError("No input. Expected one or more CSV files, or - for standard input.")
    if list(inputs).count(STDIN) > 1:
        raise UsageError("Standard input (-) was given more than once. Expected it once: it can be read only once.")
    tables: list[Table] = []
    problems: list[str] = []
    for path in inputs:
        try:
            tables.append(_open_table(path))
        except MissingError as problem:
            problems.append(str(problem))
    if problems:
        close_tables(tables)
        raise MissingError("\n".join(problems))
    return tables


def close_tables(tables: Sequence[Table]) -> None:
    """Closes whatever is still open."""
    for table in tables:
        if table.held is not None:
            _close(table.path, table.held)
            table.held = None


def unread_columns(table: Table) -> list[str]:
    """One note for each column that passes through but looks like a misspelt known one."""
    import difflib  # only needed here

    notes = []
    for i in table.others:
        key = re.sub(r"[\s-]+", "_", _key(table.header[i]))
        near = difflib.get_close_matches(key, [name for name in COLUMNS if name not in table.known], 1, 0.8) if len(key) < 40 else []
        if near:
            notes.append(f"{table.name}: column {table.header[i]!a} is not read. Did you mean {near[0]}?")
    return notes


def rows(table: Table) -> Generator[Row, None, None]:
    """The data rows of a table in order; closes it at the end."""
    reader, again = table.held or Reader(_open(table.path)), table.held is None
    table.held = None
    try:
        if again and _header_of(table.name, reader) != table.header:
            raise MissingError(f"{table.name}: the header changed while the files were being read.")
        for number, record in enumerate(reader.records(), 1):
            yield _row(table, number, record)
    except OSError as error:
        raise MissingError(f"{table.name}: cannot be read ({_reason(error)}).") from None
    finally:
        _close(table.path, reader)


def _row(table: Table, number: int, record: Record) -> Row:
    """One record as a row; messages never repeat what the fields hold, since a shifted field may be the complaint."""
    (line, lines, fields, fault), width = record, len(table.header)
    if fault == BAD_QUOTE:
        first = lines[0].partition(",")
        sure = (_UNDECODED.sub("\ufffd", first[0]),) if first[1] and '"' not in first[0] else ()
        return Row(number, line, sure, fault, f'row: line {line} has a quote that is not closed or not doubled, expected "" inside "…"')
    if fault:
        return Row(number, line, (), fault, f"row: line {line} is too long, expected fields under {csv.field_size_limit():,} characters")
    place = f"line {line}" if len(lines) == 1 else f"lines {line}–{line + len(lines) - 1}"
    if len(fields) > width:
        got = f"row: {place}: got {len(fields)} fields, expected {width}; a field with a comma needs quotes around it"
        return Row(number, line, (_UNDECODED.sub("\ufffd", fields[0]),), TOO_MANY, got)
    notes = []
    if len(fields) < width:
        notes.append(f"row: {place}: got {len(fields)} fields, expected {width}; the last ones count as not given")
    if len(lines) > 1 and any(_looks_like_row(inner, fields[0], width) for inner in lines[1:]):
        notes.append(f"row: {place}: a quoted field holds what looks like a row of its own, expected one patient; is a quote missing?")
    cells = [*fields, *[""] * (width - len(fields))]
    undecoded = tuple(i for i, cell in enumerate(cells) if not cell.isascii() and _UNDECODED.search(cell))
    for i in undecoded:
        cells[i] = _UNDECODED.sub("\ufffd", cells[i])
    return Row(number, line, tuple(cells), notes=tuple(notes), undecoded=undecoded)


def _looks_like_row(line: str, first: str, width: int) -> bool:
    """Whether a line inside a quoted field has a row's commas and begins like its own row, with a number or an id such as P017."""
    shapes = {re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip())) for cell in (first, line.split(",", 1)[0])}
    return width > 2 and line.count(",") == width - 1 and len(shapes) == 1 and "9" in shapes.pop()
