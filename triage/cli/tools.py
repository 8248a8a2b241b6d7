"""Commands about files, the model and the knowledge: batch, benchmark, simulate, train, show, search, check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.cli.options import JsonOption, Setting, SettingOption, print_json


def batch(
    inputs: Annotated[list[str], typer.Argument(metavar="IN...", help="CSV files; - reads standard input.")],
    output: Annotated[str, typer.Option("--output", "-o", help="The CSV file to write; - writes standard output.")],
    probability_of: Annotated[list[str] | None, typer.Option(help="Adds the column p_ID: a condition or syndrome. Repeatable.")] = None,
    setting: SettingOption = Setting.clinic,
    quiet: Annotated[bool, typer.Option("--quiet", help="No summary on standard error.")] = False,
) -> None:
    """Score CSV files of visits: every row in gets exactly one row out, in order."""
    from triage.assess import Engine
    from triage.batch.run import run

    engine = Engine.load()
    names = tuple(probability_of or ())
    engine.check_ids(names)
    summary = run(inputs, output, engine, setting=setting.value, probability_of=names)
    if not quiet:
        rejected = "; ".join(f"{count} {cause}" for cause, count in summary.rejected.items())
        typer.echo(
            f"{summary.rows} rows: {summary.ok} answered ({summary.urgent} urgent), {summary.insufficient} with too little to answer, "
            f"{sum(summary.rejected.values())} rejected{f' ({rejected})' if rejected else ''}; {summary.seconds:.1f} s",
            err=True,
        )
    for note in summary.notes:
        typer.echo(f"triage: {note}", err=True)


def benchmark(
    size: Annotated[str, typer.Option(help="quick (two minutes) or full (eight).")] = "quick",
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="Only diagnosis, oracle, urgency, killers, hidden, reading, speed, or comparison (minutes; never run by default). Repeatable."
        ),
    ] = None,
    suite: Annotated[str, typer.Option(help="synthetic, or on data that nobody here made up: vignettes, ddxplus.")] = "synthetic",
    data: Annotated[Path | None, typer.Option(help="The file of a suite other than synthetic.")] = None,
    coded: Annotated[Path | None, typer.Option(help="Findings of vignettes coded by hand (TOML), to tell reading from knowledge.")] = None,
    every: Annotated[bool, typer.Option("--every", help="A line for each vignette.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Write the figures beside the model (metrics.json and the model card).")] = False,
    json: JsonOption = False,
) -> None:
    """Measure the assistant on held-out synthetic clinics, beside both ceilings and the baselines."""
    from triage.assess import Engine
    from triage.benchmark import card, run
    from triage.errors import UsageError

    if size not in run.SIZES:
        raise UsageError(f"Invalid --size. Got {size!r}. Expected one of {', '.join(run.SIZES)}.")
    if suite not in run.SUITES:
        raise UsageError(f"Invalid --suite. Got {suite!r}. Expected one of {', '.join(run.SUITES)}.")
    if suite != "synthetic":
        if data is None:
            raise UsageError(f"Missing --data. The suite {suite} needs the file of its cases.")
        outside = run.outside_suite(Engine.load(), suite, data, coded)
        if save:
            for path in (run.save_outside(outside), card.write()):
                typer.echo(f"written: {path.name}", err=True)
        print_json(outside) if json else typer.echo(run.outside_tables(outside, every=every))
        return
    known = (*run.PARTS, *run.EXTRA)
    unknown = [name for name in part or () if name not in known]
    if unknown:
        raise UsageError(f"Invalid --part. Got {unknown[0]!r}. Expected one of {', '.join(known)}.")
    result = run.synthetic_suite(Engine.load(), size, lambda text: typer.echo(text, err=True), tuple(part or ()))
    if save:
        for path in (*run.save(result), card.write()):
            typer.echo(f"written: {path.name}", err=True)
    if json:
        print_json(result)
    else:
        typer.echo(run.tables(result))


def simulate(
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.")],
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")] = 1000,
    split: Annotated[str, typer.Option(help="train, tuning or held_out: splits never share a clinic.")] = "held_out",
    clinics: Annotated[int, typer.Option(min=1, help="How many clinics they come from.")] = 30,
    seed: Annotated[int, typer.Option(min=0, max=9999, help="The same seed gives the same bytes.")] = 0,
    setting: SettingOption = Setting.clinic,
    wider: Annotated[bool, typer.Option("--wider", help="Clinics that differ more from the knowledge.")] = False,
) -> None:
    """Write synthetic patients with the truth beside them."""
    from triage.errors import UsageError
    from triage.knowledge import corpus, loader
    from triage.learning.samples import SEEDS
    from triage.world import files
    from triage.world.clinics import ORDINARY, WIDER
    from triage.world.patients import simulate as draw

    if split not in SEEDS:
        raise UsageError(f"Invalid --split. Got {split!r}. Expected one of {', '.join(SEEDS)}.")
    knowledge = loader.load()
    groups = draw(
        knowledge, patients, seed=SEEDS[split] + 10_000 + seed, setting=setting.value, clinics=clinics, shift=WIDER if wider else ORDINARY
    )
    count = files.write(output, files.rows(knowledge, groups, corpus.load().lexicon, split=split, seed=seed))
    typer.echo(f"{count} patients of {clinics} clinics written to {output}", err=True)


def train(
    output: Annotated[Path | None, typer.Option(help="Directory to write to; models/ by default.")] = None,
    patients: Annotated[int, typer.Option(min=4096, help="How many synthetic patients to learn from.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, max=999, help="The same seed gives the same model.")] = 7,
    words_only: Annotated[
        bool, typer.Option("--words-only", help="Only words, cues or advice changed: recompile, keep the model.")
    ] = False,
) -> None:
    """Rebuild knowledge and model from the knowledge files and a seed."""
    from triage import artefact
    from triage.cli.progress import bar
    from triage.learning.train import recompile
    from triage.learning.train import train as build

    if words_only:
        knowledge = recompile(output or artefact.default_directory())
        typer.echo(f"words recompiled; knowledge {knowledge.hash[:12]}", err=True)
        return

    with bar() as progress:
        model = build(output or artefact.default_directory(), patients=patients, seed=seed, progress=progress)
    typer.echo(f"model {model.version}, knowledge {model.knowledge.hash[:12]}", err=True)


def count(
    data: Annotated[Path, typer.Argument(metavar="FILE", help="Visits of NHAMCS 2016-2018 as CSV (may be gzipped).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; the one in knowledge/counts by default.")
    ] = None,
) -> None:
    """Count real emergency visits for the knowledge: shares, ages, mentions and vital signs of each condition."""
    from triage.errors import KnowledgeError, UsageError
    from triage.importers import counting
    from triage.knowledge import corpus

    loaded = corpus.load(counted=False)
    if loaded.problems:
        raise KnowledgeError(loaded.problems)
    document = counting.count(loaded, data)
    path = output or corpus.HERE / "counts" / f"{counting.SOURCE}.toml"
    try:
        path.write_text(counting.as_toml(document, counting.SOURCE), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write the counts {path}: {error.strerror or error}") from error
    typer.echo(f"{document['visits']} visits counted for {len(document['conditions'])} conditions; written: {path.name}", err=True)


def show(identifier: Annotated[str, typer.Argument(metavar="ID", help="A condition, finding, red flag, advice text, or 'loss'.")]) -> None:
    """Print a condition, finding or red flag as a card, with the source of every number."""
    from triage import artefact
    from triage.diagnosis.model import FILE
    from triage.errors import ArtefactError, MissingError, UsageError
    from triage.knowledge import corpus
    from triage.report.cards import card

    try:
        rates = artefact.read(artefact.default_directory() / FILE, "model")[0]["rule_flag_rate"]
    except (ArtefactError, MissingError, KeyError):
        rates = {}  # the knowledge can be looked up without a model
    text = card(corpus.load(), identifier, rates)
    if text is None:
        raise UsageError(f"Nothing is called {identifier!r}. Expected an id; 'triage search WORD' finds them.")
    typer.echo(text)


def search(word: Annotated[str, typer.Argument(help="A word in any language, part of an id, or an ICD-10 code.")]) -> int:
    """Find conditions, findings and red flags by name, wording or code."""
    from triage.knowledge import corpus
    from triage.knowledge.statistics import search as find

    hits = find(corpus.load(), word)
    for kind, identifier, names in hits:
        typer.echo(f"{kind:<10} {identifier:<36} {names}")
    if not hits:
        typer.echo(f"triage: nothing found for {word!r}. Try a shorter word, or an ICD-10 code such as I21.", err=True)
    return 0 if hits else 1


def check(
    data: Annotated[list[Path] | None, typer.Option(help="CSV files of synthetic patients to lint as well. Repeatable.")] = None,
    knowledge: Annotated[Path | None, typer.Option(help="Another directory of knowledge files.")] = None,
    coverage: Annotated[
        Path | None, typer.Option(help="A list of ICD-10 codes (columns code and weight, or one a line): prints how much is covered.")
    ] = None,
) -> int:
    """Check all knowledge files and print the share of numbers by kind of source."""
    from triage.errors import KnowledgeError
    from triage.importers import codes
    from triage.knowledge import corpus, icd10
    from triage.knowledge.lint import problems as objections
    from triage.knowledge.statistics import provenance
    from triage.world.lint import problems as lint

    loaded = corpus.load(knowledge or corpus.HERE)
    must_not_miss = sum(one.must_not_miss for one in loaded.conditions)
    typer.echo(
        f"{len(loaded.conditions)} conditions ({must_not_miss} must-not-miss), {len(loaded.findings)} findings, {len(loaded.red_flags)} red flags"
    )
    tables = provenance(loaded)
    labels = {"all": "all", "must_not_miss": "must-not-miss", "must_not_miss_published": "must-not-miss with a published source"}
    for name, label in labels.items():
        total = sum(tables[name].values()) or 1
        shares = ", ".join(f"{kind} {100 * tables[name][kind] / total:.1f}%" for kind in ("counted", "literature", "estimate"))
        typer.echo(f"numbers, {label}: {sum(tables[name].values())}: {shares}")
    if coverage:
        typer.echo("\n".join(icd10.coverage_table(icd10.coverage(loaded.conditions, codes.read(coverage)))))
    found = lint(data) if data else []
    for text in found:
        typer.echo(f"data: {text}", err=True)
    faults = loaded.problems or tuple(objections(loaded))
    if faults:
        raise KnowledgeError(faults)
    typer.echo("no problems in the knowledge" + ("" if not data else ", " + (f"{len(found)} in the data" if found else "none in the data")))
    return 1 if found else 0


COMMANDS: dict[str, tuple[Callable[..., Any], str]] = {
    "batch": (batch, "batch visits.csv -o answers.csv"),
    "benchmark": (benchmark, "benchmark --size quick --part speed"),
    "simulate": (simulate, "simulate --patients 20 --split held_out -o patients.csv"),
    "train": (train, "train --patients 8192 --output scratch"),
    "count": (count, "count visits.csv.gz -o counts.toml"),
    "show": (show, "show myocardial_infarction"),
    "search": (search, "search chest"),
    "check": (check, "check"),
}
