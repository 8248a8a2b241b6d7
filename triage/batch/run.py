"""Files of visits in, one file of answers out: read, answer, write, chunk by chunk, in bounded memory and in order.

The bytes written do not depend on the size of a chunk: nothing crosses from one row to another but the engine's arrays, whose sums do not
depend on order. Reading (`rows`), answering (here) and writing (`write`) know nothing of each other, so that each can be made faster alone.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from triage.batch import write
from triage.batch.rows import Row, Table, close_tables, open_tables, rows, unread_columns
from triage.errors import TriageError, UsageError
from triage.intake import visit_from
from triage.records import SETTINGS, Assessment, Visit

BAD_VALUE = "bad value"  # the cause of a rejection that is not a fault of the row's form
CHUNK_CHARACTERS = 8_000_000  # a chunk of huge rows ends before its number of rows is reached


class Engine(Protocol):
    """What a batch needs of `triage.assess.Engine`."""

    @property
    def finding_names(self) -> Mapping[str, str]:
        """Casefolded names and ids to finding ids."""

    @property
    def version(self) -> str:
        """What the `model` column holds."""

    def answer(self, visits: Sequence[Visit], setting: str, language: str | None = None, explain: bool = False) -> list[Assessment]:
        """One assessment for each visit, in order."""

    def probabilities(self, visits: Sequence[Visit], setting: str, ids: Sequence[str]) -> list[list[float]]:
        """For each visit the posterior of each id."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the rows: rows = ok + insufficient + all rejected; `urgent` counts among the ok ones."""

    rows: int
    ok: int
    insufficient: int
    rejected: Mapping[str, int]  # cause to rows
    urgent: int
    seconds: float
    notes: tuple[str, ...] = ()  # columns that look like misspelt ones; for the person who started the run


@dataclass(slots=True)
class _Job:
    """One run's settings and counts."""

    engine: Engine
    setting: str
    probability_of: tuple[str, ...]
    names: Mapping[str, str]
    several: bool
    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)


Item = tuple[Table, Sequence[int], Row]  # a row with its table and where its passing columns stand


def _items(tables: Sequence[Table], places: Sequence[Sequence[int]]) -> Iterator[Item]:
    """Every row of every table in order."""
    for table, place in zip(tables, places, strict=True):
        with contextlib.closing(rows(table)) as found:
            for row in found:
                yield table, place, row


def _chunks(items: Iterator[Item], most: int) -> Iterator[list[Item]]:
    """Rows in lists of at most `most`, fewer when they are huge."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += sum(map(len, item[2].fields))
        if len(chunk) >= most or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _visit(job: _Job, table: Table, row: Row) -> tuple[Visit, list[str], list[str]]:
    """The visit of a row, the problems that decide its fate, and remarks that do not."""
    visit, bad = visit_from({name: row.fields[i] for name, i in table.known.items()}, job.names)
    problems, remarks = [*row.notes, *bad], []
    for i in row.undecoded:
        if i == table.known.get("complaint"):
            problems.append("complaint: some bytes are not UTF-8 and were not read, expected UTF-8 text")
        elif i in table.others or i == table.known.get("patient_id"):
            remarks.append(
                f"{table.header[i].strip() or 'column ' + str(i + 1)}: bytes that are not UTF-8 were replaced, expected UTF-8 text"
            )
    return visit, problems, remarks


def _answer(job: _Job, chunk: Sequence[Item]) -> list[str]:
    """The output line of each row of a chunk."""
    read = [None if row.fault else _visit(job, table, row) for table, _, row in chunk]
    visits = [entry[0] for entry in read if entry is not None]
    answers = job.engine.answer(visits, job.setting) if visits else []
    asked = job.engine.probabilities(visits, job.setting, job.probability_of) if visits and job.probability_of else [[]] * len(visits)
    if not len(answers) == len(visits) == len(asked):
        raise TriageError(f"The engine answered {len(answers)} of {len(visits)} visits. Nothing was written.")
    following = iter(zip(answers, asked, strict=True))
    lines = []
    for item, entry in zip(chunk, read, strict=True):
        if entry is None:
            row = item[2]
            job.rejected[row.fault] += 1
            lines.append(_line(job, item, "rejected", row.message))
            continue
        (visit, problems, remarks), (answer, values) = entry, next(following)
        status = "rejected" if problems and answer.status != "ok" else answer.status
        job.rejected[BAD_VALUE] += status == "rejected"
        job.counts["urgent"] += status == "ok" and bool(answer.urgent)
        message = write.message([*problems, *remarks, *answer.messages])
        lines.append(_line(job, item, status, message, (visit.complaint, answer, values)))
    return lines


def _field(row: Row, i: int) -> str:
    """A field of a row; empty where the file has no such column, or a faulty row no certain field there."""
    return row.fields[i] if 0 <= i < len(row.fields) else ""


def _line(job: _Job, item: Item, status: str, message: str, answered: tuple[str, Assessment, Sequence[float]] | None = None) -> str:
    """The output line of one row; `answered` holds its complaint, assessment and the probabilities asked for."""
    table, place, row = item
    complaint, answer, values = answered or ("", None, ())
    given = _field(row, table.known.get("patient_id", -1))
    nameless = "" if row.fault and "patient_id" in table.known else str(row.number)  # the number could be another patient's id
    printed = [write.probability(value) for value in values] if status == "ok" else [""] * len(job.probability_of)
    job.counts.update(("rows", status))
    return write.line(
        [
            *([table.name] if job.several else []),
            str(row.number),
            given if given.strip() else nameless,
            status,
            *write.answer_cells(answer),
            write.unread(complaint, answer),
            message,
            job.engine.version,
            *printed,
            *(_field(row, i) for i in place),
        ]
    )


def run(
    inputs: Sequence[str],
    output: str,
    engine: Engine,
    *,
    setting: str,
    probability_of: Sequence[str] = (),
    chunk: int = 2000,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Answers every row of CSV files into one CSV file, in order; `progress` is called with the rows done after each chunk.

    `-` is standard input or output. UsageError or MissingError before anything is written if the call or a file is wrong; the output
    file appears complete or not at all.
    """
    started = time.perf_counter()
    if setting not in SETTINGS:
        raise UsageError(f"Invalid setting. Got {setting!r}. Expected one of {', '.join(SETTINGS)}.")
    if chunk < 1:
        raise UsageError(f"Invalid chunk. Got {chunk}. Expected 1 row or more.")
    asked = tuple(dict.fromkeys(probability_of))
    if asked:
        engine.probabilities([Visit()], setting, asked)  # an unknown id is refused here, before anything is read or written
    write.check(output, inputs)
    tables = open_tables(inputs)
    try:
        several = len(tables) > 1
        own = write.columns(several, asked)
        names, places = write.passing(tables, own)
        known = {finding: finding for finding in engine.finding_names.values()} | dict(engine.finding_names)
        job = _Job(engine, setting, asked, known, several)
        with write.Output(output) as target:
            target.write(write.line([*own, *names]))
            for part in _chunks(_items(tables, places), chunk):
                target.write("".join(_answer(job, part)))
                if progress is not None:
                    progress(job.counts["rows"])
    finally:
        close_tables(tables)
    notes = tuple(note for table in tables for note in unread_columns(table))
    counts, rejected = job.counts, {cause: number for cause, number in sorted(job.rejected.items()) if number}
    return Summary(counts["rows"], counts["ok"], counts["insufficient"], rejected, counts["urgent"], time.perf_counter() - started, notes)
