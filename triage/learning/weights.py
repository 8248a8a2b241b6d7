"""Weights of the serving model from knowledge alone: where learning starts, and what it is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.diagnosis.model import ANSWERED_BUCKETS, Model, packed, quantised
from triage.knowledge.loader import Knowledge, odds_units

Floats = NDArray[np.float64]
START_TALK = (0.5, 0.625, 0.8125, 1.0, 1.1875)  # by SAID_BUCKETS, before tuning


def mean_frequency(knowledge: Knowledge) -> Floats:
    """P(finding | state) [V, S] averaged over the shared latents: presentations that fade, and comorbid illness by age."""
    arrays, law, latents = knowledge.arrays, knowledge.law, knowledge.manifest["latents"]
    p = law["frequency"].astype(float)
    background = law["background"].astype(float)[:, None]
    by_age = np.array([one["by_age"] for one in latents["comorbid"]])
    by_age /= by_age.sum(axis=0)
    prior = arrays["prior"].astype(float).mean(axis=0) * arrays["demography"].astype(float).mean(axis=0)[..., None]
    ages = prior.sum(axis=1)  # [A, S]
    share = by_age @ (ages / np.maximum(ages.sum(axis=0), 1e-30))  # [profiles, S]
    added = law["comorbid"].astype(float)[:, law["owner"]]  # [profiles, V]
    keep = 1 - np.einsum("qv,qs->vs", added, share)
    total = np.zeros_like(p)
    for textbook in latents["textbook"]:
        faded = (1 - textbook["fade"]) * p + textbook["fade"] * background
        total += textbook["share"] * (1 - (1 - faded) * keep)
    return total


def from_frequency(knowledge: Knowledge, p: Floats) -> dict[str, NDArray[Any]]:
    """The arrays of a model from mean frequencies [V, S], every exponent one."""
    law, noise = knowledge.law, knowledge.manifest["latents"]["noise"]
    talk = sum(one["share"] * one["talk"] for one in knowledge.manifest["latents"]["style"])
    return {
        "frequency": odds_units(p),
        "missed": np.where(knowledge.group < 0, noise["missed"], 0.0)[law["owner"]],
        "invented": knowledge.invented(noise["invented"])[law["owner"]],
        "volunteered": np.minimum(law["said"].astype(float) * talk, 0.98)[law["owner"]],
        "exponents": np.ones((2, len(p))),
        "vital": packed(np.log(law["vital"].astype(float).T)),
        "talk": quantised(np.repeat(np.array(START_TALK)[:, None], len(ANSWERED_BUCKETS), axis=1), 2.0**-4),
    }


def make(knowledge: Knowledge, arrays: dict[str, NDArray[Any]], version: str = "unsaved") -> Model:
    """A model that has not been written."""
    return Model(knowledge, {"version": version}, arrays)
