"""When a must-not-miss condition is listed and when it escalates, and what each red flag is worth: measured on tuning clinics.

A list threshold is the conformal 1 % quantile of the condition's posterior among its own serious cases (so that at most about 1 % are
unlisted in clinics like the tuning ones), but no lower than a floor that keeps the list readable. An escalate threshold comes from the
loss table: the probability at which missing the condition costs more than sending the patient on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.diagnosis.model import Model
from triage.knowledge.loader import Knowledge
from triage.learning import samples
from triage.records import SETTINGS
from triage.urgency import decision, redflags
from triage.world import vitals
from triage.world.patients import ORDINARY_LEVEL, Patients, concatenate, simulate

ALPHA = 0.01
FLOOR = {"clinic": 0.003, "emergency": 0.008}  # a list of a dozen one-in-a-thousand conditions is read by nobody
SYNDROME_LIST = {"clinic": 0.02, "emergency": 0.05}
PROTECTED_FLOOR = 0.0005
STRATIFIED, NATURAL, CLINICS = 60_000, 60_000, 300


def given_of(knowledge: Knowledge, patients: Patients) -> redflags.Given:
    """What the rules see of synthetic patients, with values drawn inside the bands of their vital signs."""
    measured, consciousness, age = vitals.values(knowledge, patients)
    mask = redflags.implied(knowledge, patients.reported, measured, consciousness, patients.age_band)
    return redflags.Given(mask, age, patients.sex, measured, consciousness)


def tuning_patients(knowledge: Knowledge, setting: str, seed: int) -> tuple[Patients, Patients]:
    """Stratified and natural patients of the tuning clinics of a setting."""
    source = samples.SEEDS["tuning"] + seed
    weights = samples.stratified(knowledge, setting) ** 2  # nearly the same number of each condition
    drawn = simulate(knowledge, STRATIFIED, seed=source, setting=setting, clinics=CLINICS, level=ORDINARY_LEVEL, state_weights=weights)
    natural = simulate(knowledge, NATURAL, seed=source + 1, setting=setting, clinics=CLINICS, level=ORDINARY_LEVEL)
    return concatenate(list(drawn)), concatenate(list(natural))


def set_thresholds(model: Model, seed: int) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The threshold arrays of both settings, and the notes that belong into the manifest."""
    knowledge = model.knowledge
    arrays: dict[str, NDArray[Any]] = {}
    rules = list(knowledge.manifest["red_flags"])
    flag_rates: dict[str, dict[str, float]] = {}
    for setting in SETTINGS:
        stratified, natural = tuning_patients(knowledge, setting, seed)
        posterior = decision.serious_posterior(knowledge, model.state_posterior(samples.cases(stratified), setting))
        arrays[f"list_{setting}"] = list_thresholds(knowledge, posterior, stratified, FLOOR[setting])
        arrays[f"escalate_{setting}"] = escalate_thresholds(knowledge, setting)
        fired = redflags.evaluate(knowledge, given_of(knowledge, natural))
        emergency = knowledge.acuity[natural.state] <= 2
        hits, true = fired.sum(axis=0), (fired & emergency[:, None]).sum(axis=0)
        # One pseudo-patient keeps a rule that never fired in the sample from having no value.
        arrays[f"rule_ppv_{setting}"] = ((true + 0.5) / (hits + 1.0)).astype(np.float32)
        flag_rates[setting] = {rule: round(float(count) / len(natural), 5) for rule, count in zip(rules, hits, strict=True)}
    return arrays, {"rule_flag_rate": flag_rates, "syndrome_list": SYNDROME_LIST, "protected_floor": PROTECTED_FLOOR}


def list_thresholds(knowledge: Knowledge, posterior: NDArray[np.float64], patients: Patients, floor: float) -> NDArray[np.float32]:
    """The list threshold of each condition [C]; 2 (never) for those that are not must-not-miss."""
    result = np.full(len(knowledge.conditions), 2.0, dtype=np.float32)
    condition = knowledge.state_condition[patients.state]
    serious = knowledge.acuity[patients.state] <= knowledge.at_least[condition]
    for c in np.flatnonzero(knowledge.at_least > 0):
        own = np.sort(posterior[(condition == c) & serious, c])
        rank = int(np.floor(ALPHA * (len(own) + 1))) - 1
        quantile = float(own[rank]) if rank >= 0 else 0.0
        result[c] = min(max(quantile * 0.999, floor), 0.10)
    return result


def escalate_thresholds(knowledge: Knowledge, setting: str) -> NDArray[np.float32]:
    """The escalate threshold of each condition [C], from the loss table."""
    loss = decision.loss_table(knowledge, setting)
    result = np.full(len(knowledge.conditions), 2.0, dtype=np.float32)
    for c in np.flatnonzero(knowledge.at_least > 0):
        result[c] = decision.escalate_threshold(loss, int(knowledge.at_least[c]))
    return result
