"""Vignettes that nobody here made up, as text through the ordinary path: how often the diagnosis is first, among three, among five."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from triage.assess import Engine
from triage.benchmark.metrics import Share
from triage.errors import UsageError
from triage.importers import vignettes
from triage.importers.vignettes import Vignette
from triage.records import VITALS, Visit

NAMES = Path(__file__).parent / "names"
TOPS = (1, 3, 5)


def names(which: str) -> dict[str, tuple[str, ...]]:
    """For each diagnosis of another project the conditions that count as right."""
    with (NAMES / f"{which}.toml").open("rb") as stream:
        return {name: tuple(ids) for name, ids in tomllib.load(stream).items()}


def suite(engine: Engine, path: Path, setting: str = "clinic", coded: Path | None = None) -> dict[str, Any]:
    """Top-1, -3 and -5 with exact intervals, uncovered diagnoses counted as wrong; with `coded`, the same for findings coded by hand."""
    cases = vignettes.read(path)
    result = {
        "suite": "vignettes",
        "model": engine.version,
        "knowledge": engine.knowledge.hash[:12],
        "setting": setting,
        "as text": measure(engine, cases, [case.visit for case in cases], setting),
    }
    if coded is not None:
        visits = coded_visits(engine, coded, cases)
        chosen = [case for case in cases if case.id in visits]
        result["coded by hand"] = measure(engine, chosen, [visits[case.id] for case in chosen], setting)
        result["the same as text"] = measure(engine, chosen, [case.visit for case in chosen], setting)
    return result


def coded_visits(engine: Engine, path: Path, cases: Sequence[Vignette]) -> dict[str, Visit]:
    """Findings coded by hand, by vignette id: TOML `[id]` with `present`, `absent` and vital signs."""
    by_id = {case.id: case.visit for case in cases}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"Cannot read the coded vignettes {path}: {error}") from error
    visits = {}
    for identifier, entry in table.items():
        where = f"Invalid coded vignette {path.name}, {identifier}"
        if identifier not in by_id or not isinstance(entry, dict):
            raise UsageError(f"{where}: expected a table for the id of a vignette.")
        present, absent = entry.pop("present", []), entry.pop("absent", [])
        unknown = [name for name in (*present, *absent) if name not in engine.knowledge.finding_index]
        if unknown or entry.keys() - set(VITALS):
            raise UsageError(
                f"{where}: unknown finding {unknown[0]!r}."
                if unknown
                else f"{where}: unknown key. Expected present, absent or a vital sign."
            )
        findings = tuple([(name, True) for name in present] + [(name, False) for name in absent])
        visits[identifier] = Visit(findings=findings, age=by_id[identifier].age, sex=by_id[identifier].sex, **entry)
    return visits


def measure(engine: Engine, cases: Sequence[Vignette], visits: Sequence[Visit], setting: str) -> dict[str, Any]:
    """The shares, and for each vignette the rank of the first right condition (0: not covered)."""
    right = names("avey")
    known = engine.knowledge.condition_index
    scored = engine.score(list(visits), setting)
    rows: list[dict[str, Any]] = []
    for i, case in enumerate(cases):
        accepted = [known[name] for name in right.get(case.diagnosis, ()) if name in known]
        order = np.argsort(-scored.conditions[i], kind="stable")
        ranks = [int(np.flatnonzero(order == c)[0]) + 1 for c in accepted]
        rows.append({
            "id": case.id,
            "diagnosis": case.diagnosis,
            "rank": min(ranks, default=0),
            "first": [engine.knowledge.conditions[c] for c in order[:3]],
            "probability": round(float(scored.conditions[i, accepted].sum()), 4) if accepted else 0.0,
            "acuity": int(scored.acuity[i]),
        })  # fmt: skip
    n = len(rows)
    return {
        "n": n,
        "covered": Share(sum(row["rank"] > 0 for row in rows), n).document(),
        **{f"top{k}": Share(sum(0 < row["rank"] <= k for row in rows), n).document() for k in TOPS},
        "rows": rows,
    }
