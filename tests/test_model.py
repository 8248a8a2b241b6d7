from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.assess import Engine
from triage.diagnosis.encoding import Cases, encode
from triage.diagnosis.model import packed
from triage.knowledge.loader import Knowledge
from triage.learning import samples
from triage.learning.estimators import SoftmaxRegression, sparse_rows
from triage.records import Visit
from triage.world import posterior
from triage.world.patients import LEVELS, Level, Patients, concatenate, simulate


@pytest.fixture(scope="module")
def patients(knowledge: Knowledge) -> Patients:
    return concatenate(list(simulate(knowledge, 700, seed=samples.SEEDS["held_out"] + 11, clinics=20)))


def test_chunks_and_order_do_not_change_a_bit(engine: Engine, patients: Patients) -> None:
    cases = samples.cases(patients)
    whole = engine.model.state_posterior(cases, "clinic")
    order = np.random.default_rng(0).permutation(len(cases))
    assert engine.model.state_posterior(cases.take(order), "clinic").tobytes() == whole[order].tobytes()
    for i in (0, 1, 257, 511):
        assert engine.model.state_posterior(cases.take([i]), "clinic").tobytes() == whole[[i]].tobytes()


def test_weights_are_exact_in_float32(engine: Engine) -> None:
    model = engine.model
    cells = np.arange(len(model.weights))
    silence = (cells >= 2 * model.variants) & (cells < 3 * model.variants)
    for table, step in ((model.weights[~silence], 2.0**-10), (model.weights[silence], 2.0**-7), (model.talk, 2.0**-4)):
        scaled = table.astype(np.float64) / step
        assert (scaled == np.rint(scaled)).all()
        assert np.abs(table).max() < 33
    assert model.weights.max() <= 0  # the logarithm of a probability


def test_rows_made_one_by_one_are_those_of_the_whole_table(engine: Engine) -> None:
    model = engine.model
    chosen = np.random.default_rng(5).integers(0, len(model.weights), 400)
    assert model._made(chosen).tobytes() == model.weights[chosen].tobytes()
    fresh = copy.copy(model)
    fresh.arrays = {name: array for name, array in model.arrays.items() if name != "silence"}
    fresh._nothing_said = {}
    for band, sex in ((0, 0), (4, 1), (9, 0)):
        assert fresh.nothing_said(band, sex).tobytes() == model.nothing_said(band, sex).tobytes()


def test_a_weight_too_large_for_the_file_is_kept_at_its_end() -> None:
    assert packed(np.array([-40.0, 0.0, 40.0])).tolist() == [-32767, 0, 32767]


def test_training_and_serving_give_the_same_scores(engine: Engine, patients: Patients) -> None:
    """The scikit-learn estimator on sparse rows, plus the silence of everything, is what the serving model computes."""
    model, cases = engine.model, samples.cases(patients)
    strength = model.strength(cases)
    matrix = sparse_rows(*encode(engine.knowledge, cases, strength), len(model.weights))
    estimator = SoftmaxRegression(model.weights)
    estimator.classes_ = np.arange(engine.knowledge.n_states)
    estimator.n_features_in_ = len(model.weights)
    estimator.coef_, estimator.intercept_ = model.weights, np.zeros(engine.knowledge.n_states, dtype=np.float32)
    silence = np.stack([s * model.nothing_said(int(a), int(x)) for s, a, x in zip(strength, cases.age_band, cases.sex, strict=True)])
    np.testing.assert_array_equal(estimator._joint_log_likelihood(matrix) + silence, model.evidence_scores(cases).astype(np.float64))


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_the_model_is_near_its_ceiling_and_never_above(engine: Engine, level: Level) -> None:
    knowledge = engine.knowledge
    source = samples.SEEDS["held_out"] + 21
    drawn = concatenate(list(simulate(knowledge, 5000, seed=source, clinics=100, level=level)))
    truth = knowledge.state_condition[drawn.state].astype(np.intp)
    best = posterior.by_condition(knowledge, posterior.posterior(knowledge, drawn, setting="clinic", level=level))
    own = engine.model.condition_posterior(engine.model.state_posterior(samples.cases(drawn), "clinic"))
    rows = np.arange(len(truth))
    regret = np.log(best[rows, truth]) - np.log(own[rows, truth])
    assert regret.mean() > -3 * regret.std() / np.sqrt(len(regret))
    difference = (best.argmax(axis=1) == truth).astype(float) - (own.argmax(axis=1) == truth)
    assert difference.mean() - 2 * difference.std() / np.sqrt(len(truth)) < 0.015


def test_unknown_age_and_sex_are_averaged_over(engine: Engine, patients: Patients) -> None:
    cases = samples.cases(patients.take(slice(0, 5)))
    unknown = dataclasses.replace(cases, age_band=np.full(5, -1, dtype=np.int8))
    p = engine.model.state_posterior(unknown, "clinic")
    np.testing.assert_allclose(p.sum(axis=1), 1)
    # The average lies between the answers for single bands.
    singles = np.stack(
        [engine.model.state_posterior(dataclasses.replace(cases, age_band=np.full(5, band, dtype=np.int8)), "clinic") for band in (5, 7, 9)]
    )
    assert singles.shape == (3, *p.shape)


def test_asking_nothing_leaves_the_prior(engine: Engine) -> None:
    knowledge = engine.knowledge
    cases = Cases(
        codes=np.zeros((1, len(knowledge.findings)), dtype=np.int8),
        bands=np.full((1, len(knowledge.vitals)), -1, dtype=np.int8),
        said=np.array([-1], dtype=np.int16),
        age_band=np.array([7], dtype=np.int8),
        sex=np.array([1], dtype=np.int8),
    )
    np.testing.assert_allclose(engine.model.state_posterior(cases, "clinic")[0], knowledge.arrays["prior"][0, 7, 1], atol=2e-3)


codes = st.lists(st.tuples(st.integers(0, 300), st.booleans()), min_size=1, max_size=14)


@settings(max_examples=40, deadline=None)
@given(
    findings=codes,
    age=st.integers(0, 100),
    sex=st.sampled_from(["female", "male"]),
    text=st.sampled_from(["", "chest pain and cold sweat", "咳嗽三天"]),
)
def test_weights_telescope_to_the_printed_posterior(
    engine: Engine, findings: list[tuple[int, bool]], age: int, sex: str, text: str
) -> None:
    given_findings = tuple((engine.knowledge.findings[i % len(engine.knowledge.findings)], present) for i, present in findings)
    answer = engine.assess(Visit(complaint=text, findings=given_findings, age=age, sex=sex, temperature=37.9))
    if answer.status != "ok":
        return
    for one in answer.differential:
        total = sum(weight.weight for weight in one.weights)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(one.probability, rel=1e-6, abs=1e-12)


def test_order_of_findings_has_no_effect(engine: Engine) -> None:
    names = ["chest_pain", "cold_sweat", "nausea", "smoker", "history_hypertension"]
    answers = [
        engine.assess(Visit(findings=tuple((name, True) for name in order), age=60, sex="male"))
        for order in (names, names[::-1], sorted(names))
    ]
    assert len({answer.p_emergency for answer in answers}) == 1
    assert len({tuple((c.condition, c.probability) for c in answer.differential) for answer in answers}) == 1


def test_an_irrelevant_unknown_finding_is_neutral_when_elicited(engine: Engine) -> None:
    """What was not asked is ignored: coded evidence alone gives no weight to silence."""
    answer = engine.assess(Visit(findings=(("cough", True),), age=30, sex="female"))
    assert [weight.evidence for weight in answer.differential[0].weights] == ["starting_point", "cough"]
