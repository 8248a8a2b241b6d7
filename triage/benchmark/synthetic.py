"""The held-out synthetic suite: clinics nobody trained on, beside both ceilings and the baselines."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.assess import Engine
from triage.benchmark import metrics
from triage.benchmark.metrics import Share
from triage.evidence import Prepared
from triage.knowledge.loader import Knowledge
from triage.learning import samples, weights
from triage.learning.thresholds import given_of
from triage.records import SETTINGS
from triage.urgency import decision, scores
from triage.urgency.redflags import Given
from triage.world import posterior as exact
from triage.world.clinics import ORDINARY, WIDER, Shift
from triage.world.patients import FIRST_COMPLAINT, FULL, HALF, ORDINARY_LEVEL, Level, Patients, concatenate, simulate

Floats = NDArray[np.float64]
Say = Callable[[str], None]
CLINICS = 250
SIMULATED = 300_000
SHIFTS = {"held_out": ORDINARY, "wider shift": WIDER}


def draw(
    knowledge: Knowledge, count: int, setting: str, level: Level, shift: Shift, seed: int, state_weights: Floats | None = None
) -> Patients:
    """Patients of held-out clinics."""
    source = samples.SEEDS["held_out"] + seed
    groups = simulate(
        knowledge, count, seed=source, setting=setting, clinics=CLINICS, level=level, shift=shift, state_weights=state_weights
    )
    return concatenate(list(groups))


def diagnosis(engine: Engine, count: int, seed: int, say: Say) -> list[dict[str, Any]]:
    """Accuracy of the condition at each level of information: ceiling, model, knowledge used directly."""
    knowledge, rows = engine.knowledge, []
    direct = weights.make(knowledge, weights.from_frequency(knowledge, weights.mean_frequency(knowledge)))
    for name, shift in SHIFTS.items():
        for level in (FULL, HALF, FIRST_COMPLAINT, ORDINARY_LEVEL):
            say(f"diagnosis: {name}, {level.name}")
            patients = draw(knowledge, count, "clinic", level, shift, seed)
            truth = knowledge.state_condition[patients.state].astype(np.intp)
            cases = samples.cases(patients)
            ceiling = exact.by_condition(knowledge, exact.posterior(knowledge, patients, setting="clinic", level=level, shift=shift))
            best = metrics.top(ceiling, truth, 1).value
            loss = metrics.log_loss(ceiling, truth)
            for who, p in (
                ("clinic-blind ceiling", ceiling),
                ("model", engine.model.condition_posterior(engine.model.state_posterior(cases, "clinic"))),
                ("knowledge used directly", direct.condition_posterior(direct.state_posterior(cases, "clinic"))),
            ):
                rows.append(
                    {
                        "clinics": name,
                        "information": level.name,
                        "who": who,
                        "n": len(truth),
                        "log_loss": round(metrics.log_loss(p, truth), 4),
                        "regret": round(metrics.log_loss(p, truth) - loss, 4),
                        **{f"top{k}": round(metrics.top(p, truth, k).value, 4) for k in (1, 3, 5)},
                        "top1_below_ceiling": round(100 * (best - metrics.top(p, truth, 1).value), 2),
                        "ece": round(metrics.calibration_error(p, truth), 4),
                    }
                )
    return rows


def oracle(engine: Engine, count: int, clinics: int, seed: int, level: Level = ORDINARY_LEVEL) -> dict[str, Any]:
    """The ceiling of someone who knows each clinic's own law, beside the clinic-blind one on the same patients."""
    from triage.world.patients import clinic_laws

    knowledge = engine.knowledge
    source = samples.SEEDS["held_out"] + seed + 500
    groups = list(simulate(knowledge, count, seed=source, setting="clinic", clinics=clinics, level=level))
    laws = clinic_laws(knowledge, seed=source, setting="clinic", clinics=clinics)
    own, truth = [], []
    for patients in groups:
        law = laws[int(patients.clinic[0])]
        own.append(exact.by_condition(knowledge, exact.posterior(knowledge, patients, setting="clinic", level=level, clinic=law)))
        truth.append(knowledge.state_condition[patients.state].astype(np.intp))
    y = np.concatenate(truth)
    blind = exact.by_condition(knowledge, exact.posterior(knowledge, concatenate(groups), setting="clinic", level=level))
    return {
        "n": len(y),
        "oracle_top1": metrics.top(np.concatenate(own), y, 1).document(),
        "clinic_blind_top1": metrics.top(blind, y, 1).document(),
    }


def prepared_of(knowledge: Knowledge, patients: Patients) -> Prepared:
    """Synthetic patients as prepared visits, for the ordinary decision."""
    given = given_of(knowledge, patients)
    nothing: tuple[tuple[Any, ...], ...] = ((),) * len(patients)
    return Prepared(
        cases=samples.cases(patients),
        given=given,
        on_oxygen=np.full(len(patients), -1, dtype=np.int8),
        enough=np.ones(len(patients), dtype=bool),
        evidence=nothing,
        readings=(None,) * len(patients),
        messages=nothing,
    )


def chest_pain_rule(knowledge: Knowledge, given: Given) -> NDArray[np.bool_]:
    """The baseline "chest pain and 30 or older, or dyspnoea or syncope and 50 or older"."""
    has = {name: given.present[:, knowledge.finding_index[name]] for name in ("chest_pain", "chest_tightness", "dyspnoea", "syncope")}
    return np.asarray(
        ((has["chest_pain"] | has["chest_tightness"]) & (given.age >= 30)) | ((has["dyspnoea"] | has["syncope"]) & (given.age >= 50))
    )


def urgency(engine: Engine, count: int, seed: int, say: Say) -> list[dict[str, Any]]:
    """Urgent sensitivity, flag rate, under- and over-triage in both settings, beside the ceiling and the baselines."""
    knowledge = engine.knowledge
    rows: list[dict[str, Any]] = []
    for setting in SETTINGS:
        say(f"urgency: {setting}")
        patients = draw(knowledge, count, setting, ORDINARY_LEVEL, ORDINARY, seed + 1)
        true = knowledge.acuity[patients.state]
        emergency = np.asarray(true <= 2)
        prepared = prepared_of(knowledge, patients)
        pregnant = np.zeros(len(patients), dtype=bool)
        states = engine.model.state_posterior(prepared.cases, setting)
        scored = engine.score_prepared(prepared, states, setting, pregnant)
        best = exact.posterior(knowledge, patients, setting=setting, level=ORDINARY_LEVEL)
        p_best = (best * (knowledge.acuity <= 2)).sum(axis=1)
        loss = decision.loss_table(knowledge, setting)
        ceiling = decision.least_loss(decision.acuity_probabilities(knowledge, best), loss)
        p_model = (states * (knowledge.acuity <= 2)).sum(axis=1)
        rate = float((ceiling <= 2).mean())
        given = prepared.given
        news = scores.news2(given.vitals, given.consciousness, prepared.on_oxygen, given.age, pregnant)
        deciders: dict[str, NDArray[np.bool_]] = {
            "model with rules": np.asarray(scored.acuity <= 2),
            "model alone, least loss": np.asarray(decision.least_loss(decision.acuity_probabilities(knowledge, states), loss) <= 2),
            "red flags alone": np.asarray(scored.fired.any(axis=1), dtype=bool),
            "clinic-blind ceiling, least loss": np.asarray(ceiling <= 2),
            "ceiling at its own flag rate": metrics.at_flag_rate(p_best, rate),
            "model at the ceiling's flag rate": metrics.at_flag_rate(p_model, rate),
            "NEWS2 of 5 or more": news.applies & (news.total >= scores.URGENT),
            "chest pain rule": chest_pain_rule(knowledge, given),
            "always escalate": np.ones(len(patients), dtype=bool),
        }
        under = metrics.share(np.asarray(scored.acuity > true)[true <= 3])
        over = metrics.share(np.asarray(scored.acuity < true)[true >= 4])
        for who, flagged in deciders.items():
            rows.append(
                {
                    "setting": setting,
                    "who": who,
                    "sensitivity": metrics.share(flagged[emergency]).document(),
                    "specificity": metrics.share(~flagged[~emergency]).document(),
                    "flag_rate": metrics.share(flagged).document(),
                    "ppv": metrics.share(emergency[flagged]).document() if flagged.any() else None,
                }
            )
        rows.append(
            {
                "setting": setting,
                "who": "summary of model with rules",
                "under_triage": under.document(),
                "over_triage": over.document(),
                "auroc_p_emergency": round(metrics.auroc(scored.p_emergency, emergency), 4),
                "auroc_ceiling": round(metrics.auroc(p_best, emergency), 4),
                "ece_p_emergency_model": round(metrics.binary_calibration_error(p_model, emergency), 4),
                "listed_per_visit": round(float((scored.serious >= engine.model.arrays[f"list_{setting}"]).sum(axis=1).mean()), 2),
            }
        )
    return rows


def killers(engine: Engine, each: int, seed: int, say: Say, setting: str = "clinic") -> list[dict[str, Any]]:
    """For each must-not-miss condition: how many serious cases are not listed, and how many are given a less urgent acuity than required."""
    knowledge = engine.knowledge
    chosen = knowledge.acuity <= knowledge.at_least[knowledge.state_condition]
    natural = samples.natural(knowledge, setting) * chosen
    total = np.maximum(np.add.reduceat(natural, knowledge.first_state), 1e-15)
    factor = np.where(chosen, 1 / total[knowledge.state_condition], 0.0)
    kinds = int((knowledge.at_least > 0).sum())
    rows: dict[str, dict[str, Any]] = {}
    for name, shift in SHIFTS.items():
        say(f"must-not-miss conditions: {name}")
        wanted = each if shift == ORDINARY else each // 4
        patients = draw(knowledge, int(wanted * kinds * 1.15), setting, ORDINARY_LEVEL, shift, seed + 2, factor)
        prepared = prepared_of(knowledge, patients)
        states = engine.model.state_posterior(prepared.cases, setting)
        scored = engine.score_prepared(prepared, states, setting, np.zeros(len(patients), dtype=bool))
        condition = knowledge.state_condition[patients.state]
        listed = scored.serious >= engine.model.arrays[f"list_{setting}"]
        for c in np.flatnonzero(knowledge.at_least > 0):
            own = condition == c
            row = rows.setdefault(knowledge.conditions[c], {"condition": knowledge.conditions[c], "at_least": int(knowledge.at_least[c])})
            unlisted = metrics.share(~listed[own, c])
            missed = metrics.share(scored.acuity[own] > knowledge.at_least[c])
            row[name] = {"n": unlisted.n, "unlisted": _bounded(unlisted), "missed": _bounded(missed)}
    return list(rows.values())


def _bounded(one: Share) -> dict[str, Any]:
    return {"k": one.k, "value": round(one.value, 4), "upper": round(one.upper(), 4)}


def reading_regret(engine: Engine, count: int, seed: int, lexicon: dict[str, dict[str, list[str]]]) -> list[dict[str, Any]]:
    """The loss caused by reading: the same volunteered findings as codes and as text, by language."""
    from triage.evidence import prepare
    from triage.records import LANGUAGES, SEXES, Visit
    from triage.world import vitals
    from triage.world.text import complaints

    knowledge = engine.knowledge
    patients = draw(knowledge, count, "clinic", FIRST_COMPLAINT, ORDINARY, seed + 3)
    truth = knowledge.state_condition[patients.state].astype(np.intp)
    _, _, age = vitals.values(knowledge, patients)
    coded = engine.model.condition_posterior(engine.model.state_posterior(samples.cases(patients), "clinic"))
    rows = []
    for language in LANGUAGES:
        texts = complaints(knowledge, patients, lexicon, language, np.random.default_rng(seed))
        visits = [Visit(complaint=text, age=float(a), sex=SEXES[x]) for text, a, x in zip(texts, age, patients.sex, strict=True)]
        prepared = prepare(knowledge, engine.reader, visits)
        read = engine.model.condition_posterior(engine.model.state_posterior(prepared.cases, "clinic"))
        same = (prepared.cases.codes == 1) == (patients.codes == 1)
        rows.append(
            {
                "language": language,
                "n": len(texts),
                "log_loss_codes": round(metrics.log_loss(coded, truth), 4),
                "log_loss_text": round(metrics.log_loss(read, truth), 4),
                "regret_of_reading": round(metrics.log_loss(read, truth) - metrics.log_loss(coded, truth), 4),
                "texts_read_exactly": metrics.share(same.all(axis=1)).document(),
            }
        )
    return rows


def speed(engine: Engine, count: int, seed: int) -> dict[str, float]:
    """Coded patients scored, and full patients simulated, per second; figures of this machine and moment."""
    patients = draw(engine.knowledge, count, "clinic", ORDINARY_LEVEL, ORDINARY, seed + 4)
    prepared = prepared_of(engine.knowledge, patients)
    began = time.perf_counter()
    states = engine.model.state_posterior(prepared.cases, "clinic")
    engine.score_prepared(prepared, states, "clinic", np.zeros(len(patients), dtype=bool))
    scored = len(patients) / (time.perf_counter() - began)
    began = time.perf_counter()
    drawn = sum(map(len, simulate(engine.knowledge, SIMULATED, seed=samples.SEEDS["held_out"] + seed + 5, clinics=60)))
    return {"scored_per_second": round(scored), "simulated_per_second": round(drawn / (time.perf_counter() - began))}
