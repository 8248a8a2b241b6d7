from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from triage.assess import Engine
from triage.cli.app import COMMANDS, run


def output(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert run(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_an_example_that_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    text, _ = output(capsys, command, "--help")
    last = " ".join(
        line.strip()
        for line in text.rstrip().splitlines()[text.rstrip().splitlines().index(next(x for x in text.splitlines() if "Example:" in x)) :]
    )
    example = re.sub(r".*Example: triage ", "", last)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "visits.csv").write_text("age,sex,complaint\n58,m,chest pain and cold sweat\n", encoding="utf-8")
    if command in ("train", "benchmark", "count"):
        return  # run by the tests of learning, benchmark and counting: they take long or need data of others
    assert run(shlex.split(example)) == 0


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"triage {command}" in readme, command


def test_assess_prints_what_to_do_first(capsys: pytest.CaptureFixture[str]) -> None:
    text, errors = output(capsys, "assess", "sudden weakness all over, cold sweat", "--age", "58", "--sex", "male")
    lines = text.splitlines()
    assert lines[0] == "TRANSFER TO A HOSPITAL THAT CAN TREAT THIS, NOW."
    assert lines[1].startswith("  1. ECG now")
    assert "myocardial infarction" in text
    assert errors == ""


def test_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, "assess", "胸痛", "--age", "60", "--json")
    document = json.loads(text)
    assert set(document) >= {
        "schema", "status", "acuity", "urgent", "disposition", "p_emergency", "actions", "red_flags", "must_not_miss", "differential", "evidence",
        "unread", "not_measured", "versions",
    }  # fmt: skip
    assert document["language"] == "zh"
    assert set(document["differential"][0]) == {"condition", "name", "probability", "weights"}


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["assess", "chest pain, cold sweat", "--age", "60", "--sex", "m", "--exit-code"]) == 3
    assert run(["assess", "chest pain, cold sweat", "--age", "60", "--sex", "m"]) == 0
    assert run(["assess", "runny nose", "--age", "20", "--exit-code"]) == 0
    assert run(["assess", "hello"]) == 1
    assert run(["assess", "cough", "--setting", "moon"]) == 2
    assert run(["nonsense"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--age", "430"], "age"),
        (["--temperature", "98.6"], "temperature"),
        (["--sex", "x"], "sex"),
        (["--findings", "no_such_thing"], "no_such_thing"),
        (["--consciousness", "Z"], "consciousness"),
        (["--spo2", "900"], "spo2"),
    ],
)
def test_wrong_values_get_one_clear_message_each(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str) -> None:
    _, errors = output(capsys, "assess", "cough", *arguments, code=2)
    assert expected in errors
    assert arguments[1] in errors
    assert "expected" in errors.lower()
    assert len(errors.strip().splitlines()) == 1


def test_a_missing_or_damaged_model_is_one_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Engine
) -> None:
    from triage import artefact
    from triage.diagnosis import model
    from triage.knowledge import loader

    shipped = artefact.default_directory()
    monkeypatch.setenv("TRIAGE_MODELS", str(tmp_path))
    model.load.cache_clear()
    loader.load.cache_clear()
    try:
        _, errors = output(capsys, "assess", "cough", code=1)
        assert "knowledge.triage" in errors
        assert "triage train" in errors
        (tmp_path / "knowledge.triage").write_bytes((shipped / "knowledge.triage").read_bytes())
        content = bytearray((shipped / "model.triage").read_bytes())
        content[-100] ^= 1
        (tmp_path / "model.triage").write_bytes(content)
        _, errors = output(capsys, "assess", "cough", code=1)
        assert "do not match their hash" in errors
    finally:
        model.load.cache_clear()
        loader.load.cache_clear()


def test_an_internal_error_never_shows_the_complaint(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret complaint")

    monkeypatch.setattr(Engine, "assess", fail)
    _, errors = output(capsys, "assess", "secret complaint", code=1)
    assert "secret" not in errors
    assert "Internal error (RuntimeError" in errors


def test_read_shows_spans_and_what_was_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, "read", "no fever, cough for three days, BP 150/95, blargh")
    assert re.search(r"absent\s+fever", text)
    assert re.search(r"present\s+cough", text)
    assert "systolic_bp = 150" in text
    assert "blargh" in text


def test_show_and_search(capsys: pytest.CaptureFixture[str]) -> None:
    for identifier in ("myocardial_infarction", "chest_pain", "loss", next(iter(Engine.load().knowledge.manifest["red_flags"]))):
        text, _ = output(capsys, "show", identifier)
        assert identifier in text or identifier == "loss"
    _, errors = output(capsys, "show", "nothing_like_it", code=2)
    assert "triage search" in errors
    text, _ = output(capsys, "search", "胸痛")
    assert "chest_pain" in text
    output(capsys, "search", "zzzzzz", code=1)


def test_check_prints_the_share_of_numbers_by_kind_of_source(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = output(capsys, "check")
    assert re.search(r"numbers, all: \d+: counted [\d.]+%, literature [\d.]+%, estimate [\d.]+%", text)
    assert "no problems" in text


def test_batch_end_to_end(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = tmp_path / "visits.csv"
    source.write_text(
        "patient_id,age,sex,complaint,temperature,village\n"
        "a,58,m,sudden weakness all over and cold sweat,,X\n"
        "b,25,f,流鼻涕，嗓子疼,36.8,Y\n"
        "c,430,f,기침이 나요,98.6,Z\n"
        "d,,,,,\n",
        encoding="utf-8",
    )
    target = tmp_path / "answers.csv"
    _, errors = output(
        capsys, "batch", str(source), "-o", str(target), "--probability-of", "myocardial_infarction", "--probability-of", "sepsis"
    )
    lines = target.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    assert lines[0].endswith("village") or "p_sepsis" in lines[0]
    assert "true" in lines[1]
    assert "temperature" in lines[3]
    assert "insufficient" in lines[4]
    assert "4" in errors
    output(capsys, "batch", str(source), "-o", str(target), "--probability-of", "nonsense", code=2)


def test_simulate_feeds_batch(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    patients = tmp_path / "patients.csv"
    output(capsys, "simulate", "--patients", "40", "-o", str(patients))
    output(capsys, "batch", str(patients), "-o", str(tmp_path / "answers.csv"))
    rows = (tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(patients.read_text(encoding="utf-8").splitlines())
    assert "rejected" not in "".join(rows)
    _, errors = output(capsys, "simulate", "--split", "exam", "-o", str(patients), code=2)
    assert "held_out" in errors
