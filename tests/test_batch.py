"""Batches: every row of any file comes back once, in order, with its fate; or a clear error and no output."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.batch import rows as reading
from triage.batch import write
from triage.batch.run import Summary, run
from triage.errors import MissingError, TriageError, UsageError
from triage.records import Acuity, Assessment, Candidate, Flag, Listed, Visit

OWN = [
    "row",
    "patient_id",
    "status",
    "acuity",
    "urgent",
    "disposition",
    "p_emergency",
    "red_flags",
    "diagnosis_1",
    "probability_1",
    "diagnosis_2",
    "probability_2",
    "diagnosis_3",
    "probability_3",
    "diagnosis_4",
    "probability_4",
    "diagnosis_5",
    "probability_5",
    "must_not_miss",
    "unread",
    "message",
    "model",
]
PRIVATE = "PRIVATECOMPLAINT"


class Fake:
    """An engine that knows chest pain, fever and abnormal heart rates, and cannot read the word `blah`."""

    version = "fake-1"

    def __init__(self) -> None:
        self.seen: list[Visit] = []

    @property
    def finding_names(self) -> Mapping[str, str]:
        return {"chest pain": "chest_pain", "胸痛": "chest_pain", "fever": "fever"}

    def answer(self, visits: Sequence[Visit], setting: str, language: str | None = None, explain: bool = False) -> list[Assessment]:
        assert setting in ("clinic", "emergency")
        assert language is None
        assert not explain
        self.seen.extend(visits)
        return [self._one(visit, setting) for visit in visits]

    def _one(self, visit: Visit, setting: str) -> Assessment:
        pain = "chest pain" in visit.complaint or ("chest_pain", True) in visit.findings
        enough = pain or bool(visit.findings) or "fever" in visit.complaint or (visit.heart_rate or 80) > 100
        start = visit.complaint.find("blah")
        unread = ((start, start + len("blah")),) if start >= 0 else ()
        common: dict[str, Any] = {
            "setting": setting,
            "language": "en",
            "unread": unread,
            "messages": ("age: not given",) * (visit.age is None),
        }
        if not enough:
            return Assessment(status="insufficient", **common)
        return Assessment(
            status="ok",
            acuity=Acuity.EMERGENT if pain else Acuity.LESS_URGENT,
            p_emergency=0.25 if pain else 0.01,
            red_flags=(Flag("flag_a", Acuity.EMERGENT, ()), Flag("flag_b", Acuity.EMERGENT, ())) if pain else (),
            must_not_miss=(Listed("mi", 0.2, "ecg"), Listed("pe", 0.1, "ct")) if pain else (),
            differential=(Candidate("mi", 0.5), Candidate("costochondritis", 1 / 3)) if pain else (Candidate("flu", 0.99996),),
            **common,
        )

    def probabilities(self, visits: Sequence[Visit], setting: str, ids: Sequence[str]) -> list[list[float]]:
        if not set(ids) <= {"mi", "sepsis"}:
            raise UsageError("unknown condition")
        return [[0.5 if name == "mi" else 0.125 for name in ids] for _ in visits]


def batch(tmp_path: Path, *contents: bytes | str, **options: Any) -> tuple[list[dict[str, str]], Summary, Fake]:
    """The output rows of one run over files with these contents."""
    paths = []
    for i, content in enumerate(contents):
        path = tmp_path / f"in{i}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths.append(str(path))
    engine = Fake()
    summary = run(paths, str(tmp_path / "out.csv"), engine, setting="clinic", **options)
    return table(tmp_path / "out.csv"), summary, engine


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file, strict=True))
    assert all(len(row) == len(found[0]) for row in found)
    return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


def refused(tmp_path: Path, content: bytes) -> str:
    """The text of the error for a file that is no table of visits; nothing may be left behind."""
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(MissingError) as caught:
        run([str(tmp_path / "bad.csv")], str(tmp_path / "out.csv"), Fake(), setting="clinic")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]
    return str(caught.value)


def test_every_column_of_an_answered_row(tmp_path: Path) -> None:
    rows, summary, _ = batch(tmp_path, "patient_id,age,complaint,village\np7,58,chest pain blah,Hill\n", probability_of=["sepsis", "mi"])
    assert list(rows[0]) == [*OWN, "p_sepsis", "p_mi", "village"]
    assert rows[0] == dict.fromkeys(OWN, "") | {
        "row": "1",
        "patient_id": "p7",
        "status": "ok",
        "acuity": "2",
        "urgent": "true",
        "disposition": "hospital_now",
        "p_emergency": "0.2500",
        "red_flags": "flag_a;flag_b",
        "diagnosis_1": "mi",
        "probability_1": "0.5000",
        "diagnosis_2": "costochondritis",
        "probability_2": "0.3333",
        "must_not_miss": "mi;pe",
        "unread": "blah",
        "model": "fake-1",
        "p_sepsis": "0.1250",
        "p_mi": "0.5000",
        "village": "Hill",
    }
    assert (summary.rows, summary.ok, summary.insufficient, summary.rejected, summary.urgent) == (1, 1, 0, {}, 1)
    assert summary.seconds >= 0


def test_every_status_and_the_summary(tmp_path: Path) -> None:
    rows, summary, engine = batch(
        tmp_path,
        "age,complaint,heart_rate\n"
        "58,chest pain,\n"  # ok, urgent
        "30,fever,\n"  # ok
        "30,hello,\n"  # insufficient
        "abc,chest pain,\n"  # ok although a value is bad
        "30,hello,8O\n"  # rejected: a bad value and nothing else
        "30,chest pain, sweating,80\n"  # rejected: a comma without quotes
        '30,"chest pain" now,80\n'  # rejected: a quote that is not doubled
        "30\n"  # rejected: short, nothing else
        "30,fever\n",  # ok although short
        probability_of=["mi"],
    )
    assert [row["status"] for row in rows] == ["ok", "ok", "insufficient", "ok", "rejected", "rejected", "rejected", "rejected", "ok"]
    assert [row["row"] for row in rows] == [str(i) for i in range(1, 10)]
    assert [row["urgent"] for row in rows] == ["true", "false", "", "true", "", "", "", "", "false"]
    assert summary.rejected == {"bad value": 2, "damaged quotes": 1, "too many fields": 1}
    assert (summary.rows, summary.ok, summary.insufficient, summary.urgent) == (9, 4, 1, 2)
    assert summary.rows == summary.ok + summary.insufficient + sum(summary.rejected.values())
    answers = OWN[3:19]
    for row in rows:
        assert row["model"] == "fake-1"
        assert (row["acuity"] == "") == (row["status"] != "ok") == (row["p_mi"] == "")
        if row["status"] != "ok":
            assert [row[name] for name in answers] == [""] * len(answers)
        if row["status"] == "rejected":
            assert "expected" in row["message"]
    assert 'age: got "abc", expected years' in rows[3]["message"]
    assert 'heart_rate: got "8O", expected 10–350' in rows[4]["message"]
    assert rows[5]["message"] == "row: line 7: got 4 fields, expected 3; a field with a comma needs quotes around it"
    assert rows[6]["message"].startswith("row: line 8 has a quote")
    assert "got 1 fields, expected 3; the last ones count as not given" in rows[7]["message"]
    assert len(engine.seen) == 7


def test_the_complaint_is_never_repeated(tmp_path: Path) -> None:
    rows, _, _ = batch(
        tmp_path,
        f'complaint,age,note\n{PRIVATE},x,1\n{PRIVATE},,1,2,3\n"{PRIVATE}"x,1,2\n{PRIVATE}\n'.encode() + PRIVATE.encode() + b"\xff,1,2\n",
    )
    assert len(rows) == 5
    assert PRIVATE not in str(rows)


def test_line_ends_marks_blank_lines_case_and_quoted_newlines(tmp_path: Path) -> None:
    body = ["Patient_ID, AGE ,Complaint", "", "a,58,chest pain", "   ", 'b,30,"fever,\nsince ""yesterday"""', "", "c,,", ""]
    outputs = []
    for mark in (b"", b"\xef\xbb\xbf"):
        for end in ("\n", "\r\n", "\r"):
            rows, _, engine = batch(tmp_path, mark + end.join(body).encode())
            assert [(row["row"], row["patient_id"], row["status"]) for row in rows] == [
                ("1", "a", "ok"),
                ("2", "b", "ok"),
                ("3", "c", "insufficient"),
            ]
            assert engine.seen[1].complaint == 'fever,\nsince "yesterday"'
            outputs.append((tmp_path / "out.csv").read_bytes())
    assert len(set(outputs)) == 1


def test_a_row_of_empty_fields_is_a_row(tmp_path: Path) -> None:
    rows, summary, _ = batch(tmp_path, 'age,complaint\n,\n\n"",\n')
    assert [row["status"] for row in rows] == ["insufficient"] * 2
    assert [row["patient_id"] for row in rows] == ["1", "2"]
    assert summary.insufficient == 2
    assert [row["status"] for row in batch(tmp_path, 'complaint\n""\nfever')[0]] == ["insufficient", "ok"]


def test_a_quote_that_is_never_closed_takes_no_other_patient_with_it(tmp_path: Path) -> None:
    body = "".join(f"{i},fever,x\n" for i in range(3, 500))
    for end in ("", '600,said "ow",x\n', '600,"ow",x\n', '600,"ow, x",x\n'):
        rows, _, _ = batch(tmp_path, f'patient_id,complaint,note\n1,fever,x\n2,"fever,x\n{body}{end}')
        assert [row["patient_id"] for row in rows] == [*map(str, range(1, 500)), *["600"] * bool(end)]
        assert [row["status"] for row in rows[:3]] == ["ok", "rejected", "ok"]
        assert rows[1]["message"].startswith("row: line 3 has a quote that is not closed")


def test_a_swallowed_row_that_cannot_be_told_apart_is_at_least_said(tmp_path: Path) -> None:
    rows, _, _ = batch(tmp_path, 'patient_id,age,complaint,note\n12,50,"chest pain,x\n13,40,fever 5\'8",y\n14,40,fever,z\n')
    assert [row["patient_id"] for row in rows] == ["12", "14"]
    assert "lines 2–3: a quoted field holds what looks like a row of its own" in rows[0]["message"]
    rows, _, _ = batch(tmp_path, 'patient_id,age,complaint,note\n12,50,"chest pain,\nsweats, cold, no fever",y\n')
    assert "looks like" not in rows[0]["message"]


def test_long_records_lines_and_fields(tmp_path: Path) -> None:
    many = '1,"fever' + "\n" * 1200 + '"\n'
    long = "2," + "fever " * 300_000 + "\n"
    wide = "3," + "fever " * 30_000 + "\n"
    rows, summary, _ = batch(tmp_path, f"patient_id,complaint\n{long}{wide}4,fever\n{many}")
    assert [(row["patient_id"], row["status"]) for row in rows[:4]] == [("", "rejected"), ("", "rejected"), ("4", "ok"), ("1", "rejected")]
    assert summary.rejected["line too long"] == 2
    assert all("too long" in row["message"] for row in rows[:2])


def test_a_faulty_row_keeps_its_id_only_where_it_is_certain(tmp_path: Path) -> None:
    assert batch(tmp_path, "patient_id,complaint\np1,a,b\n")[0][0]["patient_id"] == "p1"
    assert batch(tmp_path, 'patient_id,complaint\np1,"a"b\n')[0][0]["patient_id"] == "p1"
    assert batch(tmp_path, 'patient_id,complaint\n"p"1,a\n')[0][0]["patient_id"] == ""
    assert batch(tmp_path, "complaint,patient_id\na,b,p1\n")[0][0]["patient_id"] == ""  # 1 could be another patient
    assert batch(tmp_path, "complaint,age\na,b,p1\n")[0][0]["patient_id"] == "1"


def test_nul_bytes_and_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    rows, _, engine = batch(
        tmp_path,
        b"patient_id,age,complaint,note\n"
        b"a\0,58\0,fever\0,\0x\n"
        b"b,58,fever \xb8\xb4\xcd\xb4,\xff\n"
        b"c,5\xff,\xd0\xd8\xcd\xb4,ok\n"
        b"d,5,fever,\xed\xa0\x80\n"
        b"\xff,5,x,x,x\n",
    )
    assert [row["status"] for row in rows] == ["ok", "ok", "rejected", "ok", "rejected"]
    assert rows[0]["patient_id"] == "a\0"
    assert rows[0]["note"] == "\0x"
    assert r'age: got "58\u0000"' in rows[0]["message"]
    assert "complaint: some bytes are not UTF-8 and were not read" in rows[1]["message"]
    assert "note: bytes that are not UTF-8 were replaced" in rows[1]["message"]
    assert engine.seen[1].complaint.startswith("fever \ufffd")
    assert 'age: got "5\ufffd"' in rows[2]["message"]
    assert rows[3]["note"] == "\ufffd" * 3
    assert rows[4]["patient_id"] == "\ufffd"


def test_a_passing_column_that_is_not_utf8_does_not_reject_the_row(tmp_path: Path) -> None:
    assert batch(tmp_path, b"age,complaint,note\n5,hello,\xff\n")[0][0]["status"] == "insufficient"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty. Expected a header"),
        (b"\n\r\n  \n", "is empty. Expected a header"),
        (b"\xef\xbb\xbf", "is empty. Expected a header"),
        (b"58,f,chest pain\n", "no column is known"),
        (b"age;sex;complaint\n58;f;x\n", "separated by semicolons: expected commas"),
        (b"age\tsex\n58\tf\n", "separated by tabs: expected commas"),
        (b"age,sex,AGE\n1,f,2\n", "has age more than once"),
        (b"age,complaint,\xff\n", "the header is not UTF-8"),
        ("age,complaint\n1,x\n".encode("utf-16"), "looks like UTF-16"),
        ("age,complaint\n1,x\n".encode("utf-16-le"), "looks like UTF-16"),
        (b'age,"complaint\n1,x\n', "the header cannot be read (damaged quotes)"),
        (b"age," + b"x" * 2_000_000, "the header cannot be read (line too long)"),
    ],
)
def test_files_that_are_no_table_of_visits(tmp_path: Path, content: bytes, says: str) -> None:
    text = refused(tmp_path, content)
    assert says in text
    assert text.startswith(f"{tmp_path}/bad.csv: ")


def test_a_header_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    rows, summary, _ = batch(tmp_path, "age,complaint,village")
    assert rows == []
    assert summary.rows == 0
    assert (tmp_path / "out.csv").read_text() == ",".join([*OWN, "village"]) + "\n"


def test_all_wrong_inputs_are_named_at_once_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, locked, empty = tmp_path / "good.csv", tmp_path / "locked.csv", tmp_path / "empty.csv"
    good.write_text("age\n1\n")
    locked.write_text("age\n1\n")
    empty.touch()
    genuine = Path.open

    def denied(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == locked:
            raise PermissionError(13, "Permission denied")
        return genuine(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    inputs = [str(path) for path in (good, locked, tmp_path, empty, tmp_path / "gone.csv")]
    with pytest.raises(MissingError) as caught:
        run([*inputs, "nul\0.csv", ""], str(tmp_path / "out.csv"), Fake(), setting="clinic")
    lines = str(caught.value).split("\n")
    assert [line.split(": ", 1)[1].split(".")[0] for line in lines] == [
        "cannot be read (Permission denied)",
        "is a directory",
        "is empty",
        "cannot be read (No such file or directory)",
        "cannot be read (embedded null byte)",
        "is a directory",
    ]
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"inputs": []}, "No input"),
        ({"inputs": ["-", "-"]}, "more than once"),
        ({"setting": "hospital"}, "Expected one of clinic, emergency"),
        ({"chunk": 0}, "Expected 1 row or more"),
        ({"probability_of": ["nonsense"]}, "unknown condition"),
        ({"output": "IN"}, "is also an input"),
        ({"output": "LINK"}, "is also an input"),
        ({"output": "DIRECTORY"}, "is a directory"),
        ({"output": "DIRECTORY/none/out.csv"}, "its directory does not exist"),
        ({"output": ""}, "its directory does not exist"),
    ],
)
def test_wrong_calls_write_nothing(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text("age,complaint\n1,fever\n")
    (tmp_path / "link.csv").symlink_to(source)
    places = {"IN": str(source), "LINK": str(tmp_path / "link.csv")}
    call: dict[str, Any] = {"inputs": [str(source)], "output": str(tmp_path / "out.csv"), "setting": "clinic"} | options
    call["output"] = places.get(call["output"], call["output"].replace("DIRECTORY", str(tmp_path)))
    with pytest.raises(UsageError, match=says):
        run(call.pop("inputs"), call.pop("output"), Fake(), **call)
    assert source.read_text() == "age,complaint\n1,fever\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "link.csv"]


def test_several_files_with_different_columns(tmp_path: Path) -> None:
    rows, summary, _ = batch(tmp_path, "complaint,Village,x\nfever,Hill,1\n\nfever,Dale,2\n", "x,village,y,age\n3,Moor,=4,5\n", chunk=2)
    assert list(rows[0]) == ["file", *OWN, "Village", "x", "y"]
    assert [(Path(row["file"]).name, row["row"], row["patient_id"]) for row in rows] == [
        ("in0.csv", "1", "1"),
        ("in0.csv", "2", "2"),
        ("in1.csv", "1", "1"),
    ]
    assert [(row["Village"], row["x"], row["y"]) for row in rows] == [("Hill", "1", ""), ("Dale", "2", ""), ("Moor", "3", "'=4")]
    assert summary.rows == 3


def test_colliding_columns_are_renamed_and_doubled_ones_stay(tmp_path: Path) -> None:
    content = "complaint,Status,input_status,p_mi,note,note,file,\nfever,s,i,m,n1,n2,f,e\n"
    rows, _, _ = batch(tmp_path, content)
    with (tmp_path / "out.csv").open(newline="") as file:
        header, cells = list(csv.reader(file))
    assert header[len(OWN) :] == ["input_input_Status", "input_status", "p_mi", "note", "note", "file", ""]
    assert cells[len(OWN) :] == ["s", "i", "m", "n1", "n2", "f", "e"]
    rows, _, _ = batch(tmp_path, content, probability_of=["mi", "mi"])
    assert rows[0]["p_mi"] == "0.5000"
    assert rows[0]["input_p_mi"] == "m"
    rows, _, _ = batch(tmp_path, content, "age,file\n1,g\n")
    assert [row["input_file"] for row in rows] == ["f", "g"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        *(
            (cell, "'" + cell)
            for cell in ("=1+1", "+cmd", "-fever", "@x", "\tx", "\rx", "-", "+1 234", "--1", "-1,5", "=", "-1e", "-٣", "-1\n")
        ),
        *((cell, cell) for cell in ("-1", "+1.5", "-.5", "-5.", "1e5", "-1E-5", "a=1", "", " =1", "'=1", "x\r\ny", 'q"', "a,b", "𝛼")),
    ],
)
def test_cells_that_a_spreadsheet_would_run(tmp_path: Path, cell: str, written: str) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["complaint", "patient_id", cell, "note"], ["fever", cell, "", cell]])
    rows, _, _ = batch(tmp_path, buffer.getvalue())
    assert rows[0]["note"] == written
    assert rows[0]["patient_id"] == (written or "1")
    assert list(rows[0])[-2] == written


def test_unread_words_and_messages_are_neutralised(tmp_path: Path) -> None:
    class Odd(Fake):
        def _one(self, visit: Visit, setting: str) -> Assessment:
            return Assessment("ok", setting, "en", Acuity.NON_URGENT, 0.0, unread=((0, 7), (8, 12)), messages=("=a\nb", "=a b"))

    (tmp_path / "in.csv").write_text('complaint\n"=cmd\n x;@sum"\n')
    run([str(tmp_path / "in.csv")], str(tmp_path / "out.csv"), Odd(), setting="emergency")
    row = table(tmp_path / "out.csv")[0]
    assert row["unread"] == "'=cmd x;@sum"
    assert row["message"] == "'=a b"
    assert row["p_emergency"] == "0.0000"


def test_likely_misspelt_columns_are_noted(tmp_path: Path) -> None:
    _, summary, _ = batch(tmp_path, "age,complaints,Heart Rate,village\n1,x,80,y\n")
    assert [note.split(": ", 1)[1] for note in summary.notes] == [
        "column 'complaints' is not read. Did you mean complaint?",
        "column 'Heart Rate' is not read. Did you mean heart_rate?",
    ]


def test_standard_input_and_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    other = tmp_path / "b.csv"
    other.write_text("complaint\nfever\n")
    for inputs in (["-"], ["-", str(other)]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("complaint,n\n胸痛,é\n".encode()), encoding="ascii"))
        summary = run(inputs, "-", Fake(), setting="clinic")
        assert summary.rows == len(inputs)
        lines = capsysbinary.readouterr().out.decode().splitlines()
        assert len(lines) == len(inputs) + 1
        assert lines[1].endswith(",fake-1,é")
        assert lines[1].startswith("stdin,1,1," if len(inputs) == 2 else "1,1,")


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"complaint\nfever\nchest pain\n")
    os.close(writer)
    try:
        summary = run([f"/dev/fd/{reader}"], str(tmp_path / "out.csv"), Fake(), setting="clinic")
    finally:
        os.close(reader)
    assert (summary.rows, summary.urgent) == (2, 1)


def test_the_output_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    class Breaks(Fake):
        def answer(self, visits: Sequence[Visit], setting: str, language: str | None = None, explain: bool = False) -> list[Assessment]:
            if self.seen:
                raise TriageError("broken")
            return super().answer(visits, setting, language, explain)

    class Short(Fake):
        def answer(self, visits: Sequence[Visit], setting: str, language: str | None = None, explain: bool = False) -> list[Assessment]:
            return super().answer(visits, setting, language, explain)[1:]

    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("complaint\nfever\nfever\n")
    output.write_text("old")
    for engine in (Breaks(), Short()):
        with pytest.raises(TriageError):
            run([str(source)], str(output), engine, setting="clinic", chunk=1)
        assert output.read_text() == "old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([str(source)], str(output), Fake(), setting="clinic", progress=interrupt)
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_the_output_has_ordinary_permissions_and_follows_links(tmp_path: Path) -> None:
    target = tmp_path / "real.csv"
    target.touch()
    (tmp_path / "out.csv").symlink_to(target)
    batch(tmp_path, "complaint\nfever\n")
    assert (tmp_path / "out.csv").is_symlink()
    assert len(target.read_text().splitlines()) == 2
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("complaint\nfever\n")
    run([str(tmp_path / "in.csv")], os.devnull, Fake(), setting="clinic")
    assert not Path(os.devnull).is_file()
    if Path("/dev/full").exists():
        with pytest.raises(TriageError, match="cannot be written"):
            run([str(tmp_path / "in.csv")], "/dev/full", Fake(), setting="clinic")


def test_an_output_that_cannot_be_made_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in.csv"
    source.write_text("complaint\nfever\n")
    genuine = Path.open

    def denied(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode == "xb":
            raise PermissionError(13, "Permission denied")
        return genuine(self, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(TriageError, match="cannot be written"):
        run([str(source)], str(tmp_path / "out.csv"), Fake(), setting="clinic")


def test_a_header_that_changes_between_the_two_readings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("age,complaint\n1,fever\n")
    tables = reading.open_tables([str(path)])
    path.write_text("complaint,age\nfever,1\n")
    with pytest.raises(MissingError, match="the header changed"):
        list(reading.rows(tables[0]))


def test_progress_and_chunks(tmp_path: Path) -> None:
    done: list[int] = []
    batch(tmp_path, "complaint\n" + "fever\n" * 7, "complaint\n" + "fever\n" * 4, chunk=5, progress=done.append)
    assert done == [5, 10, 11]


def test_huge_rows_end_a_chunk_early_so_that_memory_stays_bounded(tmp_path: Path) -> None:
    done: list[int] = []
    batch(tmp_path, "complaint,note\n" + f"fever,{'x' * 120_000}\n" * 150, progress=done.append)
    assert len(done) > 1
    assert done[-1] == 150


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["fever", "chest pain", "58", "-fever", "nan", "8mo", "f", "=1", "", " ", "a,b", 'x"y', "1\n2", "1\r2"]),
)
COLUMN = st.sampled_from(["patient_id", "age", "sex", "complaint", "findings", "heart_rate", "spo2", "pregnant"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), header=st.lists(COLUMN, min_size=1, max_size=4, unique=True), end=st.sampled_from(["\n", "\r\n"]))
def test_any_well_formed_table_comes_back_row_by_row_whatever_the_chunk(
    tmp_path: Path, data: st.DataObject, header: list[str], end: str
) -> None:
    body = data.draw(st.lists(st.lists(CELL, min_size=len(header), max_size=len(header)), max_size=8))
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(
        [[*header, "n", "note"], *([*row, str(i), row[0]] for i, row in enumerate(body))]
    )
    content = buffer.getvalue().encode("utf-8", "replace")
    outputs = set()
    for chunk in (1, 3, 2000):
        rows, summary, engine = batch(tmp_path, content, chunk=chunk)
        outputs.add((tmp_path / "out.csv").read_bytes())
        assert [row["n"] for row in rows] == [str(i) for i in range(len(body))]
        assert [row["row"] for row in rows] == [str(i) for i in range(1, len(body) + 1)]
        assert [row["note"] for row in rows] == [write.safe(row[0]) for row in body]
        assert summary.rows == len(body) == summary.ok + summary.insufficient + sum(summary.rejected.values())
        assert len(engine.seen) == len(body)
    assert len(outputs) == 1


BYTES = st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"fever", b"58", b"=", b" ", "胸痛".encode()])
    ).map(b"".join),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(
    content=BYTES, header=st.sampled_from([b"", b"patient_id,complaint,note\n", b"complaint\r\n", b"age,complaint,findings,heart_rate\n"])
)
def test_any_bytes_give_rows_in_order_or_a_clear_error(tmp_path: Path, content: bytes, header: bytes) -> None:
    try:
        outputs = set()
        for chunk in (1, 2000):
            rows, summary, _ = batch(tmp_path, header + content, chunk=chunk)
            outputs.add((tmp_path / "out.csv").read_bytes())
    except MissingError as error:
        text = str(error)
    else:
        text = ""
    if text:
        assert not header
        assert text.startswith(str(tmp_path))
        return
    assert len(outputs) == 1
    assert [row["row"] for row in rows] == [str(i + 1) for i in range(summary.rows)]
    assert all(row["status"] in ("ok", "insufficient", "rejected") for row in rows)
    if header and b'"' not in content:  # then every line that holds something is a row
        text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        assert summary.rows == sum(bool(line.strip(" \t\ufeff")) for line in text.split("\n"))
    if header:  # with quotes, no line may vanish: each row says how many it took, or is one line
        whole = (header + content).decode("utf-8-sig", "replace")
        strict = _strict(whole)
        if strict is not None:
            assert summary.rows == len(strict) - 1


def _strict(text: str) -> list[list[str]] | None:
    """The rows of a text that is well-formed CSV, by the standard library; None if it is not, or too odd to compare."""
    lines = text.splitlines() if "\r" not in text else []
    if "\r" in text or any(not line.strip(" \t\ufeff") for line in lines):
        return None
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error:
        return None


@given(st.lists(st.text(alphabet=st.sampled_from('ab,"=-\r\n\t 1'), max_size=8), min_size=2, max_size=6))
def test_written_lines_read_back(cells: list[str]) -> None:
    read = list(csv.reader(io.StringIO(write.line(cells), newline=""), strict=True))
    assert read == [[write.safe(cell) for cell in cells]]


@pytest.mark.parametrize("opener", ['"', 'a,"', '""" x', 'a,""" ', '"x\n\n\n'])
def test_damaged_quotes_cost_a_bounded_number_of_readings(opener: str) -> None:
    class Counting(reading.Reader):
        work = 0

        def _line(self) -> str:
            self.work += 1
            return super()._line()

    text = f"{opener}\n" * 5_000
    reader = Counting(io.StringIO(text))
    taken = [line for _, lines, _, _ in reader.records() for line in lines]
    assert sum(bool(line.strip()) for line in taken) == 5_000
    assert reader.work <= 3 * (text.count("\n") + reading.MOST_LINES)


def test_line_numbers_stay_right_after_a_damaged_quote() -> None:
    reader = reading.Reader(io.StringIO('a\n"x\nb\n"y" z\n"e\nf"\n\n"g\nh\n', newline=""))
    found = [(number, len(lines), fault) for number, lines, _, fault in reader.records()]
    bad = reading.BAD_QUOTE
    assert found == [(1, 1, ""), (2, 1, bad), (3, 1, ""), (4, 1, bad), (5, 2, ""), (8, 1, bad), (9, 1, "")]
