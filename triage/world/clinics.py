"""Synthetic clinics: each with its own prevalence, patients, habits, noise and finding frequencies.

Every clinic-specific number is drawn around the knowledge with the knowledge as its mean, so that for a single patient of an unknown
clinic the knowledge's own numbers are exact (design, section 6); what remains are the shared latents of `latents.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge
from triage.records import SETTINGS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """How far clinics differ: from each other, and (wider) from the knowledge."""

    prevalence: float = 0.5  # sd of the log of each condition's multiplier
    demography: float = 0.3  # sd of the log of each age band's multiplier
    spread: float = 1.0  # divides the concentration of each frequency
    habits: float = 12.0  # concentration of the mix of styles; lower = clinics differ more
    noise: float = 1.0  # multiplies recording errors
    atypical: float = 1.0  # multiplies the share of patients who follow no textbook


ORDINARY = Shift()
WIDER = Shift(prevalence=0.9, demography=0.6, spread=5.0, habits=3.0, noise=2.5, atypical=2.5)


@dataclass(frozen=True, slots=True)
class Clinic:
    """One clinic's law: joint rates of (age band, sex, state), frequencies by variant and state, habits."""

    joint: Floats  # [A * X * S], sums to the clinic's relative volume
    frequency: NDArray[np.float32]  # [V, S]
    style: Floats  # [styles]
    measured: Floats  # [vital signs]
    missed: float
    invented: float
    atypical: float


@dataclass(frozen=True, slots=True)
class Habits:
    """What all clinics of a shift have in common: recording errors and the share of patients who follow no textbook."""

    missed: float
    invented: float
    atypical: float


def shifted(knowledge: Knowledge, shift: Shift) -> Habits:
    """The common habits under a shift."""
    noise, textbook = knowledge.manifest["latents"]["noise"], knowledge.manifest["latents"]["textbook"]
    return Habits(
        missed=min(noise["missed"] * shift.noise, 0.5),
        invented=noise["invented"] * shift.noise,
        atypical=min(textbook[1]["share"] * shift.atypical, 0.9),
    )


def draw_clinic(
    rng: np.random.Generator, knowledge: Knowledge, setting: str, shift: Shift = ORDINARY, *, frequencies: bool = True
) -> Clinic:
    """One clinic of a setting; without `frequencies` (drawn last, so nothing else changes) only the knowledge's own are there."""
    arrays, law, latents = knowledge.arrays, knowledge.law, knowledge.manifest["latents"]
    k = SETTINGS.index(setting)

    def multiplier(sd: float, size: int) -> Floats:
        return np.asarray(np.exp(sd * rng.standard_normal(size) - sd * sd / 2))  # mean 1

    condition = multiplier(shift.prevalence, len(knowledge.conditions))[knowledge.state_condition]
    age = multiplier(shift.demography, arrays["prior"].shape[1])
    joint = arrays["prior"][k].astype(float) * arrays["demography"][k][..., None] * condition * age[:, None, None]
    measured = np.array([table[setting] for table in knowledge.manifest["measured"].values()])
    style = np.array([one["share"] for one in latents["style"]])
    habits = shifted(knowledge, shift)
    mix = rng.dirichlet(shift.habits * style)
    habit = rng.beta(10 * measured, 10 * (1 - measured))
    return Clinic(
        joint=joint.ravel(),
        frequency=_frequencies(rng, knowledge, shift) if frequencies else law["frequency"],
        style=mix,
        measured=habit,
        missed=habits.missed,
        invented=habits.invented,
        atypical=habits.atypical,
    )


def _frequencies(rng: np.random.Generator, knowledge: Knowledge, shift: Shift) -> NDArray[np.float32]:
    """The clinic's own frequencies: a Beta around each number that a condition file states, background elsewhere."""
    arrays, law = knowledge.arrays, knowledge.law
    frequency: NDArray[np.float32] = law["frequency"].copy()
    spread = law["spread"][law["owner"]]  # [V, S]
    entries = np.nonzero(spread)
    mean = frequency[entries].astype(float)
    kappa = spread[entries].astype(float) / shift.spread
    frequency[entries] = rng.beta(kappa * mean, kappa * (1 - mean))
    group = arrays["group"][law["owner"]]
    for number in range(int(arrays["group"].max()) + 1):
        members = np.nonzero(group == number)[0]
        total = frequency[members].sum(axis=0)
        frequency[members] *= np.minimum(1.0, 0.995 / np.maximum(total, 1e-9))
    return frequency
