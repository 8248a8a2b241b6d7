"""Clinical vignettes with a diagnosis, one JSON object a line (the Avey suite: Hammoud et al., JMIR AI 2024;3:e46875).

Fields used: id, age (years), sex, diagnosis, chief_complaints, presentation, absent_findings, physical_history, family_history, social_history.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.errors import UsageError
from triage.records import SEXES, Visit

REQUIRED = ("id", "age", "sex", "diagnosis", "chief_complaints", "presentation")
SECTIONS = (
    ("chief_complaints", ""),
    ("presentation", ""),
    ("absent_findings", ""),
    ("physical_history", "Past history: "),
    ("family_history", "Family history: "),
    ("social_history", "Social history: "),
)
OLDEST = 130
EMPTY = {"", "-", "none", "none.", "nil", "n/a"}


@dataclass(frozen=True, slots=True)
class Vignette:
    """One vignette as a visit, with the diagnosis its authors agreed on."""

    id: str
    visit: Visit
    diagnosis: str


def text_of(row: dict[str, Any]) -> str:
    """All that a vignette tells, section by section, as one complaint."""
    parts = []
    for key, lead in SECTIONS:
        words = str(row.get(key) or "").strip()
        if words.casefold() not in EMPTY:
            parts.append(f"{lead}{words.rstrip('. ')}.")
    return "\n".join(parts)


def read(path: Path) -> list[Vignette]:
    """The vignettes of a file; raises UsageError with the line of what cannot be read."""
    result = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the vignettes {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"Invalid vignette {path.name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: no JSON. Expected one object a line.") from error
        missing = [name for name in REQUIRED if not isinstance(row, dict) or row.get(name) in (None, "")]
        if missing:
            raise UsageError(f"{where}: missing {', '.join(missing)}.")
        if not isinstance(row["age"], int | float) or not 0 <= row["age"] < OLDEST or row["sex"] not in SEXES:
            raise UsageError(f"{where}: got age {row['age']!r}, sex {row['sex']!r}. Expected years and {' or '.join(SEXES)}.")
        visit = Visit(complaint=text_of(row), age=float(row["age"]), sex=row["sex"])
        result.append(Vignette(str(row["id"]), visit, str(row["diagnosis"])))
    if not result:
        raise UsageError(f"No vignettes in {path.name}. Expected one JSON object a line.")
    return result
