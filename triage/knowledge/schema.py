"""One knowledge file as records, with *every* problem of the file and its place.

The formats are described in README.md, section "How to add a condition". Nothing is repaired: a value that is wrong is reported as
`conditions/heart/angina.toml: findings.chest_pain: expected a probability from 0 to 1, got 1.4`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from triage.knowledge.parsing import Place, frequencies, is_number, probability, read_toml, sourced, ten, text, texts, vital_signs
from triage.knowledge.quantities import Number
from triage.records import AGE_BANDS, AGE_LIMITS, LANGUAGES, SETTINGS, SEXES

KINDS = ("symptom", "sign", "attribute", "history", "medication", "exposure", "context", "reason")
SYNDROMES = ("sepsis", "shock", "respiratory_failure", "severe_dehydration")
COURSES = ("acute", "chronic")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the vocabulary."""

    id: str
    meaning: str
    kind: str
    parent: str
    group: str
    background: float
    said: float
    asked: float
    sex: str
    ages: tuple[float, float]
    by_age: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A severity or presentation: shares and what it changes."""

    id: str
    share: dict[str, tuple[float, ...]]  # by setting, one number per age band
    acuity: int = 0
    syndromes: tuple[str, ...] = ()
    female_ratio: float = 1.0
    share_sources: tuple[str, ...] = ()
    findings: dict[str, Number] = field(default_factory=dict)
    vitals: dict[str, tuple[Number, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discriminator:
    """What separates a must-not-miss condition from one it is confused with: findings, and a test of `advice/` (or none)."""

    condition: str
    findings: tuple[str, ...]
    test: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition file; `icd10` lies within one block, `icd10_also` names codes of other blocks that are also given to it."""

    id: str
    system: str
    icd10: tuple[str, ...]
    icd10_also: tuple[str, ...]
    course: str
    confused_with: tuple[Discriminator, ...]
    not_counted: dict[str, str]
    names: dict[str, str]
    must_not_miss: bool
    at_least: int
    settled_by: str
    first_actions: tuple[str, ...]
    review: str
    rate: dict[str, Number]
    age: tuple[float, ...]
    age_source: str
    female: Number
    severities: tuple[Part, ...]
    presentations: tuple[Part, ...]
    findings: dict[str, Number]
    vitals: dict[str, tuple[Number, ...]]


def finding(name: str, table: Mapping[str, Any], at: Place) -> Finding:
    """One entry of `findings/*.toml`."""
    at.keys(
        table,
        ("meaning", "kind", "parent", "group", "background", "said", "asked", "sex", "ages", "by_age"),
        ("meaning", "kind", "background"),
    )
    kind = text(table, "kind", at, KINDS, "symptom")
    said, asked = {"symptom": (0.7, 0.25), "sign": (0.35, 0.3), "attribute": (0.45, 0.3), "history": (0.35, 0.35)}.get(kind, (0.4, 0.2))

    def share(key: str, default: float) -> float:
        value = table.get(key, default)
        if not is_number(value) or not 0 <= value <= 1:
            (at / key).say(f"expected a number from 0 to 1, got {value!r}")
            return default
        return float(value)

    ages = table.get("ages", [0, 200])
    if not (isinstance(ages, list) and len(ages) == 2 and all(is_number(x) for x in ages) and ages[0] < ages[1]):
        (at / "ages").say(f"expected [from, to] in years, got {ages!r}")
        ages = [0, 200]
    return Finding(
        id=name,
        meaning=text(table, "meaning", at),
        kind=kind,
        parent=text(table, "parent", at),
        group=text(table, "group", at),
        background=share("background", 0.01),
        said=share("said", said),
        asked=share("asked", asked),
        sex=text(table, "sex", at, ("female", "male")),
        ages=(float(ages[0]), float(ages[1])),
        by_age=ten(table["by_age"], at / "by_age") if "by_age" in table else (),
    )


def applies(finding: Finding) -> list[list[bool]]:
    """Whether a finding can occur, by age band and sex (female, male)."""
    limits = (0.0, *AGE_LIMITS[:-1], 130.0)
    return [
        [finding.ages[0] < limits[band + 1] and finding.ages[1] > limits[band] and finding.sex in ("", sex) for sex in SEXES]
        for band in range(len(AGE_BANDS))
    ]


CONDITION_KEYS = (
    "id", "icd10", "icd10_also", "course", "names", "must_not_miss", "at_least", "settled_by", "first_actions", "review",
    "confused_with", "not_counted", "prevalence", "severity", "presentation", "findings", "vitals",
)  # fmt: skip


def condition(path: Path, name: str, problems: list[str]) -> Condition | None:
    """One file of `conditions/<system>/<id>.toml`; None if it could not be read at all."""
    table = read_toml(path, name, problems)
    if not table:
        return None
    at = Place(name, problems)
    at.keys(table, CONDITION_KEYS, ("id", "icd10", "names", "must_not_miss", "prevalence", "severity", "findings"))
    if table.get("id") != path.stem:
        (at / "id").say(f"expected the file's name {path.stem!r}, got {table.get('id')!r}")
    names = table.get("names", {})
    if not isinstance(names, dict) or set(names) != set(LANGUAGES) or not all(isinstance(x, str) and x for x in names.values()):
        (at / "names").say(f"expected a name in each of {', '.join(LANGUAGES)}, got {names!r}")
        names = dict.fromkeys(LANGUAGES, path.stem)
    must_not_miss = table.get("must_not_miss") is True
    at_least = table.get("at_least", 5)
    if must_not_miss and at_least not in (1, 2, 3):
        (at / "at_least").say(f"expected 1, 2 or 3 for a must-not-miss condition, got {table.get('at_least')!r}")
        at_least = 3
    prevalence = table.get("prevalence", {})
    here = at / "prevalence"
    here.keys(prevalence, ("clinic", "emergency", "age", "age_source", "female"), ("clinic", "emergency", "age", "age_source", "female"))
    severities = _parts(table.get("severity", {}), at / "severity", _severity)
    if not severities:
        (at / "severity").say("expected at least one severity")
        return None
    presentations = _parts(table.get("presentation", {}), at / "presentation", _presentation)
    everyone = Part("typical", dict.fromkeys(SETTINGS, (1.0,) * len(AGE_BANDS)))
    return Condition(
        id=path.stem,
        system=path.parent.name,
        icd10=texts(table, "icd10", at),
        icd10_also=texts(table, "icd10_also", at),
        course=text(table, "course", at, COURSES, "acute"),
        confused_with=_discriminators(table.get("confused_with", []), at / "confused_with"),
        not_counted=_reasons(table.get("not_counted", {}), at / "not_counted"),
        names=names,
        must_not_miss=must_not_miss,
        at_least=at_least,
        settled_by=text(table, "settled_by", at, default="none_needed"),
        first_actions=texts(table, "first_actions", at),
        review=text(table, "review", at),
        rate={setting: sourced(prevalence.get(setting), here / setting) for setting in SETTINGS},
        age=ten(prevalence.get("age", 1), here / "age"),
        age_source=text(prevalence, "age_source", here, default="estimate"),
        female=probability(prevalence.get("female"), here / "female"),
        severities=_normalised(severities, at / "severity"),
        presentations=_normalised(presentations, at / "presentation") or (everyone,),
        findings=frequencies(table.get("findings", {}), at / "findings"),
        vitals=vital_signs(table.get("vitals", {}), at / "vitals"),
    )


def _discriminators(value: object, at: Place) -> tuple[Discriminator, ...]:
    """The `[[confused_with]]` tables: a condition, the findings that separate it, and the test that does."""
    if not isinstance(value, list) or not all(isinstance(x, dict) for x in value):
        at.say(f"expected tables [[confused_with]], got {value!r}")
        return ()
    result = []
    for table in value:
        at.keys(table, ("condition", "findings", "test"), ("condition", "findings"))
        result.append(Discriminator(text(table, "condition", at), texts(table, "findings", at), text(table, "test", at)))
    return tuple(result)


def _reasons(value: object, at: Place) -> dict[str, str]:
    """What is not taken from the counts, each with the reason."""
    if not isinstance(value, dict) or not all(isinstance(x, str) and x for x in value.values()):
        at.say(f'expected name = "reason", got {value!r}')
        return {}
    return value


def _parts(table: object, at: Place, build: Callable[[str, Mapping[str, Any], Place], Part]) -> tuple[Part, ...]:
    if not isinstance(table, dict) or not all(isinstance(x, dict) for x in table.values()):
        at.say("expected tables, one for each name")
        return ()
    return tuple(build(name, part, at / name) for name, part in table.items())


def _severity(name: str, table: Mapping[str, Any], at: Place) -> Part:
    at.keys(table, ("share", "acuity", "relative_by_age", "syndromes", "findings", "vitals"), ("share", "acuity"))
    share = table.get("share", 1.0)
    if is_number(share):
        share = dict.fromkeys(SETTINGS, share)
    if not isinstance(share, dict) or not all(is_number(share.get(s)) and 0 <= share[s] <= 1 for s in SETTINGS):
        (at / "share").say(f"expected a share from 0 to 1 for {' and '.join(SETTINGS)}, got {share!r}")
        share = dict.fromkeys(SETTINGS, 1.0)
    acuity = table.get("acuity")
    if acuity not in (1, 2, 3, 4, 5):
        (at / "acuity").say(f"expected 1 to 5, got {acuity!r}")
        acuity = 3
    syndromes = texts(table, "syndromes", at)
    for syndrome in syndromes:
        if syndrome not in SYNDROMES:
            (at / "syndromes").say(f"unknown syndrome {syndrome!r}; allowed: {', '.join(SYNDROMES)}")
    relative = ten(table.get("relative_by_age", 1), at / "relative_by_age")
    return Part(
        name,
        {s: tuple(share[s] * r for r in relative) for s in SETTINGS},
        acuity=acuity,
        syndromes=syndromes,
        findings=frequencies(table.get("findings", {}), at / "findings"),
        vitals=vital_signs(table.get("vitals", {}), at / "vitals"),
    )


def _presentation(name: str, table: Mapping[str, Any], at: Place) -> Part:
    at.keys(table, ("share", "share_source", "share_female_ratio", "findings", "vitals"), ("share", "share_source"))
    share = ten(table.get("share", 1), at / "share")
    ratio = sourced(table["share_female_ratio"], at / "share_female_ratio") if "share_female_ratio" in table else Number(1.0, "estimate")
    return Part(
        name,
        dict.fromkeys(SETTINGS, share),
        female_ratio=ratio.value,
        share_sources=(text(table, "share_source", at), ratio.source),
        findings=frequencies(table.get("findings", {}), at / "findings"),
        vitals=vital_signs(table.get("vitals", {}), at / "vitals"),
    )


def _normalised(parts: tuple[Part, ...], at: Place) -> tuple[Part, ...]:
    """Parts whose shares sum to one in every age band; a sum far from one before relative weights is a problem."""
    for setting in SETTINGS:
        sums = [sum(part.share[setting][band] for part in parts) for band in range(len(AGE_BANDS))] if parts else []
        plain = all(len(set(part.share[setting])) == 1 for part in parts)
        if any(total <= 0 for total in sums) or (plain and any(abs(total - 1) > 0.011 for total in sums)):
            at.say(f"expected shares that sum to 1 in setting {setting}, got {sorted({round(total, 3) for total in sums})}")
            return parts
    totals = {s: [sum(part.share[s][band] for part in parts) for band in range(len(AGE_BANDS))] for s in SETTINGS}
    for part in parts:
        for setting in SETTINGS:
            part.share[setting] = tuple(value / total for value, total in zip(part.share[setting], totals[setting], strict=True))
    return parts
