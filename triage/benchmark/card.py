"""The model card, written from the measured figures and never by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from triage import artefact
from triage.diagnosis import model as diagnosis
from triage.knowledge import corpus
from triage.knowledge.statistics import provenance

FILE = "MODEL_CARD.md"


README = ("<!-- figures: written by triage benchmark --save -->\n", "<!-- end of figures -->\n")


def write(directory: Path | None = None) -> Path:
    """Writes the card beside the model, and the figures into the README of a checkout."""
    place = directory or artefact.default_directory()
    path = place / FILE
    path.write_text(text(directory), encoding="utf-8")
    readme = place.parent / "README.md"
    if readme.exists() and README[0] in readme.read_text(encoding="utf-8"):
        readme.write_text(with_figures(readme.read_text(encoding="utf-8"), directory), encoding="utf-8")
    return path


def with_figures(readme: str, directory: Path | None = None) -> str:
    """The README with its section of figures written anew from metrics.json."""
    place = directory or artefact.default_directory()
    metrics = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
    before, rest = readme.split(README[0])
    _, after = rest.split(README[1])
    return before + README[0] + "\n".join(_figures(diagnosis.load(directory), metrics)) + "\n" + README[1] + after


def _figures(model: diagnosis.Model, metrics: dict[str, Any]) -> Iterator[str]:
    knowledge = model.knowledge
    critical = int((knowledge.at_least > 0).sum())
    yield f"Model `{model.version}`: {len(knowledge.conditions)} conditions ({critical} must-not-miss), {knowledge.n_states} states. Held-out synthetic"
    yield "clinics, setting clinic; top-1 accuracy of the condition:"
    yield ""
    yield "| clinics | information | clinic-blind ceiling | model | knowledge used directly | ECE of the model |"
    yield "|---|---|---|---|---|---|"
    rows = {(r["clinics"], r["information"], r["who"]): r for r in metrics["diagnosis"]}
    for clinics, information in dict.fromkeys((r["clinics"], r["information"]) for r in metrics["diagnosis"]):
        ceiling, own, direct = (rows[clinics, information, who] for who in ("clinic-blind ceiling", "model", "knowledge used directly"))
        yield (
            f"| {clinics} | {information} | {100 * ceiling['top1']:.1f} % | {100 * own['top1']:.1f} % | {100 * direct['top1']:.1f} % | {own['ece']:.3f} |"
        )
    yield ""
    for r in metrics["urgency"]:
        if r["who"] == "model with rules":
            yield (
                f"Urgent (acuity 1 or 2), setting {r['setting']}: sensitivity {_share(r['sensitivity'])}, {_share(r['flag_rate'])} of visits flagged, "
                f"specificity {_share(r['specificity'])}."
            )
    yield ""
    yield "These are figures of a simulation: they say how well the program uses its own knowledge, not what it is worth on real patients."


def text(directory: Path | None = None) -> str:
    """The card of the model in a directory, from its manifest, metrics.json and comparison.json."""
    place = directory or artefact.default_directory()
    metrics = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
    comparison, outside = (
        json.loads((place / name).read_text(encoding="utf-8")) if (place / name).exists() else None
        for name in ("comparison.json", "outside.json")
    )
    return "\n".join(_lines(diagnosis.load(directory), metrics, comparison, outside or {})) + "\n"


def _lines(model: diagnosis.Model, metrics: dict[str, Any], comparison: dict[str, Any] | None, outside: dict[str, Any]) -> Iterator[str]:
    manifest = model.manifest
    yield "# Model card"
    yield ""
    yield "**A simulation. Not for patient care.** The model has learned from synthetic patients only. The figures on this page say how well it"
    yield "uses its own knowledge in simulated clinics; they say nothing about its accuracy on real patients."
    yield ""
    yield f"- Version `{model.version}`, knowledge `{model.knowledge.hash[:12]}`, seed {manifest['seed']}, {manifest['patients']:,} synthetic patients"
    yield f"- Method: {manifest['method']}"
    yield f"- {len(model.knowledge.conditions)} conditions, {model.knowledge.n_states} states, {len(model.knowledge.findings)} findings"
    counts = provenance(corpus.load())["all"]
    total = sum(counts.values())
    shares = ", ".join(f"{kind} {100 * counts[kind] / total:.1f} %" for kind in ("counted", "literature", "estimate"))
    yield f"- Where its {total:,} numbers come from: {shares}. An estimate is a judgement nobody has checked against patients."
    yield "- Chinese and Korean wording: not clinically reviewed"
    yield ""
    yield from _outside(outside)
    yield "## Diagnosis on held-out synthetic clinics (setting clinic)"
    yield ""
    yield "| clinics | information | who | log-loss | regret | top-1 | top-3 | top-5 | ECE |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for r in metrics["diagnosis"]:
        yield (
            f"| {r['clinics']} | {r['information']} | {r['who']} | {r['log_loss']:.3f} | {r['regret']:.3f} | "
            f"{100 * r['top1']:.1f} % | {100 * r['top3']:.1f} % | {100 * r['top5']:.1f} % | {r['ece']:.3f} |"
        )
    yield ""
    yield "## Urgency on held-out synthetic clinics"
    yield ""
    yield "| setting | who | sensitivity | flagged | specificity |"
    yield "|---|---|---|---|---|"
    for r in metrics["urgency"]:
        if "sensitivity" in r:
            yield f"| {r['setting']} | {r['who']} | {_share(r['sensitivity'])} | {_share(r['flag_rate'])} | {_share(r['specificity'])} |"
    yield ""
    for r in metrics["urgency"]:
        if "under_triage" in r:
            yield (
                f"- {r['setting']}: under-triage {_share(r['under_triage'])}, over-triage {_share(r['over_triage'])}, AUROC of p(emergency) "
                f"{r['auroc_p_emergency']:.3f} (ceiling {r['auroc_ceiling']:.3f}), ECE {r['ece_p_emergency_model']:.3f}"
            )
    yield ""
    yield "## Must-not-miss conditions, setting clinic"
    yield ""
    yield "Serious cases that are not listed, and that are given a less urgent acuity than required, with the exact one-sided 95 % upper bound. A bound"
    yield "holds for new simulated clinics of this kind, in expectation; it promises nothing about real patients."
    yield ""
    yield "| condition | cases | unlisted | upper | missed | upper | wider shift: missed | upper |"
    yield "|---|---|---|---|---|---|---|---|"
    for r in metrics["killers"]:
        a, b = r["held_out"], r["wider shift"]
        yield (
            f"| {r['condition']} | {a['n']} | {_pc(a['unlisted']['value'])} | {_pc(a['unlisted']['upper'])} | {_pc(a['missed']['value'])} | "
            f"{_pc(a['missed']['upper'])} | {_pc(b['missed']['value'])} | {_pc(b['missed']['upper'])} |"
        )
    yield from _hidden(metrics)
    yield from _comparison(comparison)


def _hidden(metrics: dict[str, Any]) -> Iterator[str]:
    """The section about conditions that the model was not told of."""
    if "hidden" in metrics:
        yield ""
        yield "## Conditions hidden from the model, setting clinic"
        yield ""
        yield "Where the patients of twenty conditions go that the model was not told of, and serious cases missed beside the red flags alone."
        yield ""
        yield "| condition | patients | to `other` | to a close condition | missed | missed by red flags alone |"
        yield "|---|---|---|---|---|---|"
        for r in metrics["hidden"]["rows"]:
            missed = f"{_pc(r['missed']['value'])} | {_pc(r['missed_by_red_flags_alone']['value'])}" if "missed" in r else "- | -"
            yield f"| {r['condition']} | {r['n']} | {_pc(r['other'])} | {_pc(r['close'])} | {missed} |"


def _comparison(comparison: dict[str, Any] | None) -> Iterator[str]:
    """The section that compares classifiers."""
    if comparison:
        yield ""
        yield f"## Comparison of classifiers (measured with knowledge `{comparison['knowledge']}`, model `{comparison['model']}`)"
        yield ""
        yield "| clinics | information | who | log-loss | regret | top-1 | top-3 | top-5 | ECE | learned from | training |"
        yield "|---|---|---|---|---|---|---|---|---|---|---|"
        for r in comparison["rows"]:
            yield (
                f"| {r['clinics']} | {r['information']} | {r['who']} | {r['log_loss']:.3f} | {r['regret']:.3f} | {100 * r['top1']:.1f} % | "
                f"{100 * r['top3']:.1f} % | {100 * r['top5']:.1f} % | {r['ece']:.3f} | {r['learned_from']:,} | {r['training_seconds']} s |"
            )


def _outside(outside: dict[str, Any]) -> Iterator[str]:
    """The sections about cases that nobody here made up."""
    if "vignettes" in outside:
        one = outside["vignettes"]
        yield f"## Vignettes of clinicians, setting {one['setting']} (measured with model `{one['model']}`)"
        yield ""
        yield "Development vignettes of the Avey suite; diagnoses that are not covered count as wrong. The dictionary of the reader was developed"
        yield "on these texts, so the figures for text are those of development, not of a first reading."
        yield ""
        yield "| cases | n | covered | top-1 | top-3 | top-5 |"
        yield "|---|---|---|---|---|---|"
        for name in ("as text", "coded by hand", "the same as text"):
            if name in one:
                r = one[name]
                yield f"| {name} | {r['n']} | {_share(r['covered'])} | {_share(r['top1'])} | {_share(r['top3'])} | {_share(r['top5'])} |"
        yield ""
    if "ddxplus" in outside:
        r = outside["ddxplus"]
        yield (
            f"DDXPlus by its own statistics (a check of the engine): {r['n']:,} patients, {r['conditions']} conditions, top-1 {_share(r['top1'])}, "
            f"top-3 {_share(r['top3'])}."
        )
        yield ""


def _share(one: dict[str, Any]) -> str:
    return f"{100 * one['value']:.1f} % ({100 * one['low']:.1f}-{100 * one['high']:.1f})"


def _pc(value: float) -> str:
    return "<0.1 %" if value < 0.0005 else f"{100 * value:.1f} %"
