"""Given values: every parser takes what people write, never crashes, and names the column of what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from triage import intake
from triage.errors import UsageError
from triage.intake import Problem
from triage.records import AGE_BANDS, SEXES, age_band

NAMES = {
    "chest_pain": "chest_pain",
    "chest pain": "chest_pain",
    "胸痛": "chest_pain",
    "가슴 통증": "chest_pain",
    "fever": "fever",
    "发热": "fever",
    "cough": "cough",
}
PARSERS: dict[str, Callable[[str], Any]] = {
    "age": intake.parse_age,
    "sex": intake.parse_sex,
    "pregnant": intake.parse_pregnant,
    "consciousness": intake.parse_consciousness,
    "oxygen": intake.parse_oxygen,
    **{name: partial(intake.parse_number, name) for name in intake.RANGES},
}
# Text that looks like values more often than arbitrary text does.
NEAR_VALUES = st.text(alphabet=st.sampled_from("0123456789.,+-/eE%:; ０５．yYmMoOwWdDhFfCc岁月周天세개주度岁nanif\t\0\"'"), max_size=12)
ANY_TEXT = st.one_of(st.text(max_size=60), NEAR_VALUES)


def wide(text: str) -> str:
    """ASCII as it comes from a full-width keyboard."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("58", 58),
        (" 58 ", 58),
        ("58.5", 58.5),
        ("58,5", 58.5),
        ("５８", 58),
        ("58岁", 58),
        ("58 岁", 58),
        ("５８周岁", 58),
        ("58세", 58),
        ("만 58세", 58),
        ("58살", 58),
        ("58y", 58),
        ("58 years old", 58),
        ("58-year-old", 58),
        ("8mo", 8 / 12),
        ("8 MONTHS", 8 / 12),
        ("8个月", 8 / 12),
        ("8月", 8 / 12),
        ("8개월", 8 / 12),
        ("12mo", 1),
        ("3w", 21 / 365.25),
        ("3周", 21 / 365.25),
        ("3주", 21 / 365.25),
        ("12d", 12 / 365.25),
        ("12天", 12 / 365.25),
        ("12일", 12 / 365.25),
        ("1y6mo", 1.5),
        ("1岁6个月", 1.5),
        ("1세 6개월", 1.5),
        ("0", 0),
        ("120", 120),
        ("\ufeff58", 58),
        ("58\u1109\u1166", 58),  # decomposed, as a Mac writes it
    ],
)
def test_ages(text: str, years: float) -> None:
    assert intake.parse_age(text) == years


@pytest.mark.parametrize(
    "text",
    [
        *(
            "old",
            "-1",
            "-0.5",
            "120.5",
            "121",
            "1441mo",
            "nan",
            "inf",
            "-inf",
            "1e2",
            "58m",
            "1967-03-02",
            "8月15日",
            "1,200",
            "58 60",
            "58y58y",
        ),
        *("6mo1y", "5.8.1", "٥٨", "5_8", "0x3A", "=58", "58\0", "1/2", "½", "5²", "58 male"),
        *("9" * 400, "1" * 5000 + "x"),
    ],
)
def test_ages_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^age: got .*, expected years from 0 to 120"):
        intake.parse_age(text)


def test_the_age_bands_of_days_and_weeks_are_exact() -> None:
    def band(text: str) -> str:
        age = intake.parse_age(text)
        assert age is not None
        return AGE_BANDS[age_band(age)]

    assert [band(text) for text in ("0d", "27d", "28d", "4w", "11mo", "12mo", "1")] == ["0-27d", "0-27d", *["28d-11mo"] * 3, "1-4", "1-4"]


@pytest.mark.parametrize(
    ("words", "sex"),
    [
        (("f", "F", " female ", "Woman", "girl", "女", "女性", "여", "여자", "여성", "Ｆ"), "female"),
        (("m", "M", "male", "MAN", "boy", "男", "男性", "남", "남자", "남성", "Ｍ"), "male"),
        (("", "  ", "\u3000", "unknown", "不详", "모름"), None),
    ],
)
def test_sexes(words: tuple[str, ...], sex: str | None) -> None:
    assert {intake.parse_sex(word) for word in words} == {sex}


@pytest.mark.parametrize("text", ["1", "0", "2", "x", "fm", "male?", "女男", "=f", "nan"])
def test_sexes_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^sex: got .*, expected f or m"):
        intake.parse_sex(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None)),
        ("unknown", (None, None)),
        *((word, (True, None)) for word in ("yes", "Y", "1", "true", "pregnant", "是", "怀孕", "예", "네", "임신")),
        *((word, (False, None)) for word in ("no", "N", "0", "false", "not pregnant", "否", "未孕", "没怀孕", "비임신")),
        *((word, (True, 32.0)) for word in ("32", "32w", "32 weeks", "32 weeks pregnant", "孕32周", "32周", "임신 32주", "３２")),
        ("32+4", (True, 32 + 4 / 7)),
        ("32周+4天", (True, 32 + 4 / 7)),
        ("1w", (True, 1.0)),
    ],
)
def test_pregnancies(text: str, expected: tuple[bool | None, float | None]) -> None:
    assert intake.parse_pregnant(text) == expected


def test_months_of_pregnancy_are_weeks() -> None:
    pregnant, weeks = intake.parse_pregnant("怀孕5个月")
    assert pregnant is True
    assert weeks == pytest.approx(21.74, abs=0.01)


@pytest.mark.parametrize("text", ["2", "3", "46", "60w", "-5", "0w", "nan", "maybe", "32+9", "不是怀孕吗", "no?", "1,200"])
def test_pregnancies_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^pregnant: got .*, expected yes, no, or weeks"):
        intake.parse_pregnant(text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "38.5", 38.5),
        ("temperature", "38,5", 38.5),
        ("temperature", "３８．５", 38.5),
        ("temperature", " 38.5 ℃ ", 38.5),
        ("temperature", "38.5°C", 38.5),
        ("temperature", "38.5度", 38.5),
        ("heart_rate", "110", 110),
        ("heart_rate", "+110", 110),
        ("heart_rate", "110 bpm", 110),
        ("heart_rate", "110次/分", 110),
        ("respiratory_rate", "28/min", 28),
        ("systolic_bp", "85 mmHg", 85),
        ("diastolic_bp", "50.", 50),
        ("spo2", "88%", 88),
        ("spo2", "８８％", 88),
        ("glucose", "5.6", 5.6),
        ("glucose", "5,6 mmol/L", 5.6),
        ("glucose", "54 mg/dL", 54 / 18.016),
        ("glucose", "54MG/DL", 54 / 18.016),
        ("pain_score", "8/10", 8),
        ("pain_score", "-0", 0),
        ("pain_score", "0", 0),
        ("onset_hours", ".5", 0.5),
        ("onset_hours", "0,125", 0.125),
        ("onset_hours", "48 h", 48),
        ("age", "8mo", 8 / 12),
    ],
)
def test_numbers(name: str, text: str, value: float) -> None:
    assert intake.parse_number(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("temperature", "98.6", "25–45 °C (°F is not read"),
        ("temperature", "101 F", "°F is not read"),
        ("temperature", "38.5 f", "°F is not read"),
        ("spo2", "0.97", "(97, not 0.97)"),
        ("glucose", "100", "mg/dL, write the unit"),
        ("glucose", "3000 mg/dL", "0.3–80 mmol/L"),
        ("systolic_bp", "120/80", "the two go into systolic_bp and diastolic_bp"),
        ("onset_hours", "1,200", "can be read in two ways"),
        ("heart_rate", "8O", "10–350"),
        ("heart_rate", "0", "10–350"),
        ("heart_rate", "80 mmHg", "10–350"),
        ("heart_rate", "1.2.3", "10–350"),
        ("heart_rate", "80-90", "10–350"),
        ("heart_rate", ">120", "10–350"),
        ("pain_score", "11", "0–10"),
        ("pain_score", "-1", "0–10"),
        ("temperature", "10²", "25–45"),
        *(("heart_rate", text, "10–350 per minute") for text in ("nan", "NaN", "inf", "-inf", "Infinity", "1e2", "1_0_0", "٩٠", "NA", "-")),
    ],
)
def test_numbers_refused(name: str, text: str, says: str) -> None:
    with pytest.raises(Problem, match=rf"^{name}: got .*{re.escape(says)}"):
        intake.parse_number(name, text)


@pytest.mark.parametrize("name", list(intake.RANGES))
def test_limits_are_possible_and_just_beyond_is_not(name: str) -> None:
    low, high, _ = intake.RANGES[name]
    assert intake.parse_number(name, f"{low}") == low
    assert intake.parse_number(name, f"{high}") == high
    for beyond in (f"{low - 0.01:.2f}", f"{high + 0.01:.2f}"):
        with pytest.raises(Problem):
            intake.parse_number(name, beyond)


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        ("A", ("A", "a", "Ａ", "alert", "清醒", "명료")),
        ("C", ("C", "confused", "意识模糊", "혼란")),
        ("V", ("V", "voice", "嗜睡", "기면")),
        ("P", ("P", "Pain", "昏睡", "혼미")),
        ("U", ("U", "unresponsive", "unconscious", "昏迷", "혼수", "의식 없음")),
        (None, ("", " ")),
    ],
)
def test_consciousness(letter: str | None, words: tuple[str, ...]) -> None:
    assert {intake.parse_consciousness(word) for word in words} == {letter}


@pytest.mark.parametrize("text", ["15", "GCS 15", "AVPU", "not alert", "不清醒", "unknown", "-"])
def test_consciousness_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^consciousness: got .*, expected A \(alert\)"):
        intake.parse_consciousness(text)


@pytest.mark.parametrize(
    ("given_as", "words"),
    [
        (True, ("yes", "Y", "1", "oxygen", "2L", "2 l/min", "0,5 L/min", "吸氧", "예", "산소")),
        (False, ("air", "room air", "RA", "no", "0", "0 L/min", "空气", "未吸氧", "아니오", "공기")),
        (None, ("", "\t")),
    ],
)
def test_oxygen(given_as: bool | None, words: tuple[str, ...]) -> None:
    assert {intake.parse_oxygen(word) for word in words} == {given_as}


@pytest.mark.parametrize("text", ["2", "-2L", "21%", "airy", "nan", "inf L"])
def test_oxygen_refused(text: str) -> None:
    with pytest.raises(Problem, match=r"^oxygen: got .*, expected air or yes"):
        intake.parse_oxygen(text)


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("", ()),
        (" ; ;；", ()),
        ("chest_pain; -fever; 胸痛", (("chest_pain", True), ("fever", False))),
        ("Chest  Pain；－发热", (("chest_pain", True), ("fever", False))),
        ("− cough;가슴 통증", (("cough", False), ("chest_pain", True))),
        ("'-fever;cough", (("fever", False), ("cough", True))),
        ("FEVER;fever;Fever", (("fever", True),)),
    ],
)
def test_findings(text: str, findings: tuple[tuple[str, bool], ...]) -> None:
    assert intake.parse_findings(text, NAMES) == (findings, ())


def test_an_unknown_finding_is_named_with_the_nearest_and_the_others_are_kept() -> None:
    findings, problems = intake.parse_findings("cough; -chestpain; -; zzzzzz; --fever; fever, cough", NAMES)
    assert findings == (("cough", True),)
    assert len(problems) == 5
    assert all(problem.startswith('findings: got "') and "expected the id or name of a finding" in problem for problem in problems)
    assert "(nearest: chest_pain)" in problems[0]
    assert "nearest" not in problems[2]


@pytest.mark.parametrize("text", ["fever; -fever", "-fever; 发热", "-fever;fever;-fever"])
def test_a_finding_given_both_ways_counts_as_present_and_is_said(text: str) -> None:
    findings, problems = intake.parse_findings(text, NAMES)
    assert findings == (("fever", True),)
    assert len(problems) == 1
    assert "both present and absent" in problems[0]


def test_ids_are_found_without_being_names() -> None:
    assert intake.parse_findings("stiff_neck; -Stiff Neck", {"颈强直": "stiff_neck"})[0] == (("stiff_neck", True),)


@given(st.sampled_from(sorted(PARSERS)), ANY_TEXT)
@example("age", "1" * 3000)
@example("temperature", "\ud800")
def test_no_parser_crashes_and_a_problem_names_its_column(name: str, text: str) -> None:
    try:
        result, said = PARSERS[name](text), ""
    except Problem as problem:
        result, said = None, str(problem)
    if said:
        assert said.startswith(f"{name}: got ")
        assert "expected" in said
        assert said.isprintable()
        assert len(said) < 500
        return
    if name in intake.RANGES and result is not None:
        low, high, _ = intake.RANGES[name]
        assert low <= result <= high
    if name == "age" and result is not None:
        assert 0 <= result <= 120
    if name == "sex":
        assert result in (*SEXES, None)
    if result is None:
        assert not text.strip() or name == "sex" or not text.isprintable()


@given(st.text(max_size=80), st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.booleans()), max_size=4))
def test_no_findings_crash_or_get_lost(noise: str, wanted: list[tuple[str, bool]]) -> None:
    findings, problems = intake.parse_findings(";".join([noise, *(("" if present else "-") + name for name, present in wanted)]), NAMES)
    assert {NAMES[name] for name, _ in wanted} <= {finding for finding, _ in findings}
    assert all(present for name, present in wanted if present and (NAMES[name], True) in findings)
    assert {NAMES[name] for name, present in wanted if present} <= {finding for finding, present in findings if present}
    assert len(dict(findings)) == len(findings)
    assert all(problem.startswith("findings: got ") and problem.isprintable() for problem in problems)


@given(st.data(), st.sampled_from(sorted(intake.RANGES)))
def test_good_numbers_come_back_however_they_are_written(data: st.DataObject, name: str) -> None:
    low, high, _ = intake.RANGES[name]
    value = data.draw(st.integers(round(low * 100), round(high * 100))) / 100
    text = f"{value:.2f}"
    for form in (text, f"  {text}\t", wide(text), text.replace(".", ",")):
        assert intake.parse_number(name, form) == value


@given(st.integers(0, 12_000), st.sampled_from(["", "y", "岁", "세", " years old"]))
def test_good_ages_come_back(hundredths: int, unit: str) -> None:
    assert intake.parse_age(f"{hundredths / 100:.2f}{unit}") == hundredths / 100
    assert intake.parse_age(wide(f"{hundredths / 100:.2f}") + unit) == hundredths / 100


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(sorted(intake.RANGES)))
def test_floats_as_python_writes_them_are_in_range_or_refused(value: float, name: str) -> None:
    low, high, _ = intake.RANGES[name]
    try:
        assert intake.parse_number(name, repr(value)) == value
        assert low <= value <= high
    except Problem:
        assert not low <= value <= high or "e" in repr(value)


def test_a_problem_is_wrong_usage_on_the_command_line_and_shows_long_or_odd_values_safely() -> None:
    with pytest.raises(UsageError) as caught:
        intake.parse_age("a\nb\0" + "x" * 1000)
    text = str(caught.value)
    assert "\n" not in text
    assert "\0" not in text
    assert "a\\u000ab" in text
    assert len(text) < 250


def test_a_whole_row() -> None:
    values = {
        "patient_id": "7",
        "age": "58岁",
        "sex": "女",
        "pregnant": "no",
        "complaint": " 胸口疼, sweating ",
        "findings": "chest_pain;-fever",
        "temperature": "36,8",
        "heart_rate": "110",
        "respiratory_rate": "24",
        "systolic_bp": "95",
        "diastolic_bp": "60",
        "spo2": "93%",
        "oxygen": "air",
        "glucose": "108 mg/dL",
        "consciousness": "A",
        "pain_score": "7",
        "onset_hours": "2",
    }
    assert set(values) == set(intake.COLUMNS)
    visit, problems = intake.visit_from(values, NAMES)
    assert problems == ()
    assert visit.complaint == " 胸口疼, sweating "  # as given: offsets refer to it
    assert (visit.age, visit.sex, visit.pregnant, visit.pregnancy_weeks) == (58, "female", False, None)
    assert visit.findings == (("chest_pain", True), ("fever", False))
    assert (visit.temperature, visit.heart_rate, visit.respiratory_rate, visit.spo2) == (36.8, 110, 24, 93)
    assert (visit.systolic_bp, visit.diastolic_bp, visit.on_oxygen, visit.consciousness) == (95, 60, False, "A")
    assert (visit.glucose, visit.pain_score, visit.onset_hours) == (108 / 18.016, 7, 2)
    assert intake.visit_from(dict.fromkeys(values, ""), NAMES) == (type(visit)(), ())
    assert intake.visit_from({}, NAMES) == (type(visit)(), ())


def test_every_bad_value_of_a_row_is_named_and_the_complaint_never_is() -> None:
    bad = dict.fromkeys(intake.COLUMNS, "bad!") | {"complaint": "SECRET", "patient_id": "SECRET"}
    visit, problems = intake.visit_from(bad, NAMES)
    assert {problem.split(":")[0] for problem in problems} == set(intake.COLUMNS) - {"complaint", "patient_id"}
    assert visit == type(visit)(complaint="SECRET")
    assert "SECRET" not in " ".join(problems)


def test_values_that_cannot_both_be_true_are_both_left_out_and_said() -> None:
    visit, problems = intake.visit_from({"sex": "m", "pregnant": "32", "systolic_bp": "80", "diastolic_bp": "120"}, NAMES)
    assert visit == type(visit)()
    assert [problem.split(":")[0] for problem in problems] == ["pregnant", "diastolic_bp"]
    assert all("neither was used" in problem for problem in problems)
    assert intake.visit_from({"sex": "m", "pregnant": "no"}, NAMES)[1] == ()


@given(st.dictionaries(st.sampled_from(intake.COLUMNS), ANY_TEXT))
def test_any_row_gives_a_visit(values: dict[str, str]) -> None:
    visit, problems = intake.visit_from(values, NAMES)
    assert visit.complaint == values.get("complaint", "")
    for name in intake.RANGES:
        refused = any(problem.startswith(f"{name}: ") for problem in problems)
        if values.get(name, "").isascii() and values.get(name, "").strip() and getattr(visit, name) is None:
            assert refused or any("neither was used" in problem for problem in problems)
