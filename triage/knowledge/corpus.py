"""All knowledge files as one `Corpus`, read with every problem collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triage.errors import KnowledgeError
from triage.knowledge import counts, forms, schema
from triage.knowledge.parsing import Place, is_number, read_toml
from triage.knowledge.quantities import Number
from triage.knowledge.schema import Condition, Finding
from triage.records import LANGUAGES, SETTINGS, Acuity

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Corpus:
    """The knowledge as written: findings in file order, conditions sorted by id with `other` last."""

    findings: tuple[Finding, ...]
    conditions: tuple[Condition, ...]
    lexicon: dict[str, dict[str, list[str]]]
    cues: dict[str, Any]
    red_flags: dict[str, dict[str, Any]]
    advice: dict[str, dict[str, Any]]
    sources: dict[str, dict[str, str]]
    settings: dict[str, Any]
    vitals: dict[str, Any]
    latents: dict[str, Any]
    decision: dict[str, Any]
    problems: tuple[str, ...]

    def numbers(self) -> Iterator[tuple[str, str, Number]]:
        """Every sourced number: (condition id, where in the file, number)."""
        for one in self.conditions:
            for setting in SETTINGS:
                yield one.id, f"prevalence.{setting}", one.rate[setting]
            yield one.id, "prevalence.female", one.female
            yield one.id, "prevalence.age", Number(sum(one.age) / len(one.age), one.age_source)
            for name, number in one.findings.items():
                yield one.id, f"findings.{name}", number
            for vital, numbers in one.vitals.items():
                yield one.id, f"vitals.{vital}", numbers[0]
            for kind, parts in (("severity", one.severities), ("presentation", one.presentations)):
                for part in parts:
                    for name, number in part.findings.items():
                        yield one.id, f"{kind}.{part.id}.findings.{name}", number
                    for vital, numbers in part.vitals.items():
                        yield one.id, f"{kind}.{part.id}.vitals.{vital}", numbers[0]


def _tables(root: Path, pattern: str, problems: list[str], kind: type = dict) -> dict[str, Any]:
    """The tables (or lists) of all files of a folder in one; a key that stands in two files is a problem."""
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for path in sorted(root.glob(pattern)):
        name = str(path.relative_to(root))
        for key, value in read_toml(path, name, problems).items():
            if key in merged:
                problems.append(f"{name}: {key}: already in {origin[key]}")
            elif not isinstance(value, kind):
                problems.append(f"{name}: {key}: expected a {'table' if kind is dict else 'list'}, got {value!r}")
            else:
                merged[key], origin[key] = value, name
    return merged


def load(root: Path = HERE, *, counted: bool = True) -> Corpus:
    """The corpus below `root`, with the counts laid over it unless `counted` is false; its `problems` name every fault with its place."""
    problems: list[str] = []
    findings = tuple(
        schema.finding(name, table, Place(f"findings: {name}", problems))
        for name, table in _tables(root, "findings/*.toml", problems).items()
    )
    conditions = []
    for path in sorted(root.glob("conditions/*/*.toml"), key=lambda path: (path.stem == "other", path.stem)):
        one = schema.condition(path, str(path.relative_to(root)), problems)
        if one is not None:
            conditions.append(one)
    for source, table in (counts.read(root, problems) if counted else {}).items():
        conditions = [counts.overlay(one, table, source, findings) for one in conditions]
    lexicon = {language: _tables(root, f"lexicon/{language}/*.toml", problems, list) for language in LANGUAGES}
    single = {name: read_toml(root / f"{name}.toml", f"{name}.toml", problems) for name in ("settings", "vitals", "latents", "decision")}
    corpus = Corpus(
        findings=findings,
        conditions=tuple(conditions),
        lexicon=lexicon,
        cues=read_toml(root / "lexicon" / "cues.toml", "lexicon/cues.toml", problems),
        red_flags=_tables(root, "red_flags/*.toml", problems),
        advice=_tables(root, "advice/*.toml", problems),
        sources=_tables(root, "sources/*.toml", problems),
        problems=(),
        **single,
    )
    problems.extend(_cross_problems(corpus))
    return Corpus(**{**{name: getattr(corpus, name) for name in Corpus.__slots__}, "problems": tuple(problems)})


def load_valid(root: Path = HERE) -> Corpus:
    """The corpus, or a KnowledgeError that lists every problem."""
    corpus = load(root)
    if corpus.problems:
        raise KnowledgeError(corpus.problems)
    return corpus


def _cross_problems(corpus: Corpus) -> Iterator[str]:
    """What only shows when files are seen together."""
    by_id = {finding.id: finding for finding in corpus.findings}
    for finding in corpus.findings:
        if finding.parent and finding.parent not in by_id:
            yield f"findings: {finding.id}: parent: unknown finding {finding.parent!r}"
        elif finding.parent and by_id[finding.parent].parent:
            yield f"findings: {finding.id}: parent: {finding.parent!r} has a parent itself; one level is allowed"
        if finding.group and not finding.parent:
            yield f"findings: {finding.id}: group: a grouped finding needs a parent"
    for one in corpus.conditions:
        where = file_of(one)
        for part_name, table in finding_tables(one):
            yield from _frequency_problems(f"{where}: {part_name}", table, by_id)
        if one.must_not_miss and one.settled_by == "none_needed":
            yield f"{where}: settled_by: a must-not-miss condition needs the test that settles it"
        if one.must_not_miss and not one.first_actions:
            yield f"{where}: first_actions: a must-not-miss condition needs a first action"
        for name in one.not_counted.keys() - by_id.keys() - {"emergency", "female", "age", "vitals"}:
            yield f"{where}: not_counted: unknown finding {name!r}; allowed besides findings: emergency, female, age, vitals"
        yield from _discriminator_problems(where, one, {other.id for other in corpus.conditions}, set(by_id))
        for action in (*one.first_actions, one.settled_by, *(each.test for each in one.confused_with if each.test)):
            if corpus.advice and action not in corpus.advice:
                yield f"{where}: unknown action or test {action!r}; see advice/"
    for identifier, where, number in corpus.numbers():
        if number.source != "estimate" and number.source not in corpus.sources:
            yield f"{identifier}: {where}: unknown source {number.source!r}; define it in sources/ or write 'estimate'"
    yield from _red_flag_problems(corpus, set(by_id))
    yield from _table_problems(corpus, set(by_id))
    yield from forms.form_problems(corpus.lexicon, set(by_id), corpus.cues)
    for language, words in corpus.lexicon.items():
        for name in words.keys() - by_id.keys():
            yield f"lexicon/{language}: {name}: unknown finding"
        for name in by_id.keys() - words.keys():
            yield f"lexicon/{language}: no form for finding {name!r}"


def _table_problems(corpus: Corpus, findings: set[str]) -> Iterator[str]:
    """What is wrong with the latents, the advice and the loss tables."""
    for profile in corpus.latents.get("comorbid", ()):
        for name in profile.get("adds", {}).keys() - findings:
            yield f"latents.toml: comorbid {profile.get('id')}: adds: unknown finding {name!r}"
    for name, entry in corpus.advice.items():
        conditions = {one.id for one in corpus.conditions}
        for other in set(entry.get("not_with", ())) - conditions - set(corpus.decision.get("syndromes", {})):
            yield f"advice: {name}: not_with: unknown condition {other!r}"
        for other in set(entry.get("contraindicated_findings", ())) - findings:
            yield f"advice: {name}: contraindicated_findings: unknown finding {other!r}"
    for setting in SETTINGS:
        loss = corpus.decision.get(setting, {}).get("loss", [])
        if len(loss) != len(Acuity) or any(len(row) != len(Acuity) for row in loss):
            yield f"decision.toml: {setting}.loss: expected {len(Acuity)} rows of {len(Acuity)} numbers"


RULE_KEYS = (
    "names", "acuity", "all", "any", "age", "sex", "vitals", "any_vitals", "consciousness", "for", "source", "false_positives", "fires", "near_miss",
)  # fmt: skip
RULE_VITALS = ("temperature", "heart_rate", "respiratory_rate", "systolic_bp", "diastolic_bp", "spo2", "glucose")


def _red_flag_problems(corpus: Corpus, findings: set[str]) -> Iterator[str]:
    """What is wrong with the red flags; a rule that cannot be evaluated must never reach a patient."""
    conditions = {one.id for one in corpus.conditions} | set(corpus.decision.get("syndromes", {}))
    for name, rule in corpus.red_flags.items():
        where = f"red_flags: {name}"
        for key in rule.keys() - set(RULE_KEYS):
            yield f"{where}: unknown key {key!r}; allowed: {', '.join(RULE_KEYS)}"
        for key in ("names", "acuity", "source", "fires", "near_miss"):
            if key not in rule:
                yield f"{where}: missing key {key!r}"
        if rule.get("acuity") not in (1, 2, 3):
            yield f"{where}: acuity: expected 1, 2, or 3 for an amber rule, got {rule.get('acuity')!r}"
        if set(rule.get("names", {})) != set(LANGUAGES):
            yield f"{where}: names: expected a name in each of {', '.join(LANGUAGES)}"
        cases = [*rule.get("fires", {}).get("findings", ()), *rule.get("near_miss", {}).get("findings", ())]
        for finding in [*rule.get("all", ()), *(one for group in rule.get("any", ()) for one in group), *cases]:
            if finding not in findings:
                yield f"{where}: unknown finding {finding!r}"
        for condition in rule.get("for", ()):
            if condition not in conditions:
                yield f"{where}: for: unknown condition {condition!r}"
        for test in (*rule.get("vitals", ()), *rule.get("any_vitals", ())):
            if len(test) != 3 or test[0] not in RULE_VITALS or test[1] not in ("<", "<=", ">", ">=") or not is_number(test[2]):
                yield f"{where}: expected [vital sign, < <= > or >=, number], got {test!r}"
        source = rule.get("source", "estimate")
        if source != "estimate" and source not in corpus.sources:
            yield f"{where}: unknown source {source!r}"
        if not any(key in rule for key in ("all", "any", "vitals", "any_vitals", "consciousness")):
            yield f"{where}: fires for everyone"


def _discriminator_problems(where: str, one: Condition, conditions: set[str], findings: set[str]) -> Iterator[str]:
    """What is wrong with the conditions a file says it is confused with."""
    if one.must_not_miss and not 3 <= len(one.confused_with) <= 6:
        yield f"{where}: confused_with: expected three to six conditions for a must-not-miss condition, got {len(one.confused_with)}"
    for each in one.confused_with:
        if each.condition not in conditions or each.condition == one.id:
            yield f"{where}: confused_with: unknown condition {each.condition!r}"
        if not each.findings and not each.test:
            yield f"{where}: confused_with {each.condition}: names neither a finding nor a test that separates"
        for finding in each.findings:
            if finding not in findings:
                yield f"{where}: confused_with {each.condition}: unknown finding {finding!r}"


def file_of(one: Condition) -> str:
    """Where a condition is written, from the root of the knowledge."""
    return f"conditions/{one.system}/{one.id}.toml"


def finding_tables(one: Condition) -> Iterator[tuple[str, dict[str, Number]]]:
    """Every table of findings of a condition, with its name in the file."""
    yield "findings", one.findings
    for part in one.severities:
        yield f"severity.{part.id}.findings", part.findings
    for part in one.presentations:
        yield f"presentation.{part.id}.findings", part.findings


def _frequency_problems(where: str, table: dict[str, Number], by_id: dict[str, Finding]) -> Iterator[str]:
    groups: dict[str, float] = {}
    for name, number in table.items():
        if name not in by_id:
            yield f"{where}.{name}: unknown finding"
        elif by_id[name].group:
            groups[by_id[name].group] = groups.get(by_id[name].group, 0.0) + number.value
    for group, total in groups.items():
        if total > 1.0001:
            yield f"{where}: group {group}: mutually exclusive findings sum to {total:.2f}. Expected at most 1."
