"""Which synthetic patients the model learns from: a mix of settings, clinics, and how much is recorded, rare conditions drawn more often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.diagnosis.encoding import Cases
from triage.knowledge.loader import Knowledge
from triage.records import SETTINGS
from triage.world.clinics import ORDINARY, WIDER, Shift
from triage.world.patients import FIRST_COMPLAINT, FULL, HALF, ORDINARY_LEVEL, Level, Patients, simulate

TEMPER = 0.6  # a condition's share of the training patients is its natural share to this power
SEEDS = {"train": 20_000, "tuning": 40_000, "held_out": 60_000}  # splits never share a clinic


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the mix."""

    setting: str
    level: Level
    shift: Shift
    share: float


def mix() -> tuple[Part, ...]:
    """The training mix; shares sum to 1. Wider-shifted clinics are in it because real ones will not follow the knowledge."""
    levels = ((FULL, 0.2), (HALF, 0.25), (FIRST_COMPLAINT, 0.25), (ORDINARY_LEVEL, 0.3))
    return tuple(
        Part(setting, level, shift, place * much * width)
        for setting, place in (("clinic", 0.6), ("emergency", 0.4))
        for level, much in levels
        for shift, width in ((ORDINARY, 0.7), (WIDER, 0.3))
    )


def natural(knowledge: Knowledge, setting: str) -> NDArray[np.float64]:
    """Share of each state [S] among the visits of a setting."""
    k = SETTINGS.index(setting)
    people = knowledge.arrays["demography"][k].astype(float)
    return np.asarray((knowledge.arrays["prior"][k].astype(float) * people[..., None]).sum(axis=(0, 1)))


def stratified(knowledge: Knowledge, setting: str) -> NDArray[np.float64]:
    """Factors [S] that draw rare conditions more often."""
    share = natural(knowledge, setting)
    by_condition = np.maximum(np.add.reduceat(share, knowledge.first_state), 1e-9)
    factor = (by_condition**TEMPER / by_condition)[knowledge.state_condition]
    return np.asarray(factor / (factor * share).sum())


def training(knowledge: Knowledge, patients: int, seed: int, *, clinics: int = 40, rounds: int = 8) -> Iterator[tuple[Part, Patients]]:
    """The training patients, clinic by clinic, in `rounds` passes over the mix."""
    for turn in range(rounds):
        for number, part in enumerate(mix()):
            weights = stratified(knowledge, part.setting)
            source = SEEDS["train"] + seed + 1000 * turn + number
            count = int(patients * part.share / rounds)
            for group in simulate(
                knowledge,
                count,
                seed=source,
                setting=part.setting,
                clinics=clinics,
                level=part.level,
                shift=part.shift,
                state_weights=weights,
            ):
                yield part, group


def cases(patients: Patients) -> Cases:
    """Patients as the model sees them; those whose visit held no free text count as not having spoken."""
    return Cases(patients.codes, patients.bands, patients.said, patients.age_band, patients.sex)
