"""Exact posteriors of the synthetic world: the two ceilings no classifier can pass.

For one finding with frequency p, probability m of being volunteered when present, probability a of being asked, and recording errors e1
(present noted as absent) and e0 (absent noted as present), the record says

    present  p (m + (1 - m) a (1 - e1)) + (1 - p) a e0
    absent   p (1 - m) a e1 + (1 - p) a (1 - e0)
    unknown  (1 - a) (1 - p m)

given the state and the shared latents (style, textbook or not, comorbid illness), over which the sum is exact. *Clinic-blind* uses the
means over clinics; *oracle* uses the law of the patient's own clinic, which nobody who serves many clinics can know. Visits in which
nothing is present are not seen, which does not change the posterior of those that are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge
from triage.records import ABSENT, PRESENT, SETTINGS, UNKNOWN
from triage.world.clinics import ORDINARY, Clinic, Shift, shifted
from triage.world.patients import Level, Patients, asking

Floats = NDArray[np.float64]
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Latent:
    """One combination of the shared latents."""

    style: int
    fade: float
    comorbid: int
    weight: Floats  # by age band


def latents(knowledge: Knowledge, clinic: Clinic | None = None, shift: Shift = ORDINARY) -> list[Latent]:
    """Every combination of style, textbook and comorbid illness with its probability by age band."""
    tables = knowledge.manifest["latents"]
    style = np.array([one["share"] for one in tables["style"]]) if clinic is None else clinic.style
    atypical = shifted(knowledge, shift).atypical if clinic is None else clinic.atypical
    comorbid = np.array([one["by_age"] for one in tables["comorbid"]])
    comorbid /= comorbid.sum(axis=0)
    return [
        Latent(i, tables["textbook"][z]["fade"], q, style[i] * (1 - atypical, atypical)[z] * comorbid[q])
        for i in range(len(style))
        for z in range(2)
        for q in range(len(comorbid))
    ]


def posterior(
    knowledge: Knowledge,
    patients: Patients,
    *,
    setting: str,
    level: Level,
    clinic: Clinic | None = None,
    shift: Shift = ORDINARY,
    state_weights: Floats | None = None,
) -> Floats:
    """P(state | record) [N, S]: clinic-blind for clinics of a shift, or the oracle's if the patients' one clinic is given."""
    prior = _log_prior(knowledge, setting, clinic, state_weights)
    result = np.empty((len(patients), knowledge.n_states))
    for band, index in _by_band(patients):
        codes = patients.codes[index]
        known = [(codes == code).astype(np.float32) for code in (UNKNOWN, PRESENT, ABSENT)]
        total = np.full((len(index), knowledge.n_states), -np.inf, dtype=np.float32)
        for latent in latents(knowledge, clinic, shift):
            tables = _log_law(knowledge, band, latent, level, clinic, shift)
            score = sum(one @ table for one, table in zip(known, tables, strict=True))
            np.logaddexp(total, score + np.float32(np.log(max(latent.weight[band], TINY))), out=total)
        scores = total.astype(float) + prior[band, patients.sex[index]]
        for column, vital in enumerate(knowledge.vitals.values()):
            taken = np.nonzero(patients.bands[index, column] >= 0)[0]
            rows = vital["start"] + patients.bands[index[taken], column]
            scores[taken] += np.log(knowledge.law["vital"][:, rows].T)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        result[index] = scores / scores.sum(axis=1, keepdims=True)
    return result


def _by_band(patients: Patients) -> Iterator[tuple[int, NDArray[np.intp]]]:
    for band in np.unique(patients.age_band):
        yield int(band), np.nonzero(patients.age_band == band)[0]


def _log_prior(knowledge: Knowledge, setting: str, clinic: Clinic | None, state_weights: Floats | None) -> Floats:
    prior = knowledge.arrays["prior"][SETTINGS.index(setting)].astype(float)
    if clinic is not None:
        prior = clinic.joint.reshape(prior.shape)
    if state_weights is not None:
        prior = prior * state_weights
    return np.asarray(np.log(np.maximum(prior, 1e-30)))


def _log_law(
    knowledge: Knowledge, band: int, latent: Latent, level: Level, clinic: Clinic | None, shift: Shift
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """log P(code | state, latents) [F, S] for the codes unknown, present and absent."""
    # In single precision: there are a million numbers for each of some two hundred combinations, and their logarithms are all that counts.
    law, tables = knowledge.law, knowledge.manifest["latents"]
    variant = knowledge.variant[:, band]
    p = np.asarray(law["frequency"] if clinic is None else clinic.frequency, dtype=np.float32)[variant]
    p = (1 - latent.fade) * p + _column(latent.fade * law["background"][variant])
    p = 1 - (1 - p) * _column(1 - law["comorbid"][latent.comorbid])
    style = tables["style"][latent.style]
    m = _column(np.minimum(law["said"] * style["talk"] * level.talk, 0.98))
    a = _column(asking(knowledge, np.array([[style["ask"]]]), level)[0])
    single = knowledge.group < 0
    missed = _column(np.where(single, shifted(knowledge, shift).missed if clinic is None else clinic.missed, 0.0))
    invented = _column(knowledge.invented(shifted(knowledge, shift).invented if clinic is None else clinic.invented))
    present = p * (m + (1 - m) * a * (1 - missed)) + (1 - p) * (a * invented)
    absent = p * ((1 - m) * a * missed) + (1 - p) * (a * (1 - invented))
    unknown = (1 - a) * (1 - p * m)
    for number in range(int(knowledge.group.max()) + 1):
        # Mutually exclusive findings are one draw: none of them is one event, carried by the first member's row.
        members = np.nonzero(knowledge.group == number)[0]
        absent[members[0]] = a[members[0]] * np.maximum(1 - p[members].sum(axis=0), 0)
        unknown[members[0]] = (1 - a[members[0]]) * np.maximum(1 - (p * m)[members].sum(axis=0), 0)
        absent[members[1:]] = unknown[members[1:]] = 1.0
    for table in (unknown, present, absent):
        np.maximum(table, np.float32(TINY), out=table)
        np.log(table, out=table)
    return unknown, present, absent


def _column(values: NDArray[Any]) -> NDArray[np.float32]:
    """One number for each finding, to meet a table [F, S]."""
    return np.asarray(values, dtype=np.float32)[:, None]


def by_condition(knowledge: Knowledge, states: Floats) -> Floats:
    """P(condition) [N, C] from P(state) [N, S]."""
    return np.asarray(np.add.reduceat(states, knowledge.first_state, axis=1))
