"""Numbers for the bands of synthetic patients: ages, and vital signs drawn inside their bands, from a seed of the patients themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge
from triage.records import AGE_LIMITS
from triage.world.patients import Patients

Floats = NDArray[np.float64]

# Where an open band ends, and how many decimals a value has.
ENDS = {
    "temperature": (34.0, 41.0, 1),
    "heart_rate": (35, 160, 0),
    "respiratory_rate": (7, 38, 0),
    "systolic_bp": (60, 210, 0),
    "spo2": (78, 100, 0),
    "glucose": (2.0, 33.0, 1),
    "pain_score": (0, 10, 0),
    "duration": (1, 4000, 0),
}


OUTER = 4


def values(knowledge: Knowledge, patients: Patients, seed: int = 0) -> tuple[dict[str, Floats], NDArray[np.str_], Floats]:
    """Measured values by name (NaN where not measured; `duration` also as onset_hours), consciousness ("" where not), age in years."""
    rng = np.random.default_rng([seed, int(patients.clinic[0]) if len(patients) else 0, len(patients)])
    lower = np.concatenate(([0.0], AGE_LIMITS[:-1]))
    upper = np.array([*AGE_LIMITS[:-1], 93.0])
    age = lower[patients.age_band] + rng.random(len(patients)) * (upper - lower)[patients.age_band] * 0.999
    measured: dict[str, Floats] = {}
    consciousness = np.full(len(patients), "", dtype="<U1")
    for column, (name, vital) in enumerate(knowledge.vitals.items()):
        band = patients.bands[:, column]
        known = np.flatnonzero(band >= 0)
        if name == "consciousness":
            consciousness[known] = np.array(list("ACVPU"))[band[known]]
            continue
        low, high, decimals = ENDS[name]
        edges = np.array([low, *vital["edges"], high], dtype=float)
        scale = 1 / knowledge.normal(name, patients.age_band.astype(np.intp))
        drawn = np.full(len(patients), np.nan)
        start, stop = edges[band[known]], edges[band[known] + 1]
        part = rng.random(len(known))
        # In the open outer bands most values lie near the inner edge.
        part = np.where(band[known] == 0, 1 - part**OUTER, np.where(band[known] == vital["count"] - 1, part**OUTER, part))
        position = start + part * (stop - start)
        step = 10.0**-decimals
        # Rounded inwards, so that the value as written falls into its band again.
        inside = np.clip(np.floor(position * scale[known] / step) * step, np.ceil(start * scale[known] / step - 1e-9) * step, None)
        drawn[known] = np.round(inside, decimals)
        measured[name] = drawn
    measured["onset_hours"] = measured["duration"]
    measured["diastolic_bp"] = np.round(measured["systolic_bp"] * 0.62)
    return measured, consciousness, age
