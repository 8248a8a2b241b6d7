from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.cli.app import run
from triage.errors import UsageError
from triage.importers import counting, nhamcs
from triage.knowledge import corpus as knowledge_corpus
from triage.knowledge import counts
from triage.knowledge.corpus import Corpus
from triage.knowledge.quantities import Number
from triage.knowledge.schema import Condition

HEADER = (
    "visit_id,year,age,age_days,sex,temp_c,hr,rr,sbp,dbp,spo2,pain_0_10,triage_level,rfv1,rfv1_label,rfv2,rfv2_label,diag1,prdiag1,diag2,prdiag2,"
    "lwbs,out_critical,out_hospitalised,msa,patwt"
)


def made_up(path: Path, rows: Sequence[str]) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def row(
    number: int, reasons: str = "10501,Chest pain,,", diagnoses: str = "I214,,,", *, age: int = 60, sex: str = "M", year: int = 2016
) -> str:
    return f"v{number},{year},{age},,{sex},36.8,90,18,140,80,97,6,2,{reasons},{diagnoses},0,0,1,1,100"


@cache
def _written() -> Corpus:
    return knowledge_corpus.load(counted=False)


@pytest.fixture
def written() -> Corpus:
    return _written()


def test_a_visit_is_read_as_it_is(tmp_path: Path) -> None:
    path = made_up(tmp_path / "v.csv", ["a,2017,0,12,F,39.5,160,,,,999,,,10100,Fever,,,J069,,R509,1,0,0,0,0,12.5"])
    (visit,) = nhamcs.read(path)
    assert visit.age == pytest.approx(12 / 365.25)
    assert visit.sex == "female"
    assert visit.vitals == {"temperature": 39.5, "heart_rate": 160.0}  # 999 is no oxygen saturation
    assert visit.diagnoses == (("J069", False), ("R509", True))
    assert visit.metropolitan is False
    assert visit.completed
    assert visit.triage_level is None


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Stomach and abdominal pain, cramps and spasms: Lower abdominal pain, cramps, spasms,", "Lower abdominal pain, cramps, spasms"),
        ("Knee symptoms: swelling", "Knee swelling"),
        ("Chest pain and related symptoms (not referable to a specific body system): Chest pain, Soreness", "Chest pain, Soreness"),
        ("Fever", "Fever"),
    ],
)
def test_labels_lose_the_language_of_coding(label: str, expected: str) -> None:
    assert nhamcs.clean_label(label) == expected


@given(st.text(max_size=60))
def test_any_label_can_be_cleaned(label: str) -> None:
    assert len(nhamcs.clean_label(label)) <= len(label) + 1


def test_counting_gives_k_and_n(written: Corpus, tmp_path: Path) -> None:
    rows = [row(i) for i in range(40)] + [row(100 + i, reasons="14150,Shortness of breath,,") for i in range(10)]
    rows += [row(200 + i, diagnoses="J069,,,").replace(",0,0,1,1,100", ",0,0,0,1,100") for i in range(10)]  # sent home: what is usual
    document = counting.count(written, made_up(tmp_path / "v.csv", rows))
    entry = document["conditions"]["myocardial_infarction"]
    assert entry["visits"] == 50
    assert entry["mentions"] == {"chest_pain": 40, "dyspnoea": 10}
    assert entry["per_10000"] == pytest.approx(50 / 60 * 10_000, abs=1)
    assert entry["women"] == 0
    assert entry["admitted"]["systolic_bp"][2] == 50
    assert "home" not in entry
    text = counting.as_toml(document, "test")
    assert tomllib.loads(text)["conditions"]["myocardial_infarction"]["mentions"]["chest_pain"] == 40
    assert text == counting.as_toml(counting.count(written, tmp_path / "v.csv"), "test")


def test_a_visit_counts_once_split_over_its_diagnoses(written: Corpus, tmp_path: Path) -> None:
    document = counting.count(written, made_up(tmp_path / "v.csv", [row(i, diagnoses="I214,,J189,") for i in range(20)]))
    assert sum(entry["per_10000"] for entry in document["conditions"].values()) == pytest.approx(10_000, rel=0.01)


def test_what_is_only_probable_or_chronic_and_second_does_not_count(written: Corpus, tmp_path: Path) -> None:
    document = counting.count(written, made_up(tmp_path / "v.csv", [row(i, diagnoses="J189,,I214,1") for i in range(20)]))
    assert "myocardial_infarction" not in document["conditions"]
    document = counting.count(written, made_up(tmp_path / "w.csv", [row(i, diagnoses="I214,1,R0789,") for i in range(20)]))
    assert "myocardial_infarction" not in document["conditions"]  # a first diagnosis that is only probable, beside another
    document = counting.count(written, made_up(tmp_path / "x.csv", [row(i, diagnoses="J189,,E785,") for i in range(20)]))
    assert set(document["conditions"]) == {"pneumonia"}
    document = counting.count(written, made_up(tmp_path / "y.csv", [row(i, diagnoses="J189,,F0390,") for i in range(20)]))
    assert "dementia" not in document["conditions"]  # chronic, and not the first


def test_a_first_diagnosis_that_is_no_code_takes_no_share(written: Corpus, tmp_path: Path) -> None:
    document = counting.count(written, made_up(tmp_path / "v.csv", [row(i, diagnoses="-9,,J189,") for i in range(20)]))
    assert document["conditions"]["pneumonia"]["per_10000"] == pytest.approx(10_000)


@pytest.mark.parametrize("year", [2015, 2019, 2020])
def test_visits_kept_for_measuring_are_never_counted(written: Corpus, tmp_path: Path, year: int) -> None:
    with pytest.raises(UsageError, match="kept for measuring"):
        counting.count(written, made_up(tmp_path / "v.csv", [row(1, year=year)]))


def test_a_file_without_its_columns_says_which(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("visit_id,age\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="Missing columns: year, sex"):
        list(nhamcs.read(path))


def test_reasons_name_findings_that_exist_and_no_disease(written: Corpus) -> None:
    known = {finding.id for finding in written.findings}
    reasons = counting.Reasons.read()
    table = reasons.findings
    assert {finding for findings in table.values() for finding in findings} <= known
    assert {*reasons.after_injury, *reasons.after_injury.values()} <= known
    diseases = range(20_000, 30_000)  # module 2 of the classification, "diseases"; boils and pregnancy are complaints too
    assert {code for code in table if int(code) in diseases} <= {"23000", "23200", "23210", "26751", "27350", "28000"}


# --------------------------------------------------------------------------------------------------------- laying over


def condition(written: Corpus, identifier: str) -> Condition:
    return next(one for one in written.conditions if one.id == identifier)


def table(identifier: str, **entry: Any) -> dict[str, Any]:
    base = {"visits": 400, "per_10000": 12.0, "women": 200, "age": [1.0] * 10, "mentions": {}}
    return {"visits": 50_000, "noted": {"cough": 0.8, "fever": 0.5}, "conditions": {identifier: base | entry}}


def test_a_count_wins_over_an_estimate_and_shrinks_towards_it(written: Corpus) -> None:
    cough = next(f for f in written.findings if f.id == "cough")
    bronchitis = condition(written, "acute_bronchitis")
    one = replace(bronchitis, findings={"cough": Number(0.6, "estimate")}, presentations=bronchitis.presentations[:1])
    after = counts.overlay(one, table("acute_bronchitis", mentions={"cough": 240}), "survey", written.findings)
    expected = (40 * 240 / 400 / 0.8 + 20 * counts.mean_frequency(one, cough)) / 60
    assert counts.mean_frequency(after, cough) == pytest.approx(expected, abs=0.01)
    assert after.findings["cough"].source == "survey"
    assert (after.findings["cough"].k, after.findings["cough"].n, after.findings["cough"].before) == (240, 400, 0.6)


def test_a_count_moves_the_odds_threefold_at_most(written: Corpus) -> None:
    one = replace(condition(written, "acute_bronchitis"), findings={"cough": Number(0.5, "estimate")})
    after = counts.overlay(one, table("acute_bronchitis", mentions={"cough": 3}), "survey", written.findings)
    assert after.findings["cough"].value == pytest.approx(0.25, abs=1e-6)


def test_a_stated_absence_stays(written: Corpus) -> None:
    one = replace(condition(written, "acute_bronchitis"), findings={"fever": Number(0.005, "estimate")})
    after = counts.overlay(one, table("acute_bronchitis", mentions={"fever": 90}), "survey", written.findings)
    assert after.findings["fever"].value == 0.005


def test_a_published_number_stays(written: Corpus) -> None:
    one = replace(condition(written, "acute_bronchitis"), findings={"cough": Number(0.9, "study")})
    after = counts.overlay(one, table("acute_bronchitis", mentions={"cough": 40}), "survey", written.findings)
    assert after.findings["cough"] == Number(0.9, "study")


def test_what_is_not_counted_stays(written: Corpus) -> None:
    one = replace(
        condition(written, "acute_bronchitis"), findings={"cough": Number(0.9, "estimate")}, not_counted={"cough": "named in the code"}
    )
    after = counts.overlay(one, table("acute_bronchitis", mentions={"cough": 40}), "survey", written.findings)
    assert after.findings["cough"].value == 0.9


def test_few_patients_change_nothing(written: Corpus) -> None:
    one = condition(written, "acute_bronchitis")
    after = counts.overlay(one, table("acute_bronchitis", visits=8, mentions={"cough": 1}), "survey", written.findings)
    assert after == one


def test_vital_signs_of_a_presentation_and_of_a_source_are_not_hidden(written: Corpus) -> None:
    one = next(
        one
        for one in written.conditions
        if any("temperature" in part.vitals for part in one.presentations) and one.severities[0].acuity >= 4
    )
    entry = table(one.id, home={"temperature": [36.5, 0.4, 200], "spo2": [97.0, 2.0, 200]})
    after = counts.overlay(one, entry, "survey", written.findings)
    assert "temperature" not in after.severities[0].vitals or "temperature" in one.severities[0].vitals
    sourced = replace(one, vitals=one.vitals | {"spo2": (Number(96.0, "study"), Number(2.0, "study"))})
    after = counts.overlay(sourced, entry, "survey", written.findings)
    assert "spo2" not in after.severities[0].vitals or "spo2" in one.severities[0].vitals


def test_a_published_member_of_a_group_stays(written: Corpus) -> None:
    one = replace(condition(written, "acute_cholecystitis"), findings={
        "abdominal_pain": Number(0.9, "study"),
        "right_upper_abdominal_pain": Number(0.65, "study"),
        "epigastric_pain": Number(0.3, "estimate"),
    }, presentations=condition(written, "acute_cholecystitis").presentations[:1])  # fmt: skip
    entry = table(one.id, mentions={"abdominal_pain": 300, "epigastric_pain": 250}) | {
        "noted": {"abdominal_pain": 0.9, "epigastric_pain": 0.5}
    }
    after = counts.overlay(one, entry, "survey", written.findings)
    assert after.findings["right_upper_abdominal_pain"] == Number(0.65, "study")
    assert after.findings["epigastric_pain"].value <= 0.331


def test_the_same_at_every_age_stays_the_same(written: Corpus) -> None:
    one = replace(condition(written, "acute_bronchitis"), age=(2.0,) * 10, age_source="estimate")
    after = counts.overlay(one, table("acute_bronchitis", age=[0.7] * 10), "survey", written.findings)
    assert after.age == pytest.approx((1.0,) * 10)


def test_a_count_of_mentions_is_spread_as_what_it_stands_for(written: Corpus) -> None:
    one = replace(condition(written, "acute_bronchitis"), findings={"cough": Number(0.6, "estimate")})
    after = counts.overlay(one, table("acute_bronchitis", mentions={"cough": 240}), "survey", written.findings)
    assert after.findings["cough"].spread == 60
    assert Number(0.5, "study", 200).spread == 200


@given(st.floats(0.01, 0.95), st.floats(0.01, 0.95))
def test_numbers_move_until_the_mean_comes_out_or_they_may_move_no_further(base: float, mean: float) -> None:
    written = _written()
    finding = next(f for f in written.findings if f.id == "chest_pain")
    one = condition(written, "myocardial_infarction")
    one = replace(one, findings=one.findings | {"chest_pain": Number(base, "estimate")})
    shift = counts.shift_for(one, finding, mean)
    reached = counts.mean_frequency(one, finding, shift)
    if abs(shift) < counts.FURTHEST - 1e-6:
        assert reached == pytest.approx(mean, abs=1e-6)
    else:
        assert abs(shift) == pytest.approx(counts.FURTHEST)
        assert (reached - mean) * shift <= 1e-9  # it stopped on the near side


def test_the_shipped_counts_are_the_ones_of_these_years(corpus: Corpus) -> None:
    with (knowledge_corpus.HERE / "counts" / f"{counting.SOURCE}.toml").open("rb") as stream:
        document = tomllib.load(stream)
    assert document["source"] == counting.SOURCE
    assert 50_000 < document["visits"] < 56_467
    assert set(document["conditions"]) <= {one.id for one in corpus.conditions}


def test_the_command_writes_the_file_and_refuses_what_it_cannot_count(tmp_path: Path) -> None:
    visits = made_up(tmp_path / "v.csv", [row(i) for i in range(20)])
    assert run(["count", str(visits), "-o", str(tmp_path / "counts.toml")]) == 0
    assert tomllib.loads((tmp_path / "counts.toml").read_text(encoding="utf-8"))["conditions"]["myocardial_infarction"]["visits"] == 20
    assert run(["count", str(made_up(tmp_path / "none.csv", [])), "-o", str(tmp_path / "x.toml")]) == 2
    assert run(["count", str(visits), "-o", str(tmp_path / "nowhere" / "x.toml")]) == 2
    assert not (tmp_path / "x.toml").exists()


CELL = st.sampled_from(["", "nan", "inf", "-1", "x", "99999999999", "2016", "I214", "F", "1"]) | st.text(max_size=6)


@settings(max_examples=60)
@given(st.lists(CELL, max_size=30))
def test_any_row_is_a_visit_or_wrong_usage(cells: list[str]) -> None:
    import csv
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([HEADER.split(","), cells])
        with contextlib.suppress(UsageError):
            counting.count(_written(), path)
