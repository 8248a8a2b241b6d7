"""An assessment as text for a tired village doctor at night: the first line is what to do."""

from __future__ import annotations

from collections.abc import Iterator

from triage.knowledge.loader import Knowledge
from triage.records import Acuity, Assessment, Candidate, Evidence
from triage.report.words import Words

SHOWN_WEIGHTS = 6
SMALLEST_WEIGHT = 0.1


def render(knowledge: Knowledge, assessment: Assessment, complaint: str = "") -> str:
    """The whole answer as lines of text, ending with a newline; `complaint` is needed to quote what was not understood."""
    words = Words(knowledge, assessment.language)
    lines = list(_answer(words, assessment) if assessment.status == "ok" else [words.text("insufficient")])
    lines += _details(words, assessment, complaint)
    return "\n".join(lines) + "\n"


def _answer(words: Words, assessment: Assessment) -> Iterator[str]:
    acuity = assessment.acuity or Acuity.RESUSCITATION  # an answer always has one
    first = words.text(f"acuity_{int(acuity)}")
    yield first.upper() if assessment.urgent else first
    for number, action in enumerate(assessment.actions, start=1):
        yield f"  {number}. {words.text(action)}"
    if acuity >= Acuity.SAME_DAY:
        yield f"  {words.text(f'safety_net_{int(acuity)}')}"
    yield ""
    label = words.text("urgent" if assessment.urgent else "not_urgent")
    yield f"{words.text('acuity')} {int(acuity)}/5, {label}; {words.text('p_emergency')} {percent(assessment.p_emergency or 0.0)}"
    for flag in assessment.red_flags:
        because = ", ".join(_because(words, item) for item in flag.because)
        yield f"  ! {words.name(flag.id)}" + (f" ({because})" if because else "")
    if assessment.must_not_miss:
        yield ""
        yield f"{words.text('must_not_miss')}:"
        for item in assessment.must_not_miss:
            yield f"  - {words.name(item.condition)} ({percent(item.probability)}): {words.text(item.settled_by)}"
    yield ""
    yield f"{words.text('differential')}:"
    for candidate in assessment.differential:
        yield f"  {percent(candidate.probability):>6}  {words.name(candidate.condition)}"
    rest = 1 - sum(candidate.probability for candidate in assessment.differential)
    if rest > 0.0005:
        yield f"  {percent(rest):>6}  ({words.text('further_conditions')})"
    shown = [assessment.differential[0]] if assessment.differential else []
    for candidate in shown:
        if candidate.weights:
            yield ""
            yield from _weights(words, candidate)


def _weights(words: Words, candidate: Candidate) -> Iterator[str]:
    yield f"{words.text('why')} {words.name(candidate.condition)} ({words.text('weight_help')}):"
    start, *rest = candidate.weights
    yield f"  {start.weight:+6.2f}  {words.text('starting_point')}"
    ordered = sorted(rest, key=lambda weight: -abs(weight.weight))
    shown = [weight for weight in ordered[:SHOWN_WEIGHTS] if abs(weight.weight) >= SMALLEST_WEIGHT]
    for weight in shown:
        yield f"  {weight.weight:+6.2f}  {describe(words, weight.evidence, weight.status)}"
    left = sum(weight.weight for weight in rest) - sum(weight.weight for weight in shown)
    if len(rest) > len(shown):
        yield f"  {left:+6.2f}  {words.text('all_else')}"
    total = sum(weight.weight for weight in candidate.weights)
    yield f"  {total:+6.2f}  = {percent(candidate.probability)}"


def describe(words: Words, identifier: str, status: str) -> str:
    """One piece of evidence in words: `cough`, `no fever`, `temperature 38-39`."""
    if identifier == "not_mentioned":
        return words.text("not_mentioned")
    if status == "present":
        return words.name(identifier)
    if status == "absent":
        return words.text("absent_finding", finding=words.name(identifier))
    return f"{words.name(identifier)} {status}"


def _because(words: Words, item: str) -> str:
    name, _, points = item.partition("=")
    return f"{words.name(name)} {points}" if points else words.name(name)


def _details(words: Words, assessment: Assessment, complaint: str) -> Iterator[str]:
    yield ""
    counted = [item for item in assessment.evidence if item.source != "implied"]
    yield f"{words.text('based_on', n=len(counted))}: " + ", ".join(_evidence(words, item) for item in counted)
    if assessment.not_measured:
        yield f"{words.text('not_measured')}: " + ", ".join(words.text(f"vital_{name}") for name in assessment.not_measured)
    if assessment.unread:
        quoted = "; ".join(complaint[start:end] for start, end in assessment.unread)
        yield f"{words.text('not_understood')}: {quoted}"
    for message in assessment.messages:
        yield f"* {message}"
    yield words.text("simulated") + (f" {words.text('not_reviewed')}" if words.language != "en" else "")
    yield words.text("versions") + ": " + ", ".join(f"{name} {version}" for name, version in assessment.versions.items())


def _evidence(words: Words, item: Evidence) -> str:
    return describe(words, item.id, item.status)


def percent(p: float) -> str:
    """A probability in percent; never 0 % or 100 %."""
    if p < 0.0005:
        return "<0.1%"
    if p > 0.9995:
        return ">99.9%"
    return f"{100 * p:.1f}%"
