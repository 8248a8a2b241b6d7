"""Runs the suites, prints the tables, and keeps `models/metrics.json` and the model card up to date."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from triage import artefact
from triage.assess import Engine
from triage.benchmark import comparison, ddxplus, hidden, synthetic, vignettes
from triage.knowledge import compiler, corpus, lint, loader

SEED = 1
ORACLE_CLINICS = {"quick": 6, "full": 25}  # each has a law of its own to sum over
COMPARED = {"quick": (20_000, 1000), "full": (100_000, 4000)}  # patients learned from, tested on
# Patients for diagnosis (each level and kind of clinic), visits for urgency (each setting), cases of each must-not-miss and each hidden condition.
SIZES = {"quick": (400, 1500, 25, 20), "full": (8000, 30_000, 400, 200)}

PARTS = ("diagnosis", "oracle", "urgency", "killers", "hidden", "reading", "speed")
EXTRA = ("comparison",)  # takes minutes; only when asked for
SUITES = ("synthetic", "vignettes", "ddxplus")

Say = Callable[[str], None]


def synthetic_suite(engine: Engine, size: str, say: Say, parts: tuple[str, ...] = ()) -> dict[str, Any]:
    """The whole synthetic suite as a document; `parts` picks some of PARTS and EXTRA."""
    patients, visits, each, unseen = SIZES[size]
    makers: dict[str, Callable[[], Any]] = {
        "diagnosis": lambda: synthetic.diagnosis(engine, patients, SEED, say),
        "oracle": lambda: synthetic.oracle(engine, patients, ORACLE_CLINICS[size], SEED),
        "urgency": lambda: synthetic.urgency(engine, visits, SEED, say),
        "killers": lambda: synthetic.killers(engine, each, SEED, say),
        "hidden": lambda: hidden.suite(engine, corpus.load(), unseen, SEED),
        "reading": lambda: synthetic.reading_regret(engine, patients // 2, SEED, corpus.load().lexicon),
        "comparison": lambda: comparison.comparison(engine, *COMPARED[size], SEED, say),
        "speed": lambda: synthetic.speed(engine, 5000, SEED) | start_up() | knowledge_costs(),
    }
    began = time.perf_counter()
    result: dict[str, Any] = {
        "suite": "synthetic held-out",
        "size": size,
        "seed": SEED,
        "model": engine.version,
        "knowledge": engine.knowledge.hash[:12],
    }
    for name in parts or PARTS:
        say(name)
        result[name] = makers[name]()
    result["seconds"] = round(time.perf_counter() - began, 1)
    return result


def outside_suite(engine: Engine, suite: str, data: Path, coded: Path | None = None) -> dict[str, Any]:
    """A suite on data that nobody here made up."""
    return ddxplus.suite(data) if suite == "ddxplus" else vignettes.suite(engine, data, coded=coded)


def outside_tables(result: dict[str, Any], *, every: bool = False) -> str:
    """An outside suite as text; `every` adds a line for each vignette."""
    if result["suite"] == "ddxplus":
        tops = ", ".join(f"top-{k} {_share(result[f'top{k}'])}" for k in (1, 3, 5))
        return (f"DDXPlus by its own statistics: {result['n']} patients, {result['conditions']} conditions, {result['findings']} findings: {tops}\n"
                "A check of the engine; the knowledge of this program plays no part in it.")  # fmt: skip
    lines = [
        f"Vignettes, setting {result['setting']}; model {result['model']}, knowledge {result['knowledge']}. Uncovered diagnoses count as wrong."
    ]
    for name in ("as text", "coded by hand", "the same as text"):
        if name in result:
            one = result[name]
            lines.append(f"  {name:<18} n {one['n']:>4}  covered {_share(one['covered'])}")
            lines.append("  " + " " * 19 + ", ".join(f"top-{k} {_share(one[f'top{k}'])}" for k in vignettes.TOPS))
    if every:
        lines += [f"  {r['rank']:>4} {r['probability']:.3f} acuity {r['acuity']}  {r['id']} {r['diagnosis']}: {', '.join(r['first'])}"
                  for r in result["as text"]["rows"]]  # fmt: skip
    return "\n".join(lines)


def start_up(runs: int = 9) -> dict[str, float]:
    """CPU time of answering one patient in a fresh process over that of importing numpy and typer (least of several runs each)."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as an installed package is
    bare = [sys.executable, "-c", "import numpy, typer"]
    answer = [sys.executable, "-m", "triage", "assess", "sudden weakness all over, cold sweat", "--age", "58", "--sex", "male"]

    try:
        import resource
    except ImportError:  # Windows does not tell a child's CPU time
        return {}

    def cpu(command: list[str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603 - our own two commands
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    cpu(answer)
    pairs = [(cpu(bare), cpu(answer)) for _ in range(runs)]  # in turn, since the machine's mood changes
    reference, whole = (min(column) for column in zip(*pairs, strict=True))
    return {"start_up_cpu_ratio": round(whole / reference, 2), "start_up_reference_ms": round(1000 * reference)}


def knowledge_costs(runs: int = 15) -> dict[str, float]:
    """Milliseconds to load the compiled knowledge (least of several), seconds to read and compile it, and seconds of the whole check."""
    directory = artefact.default_directory()

    def least(times: int, action: Callable[[], Any]) -> float:
        best = float("inf")
        for _ in range(times):
            began = time.perf_counter()
            action()
            best = min(best, time.perf_counter() - began)
        return best

    return {
        "load_ms": round(1000 * least(runs, lambda: loader.read(directory)), 1),
        "compile_seconds": round(least(1, lambda: compiler.compile_corpus(corpus.load())), 1),
        "check_seconds": round(least(1, lambda: lint.problems(corpus.load())), 1),
    }


def tables(result: dict[str, Any]) -> str:
    """The document as tables of text."""
    lines = [f"Synthetic held-out suite ({result['size']}); model {result['model']}, knowledge {result['knowledge']}.",
             "All patients are synthetic: these figures say how well the model uses its own knowledge, not what it is worth on real patients."]  # fmt: skip
    if "diagnosis" in result:
        lines += ["", "Diagnosis, setting clinic", *_accuracy(result["diagnosis"])]
    if "oracle" in result:
        one = result["oracle"]
        lines.append(f"Oracle (knows each clinic's own law), ordinary information: top-1 {_share(one['oracle_top1'])}; "
                     f"clinic-blind on the same patients {_share(one['clinic_blind_top1'])}")  # fmt: skip
    if "urgency" in result:
        lines += ["", "Urgent = acuity 1 or 2", _row("setting", "who", "", "sensitivity", "", "flagged", "", "specificity", "")]
        for r in result["urgency"]:
            if "sensitivity" in r:
                lines.append(
                    _row(r["setting"], r["who"], "", _share(r["sensitivity"]), "", _share(r["flag_rate"]), "", _share(r["specificity"]), "")
                )
            else:
                lines.append(f"  {r['setting']}: under-triage {_share(r['under_triage'])}, over-triage {_share(r['over_triage'])}, "
                             f"AUROC {r['auroc_p_emergency']:.3f} (ceiling {r['auroc_ceiling']:.3f}), ECE of p(emergency) {r['ece_p_emergency_model']:.3f}, "
                             f"{r['listed_per_visit']} must-not-miss conditions listed per visit")  # fmt: skip
    if "killers" in result:
        lines += ["", "Must-not-miss: serious cases not listed, and given a less urgent acuity than required; (upper) = exact one-sided 95 % bound.",
                  "The bounds hold for new simulated clinics of this kind, not for real patients.",
                  _row("condition", "n", "unlisted", "(upper)", "missed", "(upper)", "wider: unl.", "missed", "(upper)")]  # fmt: skip
        for r in result["killers"]:
            a, b = r["held_out"], r["wider shift"]
            lines.append(_row(r["condition"], str(a["n"]), _pc(a["unlisted"]["value"]), _pc(a["unlisted"]["upper"]), _pc(a["missed"]["value"]),
                              _pc(a["missed"]["upper"]), _pc(b["unlisted"]["value"]), _pc(b["missed"]["value"]), _pc(b["missed"]["upper"])))  # fmt: skip
    if "hidden" in result:
        lines += ["", "Conditions hidden from the model: where their patients go, and serious cases missed beside the red flags alone",
                  f"  {'condition':<36}{'n':>6}{'other':>9}{'close':>9}{'missed':>9}{'flags alone':>13}"]  # fmt: skip
        for r in result["hidden"]["rows"]:
            missed = f"{_pc(r['missed']['value']):>9}{_pc(r['missed_by_red_flags_alone']['value']):>13}" if "missed" in r else ""
            lines.append(f"  {r['condition']:<36}{r['n']:>6}{_pc(r['other']):>9}{_pc(r['close']):>9}{missed}")
    if "comparison" in result:
        lines += ["", "Classifiers, setting clinic", *_accuracy(result["comparison"])]
    if "reading" in result:
        lines += ["", "Loss caused by reading (volunteered findings as codes and as text)"]
        lines += [f"  {r['language']}: log-loss {r['log_loss_codes']:.3f} coded, {r['log_loss_text']:.3f} read, regret {r['regret_of_reading']:+.3f}; "
                  f"read exactly {_share(r['texts_read_exactly'])}" for r in result["reading"]]  # fmt: skip
    if "speed" in result:
        s = result["speed"]
        lines += [
            "",
            f"Speed here and now: {s['scored_per_second']:,} coded patients scored/s, {s['simulated_per_second']:,} patients simulated/s",
        ]
        if "start_up_cpu_ratio" in s:
            lines.append(
                f"One answer costs {s['start_up_cpu_ratio']} x the CPU time of importing numpy and typer ({s['start_up_reference_ms']:.0f} ms)"
            )
        lines.append(
            f"Knowledge: loads in {s['load_ms']:.0f} ms, compiles in {s['compile_seconds']} s, is checked in {s['check_seconds']} s"
        )
    lines.append(f"\n{result['seconds']} s")
    return "\n".join(lines)


def _accuracy(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of a table of accuracies, header first."""
    yield _row("clinics", "information", "who", "log-loss", "regret", "top-1", "top-3", "top-5", "ECE")
    for r in rows:
        losses, tops = (f"{r[k]:.3f}" for k in ("log_loss", "regret")), (f"{100 * r[k]:.1f}%" for k in ("top1", "top3", "top5"))
        yield _row(r["clinics"], r["information"], r["who"][:24], *losses, *tops, f"{r['ece']:.3f}")


WIDTHS = (22, 16, 25, 9, 9, 8, 8, 8, 8)


def _row(*cells: str) -> str:
    if len(cells) > 1 and cells[2] == "":
        return f"  {cells[0]:<11}{cells[1]:<34}{cells[3]:<24}{cells[5]:<24}{cells[7]:<24}".rstrip()
    if len(cells) > 1 and (cells[1].isdigit() or cells[1] == "n"):
        return f"  {cells[0]:<36}" + "".join(f"{cell:>12}" for cell in cells[1:])
    return "  " + "".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _share(one: dict[str, Any]) -> str:
    return f"{100 * one['value']:.1f}% ({100 * one['low']:.1f}-{100 * one['high']:.1f})"


def _pc(value: float) -> str:
    return "<0.1%" if value < 0.0005 else f"{100 * value:.1f}%"


def save(result: dict[str, Any], directory: Path | None = None) -> list[Path]:
    """Writes what was measured beside the model: metrics.json for a whole run, comparison.json for the comparison of classifiers."""
    place = directory or artefact.default_directory()
    written = []
    if set(PARTS) <= set(result):
        # Speed belongs to a machine and a moment; the rest is the same wherever it is measured.
        lasting = {key: value for key, value in result.items() if key not in ("speed", "seconds", "comparison")}
        written.append(_write(place / "metrics.json", lasting))
    if "comparison" in result:
        written.append(
            _write(place / "comparison.json", {"model": result["model"], "knowledge": result["knowledge"], "rows": result["comparison"]})
        )
    return written


def save_outside(result: dict[str, Any], directory: Path | None = None) -> Path:
    """Writes the shares of an outside suite, without its single cases, into outside.json beside the model."""
    path = (directory or artefact.default_directory()) / "outside.json"
    document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    lasting = {key: {k: v for k, v in value.items() if k != "rows"} if isinstance(value, dict) else value for key, value in result.items()}
    return _write(path, document | {result["suite"]: lasting})


def _write(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path
