from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.assess import Engine
from triage.knowledge import corpus as knowledge_corpus
from triage.knowledge.loader import Knowledge
from triage.records import SEXES, VITALS, Visit, age_band
from triage.urgency import decision, redflags, scores

RULES = knowledge_corpus.load().red_flags


def case_of(knowledge: Knowledge, case: dict[str, Any]) -> redflags.Given:
    """The case of a rule file as what rules look at."""
    codes = np.zeros((1, len(knowledge.findings)), dtype=np.int8)
    for name in case.get("findings", ()):
        codes[0, knowledge.finding_index[name]] = 1
    measured = {name: np.array([float(case.get("vitals", {}).get(name, np.nan))]) for name in VITALS if name != "consciousness"}
    measured["duration"] = measured["onset_hours"]
    age = np.array([float(case.get("age", np.nan))])
    band = np.array([age_band(age[0]) if age[0] >= 0 else -1], dtype=np.int8)
    consciousness = np.array([case.get("consciousness", "")], dtype="<U1")
    sex = np.array([SEXES.index(case["sex"]) if "sex" in case else -1], dtype=np.int8)
    mask = redflags.implied(knowledge, redflags.present_mask(knowledge, codes), measured, consciousness, band)
    return redflags.Given(mask, age, sex, measured, consciousness)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_fires_and_its_near_miss_does_not(knowledge: Knowledge, name: str) -> None:
    rule = RULES[name]
    assert redflags.fires(rule, case_of(knowledge, rule["fires"]), knowledge.finding_index)[0]
    assert not redflags.fires(rule, case_of(knowledge, rule["near_miss"]), knowledge.finding_index)[0]


def test_no_rule_can_ask_for_absence() -> None:
    allowed = {
        "names",
        "acuity",
        "all",
        "any",
        "age",
        "sex",
        "vitals",
        "any_vitals",
        "consciousness",
        "for",
        "source",
        "false_positives",
        "fires",
        "near_miss",
    }
    for name, rule in RULES.items():
        assert set(rule) <= allowed, name
        assert rule["acuity"] in (1, 2, 3), name


COMPLAINTS = [
    "runny nose and mild sore throat",
    "cough for two days",
    "头晕三天",
    "허리가 아파요",
    "itchy rash",
    "知 headache since yesterday",
]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), complaint=st.sampled_from(COMPLAINTS), age=st.integers(0, 95), sex=st.sampled_from(SEXES))
def test_adding_a_red_flag_never_clears_urgent(engine: Engine, data: st.DataObject, complaint: str, age: int, sex: str) -> None:
    """Red flags are rules to acuity 1 or 2: whatever else is known, the patient whose flag fires is urgent."""
    name = data.draw(st.sampled_from([name for name, rule in RULES.items() if rule["acuity"] <= 2]))
    rule = RULES[name]
    findings = tuple((finding, True) for finding in rule["fires"].get("findings", ()))
    vitals = {**rule["fires"].get("vitals", {})}
    if "age" in rule["fires"]:
        age = rule["fires"]["age"]
    if "sex" in rule["fires"]:
        sex = rule["fires"]["sex"]
    extra = data.draw(st.lists(st.tuples(st.sampled_from(engine.knowledge.findings), st.just(True)), max_size=4))
    visit = Visit(
        complaint=complaint, findings=(*findings, *extra), age=age, sex=sex, consciousness=rule["fires"].get("consciousness"), **vitals
    )
    answer = engine.answer([visit])[0]
    assert answer.urgent is True
    assert name in {flag.id for flag in answer.red_flags}


@settings(max_examples=40, deadline=None)
@given(
    remark=st.sampled_from(["my son says it is nothing", "probably nothing", "家人说没事", "별거 아니라고 해요"]),
    complaint=st.sampled_from(
        ["chest pain and cold sweat", "胸痛，出冷汗", "가슴이 아프고 식은땀이 나요", "sudden weakness of one arm and slurred speech"]
    ),
    age=st.integers(40, 90),
)
def test_playing_it_down_changes_nothing(engine: Engine, remark: str, complaint: str, age: int) -> None:
    plain, minimised = engine.answer([Visit(complaint=complaint, age=age), Visit(complaint=f"{complaint}, {remark}", age=age)])
    assert plain.acuity is not None
    assert minimised.acuity is not None
    assert minimised.acuity <= plain.acuity


WORSE = {
    "spo2": [98.0, 95.0, 93.0, 91.0, 88.0, 84.0, 78.0],
    "systolic_bp": [125.0, 108.0, 98.0, 88.0, 78.0, 65.0],
    "respiratory_rate": [16.0, 22.0, 26.0, 31.0, 38.0],
}


@pytest.mark.parametrize("name", WORSE)
@pytest.mark.parametrize("complaint", ["cough and fever for two days", "stomach ache", "tired"])
def test_a_vital_sign_further_beyond_its_limit_is_never_less_urgent_by_rule(engine: Engine, name: str, complaint: str) -> None:
    answers = engine.answer([Visit(complaint=complaint, age=60, sex="female", **{name: value}) for value in WORSE[name]])  # type: ignore[arg-type]
    rules = [min((flag.acuity for flag in answer.red_flags), default=5) for answer in answers]
    assert rules == sorted(rules, reverse=True)


# (vital signs, consciousness, oxygen, expected points): the edges of every band of the published chart.
NEWS = [
    ({"respiratory_rate": 8}, 3), ({"respiratory_rate": 9}, 1), ({"respiratory_rate": 11}, 1), ({"respiratory_rate": 12}, 0),
    ({"respiratory_rate": 20}, 0), ({"respiratory_rate": 21}, 2), ({"respiratory_rate": 24}, 2), ({"respiratory_rate": 25}, 3),
    ({"spo2": 91}, 3), ({"spo2": 92}, 2), ({"spo2": 93}, 2), ({"spo2": 94}, 1), ({"spo2": 95}, 1), ({"spo2": 96}, 0),
    ({"systolic_bp": 90}, 3), ({"systolic_bp": 91}, 2), ({"systolic_bp": 100}, 2), ({"systolic_bp": 101}, 1), ({"systolic_bp": 110}, 1),
    ({"systolic_bp": 111}, 0), ({"systolic_bp": 219}, 0), ({"systolic_bp": 220}, 3),
    ({"heart_rate": 40}, 3), ({"heart_rate": 41}, 1), ({"heart_rate": 50}, 1), ({"heart_rate": 51}, 0), ({"heart_rate": 90}, 0),
    ({"heart_rate": 91}, 1), ({"heart_rate": 110}, 1), ({"heart_rate": 111}, 2), ({"heart_rate": 130}, 2), ({"heart_rate": 131}, 3),
    ({"temperature": 35.0}, 3), ({"temperature": 35.1}, 1), ({"temperature": 36.0}, 1), ({"temperature": 36.1}, 0), ({"temperature": 38.0}, 0),
    ({"temperature": 38.1}, 1), ({"temperature": 39.0}, 1), ({"temperature": 39.1}, 2),
]  # fmt: skip


def news(values: Mapping[str, float], age: float = 50, pregnant: bool = False, letter: str = "", oxygen: int = -1) -> scores.News2:
    names = ("temperature", "heart_rate", "respiratory_rate", "systolic_bp", "spo2")
    vitals = {name: np.array([values.get(name, np.nan)]) for name in names}
    return scores.news2(vitals, np.array([letter], dtype="<U1"), np.array([oxygen], dtype=np.int8), np.array([age]), np.array([pregnant]))


@pytest.mark.parametrize(("values", "points"), NEWS)
def test_news2_at_every_edge(values: dict[str, float], points: int) -> None:
    assert news(values).total[0] == points


def test_news2_is_for_adults_who_are_not_pregnant_and_a_lower_bound() -> None:
    sick = {"respiratory_rate": 26, "spo2": 90, "systolic_bp": 85}
    assert news(sick).acuity()[0] == 2
    assert news(sick, age=15).acuity()[0] == 5
    assert news(sick, pregnant=True).acuity()[0] == 5
    assert news({}).applies[0] == np.False_
    assert news({"respiratory_rate": 26}).acuity()[0] == 3
    assert (news({"respiratory_rate": 26}).points[0] == -1).sum() == 6
    assert news({}, letter="V").total[0] == 3
    assert news({}, oxygen=1).total[0] == 2


def test_least_loss_prefers_the_more_urgent_on_a_tie_and_follows_the_table(knowledge: Knowledge) -> None:
    loss = decision.loss_table(knowledge, "clinic")
    certain = np.eye(5)
    assert decision.least_loss(certain, loss).tolist() == [1, 2, 3, 4, 5]
    assert decision.least_loss(np.array([[0.0, 0.20, 0.0, 0.80, 0.0]]), loss)[0] <= 2
    assert decision.least_loss(np.array([[0.0, 0.001, 0.0, 0.999, 0.0]]), loss)[0] == 4


def test_p_emergency_is_raised_to_the_value_of_the_rule(knowledge: Knowledge) -> None:
    states = np.zeros((1, knowledge.n_states))
    states[0, np.flatnonzero(knowledge.acuity == 5)[0]] = 1.0
    fired = np.zeros((1, 2), dtype=bool)
    ppv = np.array([0.3, 0.8])
    assert decision.emergency_probability(states, knowledge, fired, ppv)[0] == 0
    fired[0, 0] = True
    assert decision.emergency_probability(states, knowledge, fired, ppv)[0] == 0.3
