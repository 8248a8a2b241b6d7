from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.assess import Engine
from triage.records import Acuity, Visit
from triage.report.document import document
from triage.report.text import render

STORY = {
    "en": "sudden weakness all over, cold sweat",
    "zh": "突然全身无力，出冷汗",
    "ko": "갑자기 온몸에 힘이 빠지고 식은땀이 나요",
}


@pytest.mark.parametrize("language", STORY)
def test_the_story(engine: Engine, language: str) -> None:
    """A man whose body suddenly lost all strength: urgent, infarction listed, an electrocardiogram or a transfer first."""
    answer = engine.assess(Visit(complaint=STORY[language], age=58, sex="male"))
    assert answer.urgent is True
    assert answer.language == language
    assert "myocardial_infarction" in {item.condition for item in answer.must_not_miss}
    assert answer.actions[0] == "ecg_now_or_transfer"


@pytest.mark.parametrize("complaint", ["sudden weakness all over", "突然全身无力", "갑자기 온몸에 힘이 빠져요"])
def test_sudden_weakness_alone_at_58(engine: Engine, complaint: str) -> None:
    answer = engine.assess(Visit(complaint=complaint, age=58, sex="male"))
    assert answer.acuity is not None
    assert answer.acuity <= Acuity.SAME_DAY
    listed = {item.condition for item in answer.must_not_miss}
    assert "myocardial_infarction" in listed
    assert {"ischaemic_stroke", "haemorrhagic_stroke"} & listed


@pytest.mark.parametrize(
    ("complaint", "age"),
    [
        ("runny nose, mild sore throat for two days, no fever", 25),
        ("流鼻涕，嗓子有点疼两天，没有发烧", 25),
        ("콧물이 나고 목이 조금 아파요, 열은 없어요", 25),
    ],
)
def test_a_cold_is_no_alarm(engine: Engine, complaint: str, age: int) -> None:
    answer = engine.assess(Visit(complaint=complaint, age=age, sex="female"))
    assert answer.status == "ok"
    assert answer.acuity is not None
    assert answer.acuity >= Acuity.LESS_URGENT


def test_denied_symptoms_and_a_check_up_are_no_alarm(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="no chest pain, no shortness of breath, here for a blood pressure check", age=60))
    assert answer.status == "ok"
    assert answer.urgent is False


@pytest.mark.parametrize("complaint", ["", "   ", "hello", "你好", "asdf qwerty", "no fever", "my father had a heart attack"])
def test_too_little_to_answer_is_said_and_nothing_is_guessed(engine: Engine, complaint: str) -> None:
    answer = engine.assess(Visit(complaint=complaint, age=50))
    assert answer.status == "insufficient"
    assert answer.acuity is None
    assert answer.urgent is None
    assert answer.p_emergency is None
    text = render(engine.knowledge, answer, complaint)
    assert "urgent" not in text.splitlines()[0].lower()


def test_a_vital_sign_beyond_its_limits_is_enough(engine: Engine) -> None:
    answer = engine.assess(Visit(age=70, sex="female", spo2=84))
    assert answer.status == "ok"
    assert answer.urgent is True


def test_fever_reported_but_not_measured_is_named(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="fever and cough", age=30, temperature=36.6))
    assert any(message.startswith("fever: reported") for message in answer.messages)
    assert "fever" not in {weight.evidence for weight in answer.differential[0].weights}


def test_present_and_absent_at_once_is_named_and_taken_as_present(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="chest pain", findings=(("chest_pain", False),), age=50))
    assert any("chest_pain" in message and "present" in message for message in answer.messages)
    assert ("chest_pain", "present") in {(item.id, item.status) for item in answer.evidence}


def test_what_was_not_given_is_said(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="stomach ache"))
    assert any(message.startswith("age") for message in answer.messages)
    assert any(message.startswith("sex") for message in answer.messages)
    woman = engine.assess(Visit(complaint="stomach ache", age=30, sex="female"))
    assert any(message.startswith("pregnant") for message in woman.messages)
    assert {"temperature", "heart_rate", "spo2"} <= set(woman.not_measured)


def test_aspirin_is_not_shown_beside_a_bleed(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="chest pain, vomiting blood, black stool, cold sweat", age=60, sex="male"))
    assert "aspirin_if_no_bleeding" not in answer.actions
    torn = engine.assess(Visit(complaint="sudden tearing chest pain going through to the back", age=60, sex="male"))
    assert "aortic_dissection" in {item.condition for item in torn.must_not_miss}
    assert "aspirin_if_no_bleeding" not in torn.actions


def test_one_patient_and_many_are_the_same(engine: Engine) -> None:
    visits = [Visit(complaint=text, age=age, sex="male") for text in STORY.values() for age in (20, 58, 80)]
    visits += [Visit(complaint="cough", temperature=39.5), Visit(findings=(("fever", True), ("cough", False)), age=3)]
    together = engine.answer(visits, explain=True)
    assert together == [engine.assess(visit) for visit in visits]
    assert engine.answer(visits[::-1], explain=True) == together[::-1]


def test_the_same_answer_in_every_language(engine: Engine) -> None:
    texts = ["chest pain, cold sweat", "胸痛，出冷汗", "가슴이 아프고 식은땀이 나요"]
    answers = engine.answer([Visit(complaint=text, age=60, sex="male") for text in texts])
    assert len({(answer.acuity, answer.p_emergency, answer.differential) for answer in answers}) == 1


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=200), age=st.one_of(st.none(), st.floats(0, 120)), sex=st.sampled_from([None, "female", "male"]))
def test_any_text_is_answered_or_said_to_be_too_little(engine: Engine, text: str, age: float | None, sex: str | None) -> None:
    answer = engine.assess(Visit(complaint=text, age=age, sex=sex))
    assert answer.status in ("ok", "insufficient")
    assert (answer.urgent is None) == (answer.status == "insufficient")
    assert render(engine.knowledge, answer, text).endswith("\n")
    assert document(engine.knowledge, answer)["schema"] == 1
    if answer.status == "ok":
        assert 0 <= sum(one.probability for one in answer.differential) <= 1 + 1e-9


@pytest.mark.parametrize("language", ["en", "zh", "ko"])
def test_the_first_line_says_what_to_do_and_the_page_says_it_is_simulated(engine: Engine, language: str) -> None:
    answer = engine.assess(Visit(complaint=STORY[language], age=58, sex="male"), language=language)
    text = render(engine.knowledge, answer, STORY[language])
    advice = engine.knowledge.manifest["advice"]
    assert text.splitlines()[0].casefold() == advice[f"acuity_{answer.acuity}"][language].casefold()
    assert advice["simulated"][language] in text
    if language != "en":
        assert advice["not_reviewed"][language] in text


def test_answering_one_patient_imports_nothing_heavy() -> None:
    code = (
        "import sys; from triage.cli.app import run; run(['assess', 'cough and fever for two days', '--age', '30']);"
        "heavy = {'sklearn', 'scipy', 'joblib', 'pandas', 'pyarrow', 'pydantic', 'rapidfuzz', 'rich', 'tomllib'} & set(sys.modules);"
        "sys.stderr.write(' '.join(sorted(heavy)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_findings_of_one_sex_or_age_are_worth_as_much_when_sex_or_age_is_not_given(engine: Engine) -> None:
    """A finding that cannot occur in somebody says that the patient is somebody else, not that the finding does not count."""
    woman = engine.assess(Visit(complaint="gave birth two days ago, heavy vaginal bleeding", age=28, sex="female"))
    unknown = engine.assess(Visit(complaint="gave birth two days ago, heavy vaginal bleeding", age=28))
    assert unknown.acuity == woman.acuity
    assert unknown.differential[0].condition == woman.differential[0].condition
    assert any(message.startswith("sex: not given; taken as female") for message in unknown.messages)
    infant = engine.assess(Visit(findings=(("bulging_fontanelle", True), ("fever", True), ("feeding_poorly", True)), sex="male"))
    assert infant.urgent is True


def test_a_finding_that_cannot_occur_is_named_and_not_used(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="vaginal bleeding and cough", age=40, sex="male"))
    assert any(message.startswith("vaginal_bleeding: cannot occur") for message in answer.messages)
    assert "vaginal_bleeding" not in {item.id for item in answer.evidence}


def test_of_two_contradicting_measurements_the_more_alarming_is_used_and_named(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="chest pain, BP 70/40, SpO2 80%", age=60, sex="male", systolic_bp=130, spo2=98))
    assert answer.urgent is True
    assert {message.split(":")[0] for message in answer.messages} >= {"systolic_bp", "spo2"}


def test_what_is_not_counted_is_said(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="cough. had chest pain last year", age=40, sex="male"))
    assert "chest_pain: past, not counted as this patient's now" in answer.messages
    family = "cough. my father had a heart attack"
    answer = engine.assess(Visit(complaint=family, age=40, sex="male"))
    said = " ".join(answer.messages) + " ".join(family[start:end] for start, end in answer.unread)
    assert "other person" in said or "heart attack" in said


def test_urgent_patients_are_always_told_where_to_go(engine: Engine) -> None:
    from triage.assess import TRANSFERS

    texts = [
        "palpitations",
        "heavy vaginal bleeding, pregnant",
        "drank weed killer",
        "snake bite",
        "fits and cannot be woken",
        "胸痛，出冷汗",
        "발작을 해요",
    ]
    for answer in engine.answer([Visit(complaint=text, age=30, heart_rate=38) for text in texts]):
        assert answer.urgent is True
        assert TRANSFERS & set(answer.actions)


def test_reasons_name_only_what_fired(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="headache and confusion", age=60, sex="male", systolic_bp=200, diastolic_bp=90))
    for flag in answer.red_flags:
        assert "diastolic_bp" not in flag.because


def test_vital_signs_are_shown_as_measured(engine: Engine) -> None:
    answer = engine.assess(Visit(complaint="cough", age=0.3, heart_rate=141))
    assert ("heart_rate", "141") in {(item.id, item.status) for item in answer.evidence}
