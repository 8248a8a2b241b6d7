"""The pieces of a knowledge file, each checked where it stands: nothing is repaired, every problem is reported with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triage.knowledge.quantities import SHRINKAGE, Number
from triage.records import AGE_BANDS

CONTINUOUS = ("temperature", "heart_rate", "respiratory_rate", "systolic_bp", "spo2", "glucose", "pain_score")
CATEGORICAL = {"consciousness": ("A", "C", "V", "P", "U"), "duration": ("hours", "days", "weeks", "months")}


class Place:
    """Where we are in a file; `say` adds a problem with that place."""

    def __init__(self, path: str, problems: list[str], trail: tuple[str, ...] = ()) -> None:
        self.path, self.problems, self.trail = path, problems, trail

    def __truediv__(self, key: str) -> Place:
        return Place(self.path, self.problems, (*self.trail, key))

    def say(self, text: str) -> None:
        """Adds a problem with its place."""
        where = ".".join(self.trail)
        self.problems.append(f"{self.path}: {where}: {text}" if where else f"{self.path}: {text}")

    def keys(self, table: Mapping[str, Any], allowed: tuple[str, ...], required: tuple[str, ...] = ()) -> None:
        """Reports keys that are unknown or missing."""
        for key in table:
            if key not in allowed:
                self.say(f"unknown key {key!r}; allowed: {', '.join(allowed)}")
        for key in required:
            if key not in table:
                self.say(f"missing key {key!r}")


def read_toml(path: Path, name: str, problems: list[str]) -> dict[str, Any]:
    """A TOML file as a table; an unreadable one is reported and comes back empty."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{name}: cannot be read: {error}")
        return {}


def is_number(value: object) -> bool:
    """True for int and float, not for bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def probability(value: object, at: Place) -> Number:
    """A probability `[p, "source"]` or a count `{k, n, p, source}`, shrunk towards its estimate."""
    if isinstance(value, dict):
        at.keys(value, ("k", "n", "p", "source"), ("k", "n", "p", "source"))
        k, n, p = value.get("k"), value.get("n"), value.get("p")
        if (
            isinstance(k, int)
            and isinstance(n, int)
            and is_number(p)
            and isinstance(p, int | float)
            and 0 <= k <= n
            and n > 0
            and 0 <= p <= 1
        ):
            return Number((k + SHRINKAGE * p) / (n + SHRINKAGE), str(value.get("source", "")), n, k, float(p))
        at.say(f"expected whole numbers 0 <= k <= n and p from 0 to 1, got k={k!r}, n={n!r}, p={p!r}")
        return Number(0.5, "estimate")
    number = sourced(value, at)
    if not 0 <= number.value <= 1:
        at.say(f"expected a probability from 0 to 1, got {number.value!r}")
        return Number(0.5, "estimate")
    return number


def sourced(value: object, at: Place) -> Number:
    """A number with its source, written `[number, "source"]`."""
    if isinstance(value, list) and len(value) == 2 and is_number(value[0]) and isinstance(value[1], str) and value[1]:
        return Number(float(value[0]), value[1])
    at.say(f'expected [number, "source"], got {value!r}')
    return Number(0.0, "estimate")


def ten(value: object, at: Place) -> tuple[float, ...]:
    """One number for each age band; a single number stands for all of them."""
    if is_number(value) and isinstance(value, int | float):
        return (float(value),) * len(AGE_BANDS)
    if isinstance(value, list) and len(value) == len(AGE_BANDS) and all(is_number(x) and x >= 0 for x in value):
        return tuple(float(x) for x in value)
    at.say(f"expected a number or {len(AGE_BANDS)} numbers (one for each age band {', '.join(AGE_BANDS)}), got {value!r}")
    return (1.0,) * len(AGE_BANDS)


def vital_signs(table: object, at: Place) -> dict[str, tuple[Number, ...]]:
    """Vital-sign effects: `[mean or shift, sd, "source"]`, or shares of the bands with a `source`."""
    if not isinstance(table, dict):
        at.say(f"expected a table, got {table!r}")
        return {}
    result: dict[str, tuple[Number, ...]] = {}
    for name, value in table.items():
        here = at / name
        if name in CONTINUOUS:
            if (
                isinstance(value, list)
                and len(value) == 3
                and is_number(value[0])
                and is_number(value[1])
                and value[1] > 0
                and isinstance(value[2], str)
            ):
                result[name] = (Number(float(value[0]), value[2]), Number(float(value[1]), value[2]))
            else:
                here.say(f'expected [mean or shift, standard deviation > 0, "source"], got {value!r}')
        elif name in CATEGORICAL:
            bands = CATEGORICAL[name]
            if not isinstance(value, dict) or not all(is_number(value.get(b)) for b in bands) or not isinstance(value.get("source"), str):
                here.say(f"expected numbers for {', '.join(bands)} and a source, got {value!r}")
            elif abs(sum(value[b] for b in bands) - 1) > 0.011 or min(value[b] for b in bands) < 0:
                here.say(f"expected shares that sum to 1, got {[value[b] for b in bands]}")
            else:
                result[name] = tuple(Number(float(value[b]), value["source"]) for b in bands)
        else:
            here.say(f"unknown vital sign; allowed: {', '.join((*CONTINUOUS, *CATEGORICAL))}")
    return result


def frequencies(table: object, at: Place) -> dict[str, Number]:
    """P(finding | condition), or P(finding | parent present, condition) for a finding with a parent."""
    if not isinstance(table, dict):
        at.say(f"expected a table, got {table!r}")
        return {}
    return {name: probability(value, at / name) for name, value in table.items()}


def text(table: Mapping[str, Any], key: str, at: Place, allowed: tuple[str, ...] | None = None, default: str = "") -> str:
    """A string, one of `allowed` if given."""
    value = table.get(key, default)
    if not isinstance(value, str) or (allowed is not None and value not in allowed and value != default):
        (at / key).say(f"expected {'one of ' + ', '.join(allowed) if allowed else 'text'}, got {value!r}")
        return default
    return value


def texts(table: Mapping[str, Any], key: str, at: Place) -> tuple[str, ...]:
    """A list of strings."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        (at / key).say(f"expected a list of texts, got {value!r}")
        return ()
    return tuple(value)
