"""The lint of the knowledge: nothing to object to in what is shipped, and every objection is raised when it should be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.assess import Engine
from triage.benchmark import hidden
from triage.knowledge import corpus as knowledge_corpus
from triage.knowledge import lint, quantities
from triage.knowledge.corpus import Corpus
from triage.knowledge.quantities import Number, expit, logit
from triage.knowledge.schema import Condition, Discriminator
from triage.knowledge.statistics import provenance
from triage.report.cards import card


@cache
def shipped() -> Corpus:
    return knowledge_corpus.load()


def changed(identifier: str, **changes: object) -> Corpus:
    corpus = shipped()
    # mypy cannot know that each test names fields of a condition and gives them values of their types.
    return replace(corpus, conditions=tuple(replace(one, **changes) if one.id == identifier else one for one in corpus.conditions))  # type: ignore[arg-type]


def named(identifier: str) -> Condition:
    return next(one for one in shipped().conditions if one.id == identifier)


def test_there_is_nothing_to_object_to() -> None:
    assert lint.problems(shipped()) == []


def test_breadth_and_provenance() -> None:
    corpus = shipped()
    assert len(corpus.conditions) >= 400
    table = provenance(corpus)["all"]
    assert 1 - table["estimate"] / sum(table.values()) >= 0.25


def test_a_finding_that_nothing_uses_is_an_orphan() -> None:
    orphan = replace(shipped().findings[0], id="green_ears", meaning="green ears")
    corpus = replace(shipped(), findings=(*shipped().findings, orphan))
    assert any("green_ears: no condition" in text for text in lint.problems(corpus))


def test_a_source_that_nothing_cites_is_named() -> None:
    corpus = replace(shipped(), sources=shipped().sources | {"nobody-1900": {"citation": "x"}})
    assert "sources: nobody-1900: no number cites it" in lint.problems(corpus)


def test_a_code_of_two_conditions_and_codes_of_two_blocks() -> None:
    problems = lint.problems(changed("gout", icd10=("M10", "I21")))
    assert any("I21 is also a code of" in text for text in problems)
    assert any("gout.toml: icd10: codes of several blocks" in text for text in problems)


def test_a_killer_without_a_red_flag() -> None:
    corpus = shipped()
    rules = {name: rule | {"for": [c for c in rule.get("for", ()) if c != "tetanus"]} for name, rule in corpus.red_flags.items()}
    assert any("tetanus.toml: must not be missed, but no red flag" in text for text in lint.problems(replace(corpus, red_flags=rules)))


def test_pregnancy_in_men() -> None:
    one = named("hydrocele")
    problems = lint.problems(changed("hydrocele", findings=one.findings | {"pregnant": Number(0.2, "estimate")}))
    assert any("hydrocele.toml: pregnant: cannot occur" in text for text in problems)


def test_numbers_nobody_thought_about() -> None:
    one = named("gout")
    same = {name: Number(0.3, "estimate") for name in one.findings}
    assert any("estimates are 0.3" in text for text in lint.problems(changed("gout", findings=same)))


def test_two_conditions_with_one_profile() -> None:
    twin = replace(named("gout"), id="second_gout", names=dict.fromkeys(("en", "zh", "ko"), "second gout"), icd10=(), icd10_also=())
    corpus = replace(shipped(), conditions=(*shipped().conditions, twin))
    assert any("cannot be told from second_gout" in text for text in lint.problems(corpus))


def test_a_discriminator_that_does_not_separate() -> None:
    one = named("myocardial_infarction")
    rival = Discriminator("unstable_angina", ("hoarseness",), "")
    assert any(
        "hoarseness does not separate them" in text
        for text in lint.problems(changed("myocardial_infarction", confused_with=(*one.confused_with[:2], rival)))
    )


@given(st.floats(0.01, 0.99), st.lists(st.floats(0.01, 0.99), max_size=3))
def test_changes_in_one_direction_count_once(base: float, changes: list[float]) -> None:
    result = expit(quantities.changed(logit(base), changes))
    together = [base, *changes]
    if len(changes) <= 1 or all(value >= base for value in changes) or all(value <= base for value in changes):
        assert min(together) - 1e-9 <= result <= max(together) + 1e-9
    assert result == pytest.approx(expit(quantities.changed(logit(base), changes[::-1])))


def test_cards_show_who_won_and_how_often_a_rule_fires() -> None:
    corpus = shipped()
    text = card(corpus, "pneumonia") or ""
    assert "wins over the estimate" in text
    assert "confused with" in text
    rule = next(iter(corpus.red_flags))
    assert "fires in clinic: 12.0 of 10,000" in (card(corpus, rule, {"clinic": {rule: 0.0012}}) or "")


def test_an_id_of_two_things_shows_both() -> None:
    text = card(shipped(), "syncope") or ""
    assert text.count("\n\n") >= 1
    assert "(symptom)" in text
    assert "visits per 10,000" in text


def test_hidden_conditions_are_never_answered(engine: Engine) -> None:
    result = hidden.suite(engine, shipped(), 6, seed=1)
    rows = result["rows"]
    assert [row["condition"] for row in rows] == hidden.chosen(engine, 1)
    assert len(rows) == hidden.HIDDEN
    assert max(row["answered"] for row in rows) < 1e-6
    whole = hidden.suite_on(engine, engine, shipped(), 6, seed=1)
    assert max(row["answered"] for row in whole["rows"]) > 0.1  # the same patients, when nothing is hidden
