"""Reading: labelled sentences in three languages, and properties that hold for any text."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from triage.knowledge import corpus, forms
from triage.knowledge.forms import build_tables, form_problems, listed, normalise, stem
from triage.reading import Reader
from triage.reading.spelling import Speller
from triage.records import LANGUAGES, Reading

ROOT = Path(__file__).parent.parent / "triage" / "knowledge"
CASES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "reading_cases.toml").read_text(encoding="utf-8"))
CUES: dict[str, Any] = tomllib.loads((ROOT / "lexicon" / "cues.toml").read_text(encoding="utf-8"))
SIGNS = {"-": "absent", "?": "uncertain", "<": "past", "@": "other_person", "~": "hypothetical"}
SENTENCES = [(language, line) for language in LANGUAGES for line in CASES["cases"][language]]


@cache
def findings() -> dict[str, dict[str, Any]]:
    return {
        key: value for path in sorted((ROOT / "findings").glob("*.toml")) for key, value in tomllib.loads(path.read_text("utf-8")).items()
    }


def make_reader(lexicon: dict[str, dict[str, list[str]]]) -> Reader:
    tables = json.loads(json.dumps(build_tables(lexicon, CUES)))
    parents = {key: value["parent"] for key, value in findings().items() if "parent" in value}
    return Reader(tables, parents, {key: value["kind"] for key, value in findings().items()})


@cache
def reader() -> Reader:
    return make_reader(CASES["forms"])


def split(line: str) -> tuple[str, set[tuple[str, str]], dict[str, str]]:
    text, _, rest = line.partition("|")
    labels, _, values = rest.partition("|")
    pairs = {(label.lstrip("-?<@~"), SIGNS.get(label[0], "present")) for label in labels.split()}
    return text.strip(), pairs, dict(value.split("=") for value in values.split())


def labels(reading: Reading) -> set[tuple[str, str]]:
    return {(mention.finding, mention.status) for mention in reading.mentions}


@pytest.mark.parametrize(("language", "line"), SENTENCES, ids=[line.split("|")[0].strip() for _, line in SENTENCES])
def test_sentence(language: str, line: str) -> None:
    text, pairs, values = split(line)
    reading = reader().read(text)
    assert labels(reading) == pairs
    found = {value.name: value.value for value in reading.values}
    for name, value in values.items():
        assert str(found.get(name)) == value or float(str(found[name])) == float(value)
    assert found.keys() == values.keys()


def test_problem_names_value_and_range_only() -> None:
    reading = reader().read("Mr Smith, temp 390, pulse 5, BP 60/90, glucose 9999 mg/dl, chest pain")
    assert any(problem.startswith("temperature: ") and "25-45" in problem for problem in reading.problems)
    assert any(problem.startswith("heart_rate: ") for problem in reading.problems)
    assert not any("Smith" in problem or "390" in problem for problem in reading.problems)
    assert not {value.name for value in reading.values} & {"temperature", "heart_rate", "systolic_bp"}


def test_unread_names_what_was_not_understood() -> None:
    text = "chest pain and zorbling gribbles, 胸痛 龘龘"
    unread = [text[start:end] for start, end in reader().read(text).unread]
    assert unread == ["zorbling gribbles", "龘龘"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chest pain 77", ["77"]),
        ("zorbling 42 chest pain", ["zorbling 42"]),
        ("vomit 3 times", []),
        ("1. chest pain 2. cough", []),
        ("45 years ago chest pain", []),
        ("cough for 3 days, bp 120/80, 62 F", []),
    ],
)
def test_a_number_that_became_no_value_is_unread(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in reader().read(text).unread] == expected


def test_correction_is_reported() -> None:
    mention = reader().read("bad diarrhea and diarhoea")
    assert [one.correction for one in mention.mentions] == ["", "diarrhoea"]


@pytest.mark.parametrize(
    ("word", "vocabulary"),
    [
        ("hypotension", ["hypertension"]),
        ("hypertension", ["hypotension"]),
        ("hematemesis", ["hemoptysis"]),
        ("house", ["hoarse"]),
        ("cough", ["couch"]),
    ],
)
def test_dangerous_corrections_are_not_made(word: str, vocabulary: list[str]) -> None:
    assert Speller(vocabulary, frozenset(map(stem, ("house",)))).correct(word) in ("", *(["couch"] if word == "cough" else []))


def test_form_problems_are_listed() -> None:
    problems = form_problems({"en": {"a": ["pain", ""], "b": ["Pains", "no"], "c": []}}, {"a", "b"}, CUES)
    assert len(problems) == 4
    assert any("unknown finding" in problem for problem in problems)
    assert any("empty form" in problem for problem in problems)
    assert any("also a form of a" in problem for problem in problems)
    assert any("context cue" in problem for problem in problems)


def test_cues_use_known_fields() -> None:
    categories = set(
        listed("negation affirmed uncertain past current resolved hypothetical other_person relative patient terminator pseudo minimising")
    )
    for row in CUES["cue"]:
        assert row["category"] in categories
        assert row["direction"] in ("before", "after", "both", "self")
        assert row.keys() <= {"language", "category", "direction", "scope", "list", "comma", "needs", "sex", "note", "literals"}
        assert row["language"] in LANGUAGES
        assert len(set(row["literals"])) == len(row["literals"])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Chest PAIN", "chest pain"),
        ("胸悶、ＳＯＢ", "胸闷、sob"),
        ("can’t", "can't"),
        ("che\u200bst", "chest"),
        ("39℃", "39°c"),
        ("\u1100\u1161\u11a8", "각"),
    ],
)
def test_normalise(text: str, plain: str) -> None:
    assert normalise(text).text == plain


# ------------------------------------------------------------------------------------------------------------- properties

WORDS = st.sampled_from(
    listed(
        "chest pain hurts no fever , . ; ? + - ( ) and but denies my "
        "father 58M bp 90/60 x2d 无 发热 、 ， 胸痛 没有 但是 头 不 疼 열은 없어요 기침 안 해요 "
        "지만 가슴이 아파요 39.2 \u200b \u202e ℃ ﬁ é"
    )
)
TEXTS = st.one_of(st.text(max_size=120), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join))


@given(TEXTS)
@example("\ud800 chest pain")
@example("e\u0301\u0301\u0301 İ ß ﷺ chest")
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_reading_with_true_offsets(text: str) -> None:
    reading = reader().read(text)
    spans = [(one.start, one.end, one.text) for one in reading.mentions] + [(one.start, one.end, one.text) for one in reading.values]
    for start, end, said in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end] == said
    assert all(0 <= start < end <= len(text) for start, end in reading.unread)
    assert list(reading.unread) == sorted(reading.unread)
    assert reading == reader().read(text)


@given(st.text(max_size=80))
def test_normalisation_is_idempotent_and_keeps_order(text: str) -> None:
    normal = normalise(text)
    if normal.starts is not None and normal.ends is not None:
        assert len(normal.starts) == len(normal.ends) == len(normal.text)
        assert normal.starts == sorted(normal.starts)
        assert normal.ends == sorted(normal.ends)
    else:
        assert len(normal.text) == len(text)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize(("language", "line"), SENTENCES, ids=[line.split("|")[0].strip() for _, line in SENTENCES])
def test_case_and_width_change_nothing(language: str, line: str) -> None:
    text, _, _ = split(line)
    plain = reader().read(text)
    same_case = {(value.name, value.value) for value in plain.values if value.name not in ("age", "sex")}
    for other in (text.lower(), full_width(text)):
        changed = reader().read(other)
        assert labels(changed) == labels(plain)
        assert {(value.name, value.value) for value in changed.values if value.name not in ("age", "sex")} == same_case
    assert labels(reader().read(full_width(text.upper()))) == labels(plain)


CLAUSES = {
    "en": [
        "no fever or chills",
        "chest pain",
        "denies vomiting",
        "he is dizzy",
        "had a seizure last month",
        "maybe a rash",
        "slurred speech",
    ],
    "zh": ["无发热、寒战", "胸痛", "否认腹泻", "头晕", "去年晕厥过", "可能有皮疹", "说话不清"],
    "ko": ["열은 없어요", "가슴이 아파요", "설사는 안 해요", "어지러워요", "작년에 경련이 있었어요", "발진은 아니에요", "말이 어눌해요"],
}


@given(st.sampled_from(LANGUAGES), st.data())
def test_order_of_sentences_changes_nothing(language: str, data: st.DataObject) -> None:
    clauses = data.draw(st.lists(st.sampled_from(CLAUSES[language]), unique=True, min_size=1))
    together = reader().read("; ".join(clauses))
    assert labels(together) == set().union(*(labels(reader().read(clause)) for clause in clauses))


REPEATED = [
    "no fever, cough and ", "胸口有点", "무발열 없", "a ", "- ", "12 ", "가", "热", "(", "my father ", "if ", "+-", "chest pain 3 days, ",
    "血压达到", "bp is ", "3" + " " * 60, "기침과 ", "last year now ", "diarhea ", "zorbling ",
]  # fmt: skip


@pytest.mark.parametrize("unit", REPEATED)
def test_work_is_linear(unit: str) -> None:
    """Twice the text, at most about twice the places looked at; 100,000 characters are read."""
    counts = []
    for size in (25_000, 50_000):
        before = reader().matcher.work
        reader().read(unit * (size // len(unit)))
        counts.append(reader().matcher.work - before)
    assert counts[1] <= 2.2 * counts[0] + 100
    reader().read((unit * (100_000 // len(unit) + 1))[:100_000])


# ---------------------------------------------------------------------------------------------------------- shipped lexicon


@cache
def shipped() -> Reader:
    return make_reader(corpus.load().lexicon)


def counts(one: Reader, language: str) -> tuple[int, int, int]:
    """True positives, false positives and false negatives of (finding, status); a refinement of an expected finding counts as it."""
    right = wrong = missed = 0
    for line in CASES["cases"][language]:
        text, pairs, _ = split(line)
        got = set()
        for finding, status in labels(one.read(text)):
            parent = findings()[finding].get("parent", finding)
            got.add((finding if (finding, status) in pairs else parent if (parent, status) in pairs else finding, status))
        right += len(got & pairs)
        wrong += len(got - pairs)
        missed += len(pairs - got)
    return right, wrong, missed


@pytest.mark.parametrize("language", LANGUAGES)
def test_shipped_lexicon(language: str) -> None:
    one = shipped()
    right, wrong, missed = counts(one, language)
    assert 2 * right / (2 * right + wrong + missed) >= 0.85


def test_tables_are_json() -> None:
    tables = build_tables(CASES["forms"], CUES)
    assert json.loads(json.dumps(tables)) == tables
    assert tables["version"] == forms.VERSION
