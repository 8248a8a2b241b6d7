from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from triage import artefact
from triage.errors import KnowledgeError
from triage.knowledge import compiler
from triage.knowledge import corpus as knowledge_corpus
from triage.knowledge.corpus import Corpus
from triage.knowledge.loader import Knowledge, probability
from triage.knowledge.statistics import provenance, search
from triage.records import AGE_BANDS, LANGUAGES, SETTINGS

REQUIRED = [
    "myocardial_infarction",
    "unstable_angina",
    "acute_heart_failure",
    "dangerous_arrhythmia",
    "aortic_dissection",
    "ruptured_aortic_aneurysm",
    "pulmonary_embolism",
    "pneumothorax",
    "asthma",
    "pneumonia",
    "anaphylaxis",
    "ischaemic_stroke",
    "haemorrhagic_stroke",
    "transient_ischaemic_attack",
    "subarachnoid_haemorrhage",
    "head_injury",
    "bacterial_meningitis",
    "encephalitis",
    "status_epilepticus",
    "cauda_equina_syndrome",
    "diabetic_ketoacidosis",
    "hypoglycaemia",
    "adrenal_crisis",
    "periodic_paralysis",
    "ectopic_pregnancy",
    "pre_eclampsia",
    "postpartum_haemorrhage",
    "upper_gi_bleeding",
    "appendicitis",
    "bowel_obstruction",
    "perforated_ulcer",
    "intussusception",
    "testicular_torsion",
    "carbon_monoxide_poisoning",
    "organophosphate_poisoning",
    "paraquat_poisoning",
    "snake_bite",
    "heat_stroke",
    "acute_glaucoma",
    "necrotising_fasciitis",
    "epiglottitis",
    "haemorrhagic_fever_renal_syndrome",
    "tetanus",
    "neonatal_sepsis",
    "gastroenteritis",
    "suicidality",
]


def test_the_shipped_knowledge_has_no_problem(corpus: Corpus) -> None:
    assert corpus.problems == ()
    assert len(corpus.conditions) >= 100


def test_every_required_killer_is_there_and_must_not_be_missed(corpus: Corpus) -> None:
    critical = {one.id for one in corpus.conditions if one.must_not_miss}
    assert set(REQUIRED) <= critical
    assert len(critical) >= 45


def test_every_killer_has_a_red_flag(corpus: Corpus) -> None:
    protected = {name for rule in corpus.red_flags.values() for name in rule.get("for", ())}
    assert {one.id for one in corpus.conditions if one.must_not_miss} - protected == set()


def test_sepsis_is_a_sum_over_the_septic_states_of_infections(knowledge: Knowledge) -> None:
    septic = knowledge.syndrome_states("sepsis")
    owners = {knowledge.conditions[c] for c in knowledge.state_condition[septic]}
    assert {"pneumonia", "pyelonephritis", "sepsis_unknown_source"} <= owners
    assert (knowledge.acuity[septic] <= 2).all()


def test_compiled_knowledge_is_fresh(corpus: Corpus, knowledge: Knowledge) -> None:
    manifest, _, _ = compiler.compile_corpus(corpus)
    assert manifest["numbers_hash"] == knowledge.hash, "run 'triage train': the knowledge has changed since the model was built"
    assert {k: v for k, v in manifest.items() if k != "numbers_hash"} == {
        k: v for k, v in knowledge.manifest.items() if k != "numbers_hash"
    }, "run 'triage train': words or rules have changed since the knowledge was compiled"


def test_painless_infarction_grows_with_age_and_is_commoner_in_women(corpus: Corpus) -> None:
    one = next(one for one in corpus.conditions if one.id == "myocardial_infarction")
    names = {part.id for part in one.presentations}
    assert {"classic", "painless", "gastric", "elderly"} <= names
    painless = next(part for part in one.presentations if part.id == "painless")

    def share(band: str, sex: int) -> float:
        return compiler.presentation_share(one, painless, "clinic", AGE_BANDS.index(band), sex)

    assert share("75+", 1) > share("60-74", 1) > share("30-44", 1)
    assert share("45-59", 0) > share("45-59", 1)


def test_diabetes_raises_the_share_of_painless_infarction(knowledge: Knowledge) -> None:
    states = knowledge.manifest["states"]
    c = knowledge.condition_index["myocardial_infarction"]
    diabetes = knowledge.variant[knowledge.finding_index["history_diabetes"], AGE_BANDS.index("60-74")]
    by = {(p, s): float(knowledge.law["frequency"][diabetes, i]) for i, (k, p, s, _) in enumerate(states) if k == c}
    assert by["painless", "stable"] > by["classic", "stable"]


def test_priors_and_bands_sum_to_one(knowledge: Knowledge) -> None:
    np.testing.assert_allclose(knowledge.arrays["prior"].sum(axis=3), 1, atol=1e-4)
    np.testing.assert_allclose(knowledge.arrays["demography"].sum(axis=(1, 2)), 1, atol=1e-4)
    for vital in knowledge.vitals.values():
        part = knowledge.law["vital"][:, vital["start"] : vital["start"] + vital["count"]]
        np.testing.assert_allclose(part.sum(axis=1), 1, atol=1e-4)


def test_no_pregnancy_condition_in_men_or_children(knowledge: Knowledge) -> None:
    for name in ("ectopic_pregnancy", "pre_eclampsia", "postpartum_haemorrhage"):
        states = knowledge.state_condition == knowledge.condition_index[name]
        prior = knowledge.arrays["prior"][:, :, :, states].sum(axis=3)
        assert prior[:, :, 1].max() == 0
        assert prior[:, :4, 0].max() == 0


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    root = tmp_path / "knowledge"
    shutil.copytree(knowledge_corpus.HERE, root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return root


def test_three_mistakes_are_three_messages_with_their_places(copy: Path) -> None:
    path = copy / "conditions" / "heart_blood" / "unstable_angina.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    broken = [line.replace('id = "', 'id = "x') if line.startswith("id =") else line for line in lines]
    at = broken.index("[findings]")
    broken[at + 1 : at + 1] = ['no_such_finding = [0.5, "estimate"]', 'cough = [1.4, "estimate"]']
    broken = [line for index, line in enumerate(broken) if index <= at + 2 or not line.startswith("cough =")]
    path.write_text("\n".join(broken) + "\n", encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        knowledge_corpus.load_valid(copy)
    text = str(caught.value)
    assert "conditions/heart_blood/unstable_angina.toml: id: expected the file's name 'unstable_angina', got 'xunstable_angina'" in text
    assert "conditions/heart_blood/unstable_angina.toml: findings.cough: expected a probability from 0 to 1, got 1.4" in text
    assert "conditions/heart_blood/unstable_angina.toml: findings.no_such_finding: unknown finding" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("clinic = [", 'clinic = "many" # ['), "prevalence.clinic: expected [number"),
        (('"estimate"]', '"nobody-2099"]'), "unknown source 'nobody-2099'"),
        (("[findings]", "[findings"), "cannot be read"),
        (("must_not_miss = true", "must_not_miss = true\ncolour = 3"), "unknown key 'colour'"),
    ],
)
def test_each_kind_of_mistake_is_named(copy: Path, change: tuple[str, str], expected: str) -> None:
    path = copy / "conditions" / "heart_blood" / "pulmonary_embolism.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    problems = knowledge_corpus.load(copy).problems
    assert any(expected in problem and "pulmonary_embolism" in problem for problem in problems), problems[:5]


def test_counts_shrink_towards_the_estimate(copy: Path) -> None:
    path = copy / "conditions" / "heart_blood" / "palpitations_benign.toml"
    text = path.read_text(encoding="utf-8").replace(
        "[findings]\n", '[findings]\nbreathing_pauses = { k = 30, n = 80, p = 0.1, source = "nhamcs-ed-2016-2018" }\n', 1
    )
    path.write_text(text, encoding="utf-8")
    corpus = knowledge_corpus.load_valid(copy)
    one = next(one for one in corpus.conditions if one.id == "palpitations_benign")
    assert one.findings["breathing_pauses"].value == pytest.approx((30 + 20 * 0.1) / (80 + 20))


def test_provenance_counts_every_number(corpus: Corpus) -> None:
    tables = provenance(corpus)
    assert sum(tables["all"].values()) == sum(1 for _ in corpus.numbers())
    assert tables["all"]["estimate"] > 0
    assert tables["all"]["literature"] > 0
    assert tables["all"]["counted"] > 0


def test_search_finds_by_word_of_any_language_and_by_code(corpus: Corpus) -> None:
    for word in ("infarction", "心肌梗死", "심근경색", "I21"):
        assert ("condition", "myocardial_infarction") in {hit[:2] for hit in search(corpus, word)}


def test_names_in_every_language(knowledge: Knowledge) -> None:
    for identifier in (*knowledge.conditions, *knowledge.findings, *knowledge.manifest["red_flags"]):
        assert set(knowledge.manifest["names"][identifier]) >= set(LANGUAGES), identifier


def test_decision_tables_are_complete_and_punish_under_triage(knowledge: Knowledge) -> None:
    for setting in SETTINGS:
        loss = np.array(knowledge.manifest["decision"][setting]["loss"])
        assert loss.shape == (5, 5)
        assert (np.diag(loss) == 0).all()
        assert loss[0, 4] > 10 * loss[4, 0]


def test_the_compiled_file_is_small(knowledge: Knowledge) -> None:
    for name in ("knowledge.triage", "model.triage", "world.triage"):
        assert (artefact.default_directory() / name).stat().st_size < 8_000_000


def test_a_faulty_red_flag_is_reported_before_it_reaches_a_patient(copy: Path) -> None:
    (copy / "red_flags" / "zz.toml").write_text(
        '[broken]\nnames = { en = "x", zh = "x", ko = "x" }\nacuity = 9\nall = ["chest_pian"]\nvitals = [["spo22", "<", 90]]\n'
        'for = ["nothing"]\nsource = "estimate"\nfires = {}\nnear_miss = {}\n',
        encoding="utf-8",
    )
    problems = "\n".join(knowledge_corpus.load(copy).problems)
    for expected in ("acuity: expected 1, 2", "unknown finding 'chest_pian'", "unknown condition 'nothing'", "'spo22'"):
        assert expected in problems


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("latents.toml", "missed = 0.04", "missed = 0.3"), ("decision.toml", "[0, 2, 40, 150, 200]", "[0, 2, 41, 150, 200]")],
)
def test_whatever_the_model_consumes_changes_the_hash(copy: Path, knowledge: Knowledge, file: str, old: str, new: str) -> None:
    path = copy / file
    assert old in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    manifest, _, _ = compiler.compile_corpus(knowledge_corpus.load_valid(copy))
    assert manifest["numbers_hash"] != knowledge.hash


def test_a_frequency_that_follows_age_keeps_the_mean_the_file_states(corpus: Corpus) -> None:
    manifest, arrays, law = compiler.compile_corpus(corpus)
    one = next(one for one in corpus.conditions if one.id == "diabetic_ketoacidosis")
    c, f = manifest["conditions"].index(one.id), manifest["findings"].index("history_diabetes")
    people = compiler.demography(corpus)
    weights = (people * compiler.condition_rates(one, people)).sum(axis=(0, 2))
    plain = [
        s
        for s, (owner, presentation, severity, _) in enumerate(manifest["states"])
        if owner == c
        and all(
            "history_diabetes" not in part.findings for part in (*one.presentations, *one.severities) if part.id in (presentation, severity)
        )
    ]
    mean = float((probability(law["frequency"][arrays["variant"][f], plain[0]]) * weights).sum() / weights.sum())
    assert mean == pytest.approx(one.findings["history_diabetes"].value, abs=0.005)


def test_a_fever_keeps_its_mean_and_does_not_chill(corpus: Corpus) -> None:
    edges = [round(34 + 0.02 * i, 2) for i in range(500)]
    shares = compiler._fever_bands(38.4, 0.9, edges)
    centres = np.array([edges[0], *[(a + b) / 2 for a, b in itertools.pairwise(edges)], edges[-1]])
    assert shares.sum() == pytest.approx(1)
    assert (shares >= -1e-12).all()
    assert float((shares * centres).sum()) == pytest.approx(38.4, abs=0.03)
    assert shares[centres < 36].sum() < 0.01
