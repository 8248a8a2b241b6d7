"""What was understood of a text, with its spans."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from triage.knowledge.loader import Knowledge
from triage.records import Reading
from triage.report.words import Words


def render(knowledge: Knowledge, reading: Reading, text: str) -> str:
    """Findings, values and unread parts as lines of text."""
    words = Words(knowledge, reading.language)
    lines = [
        f"{mention.start:>4}-{mention.end:<4} {mention.status:<12} {mention.finding}  {words.name(mention.finding)}"
        + (f"  ({mention.text!r} read as {mention.correction!r})" if mention.correction else f"  {mention.text!r}")
        for mention in reading.mentions
    ]
    lines += [f"{value.start:>4}-{value.end:<4} {'value':<12} {value.name} = {value.value}  {value.text!r}" for value in reading.values]
    lines += [f"{start:>4}-{end:<4} {'not read':<12} {text[start:end]!r}" for start, end in reading.unread]
    lines += [f"* {problem}" for problem in reading.problems]
    return "\n".join(lines or ["nothing was understood"]) + "\n"


def document(reading: Reading) -> dict[str, Any]:
    """The reading as a JSON document."""
    return {"schema": 1, **asdict(reading)}
