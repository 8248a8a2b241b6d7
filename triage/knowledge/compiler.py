"""The corpus as numbers: frequencies by state, priors, vital-sign bands, and the tables that answering a patient needs.

Shapes: S states, F findings, V finding variants (a finding whose background follows age has one variant per band, any other has one),
B bands of all vital signs, A = 10 age bands, X = 2 sexes (female, male), K = 2 settings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage import artefact
from triage.knowledge import forms
from triage.knowledge.corpus import Corpus
from triage.knowledge.loader import FILE, LAW_FILE, odds_units
from triage.knowledge.parsing import CATEGORICAL
from triage.knowledge.quantities import LOWEST, changed, expit, logit
from triage.knowledge.schema import Condition, Finding, Part, applies
from triage.records import AGE_BANDS, LANGUAGES, SETTINGS

Floats = NDArray[np.float64]
# What answering needs of a red flag; its names are with all names, its cases and references stay in the files.
SERVED = ("acuity", "all", "any", "age", "sex", "vitals", "any_vitals", "consciousness", "for")
CONSUMED = ("findings", "kinds", "conditions", "states", "at_least", "vitals", "measured", "latents", "decision", "red_flags")
BAND_FLOOR = 0.0002
LEAST_NORMAL, COOL_SIDE = 36.0, 0.45  # degrees: see _fever_bands
RELATIVE = ("heart_rate", "respiratory_rate", "systolic_bp")  # files give a shift from the normal for age


def demography(corpus: Corpus) -> Floats:
    """Share of visits [K, A, X] by setting, age band and sex; each setting sums to 1."""
    table = np.array([[corpus.settings[s]["female"], corpus.settings[s]["male"]] for s in SETTINGS], dtype=float).transpose(0, 2, 1)
    return np.asarray(table / table.sum(axis=(1, 2), keepdims=True))


def condition_rates(one: Condition, people: Floats) -> Floats:
    """Visits per 10,000 [K, A, X] within each age band and sex, whose mean over the setting's visits is the condition's rate."""
    share = one.female.value
    sexes = np.array([2 * share, 2 * (1 - share)])
    shape = np.array(one.age)[:, None] * sexes
    rates = np.empty_like(people)
    for index, setting in enumerate(SETTINGS):
        mean = float((people[index] * shape).sum())
        rates[index] = one.rate[setting].value * shape / max(mean, 1e-9)
    return rates


def states_of(one: Condition) -> list[tuple[Part, Part]]:
    """The (presentation, severity) pairs of a condition."""
    return [(presentation, severity) for presentation in one.presentations for severity in one.severities]


def compile_corpus(corpus: Corpus) -> tuple[dict[str, Any], dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The manifest, the arrays that answering needs, and the law of the synthetic world, of a corpus without problems."""
    findings, conditions = corpus.findings, corpus.conditions
    index = {finding.id: i for i, finding in enumerate(findings)}
    states = [(c, presentation, severity) for c, one in enumerate(conditions) for presentation, severity in states_of(one)]
    people = demography(corpus)
    rates = np.array([condition_rates(one, people) for one in conditions])  # [C, K, A, X]
    variant, variant_finding, variant_band = _variants(findings)

    # What a state's files do not name has its background in all of them.
    usual = [expit(logit(_background(findings[f], band))) for f, band in zip(variant_finding, variant_band, strict=True)]
    frequency = np.repeat(np.array(usual).clip(LOWEST, 1 - LOWEST)[:, None], len(states), axis=1)
    variants_of = [[v for v, owner in enumerate(variant_finding) if owner == f] for f in range(len(findings))]
    spread = np.zeros((len(findings), len(states)))
    age_weights = [(people * rates[c]).sum(axis=(0, 2)) for c in range(len(conditions))]
    for s, (c, presentation, severity) in enumerate(states):
        one = conditions[c]
        for name in {*one.findings, *presentation.findings, *severity.findings}:
            f = index[name]
            for v in variants_of[f]:
                frequency[v, s] = _frequency(findings[f], variant_band[v], one, presentation, severity, age_weights[c])
            spread[f, s] = (severity.findings.get(name) or presentation.findings.get(name) or one.findings[name]).spread
    _fit_groups(frequency, findings, conditions, states, variant_finding)

    prior = np.zeros((len(SETTINGS), len(AGE_BANDS), 2, len(states)))
    for s, (c, presentation, severity) in enumerate(states):
        for k, setting in enumerate(SETTINGS):
            for a in range(len(AGE_BANDS)):
                for x in range(2):
                    prior[k, a, x, s] = (
                        rates[c, k, a, x] * presentation_share(conditions[c], presentation, setting, a, x) * severity.share[setting][a]
                    )
    prior /= prior.sum(axis=3, keepdims=True)

    bands, vital_names = _vital_bands(corpus)
    first = {finding.id: int(variant[f, 0]) for f, finding in enumerate(findings)}
    vital = np.concatenate([_vital(name, corpus, conditions, states, frequency, first) for name in vital_names], axis=1)
    arrays: dict[str, NDArray[Any]] = {
        "variant": variant,
        "prior": prior.astype(np.float32),
        "demography": people.astype(np.float32),
        "acuity": np.array([severity.acuity for _, _, severity in states], dtype=np.int8),
        "condition": np.array([c for c, _, _ in states], dtype=np.int16),
        "parent": np.array([index[f.parent] if f.parent else -1 for f in findings], dtype=np.int16),
        "group": _groups(findings),
        "applies": np.array([applies(f) for f in findings], dtype=bool).transpose(1, 2, 0),
    }
    law: dict[str, NDArray[Any]] = {
        "frequency": odds_units(frequency),
        "spread": np.rint(spread).astype(np.int16),
        "vital": vital.astype(np.float32),
        "said": np.array([f.said for f in findings], dtype=np.float32),
        "asked": np.array([f.asked for f in findings], dtype=np.float32),
        "comorbid": _comorbid(corpus, index),
        "background": np.array(
            [_background(findings[f], band) for f, band in zip(variant_finding, variant_band, strict=True)], dtype=np.float32
        ),
        "owner": np.array(variant_finding, dtype=np.int16),
    }
    manifest: dict[str, Any] = {
        "findings": [f.id for f in findings],
        "kinds": [f.kind for f in findings],
        "conditions": [one.id for one in conditions],
        "states": [[c, presentation.id, severity.id, list(severity.syndromes)] for c, presentation, severity in states],
        "icd10": [list(one.icd10) for one in conditions],
        "at_least": [one.at_least if one.must_not_miss else 0 for one in conditions],
        "settled_by": [one.settled_by for one in conditions],
        "first_actions": [list(one.first_actions) for one in conditions],
        "names": _names(corpus),
        "vitals": bands,
        "measured": {name: corpus.vitals[name].get("measured", {}) for name in vital_names},
        "latents": corpus.latents,
        "decision": corpus.decision,
        "red_flags": {name: {key: rule[key] for key in rule if key in SERVED} for name, rule in corpus.red_flags.items()},
        "advice": corpus.advice,
        "reading": forms.build_tables(corpus.lexicon, corpus.cues),
    }
    # What the model, its thresholds and the values of its rules consume; wording is not among it.
    consumed = {key: manifest[key] for key in CONSUMED}
    text = np.frombuffer(json.dumps(consumed, sort_keys=True).encode(), dtype=np.uint8)
    manifest["numbers_hash"] = artefact.digest({**arrays, **law, "consumed": text})
    return manifest, arrays, law


def compile_to(corpus: Corpus, directory: Path) -> None:
    """Writes the compiled knowledge and the law of the world into a directory."""
    manifest, arrays, law = compile_corpus(corpus)
    artefact.write(directory / FILE, "knowledge", manifest, arrays)
    artefact.write(directory / LAW_FILE, "world", {"numbers_hash": manifest["numbers_hash"]}, law)


def presentation_share(one: Condition, presentation: Part, setting: str, band: int, sex: int) -> float:
    """Share of a presentation among the condition's patients of one age band and sex (0 female).

    A female ratio r makes the share of women r times that of men, with the file's share as the mean over the condition's patients;
    presentations without a ratio divide the rest as the file says.
    """

    def fixed(part: Part) -> float:
        women = one.female.value
        men_share = part.share[setting][band] / (women * part.female_ratio + 1 - women)
        return min(men_share * (part.female_ratio if sex == 0 else 1.0), 0.99)

    if presentation.female_ratio != 1.0:
        return fixed(presentation)
    rest = 1 - sum(fixed(part) for part in one.presentations if part.female_ratio != 1.0)
    others = sum(part.share[setting][band] for part in one.presentations if part.female_ratio == 1.0)
    return max(rest, 0.0) * presentation.share[setting][band] / others


def _variants(findings: tuple[Finding, ...]) -> tuple[NDArray[np.int16], list[int], list[int]]:
    """variant[F, A], and for each variant its finding and its age band (-1: all)."""
    variant = np.empty((len(findings), len(AGE_BANDS)), dtype=np.int16)
    owner: list[int] = []
    band: list[int] = []
    for f, finding in enumerate(findings):
        for a in range(len(AGE_BANDS) if finding.by_age else 1):
            variant[f, a if finding.by_age else slice(None)] = len(owner)
            owner.append(f)
            band.append(a if finding.by_age else -1)
    return variant, owner, band


def _frequency(finding: Finding, band: int, one: Condition, presentation: Part, severity: Part, ages: Floats) -> float:
    """P(finding | state), in an age band if the finding's background follows age.

    Presentation and severity move the log-odds away from the condition's base (`quantities.changed`). Where the background follows age, the file's number is
    the mean over the condition's patients, and the condition shifts the log-odds of the background by the same amount at every age.
    """
    base_number = one.findings.get(finding.id)
    background = _background(finding, band)
    base = logit(base_number.value) if base_number else logit(finding.background)
    if not base_number:
        shift = 0.0
    elif finding.by_age:
        shift = _age_shift(finding, base_number.value, tuple(ages))
    else:
        shift = base - logit(background)
    shift += changed(base, [part.findings[finding.id].value for part in (presentation, severity) if finding.id in part.findings]) - base
    return min(max(expit(logit(background) + shift), LOWEST), 1 - LOWEST)


@cache
def _age_shift(finding: Finding, value: float, ages: tuple[float, ...]) -> float:
    """The shift of the background's log-odds, the same at every age, whose mean over the condition's ages is the file's number."""
    odds = np.array([logit(_background(finding, band)) for band in range(len(AGE_BANDS))])
    weight = np.array(ages) / max(sum(ages), 1e-12)
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if float((weight / (1 + np.exp(-odds - middle))).sum()) < value else (low, middle)
    return (low + high) / 2


def _background(finding: Finding, band: int) -> float:
    """The background of a finding variant."""
    value = finding.background * (finding.by_age[band] if finding.by_age else 1.0)
    return min(max(value, LOWEST), 0.95)


def _fit_groups(
    frequency: Floats,
    findings: tuple[Finding, ...],
    conditions: tuple[Condition, ...],
    states: list[tuple[int, Part, Part]],
    owner: list[int],
) -> None:
    """Makes mutually exclusive findings sum to at most 0.98 in every state, taking from those left at background first."""
    for group in {f.group for f in findings if f.group}:
        members = [v for v, f in enumerate(owner) if findings[f].group == group]
        for s, (c, presentation, severity) in enumerate(states):
            named = {*conditions[c].findings, *presentation.findings, *severity.findings}
            given = [v for v in members if findings[owner[v]].id in named]
            free = [v for v in members if v not in given]
            room = 0.98 - frequency[given, s].sum()
            if room < 0.01:
                frequency[given, s] *= 0.97 / frequency[given, s].sum()
                room = 0.01
            if frequency[free, s].sum() > room:
                frequency[free, s] *= room / frequency[free, s].sum()


def _groups(findings: tuple[Finding, ...]) -> NDArray[np.int16]:
    names = sorted({f.group for f in findings if f.group})
    return np.array([names.index(f.group) if f.group else -1 for f in findings], dtype=np.int16)


def _vital_bands(corpus: Corpus) -> tuple[dict[str, Any], list[str]]:
    """For each vital sign its bands in the concatenated array: start, edges, names and age scaling."""
    bands: dict[str, Any] = {}
    start = 0
    names = list(corpus.vitals)
    for name in names:
        table = corpus.vitals[name]
        edges = table.get("edges", [])
        count = len(table["bands"]) if "bands" in table else len(edges) + 1
        bands[name] = {
            "start": start,
            "count": count,
            "edges": edges,
            "bands": table.get("bands", []),
            "by_age": table.get("by_age", []),
        } | {key: table[key] for key in ("replaces", "implies", "limits") if key in table}
        start += count
    return bands, names


def _normal_bands(mean: float, sd: float, edges: list[float]) -> Floats:
    below = np.array([0.5 * (1 + math.erf((edge - mean) / (sd * math.sqrt(2)))) for edge in edges])
    return np.diff(np.concatenate(([0.0], below, [1.0])))


def _vital(
    name: str,
    corpus: Corpus,
    conditions: tuple[Condition, ...],
    states: list[tuple[int, Part, Part]],
    frequency: Floats,
    first: dict[str, int],
) -> Floats:
    """P(band | state) of one vital sign [S, bands]; severity goes before presentation before condition.

    Where none of them says anything, the normal distribution is mixed with what the state's findings imply (a fever that is reported).
    """
    table = corpus.vitals[name]
    rows = []
    for s, (c, presentation, severity) in enumerate(states):
        numbers = severity.vitals.get(name) or presentation.vitals.get(name) or conditions[c].vitals.get(name)
        if numbers:
            row = _bands(name, table, [n.value for n in numbers], name in RELATIVE)
        else:
            row = _bands(name, table, table["normal"], False)
            for finding, implied in table.get("from", {}).items():
                p = frequency[first[finding], s]
                row = (1 - p) * row + p * _bands(name, table, implied, False)
        row = np.maximum(row, BAND_FLOOR)
        rows.append(row / row.sum())
    return np.array(rows)


def _bands(name: str, table: dict[str, Any], numbers: Sequence[float], shifted: bool) -> Floats:
    """Shares of the bands, from shares or from a mean (or a shift from the normal mean) and a standard deviation."""
    if name in CATEGORICAL:
        return np.array(numbers, dtype=float)
    mean, sd = numbers[0] + (table["normal"][0] if shifted else 0), numbers[1]
    if name == "glucose":  # its logarithm is normal, and the files give that one's deviation
        return _normal_bands(math.log(max(mean, 0.1)), sd, [math.log(edge) for edge in table["edges"]])
    if name in RELATIVE:
        # So is theirs: of 24,000 adults sent home 0.08 % had less than 80 mmHg, 5 % 180 and more, 0.2 % a pulse of 150 (nhamcs-ed-2016-2018).
        mean = max(mean, 1.0)
        return _normal_bands(math.log(mean), sd / mean, [math.log(edge) for edge in table["edges"]])
    if name == "temperature" and mean >= LEAST_NORMAL:
        return _fever_bands(mean, sd, table["edges"])
    return _normal_bands(mean, sd, table["edges"])


def _fever_bands(mean: float, sd: float, edges: list[float]) -> Floats:
    """Shares of a distribution that spreads upwards by `sd` but downwards by no more than healthy people differ: a fever falls to normal, not below."""
    lower = min(sd, COOL_SIDE)
    mean -= math.sqrt(2 / math.pi) * (sd - lower)  # now the mode, so that the mean is the file's
    below, above = _normal_bands(mean, lower, edges), _normal_bands(mean, sd, edges)
    cut = int(np.searchsorted(edges, mean))
    result = np.concatenate((below[:cut], [0.0], above[cut + 1 :]))
    # Half of either normal lies on its side of the mean; sides weigh as their deviations, so that the density does not jump.
    weight = lower / (lower + sd)
    result[:cut] *= 2 * weight
    result[cut + 1 :] *= 2 * (1 - weight)
    result[cut] = 1 - result.sum()
    return result


def _comorbid(corpus: Corpus, index: dict[str, int]) -> NDArray[np.float32]:
    """Added frequency [comorbid profiles, F] of the latent long-standing illnesses."""
    added = np.zeros((len(corpus.latents["comorbid"]), len(index)), dtype=np.float32)
    for row, profile in enumerate(corpus.latents["comorbid"]):
        for name, value in profile.get("adds", {}).items():
            added[row, index[name]] = value
    return added


def _names(corpus: Corpus) -> dict[str, dict[str, str]]:
    """Names by id and language: conditions, findings (their first surface form), red flags."""
    names = {one.id: dict(one.names) for one in corpus.conditions}
    for finding in corpus.findings:
        names[finding.id] = {language: corpus.lexicon[language].get(finding.id, [finding.id])[0] for language in LANGUAGES}
    for flag, table in corpus.red_flags.items():
        names[flag] = dict(table["names"])
    return names
