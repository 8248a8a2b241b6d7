"""What becomes of patients whose condition the model has never heard of: twenty conditions are hidden and their patients answered.

They should go to `other` or to a clinically close condition: one of the same part of the body or system (the folder of the knowledge), or one
that either is said to be confused with. The rules do not know that anything is hidden, so no serious case may be missed more often than by the
red flags alone.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.assess import Engine
from triage.benchmark import metrics
from triage.benchmark.synthetic import draw, prepared_of
from triage.diagnosis.model import FLOOR, Model
from triage.knowledge.corpus import Corpus
from triage.learning import samples
from triage.urgency import redflags
from triage.world.clinics import ORDINARY
from triage.world.patients import ORDINARY_LEVEL

HIDDEN, MUST_NOT_MISS = 20, 8  # conditions that are hidden, and how many of them must not be missed


def chosen(engine: Engine, seed: int) -> list[str]:
    """Twenty conditions drawn by seed, eight of them must-not-miss; never `other`."""
    knowledge, rng = engine.knowledge, np.random.default_rng([seed, 77])
    critical = [name for name, level in zip(knowledge.conditions, knowledge.at_least, strict=True) if level > 0]
    plain = [name for name, level in zip(knowledge.conditions, knowledge.at_least, strict=True) if level == 0 and name != "other"]
    return sorted(
        [*rng.choice(critical, MUST_NOT_MISS, replace=False).tolist(), *rng.choice(plain, HIDDEN - MUST_NOT_MISS, replace=False).tolist()]
    )


def without(engine: Engine, hidden: NDArray[np.intp]) -> Engine:
    """The same engine with a prior of practically nothing for the hidden conditions."""
    model: Model = copy.copy(engine.model)
    gone = np.isin(engine.knowledge.state_condition, hidden)
    model.log_prior = np.where(gone, np.float32(4 * FLOOR), engine.model.log_prior)
    return Engine(model)


def suite(engine: Engine, corpus: Corpus, each: int, seed: int, setting: str = "clinic") -> dict[str, Any]:
    """For each hidden condition: where its patients went, and how many serious ones were missed, beside the red flags alone."""
    hidden = np.array([engine.knowledge.condition_index[name] for name in chosen(engine, seed)])
    return suite_on(engine, without(engine, hidden), corpus, each, seed, setting)


def suite_on(engine: Engine, blind: Engine, corpus: Corpus, each: int, seed: int, setting: str = "clinic") -> dict[str, Any]:
    """The suite with the answers of another engine, for the patients of the conditions chosen for this one."""
    knowledge = engine.knowledge
    names = chosen(engine, seed)
    hidden = np.array([knowledge.condition_index[name] for name in names])
    system = {one.id: one.system for one in corpus.conditions}
    near = {one.id: {rival.condition for rival in one.confused_with} for one in corpus.conditions}
    natural = samples.natural(knowledge, setting)
    total = np.maximum(np.add.reduceat(natural, knowledge.first_state), 1e-15)[knowledge.state_condition]
    weights = np.where(np.isin(knowledge.state_condition, hidden), 1 / total, 0.0)
    patients = draw(knowledge, each * len(names), setting, ORDINARY_LEVEL, ORDINARY, seed + 6, weights)
    prepared = prepared_of(knowledge, patients)
    states = blind.model.state_posterior(prepared.cases, setting)
    scored = blind.score_prepared(prepared, states, setting, np.zeros(len(patients), dtype=bool))
    answer = scored.conditions.argmax(axis=1)
    truth = knowledge.state_condition[patients.state]
    rule = np.where(scored.fired, redflags.acuities(knowledge), 5).min(axis=1, initial=5)
    rows = []
    for c, name in zip(hidden, names, strict=True):
        own = truth == c
        given = [knowledge.conditions[a] for a in answer[own]]
        close = [a != "other" and (system[a] == system[name] or a in near[name] or name in near[a]) for a in given]
        row: dict[str, Any] = {
            "condition": name,
            "n": len(given),
            "other": round(sum(a == "other" for a in given) / max(len(given), 1), 3),
            "close": round(sum(close) / max(len(given), 1), 3),
            "answered": round(float(scored.conditions[own, c].max(initial=0.0)), 6),
        }
        if knowledge.at_least[c]:
            limit = knowledge.at_least[c]
            serious = own & (knowledge.acuity[patients.state] <= limit)
            if serious.any():
                row["missed"] = metrics.share(scored.acuity[serious] > limit).document()
                row["missed_by_red_flags_alone"] = metrics.share(rule[serious] > limit).document()
        rows.append(row)
    return {"setting": setting, "seed": seed, "rows": rows}
