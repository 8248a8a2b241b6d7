"""DDXPlus (Fansi Tchango et al. 2022, CC BY): definitions, statistics of its training split, and patients, in the engine's own terms.

A directory holds `release_evidences.json`, `ddxplus_train_nb_statistics_en.json` and patients as CSV with AGE, SEX, PATHOLOGY and EVIDENCES,
the latter either a Python list or tokens between blanks. A token is an evidence ("E_91") or an evidence with a value ("E_55_@_V_125"); one that
says the default value means "no", and what is not listed is absent in this data set.
"""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from triage.diagnosis.encoding import Cases
from triage.diagnosis.model import Model
from triage.errors import UsageError
from triage.importers.files import opened
from triage.knowledge.loader import Knowledge, odds_units
from triage.records import ABSENT, AGE_BANDS, PRESENT, SETTINGS, age_band

EVIDENCES = "release_evidences.json"
STATISTICS = "ddxplus_train_nb_statistics_en.json"
OLDEST = 130
FLOOR = 1e-7  # what the statistics hold for "never seen"
SEX = {"F": 0, "M": 1}


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient: age in years, sex (0 female, 1 male), the true condition, and the tokens that are present."""

    age: float
    sex: int
    pathology: str
    tokens: frozenset[str]


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read {path.name} of DDXPlus: {error}") from error


def defaults(directory: Path) -> set[str]:
    """The tokens that say "no": an evidence with its default value."""
    return {f"{name}_@_{one['default_value']}" for name, one in _json(directory / EVIDENCES).items() if one["data_type"] != "B"}


def engine_model(directory: Path) -> Model:
    """A model of the serving engine whose states are the conditions of DDXPlus and whose weights are its training statistics."""
    try:
        return _model(_json(directory / STATISTICS), defaults(directory), directory)
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"Invalid definitions of DDXPlus in {directory}: {error!r}. Expected {EVIDENCES} and {STATISTICS} as published."
        ) from error


def _model(statistics: dict[str, Any], silent: set[str], directory: Path) -> Model:
    conditions = list(statistics)
    tokens: dict[str, None] = {}
    for entry in statistics.values():
        for evidence, values in entry["findings"].items():
            names = [f"{evidence}_@_{value}" for value in values] if isinstance(values, dict) else [evidence]
            tokens.update(dict.fromkeys(name for name in names if name not in silent))
    findings = list(tokens)
    frequency = np.full((len(findings), len(conditions)), FLOOR)
    for c, entry in enumerate(statistics.values()):
        for f, token in enumerate(findings):
            evidence, _, value = token.partition("_@_")
            found = entry["findings"].get(evidence, FLOOR)
            frequency[f, c] = found.get(value, FLOOR) if isinstance(found, dict) else found
    frequency = frequency.clip(FLOOR, 1 - FLOOR)
    knowledge = _knowledge(findings, conditions, np.array([entry["prior"] for entry in statistics.values()]), directory)
    none = np.zeros(len(findings))  # records of this data set miss nothing, invent nothing and are not free text
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "frequency": odds_units(frequency),
        "missed": none,
        "invented": none,
        "volunteered": none,
        "exponents": np.ones((2, len(findings))),
        "vital": np.zeros((0, len(conditions)), dtype=np.int16),
        "talk": np.zeros((5, 5), dtype=np.float32),
    }
    return Model(knowledge, {"version": "ddxplus"}, arrays)


def _knowledge(findings: list[str], conditions: list[str], prior: np.ndarray[Any, Any], directory: Path) -> Knowledge:
    """Compiled knowledge with one state for each condition, no hierarchy and no vital signs."""
    bands, settings, states = len(AGE_BANDS), len(SETTINGS), len(conditions)
    manifest: dict[str, Any] = {
        "numbers_hash": "ddxplus",
        "findings": findings,
        "kinds": ["symptom"] * len(findings),
        "conditions": conditions,
        "states": [[c, "typical", "all", []] for c in range(states)],
        "at_least": [0] * states,
        "vitals": {},
        "names": {},
    }
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "variant": np.repeat(np.arange(len(findings), dtype=np.int16)[:, None], bands, axis=1),
        "prior": np.broadcast_to(prior / prior.sum(), (settings, bands, 2, states)).astype(np.float32),
        "demography": np.full((settings, bands, 2), 1 / (2 * bands), dtype=np.float32),
        "acuity": np.full(states, 4, dtype=np.int8),
        "condition": np.arange(states, dtype=np.int16),
        "parent": np.full(len(findings), -1, dtype=np.int16),
        "group": np.full(len(findings), -1, dtype=np.int16),
        "applies": np.ones((bands, 2, len(findings)), dtype=bool),
    }
    return Knowledge(manifest, arrays, directory)


def patients(path: Path, silent: set[str]) -> Iterator[Patient]:
    """The patients of a file, in order."""
    with opened(path, "patients") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            try:
                text = row["EVIDENCES"]
                tokens = ast.literal_eval(text) if text.startswith("[") else text.split()
                age = float(row["AGE"])
                if not 0 <= age < OLDEST:
                    raise ValueError(age)
                yield Patient(age, SEX[row["SEX"]], row["PATHOLOGY"], frozenset(tokens) - silent)
            except (KeyError, ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError) as error:
                raise UsageError(
                    f"Invalid patient {path.name}, line {line}. Expected AGE, SEX (F or M), PATHOLOGY and EVIDENCES of DDXPlus."
                ) from error


def cases(model: Model, people: list[Patient]) -> Cases:
    """Patients as evidence: listed tokens present, all others absent."""
    knowledge = model.knowledge
    codes = np.full((len(people), len(knowledge.findings)), ABSENT, dtype=np.int8)
    for i, person in enumerate(people):
        for token in person.tokens:
            column = knowledge.finding_index.get(token)
            if column is not None:
                codes[i, column] = PRESENT
    return Cases(
        codes=codes,
        bands=np.zeros((len(people), 0), dtype=np.int8),
        said=np.full(len(people), -1, dtype=np.int16),
        age_band=np.array([age_band(person.age) for person in people], dtype=np.int8),
        sex=np.array([person.sex for person in people], dtype=np.int8),
    )
