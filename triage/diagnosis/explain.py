"""Weights of evidence: how each piece moved a condition's log-odds, in the order shown; they telescope to the printed posterior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from triage.diagnosis.encoding import Cases
from triage.diagnosis.model import Model
from triage.records import UNKNOWN, Evidence, Weight

START = "starting_point"  # age, sex and setting
SILENCE = "not_mentioned"
SMALLEST = 1e-15


def weights(
    model: Model, case: Cases, evidence: Sequence[Evidence], setting: str, conditions: Sequence[int]
) -> dict[int, tuple[Weight, ...]]:
    """For each condition index its weights: the starting log-odds, one for each piece of evidence that counted, and one for silence.

    Their sum is log(p / (1 - p)) of the condition's posterior.
    """
    knowledge = model.knowledge
    vitals = list(knowledge.vitals)
    steps: list[tuple[str, str]] = [(START, setting)]
    codes = np.full_like(case.codes, UNKNOWN)
    np.copyto(codes, case.codes, where=case.codes == 3)  # what is not applicable stays so at every step
    bands = np.full_like(case.bands, -1)
    quiet = np.full_like(case.said, -1)
    rows = [Cases(codes.copy(), bands.copy(), quiet, case.age_band, case.sex)]
    for item in evidence:
        if item.source == "vital":
            column = vitals.index(item.id)
            bands[0, column] = case.bands[0, column]
        else:
            column = knowledge.finding_index[item.id]
            if codes[0, column] == case.codes[0, column]:
                continue  # replaced by a measurement, or cannot count at this age and sex
            codes[0, column] = case.codes[0, column]
        steps.append((item.id, item.status))
        rows.append(Cases(codes.copy(), bands.copy(), quiet, case.age_band, case.sex))
    if case.said[0] > 0:
        steps.append((SILENCE, ""))
        rows.append(case)
    stacked = Cases(*(np.concatenate([getattr(row, name) for row in rows]) for name in ("codes", "bands", "said", "age_band", "sex")))
    posterior = np.clip(model.condition_posterior(model.state_posterior(stacked, setting)), SMALLEST, 1 - SMALLEST)
    odds = np.log(posterior) - np.log1p(-posterior)
    changes = np.diff(odds, axis=0, prepend=0.0)
    return {c: tuple(Weight(*step, float(change)) for step, change in zip(steps, changes[:, c], strict=True)) for c in conditions}
