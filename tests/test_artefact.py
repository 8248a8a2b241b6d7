from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage import artefact
from triage.diagnosis import model
from triage.errors import ArtefactError, MissingError


def sample(path: Path) -> None:
    artefact.write(
        path, "model", {"version": "1", "名": "值"}, {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(0, np.int8)}
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.triage"
    sample(path)
    manifest, arrays = artefact.read(path, "model")
    assert manifest == {"version": "1", "名": "值"}
    assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["b"].shape == (0,)


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("x", "y"):
        sample(tmp_path / name)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_with_one_message(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "x.triage"
    sample(path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    message = ""
    try:
        manifest, arrays = artefact.read(path, "model")
    except ArtefactError as error:
        message = str(error)
    else:  # only padding in the header may change without harm
        assert manifest["version"] == "1"
        assert arrays["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not message or ("x.triage" in message and "Rebuild" in message)


def test_another_kind_and_a_missing_file_are_named(tmp_path: Path) -> None:
    sample(tmp_path / "x.triage")
    with pytest.raises(ArtefactError, match="Expected 'knowledge'"):
        artefact.read(tmp_path / "x.triage", "knowledge")
    with pytest.raises(MissingError, match=r"nothing\.triage"):
        artefact.read(tmp_path / "nothing.triage", "model")


def test_a_model_of_other_knowledge_is_refused(tmp_path: Path) -> None:
    shipped = artefact.default_directory()
    (tmp_path / "knowledge.triage").write_bytes((shipped / "knowledge.triage").read_bytes())
    manifest, arrays = artefact.read(shipped / "model.triage", "model")
    artefact.write(tmp_path / "model.triage", "model", {**manifest, "knowledge_hash": "0" * 64}, dict(arrays))
    with pytest.raises(ArtefactError, match="trained with knowledge 000000000000"):
        model.load(tmp_path)
