from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from triage import artefact
from triage.benchmark import card
from triage.cli.app import COMMANDS, run
from triage.knowledge.loader import Knowledge

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def test_every_console_block_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in BLOCKS for line in block.splitlines() if line.startswith("$ triage ")]
    assert {shlex.split(line)[2] for line in lines} >= {"assess", "read", "simulate", "batch", "benchmark", "search", "show", "check"}
    for line in lines:
        assert run(shlex.split(line)[2:]) == 0, line
        assert capsys.readouterr().out or "--output" in line


def test_the_first_two_commands_need_nothing_but_python_and_pip() -> None:
    commands = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)[:2]
    assert commands[0].startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert "triage assess" in commands[0]
    assert '".[test]"' in commands[1]
    assert "pytest" in commands[1]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'pip install --quiet -e ".[test]"' in ci
    assert 'assess "sudden weakness all over, cold sweat" --age 58 --sex male' in ci


def test_every_page_says_that_it_is_simulated() -> None:
    for page in ("README.md", "models/MODEL_CARD.md", "synthetic_data/README.md", "NOTICE"):
        text = (ROOT / page).read_text(encoding="utf-8").casefold()
        assert "not for patient care" in text or "describes a person" in text, page


def test_the_figures_of_readme_and_model_card_are_those_of_metrics_json(knowledge: Knowledge) -> None:
    assert card.with_figures(README) == README, "run 'triage benchmark --size full --save'"
    assert card.text() == (ROOT / "models" / card.FILE).read_text(encoding="utf-8"), "run 'triage benchmark --size full --save'"
    metrics = json.loads((artefact.default_directory() / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["knowledge"] == knowledge.hash[:12], "the figures belong to another knowledge"
    assert metrics["size"] == "full"


def test_the_plan_names_every_room() -> None:
    plan = README[README.index("## How it is built") : README.index("## How to add a condition")]
    for path in sorted((ROOT / "triage").iterdir()):
        name = path.name
        if path.is_dir() and (path / "__init__.py").exists():
            assert f"`{name}/`" in plan, name
        elif path.suffix == ".py" and not name.startswith("__"):
            assert f"`{name}`" in plan, name


def test_every_command_is_explained() -> None:
    for command in COMMANDS:
        assert f"triage {command}" in README, command


def test_nothing_names_this_machine_or_patients() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("triage/**/*.py"), *ROOT.glob("triage/**/*.toml")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(work|farm|root|tmp)/", text), path
