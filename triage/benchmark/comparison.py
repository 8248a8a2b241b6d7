"""The table of classifiers: at each level of information, on held-out clinics, with regret to the clinic-blind ceiling and training time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.assess import Engine
from triage.benchmark import metrics
from triage.benchmark.synthetic import SHIFTS, draw
from triage.learning import compare, samples, weights
from triage.world import posterior as exact
from triage.world.patients import FIRST_COMPLAINT, FULL, HALF, Patients

Judge = Callable[[Patients], NDArray[np.float64]]
LEVELS = (FULL, HALF, FIRST_COMPLAINT)


def _training_seconds(engine: Engine) -> float:
    """What `triage train` took when it built the shipped model."""
    path = engine.knowledge.directory / "training.json"
    return float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.exists() else 0.0


def comparison(engine: Engine, learned_from: int, tested_on: int, seed: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One row for each classifier, kind of clinics and level of information."""
    knowledge = engine.knowledge
    direct = weights.make(knowledge, weights.from_frequency(knowledge, weights.mean_frequency(knowledge)))
    judges: dict[str, tuple[Judge, float, int]] = {
        "shipped: weighted naive Bayes": (
            lambda p: engine.model.condition_posterior(engine.model.state_posterior(samples.cases(p), "clinic")),
            _training_seconds(engine),
            int(engine.model.manifest.get("patients", 0)),
        ),
        "knowledge used directly": (lambda p: direct.condition_posterior(direct.state_posterior(samples.cases(p), "clinic")), 0.0, 0),
    }
    rows = []
    for level in LEVELS:
        say(f"learning from patients with information: {level.name}")
        fitted = compare.fit_all(knowledge, level, learned_from, seed, say)
        for clinics, shift in SHIFTS.items():
            patients = draw(knowledge, tested_on, "clinic", level, shift, seed + 70)
            truth = knowledge.state_condition[patients.state].astype(np.intp)
            ceiling = exact.by_condition(knowledge, exact.posterior(knowledge, patients, setting="clinic", level=level, shift=shift))
            best = metrics.log_loss(ceiling, truth)
            for name, (judge, seconds, count) in {"clinic-blind ceiling": (None, 0.0, 0), **judges, **fitted}.items():
                say(f"{clinics}, {level.name}: {name}")
                p = ceiling if judge is None else judge(patients)
                loss = metrics.log_loss(p, truth)
                rows.append(
                    {
                        "who": name,
                        "clinics": clinics,
                        "information": level.name,
                        "log_loss": round(loss, 4),
                        "regret": round(loss - best, 4),
                        **{f"top{k}": round(metrics.top(p, truth, k).value, 4) for k in (1, 3, 5)},
                        "ece": round(metrics.calibration_error(p, truth), 4),
                        "learned_from": count,
                        "training_seconds": round(seconds),
                    }
                )
    return rows
