"""A condition, finding, red flag or the loss table as a card, with the source of every number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from triage.knowledge.corpus import Corpus
from triage.knowledge.quantities import Number
from triage.knowledge.schema import Condition, Part
from triage.records import AGE_BANDS, LANGUAGES, SETTINGS

FlagRates = Mapping[str, Mapping[str, float]]


def card(corpus: Corpus, identifier: str, flag_rates: FlagRates | None = None) -> str | None:
    """The cards of an id (a condition and a finding may share one), or None if there is nothing of that name.

    `flag_rates` are a model's: how often each red flag fires among the visits of a setting.
    """
    cards = [_condition(corpus, one) for one in corpus.conditions if one.id == identifier]
    cards += [_finding(corpus, identifier) for finding in corpus.findings if finding.id == identifier]
    if identifier in corpus.red_flags:
        cards.append(_red_flag(corpus, identifier, flag_rates or {}))
    if identifier in corpus.advice:
        cards.append(iter([identifier, *(f"  {language}: {corpus.advice[identifier].get(language, '')}" for language in LANGUAGES)]))
    if identifier == "loss":
        cards.append(_loss(corpus))
    return "\n\n".join("\n".join(lines) for lines in cards) or None


def _number(corpus: Corpus, number: Number) -> str:
    """A value with its source; for a count its cases and the estimate that it replaced."""
    if number.source == "estimate":
        return f"{number.value:<8.3g} estimate"
    citation = corpus.sources.get(number.source, {}).get("citation", "")
    count = f" ({number.k} of {number.n}" if number.worth or number.k else f" (n={number.n}" if number.n else ""
    before = f"; wins over the estimate {number.before:g}" if number.n and number.before is not None else ""
    return f"{number.value:<8.3g} {number.source}{count}{before}{')' if count else ''}: {citation}"


def _condition(corpus: Corpus, one: Condition) -> Iterator[str]:
    yield f"{one.id}  ({', '.join(one.icd10) or 'no code'})  " + " / ".join(one.names[language] for language in LANGUAGES)
    if one.must_not_miss:
        yield f"must not miss: at least acuity {one.at_least}; settled by {one.settled_by}; first {', '.join(one.first_actions)}"
    if one.review:
        yield f"note: {one.review}"
    for each in one.confused_with:
        test = f"; settled by {each.test}" if each.test else ""
        yield f"confused with {each.condition}: {', '.join(each.findings) or 'no finding'}{test}"
    for name, reason in one.not_counted.items():
        yield f"not counted: {name}: {reason}"
    for setting in SETTINGS:
        yield f"visits per 10,000, {setting:<10} {_number(corpus, one.rate[setting])}"
    yield f"share of women               {_number(corpus, one.female)}"
    yield f"relative rate by age ({one.age_source}): " + ", ".join(
        f"{band} {rate:g}" for band, rate in zip(AGE_BANDS, one.age, strict=True)
    )
    yield "findings (given the parent is present, where a finding refines another)"
    yield from _numbers(corpus, one.findings, one.vitals)
    for kind, parts in (("severity", one.severities), ("presentation", one.presentations)):
        for part in parts:
            yield from _part(corpus, kind, part)


def _part(corpus: Corpus, kind: str, part: Part) -> Iterator[str]:
    shares = ", ".join(f"{setting} {min(part.share[setting]):.2f}-{max(part.share[setting]):.2f} by age" for setting in SETTINGS)
    acuity = f"; acuity {part.acuity}" if part.acuity else ""
    syndromes = f"; {', '.join(part.syndromes)}" if part.syndromes else ""
    yield f"{kind} {part.id}: share {shares}{acuity}{syndromes}"
    yield from _numbers(corpus, part.findings, part.vitals)


def _numbers(corpus: Corpus, findings: dict[str, Number], vitals: dict[str, tuple[Number, ...]]) -> Iterator[str]:
    for name, number in findings.items():
        yield f"  {name:<32} {_number(corpus, number)}"
    for name, numbers in vitals.items():
        values = ", ".join(f"{number.value:g}" for number in numbers)
        yield f"  {name:<32} {values}  {numbers[0].source}"


def _finding(corpus: Corpus, identifier: str) -> Iterator[str]:
    finding = next(one for one in corpus.findings if one.id == identifier)
    yield f"{finding.id}  ({finding.kind}): {finding.meaning}"
    if finding.parent:
        yield f"refines {finding.parent}" + (f", one of {finding.group}" if finding.group else "")
    yield f"background {finding.background:g}, said unprompted {finding.said:g}, asked {finding.asked:g} (estimates)"
    for language in LANGUAGES:
        yield f"{language}: " + "; ".join(corpus.lexicon[language].get(identifier, []))
    owners = sorted(
        ((one.findings[identifier], one.id) for one in corpus.conditions if identifier in one.findings), key=lambda x: -x[0].value
    )
    for number, owner in owners:
        yield f"  {owner:<36} {_number(corpus, number)}"


def _red_flag(corpus: Corpus, identifier: str, flag_rates: FlagRates) -> Iterator[str]:
    rule: dict[str, Any] = corpus.red_flags[identifier]
    yield f"{identifier}: " + " / ".join(rule["names"][language] for language in LANGUAGES)
    yield f"raises to acuity {rule['acuity']}; protects {', '.join(rule.get('for', [])) or 'nothing in particular'}"
    for key in ("all", "any", "age", "sex", "vitals", "any_vitals", "consciousness", "fires", "near_miss", "false_positives"):
        if key in rule:
            yield f"  {key}: {rule[key]}"
    for setting, rates in flag_rates.items():
        if identifier in rates:
            yield f"  fires in {setting}: {1e4 * rates[identifier]:.1f} of 10,000 synthetic visits"
    source = rule.get("source", "estimate")
    yield f"  source: {source} {corpus.sources.get(source, {}).get('citation', '')}"


def _loss(corpus: Corpus) -> Iterator[str]:
    yield f"Loss of giving an acuity (column) to a patient whose true acuity is the row ({corpus.decision['source']})"
    for setting in SETTINGS:
        yield f"{setting:<12}" + "".join(f"{f'as {k}':>8}" for k in range(1, 6))
        for true, row in enumerate(corpus.decision[setting]["loss"], start=1):
            yield f"  true {true:<5}" + "".join(f"{value:>8g}" for value in row)
