from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HAZARDS = tomllib.loads((HERE / "hazards.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HAZARDS)
def test_every_hazard_has_a_cause_a_prevention_and_a_test_that_exists(name: str) -> None:
    hazard = HAZARDS[name]
    assert set(hazard) == {"hazard", "cause", "prevention", "test"}
    assert all(hazard.values())
    file, function = hazard["test"].split("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
