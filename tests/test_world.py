from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from triage.knowledge.corpus import Corpus
from triage.knowledge.loader import Knowledge
from triage.records import ABSENT, NOT_APPLICABLE, PRESENT
from triage.world import files, lint, posterior, vitals
from triage.world.clinics import ORDINARY, WIDER, Shift
from triage.world.patients import FIRST_COMPLAINT, FULL, HALF, LEVELS, ORDINARY_LEVEL, Level, Patients, clinic_laws, concatenate, simulate


def draw(knowledge: Knowledge, count: int, level: Level = ORDINARY_LEVEL, seed: int = 3, clinics: int = 60) -> Patients:
    return concatenate(list(simulate(knowledge, count, seed=seed, clinics=clinics, level=level)))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(knowledge: Knowledge) -> None:
    first, again, other = draw(knowledge, 500), draw(knowledge, 500), draw(knowledge, 500, seed=4)
    for name in ("state", "codes", "bands", "said", "age_band", "sex", "clinic", "volunteered"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.codes.tobytes() != other.codes.tobytes()


@pytest.mark.parametrize("shift", [ORDINARY, WIDER], ids=["ordinary", "wider"])
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_the_ceiling_knows_how_often_it_is_right(knowledge: Knowledge, level: Level, shift: Shift) -> None:
    """mean(max posterior) equals the accuracy of the Bayes classifier within Monte Carlo error, clustered by clinic."""
    patients = concatenate(list(simulate(knowledge, 6000, seed=3, clinics=150, level=level, shift=shift)))
    p = posterior.by_condition(knowledge, posterior.posterior(knowledge, patients, setting="clinic", level=level, shift=shift))
    truth = knowledge.state_condition[patients.state]
    gap = (p.argmax(axis=1) == truth) - p.max(axis=1)
    by_clinic = np.array([gap[patients.clinic == c].sum() for c in np.unique(patients.clinic)])
    error = np.sqrt((by_clinic**2).sum()) / len(gap)
    assert abs(gap.mean()) < 4 * error


def test_who_knows_the_clinic_knows_more(knowledge: Knowledge) -> None:
    arguments = {"seed": 5, "setting": "clinic", "clinics": 6, "shift": WIDER}
    laws = clinic_laws(knowledge, **arguments)  # type: ignore[arg-type]
    oracle, blind = [], []
    for patients in simulate(knowledge, 3000, level=ORDINARY_LEVEL, **arguments):  # type: ignore[arg-type]
        truth = np.arange(len(patients)), patients.state
        law = laws[int(patients.clinic[0])]
        oracle.append(np.log(posterior.posterior(knowledge, patients, setting="clinic", level=ORDINARY_LEVEL, clinic=law)[truth]))
        blind.append(np.log(posterior.posterior(knowledge, patients, setting="clinic", level=ORDINARY_LEVEL)[truth]))
    assert np.concatenate(oracle).mean() > np.concatenate(blind).mean()


def test_more_information_is_worth_more(knowledge: Knowledge) -> None:
    loss = {}
    for level in (FULL, HALF, FIRST_COMPLAINT):
        patients = draw(knowledge, 3000, level)
        p = posterior.posterior(knowledge, patients, setting="clinic", level=level)
        loss[level.name] = -np.log(p[np.arange(len(patients)), patients.state]).mean()
    assert loss["full"] < loss["half"] < loss["first complaint"]


def test_records_obey_hierarchy_exclusion_age_and_sex(knowledge: Knowledge) -> None:
    patients = draw(knowledge, 4000, FULL)
    for child in np.flatnonzero(knowledge.parent >= 0):
        under = patients.codes[:, knowledge.parent[child]] == PRESENT
        assert (patients.codes[~under, child] == NOT_APPLICABLE).all()
    for group in range(int(knowledge.group.max()) + 1):
        assert ((patients.codes[:, knowledge.group == group] == PRESENT).sum(axis=1) <= 1).all()
    men = patients.sex == 1
    assert (patients.codes[men][:, knowledge.finding_index["pregnant"]] == NOT_APPLICABLE).all()
    old = patients.age_band >= 3
    assert (patients.codes[old][:, knowledge.finding_index["bulging_fontanelle"]] == NOT_APPLICABLE).all()


def test_everything_asked_leaves_nothing_unknown(knowledge: Knowledge) -> None:
    patients = draw(knowledge, 300, FULL)
    assert set(np.unique(patients.codes)) <= {PRESENT, ABSENT, NOT_APPLICABLE}


def test_findings_of_one_patient_go_together(knowledge: Knowledge) -> None:
    """Severity makes danger signs correlate within one condition: that is what a naive model of conditions would miss."""
    only = (knowledge.state_condition == knowledge.condition_index["pneumonia"]).astype(float)
    pneumonia = concatenate(list(simulate(knowledge, 6000, seed=3, clinics=40, level=FULL, state_weights=only)))
    a = pneumonia.codes[:, knowledge.finding_index["laboured_breathing"]] == PRESENT
    b = pneumonia.codes[:, knowledge.finding_index["cyanosis"]] == PRESENT
    assert b[a].mean() > 2 * b[~a].mean()


def test_values_fall_back_into_their_bands(knowledge: Knowledge) -> None:
    patients = draw(knowledge, 2000, FULL)
    measured, consciousness, age = vitals.values(knowledge, patients)
    for column, (name, vital) in enumerate(knowledge.vitals.items()):
        if name == "consciousness":
            assert ["ACVPU".index(letter) for letter in consciousness] == patients.bands[:, column].tolist()
            continue
        scaled = measured[name] * knowledge.normal(name, patients.age_band.astype(np.intp))
        again = np.searchsorted(vital["edges"], scaled, side="right")
        assert (again == patients.bands[:, column]).mean() > 0.97, name
    assert (age >= 0).all()


def test_a_written_file_says_where_it_came_from(knowledge: Knowledge, corpus: Corpus, tmp_path: Path) -> None:
    groups = list(simulate(knowledge, 60, seed=9, clinics=3))
    count = files.write(tmp_path / "x.csv", files.rows(knowledge, groups, corpus.lexicon, split="held_out", seed=1))
    assert count == sum(map(len, groups))
    text = (tmp_path / "x.csv").read_text(encoding="utf-8")
    assert text.startswith("patient_id,age,sex,complaint,findings")
    assert any("\u4e00" <= c <= "\u9fff" for c in text)
    assert any("가" <= c <= "힣" for c in text)


def table(path: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    path.write_text("patient_id,findings,clinic,true_condition\n" + "\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_the_linter_finds_what_makes_data_too_easy(tmp_path: Path) -> None:
    long = "; ".join(f"-finding_{i}" for i in range(12))
    first = table(tmp_path / "a.csv", [(str(i), f"cough; fever; {long}; -x{i}", "c1", "cold") for i in range(100)])
    other = table(
        tmp_path / "b.csv",
        [(str(i), f"cough; {long}; -x{i}", "c1", "flu") for i in range(60)] + [("99", f"cough; fever; {long}; -x3", "c2", "cold")],
    )
    found = "\n".join(lint.problems([first, other]))
    assert "finding cough: present in nearly every patient" in found
    assert "share 1 clinics" in found
    assert "the same patient is" in found
    assert "decides the label" in "\n".join(
        lint.problems(
            [table(tmp_path / "c.csv", [(str(i), "key" if i % 2 else "-key", f"c{i}", "x" if i % 2 else "y") for i in range(200)])]
        )
    )


def test_the_shipped_data_is_clean() -> None:
    directory = Path(__file__).parent.parent / "synthetic_data"
    shipped = sorted(directory.glob("*.csv"))
    assert [path.stem for path in shipped] == ["held_out", "train", "tuning"]
    assert lint.problems(shipped) == []
