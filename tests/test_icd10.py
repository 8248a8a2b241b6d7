from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.cli.app import run
from triage.errors import UsageError
from triage.importers import codes as codes_importer
from triage.knowledge import icd10
from triage.knowledge.corpus import Corpus


@pytest.fixture(scope="module")
def codes(corpus: Corpus) -> icd10.CodeMap:
    return icd10.CodeMap(corpus.conditions)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("S62.5", "S60-S69"),
        ("s625", "S60-S69"),
        ("J01-", "J00-J06"),
        ("I219", "I20-I25"),
        ("R074", ""),
        ("Z000", ""),
        ("U071", ""),
        ("", ""),
    ],
)
def test_block_of_a_code(code: str, expected: str) -> None:
    assert icd10.block(code) == expected


def test_blocks_are_in_order_and_do_not_overlap() -> None:
    for before, after in zip(icd10.BLOCKS, icd10.BLOCKS[1:], strict=False):
        assert before[0] <= before[1] < after[0]


def test_the_longest_prefix_wins(codes: icd10.CodeMap) -> None:
    assert [name for name, _ in codes.owners("I21.4")] == ["myocardial_infarction"]
    assert [name for name, _ in codes.owners("I20.0")] == ["unstable_angina"]
    assert "stable_angina" in [name for name, _ in codes.owners("I20.9")]
    assert codes.owners("Q99.9999") == codes.owners("Q99.9")


@given(st.text(max_size=8))
def test_any_text_is_a_code_or_none(text: str) -> None:
    assert icd10.block(text) == "" or icd10.plain(text)[:1] in icd10.ILLNESS
    assert isinstance(icd10.CodeMap(()).owners(text), list)


def test_every_code_of_the_knowledge_is_well_formed(corpus: Corpus) -> None:
    for one in corpus.conditions:
        for code in (*one.icd10, *one.icd10_also):
            text = icd10.plain(code)
            assert re.match("[A-Z]([0-9]|$)", text), f"{one.id}: {code}"
            if text[0] in icd10.ILLNESS:
                assert icd10.block(code), f"{one.id}: {code} lies in no block"


def test_own_codes_lie_in_one_block(corpus: Corpus) -> None:
    assert {one.id: icd10.home_blocks(one) for one in corpus.conditions if len(icd10.home_blocks(one)) > 1} == {}


def test_a_list_is_read_with_and_without_weights(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("J06.9\nI21.4\n\nxyz\n", encoding="utf-8")
    assert [code for code, _ in codes_importer.read(tmp_path / "plain.txt")] == ["j06.9", "I21.4", "xyz"]
    (tmp_path / "weighted.csv").write_text("visit,diag1,patwt\n1,J06.9,2.5\n2,I21.4,1\n", encoding="utf-8")
    assert list(codes_importer.read(tmp_path / "weighted.csv")) == [("J06.9", 2.5), ("I21.4", 1.0)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [("name,weight\nx,1\n", "Expected a column code"), ("", "empty file"), ("code,weight\nJ06,many\n", "line 2: got weight 'many'")],
)
def test_a_list_that_cannot_be_read_says_why(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=expected):
        list(codes_importer.read(path))


def test_the_table_counts_symptoms_and_contacts_apart(corpus: Corpus) -> None:
    chapters = icd10.coverage(corpus.conditions, [("I21.4", 3.0), ("R07.4", 2.0), ("Z00.0", 1.0), ("Q99.9", 1.0), ("-9", 5.0)])
    lines = icd10.coverage_table(chapters)
    assert any(line.split()[:2] == ["R", "28.6%"] for line in lines), lines
    row = next(line for line in lines if line.strip().startswith("A-Q"))
    assert "75.0%" in row
    assert "Q99 25.00" in row


def test_check_prints_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "codes.txt"
    path.write_text("I21.4\nJ06.9\n", encoding="utf-8")
    assert run(["check", "--coverage", str(path)]) == 0
    assert "A-Q, S-T" in capsys.readouterr().out
