"""DDXPlus by its own definitions and training statistics: a check of the engine, not of the knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from triage.benchmark import metrics
from triage.errors import UsageError
from triage.importers import ddxplus

CHUNK = 4000


def suite(path: Path) -> dict[str, Any]:
    """Top-1, -3 and -5 of the serving engine on the patients of a file; definitions and statistics lie beside it."""
    model = ddxplus.engine_model(path.parent)
    people = list(ddxplus.patients(path, ddxplus.defaults(path.parent)))
    unknown = {person.pathology for person in people} - model.knowledge.condition_index.keys()
    if unknown or not people:
        raise UsageError(
            f"Invalid patients {path.name}. Got {len(people)} patients, unknown conditions: {', '.join(sorted(unknown)) or 'none'}."
        )
    posteriors = [
        model.condition_posterior(model.state_posterior(ddxplus.cases(model, people[start : start + CHUNK]), "clinic"))
        for start in range(0, len(people), CHUNK)
    ]
    posterior = np.concatenate(posteriors)
    truth = np.array([model.knowledge.condition_index[person.pathology] for person in people])
    return {
        "suite": "ddxplus",
        "conditions": len(model.knowledge.conditions),
        "findings": len(model.knowledge.findings),
        "n": len(people),
        **{f"top{k}": metrics.top(posterior, truth, k).document() for k in (1, 3, 5)},
    }
