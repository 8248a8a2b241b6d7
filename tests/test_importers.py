from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage import artefact
from triage.benchmark import ddxplus as ddxplus_suite
from triage.benchmark import run, vignettes
from triage.errors import UsageError
from triage.importers import ddxplus
from triage.importers import vignettes as importer
from triage.knowledge.corpus import Corpus

ROW = {"id": "t1", "age": 58, "sex": "male", "diagnosis": "Myocardial Infarction", "chief_complaints": "Chest pain",
       "presentation": "Crushing chest pain for two hours with cold sweat.", "absent_findings": "No fever, No cough", "physical_history": "-",
       "family_history": "-", "social_history": ""}  # fmt: skip


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in rows) + "\n", encoding="utf-8")
    return path


def test_a_vignette_is_one_complaint(tmp_path: Path) -> None:
    (case,) = importer.read(write(tmp_path / "v.jsonl", ROW))
    assert case.visit.complaint == "Chest pain.\nCrushing chest pain for two hours with cold sweat.\nNo fever, No cough."
    assert (case.visit.age, case.visit.sex, case.diagnosis) == (58.0, "male", "Myocardial Infarction")


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"age": "old"}, "got age 'old'"), ({"sex": "x"}, "Expected years and female or male"), ({"diagnosis": ""}, "missing diagnosis")],
)
def test_a_faulty_vignette_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected) as caught:
        importer.read(write(tmp_path / "v.jsonl", ROW, ROW | change))
    assert "line 2" in str(caught.value)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_file_is_vignettes_or_an_error(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.jsonl"
        path.write_bytes(content)
        with contextlib.suppress(UsageError):
            importer.read(path)


def test_the_suite_counts_what_is_not_covered_as_wrong(engine: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "v.jsonl", ROW, ROW | {"id": "t2", "diagnosis": "Something nobody has heard of"})
    result = run.outside_suite(engine, "vignettes", path)
    assert result["as text"]["n"] == 2
    assert result["as text"]["covered"]["k"] == 1
    assert result["as text"]["top1"]["k"] == 1
    assert "top-5" in run.outside_tables(result, every=True)


def test_a_saved_suite_keeps_the_shares_without_the_cases(engine: Any, tmp_path: Path) -> None:
    result = run.outside_suite(engine, "vignettes", write(tmp_path / "v.jsonl", ROW))
    (tmp_path / "outside.json").write_text('{"ddxplus": {"n": 1}}', encoding="utf-8")
    document = json.loads(run.save_outside(result, tmp_path).read_text(encoding="utf-8"))
    assert set(document) == {"ddxplus", "vignettes"}
    assert document["vignettes"]["as text"]["n"] == 1
    assert "rows" not in document["vignettes"]["as text"]


def test_the_figures_of_outside_suites_are_those_of_this_model(engine: Any) -> None:
    document = json.loads((artefact.default_directory() / "outside.json").read_text(encoding="utf-8"))
    assert document["vignettes"]["model"] == engine.version, "run the suite vignettes with --save"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[t1", "Cannot read the coded vignettes"),
        ("t1 = 3", "expected a table"),
        ("[t9]\npresent = []", "expected a table"),
        ("[t1]\ncolour = 3", "unknown key"),
    ],
)
def test_a_faulty_file_of_coded_vignettes_is_wrong_usage(engine: Any, tmp_path: Path, content: str, expected: str) -> None:
    path, coded = write(tmp_path / "v.jsonl", ROW), tmp_path / "coded.toml"
    coded.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=expected):
        vignettes.suite(engine, path, coded=coded)


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3), max_leaves=5
)


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from([*ROW, "other"]), ODD))
def test_any_object_is_a_vignette_or_an_error(change: dict[str, Any]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "v.jsonl", ROW | change)
        with contextlib.suppress(UsageError):
            (case,) = importer.read(path)
            assert case.visit.age is not None
            assert 0 <= case.visit.age < importer.OLDEST


def test_coded_findings_need_to_exist(engine: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "v.jsonl", ROW)
    coded = tmp_path / "coded.toml"
    coded.write_text('[t1]\npresent = ["chest_pain", "cold_sweat"]\nabsent = ["fever"]\n', encoding="utf-8")
    assert vignettes.suite(engine, path, coded=coded)["coded by hand"]["n"] == 1
    coded.write_text('[t1]\npresent = ["chest_pian"]\n', encoding="utf-8")
    with pytest.raises(UsageError, match="unknown finding 'chest_pian'"):
        vignettes.suite(engine, path, coded=coded)


@pytest.mark.parametrize(("which", "least"), [("avey", 0.97), ("ddxplus", 1.0)])
def test_the_diagnoses_of_others_are_covered(corpus: Corpus, which: str, least: float) -> None:
    known = {one.id for one in corpus.conditions} - {"other"}
    table = vignettes.names(which)
    assert {name for ids in table.values() for name in ids} <= known, sorted({name for ids in table.values() for name in ids} - known)
    assert sum(bool(set(ids) & known) for ids in table.values()) / len(table) >= least
    if which == "ddxplus":
        assert len(table) == 49


# ----------------------------------------------------------------------------------------------------------- DDXPlus


def small_ddxplus(folder: Path) -> Path:
    evidences = {
        "E_1": {"data_type": "B", "default_value": 0},
        "E_2": {"data_type": "C", "default_value": "V_0"},
        "E_3": {"data_type": "M", "default_value": "V_9"},
    }
    statistics = {
        "A": {"prior": 0.5, "findings": {"E_1": 0.9, "E_2": {"V_0": 0.2, "V_1": 0.8}, "E_3": {"V_5": 0.1, "V_9": 0.9}}},
        "B": {"prior": 0.5, "findings": {"E_1": 0.2, "E_2": {"V_0": 0.9, "V_1": 0.1}, "E_3": {"V_5": 0.7, "V_9": 0.3}}},
    }
    (folder / ddxplus.EVIDENCES).write_text(json.dumps(evidences), encoding="utf-8")
    (folder / ddxplus.STATISTICS).write_text(json.dumps(statistics), encoding="utf-8")
    path = folder / "patients.csv"
    path.write_text("AGE,SEX,PATHOLOGY,EVIDENCES\n40,F,A,E_1 E_2_@_V_1 E_3_@_V_9\n3,M,B,\"['E_2_@_V_0', 'E_3_@_V_5']\"\n", encoding="utf-8")
    return path


def test_the_engine_answers_ddxplus_by_its_own_statistics(tmp_path: Path) -> None:
    path = small_ddxplus(tmp_path)
    model = ddxplus.engine_model(tmp_path)
    assert model.knowledge.findings == ["E_1", "E_2_@_V_1", "E_3_@_V_5"]  # a default value means "no" and is no finding
    people = list(ddxplus.patients(path, ddxplus.defaults(tmp_path)))
    assert people[0].tokens == {"E_1", "E_2_@_V_1"}
    p = model.condition_posterior(model.state_posterior(ddxplus.cases(model, people), "clinic"))
    odds = 0.9 * 0.8 * 0.9 / (0.2 * 0.1 * 0.3)
    assert p[0, 0] / p[0, 1] == pytest.approx(odds, rel=0.01)
    result = ddxplus_suite.suite(path)
    assert (result["n"], result["top1"]["k"]) == (2, 2)
    assert "check of the engine" in run.outside_tables(result)


@pytest.mark.parametrize(
    ("row", "expected"),
    [("nan,F,A,E_1", "line 4"), ("4,F,Z,E_1", "unknown conditions: Z"), ('4,F,A,"[["', "line 4"), ("-2,F,A,E_1", "line 4")],
)
def test_faulty_patients_are_wrong_usage(tmp_path: Path, row: str, expected: str) -> None:
    path = small_ddxplus(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=expected):
        ddxplus_suite.suite(path)


def test_odd_definitions_are_wrong_usage(tmp_path: Path) -> None:
    path = small_ddxplus(tmp_path)
    (tmp_path / ddxplus.STATISTICS).write_text('{"A": {"findings": 3}}', encoding="utf-8")
    with pytest.raises(UsageError, match="Invalid definitions"):
        ddxplus_suite.suite(path)


def test_a_faulty_patient_is_named_with_its_line(tmp_path: Path) -> None:
    path = small_ddxplus(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "40,X,A,E_1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 4"):
        list(ddxplus.patients(path, set()))
