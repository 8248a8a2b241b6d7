"""Where the numbers come from, in shares; and what a search finds."""

from __future__ import annotations

from collections import Counter

from triage.knowledge.corpus import Corpus
from triage.knowledge.quantities import Number
from triage.records import LANGUAGES

SURVEY = "nhamcs"
COUNTED = 30  # patients a count needs to stand as one


def kind(number: Number) -> str:
    """counted (our own count, n of 30 or more, or the counted survey), literature, or estimate."""
    if number.source == "estimate":
        return "estimate"
    return "counted" if number.n >= COUNTED or number.source.startswith(SURVEY) else "literature"


def provenance(corpus: Corpus) -> dict[str, Counter[str]]:
    """Numbers by kind of source: all, must-not-miss conditions, those of them for which something is published, and each condition by id."""
    critical = {one.id for one in corpus.conditions if one.must_not_miss}
    published = {
        name for name, _, number in corpus.numbers() if number.source != "estimate" and not number.source.startswith(SURVEY)
    } & critical
    tables: dict[str, Counter[str]] = {"all": Counter(), "must_not_miss": Counter(), "must_not_miss_published": Counter()}
    for identifier, _, number in corpus.numbers():
        if identifier in published:
            tables["must_not_miss_published"][kind(number)] += 1
        tables["all"][kind(number)] += 1
        if identifier in critical:
            tables["must_not_miss"][kind(number)] += 1
        tables.setdefault(identifier, Counter())[kind(number)] += 1
    return tables


def search(corpus: Corpus, word: str) -> list[tuple[str, str, str]]:
    """(kind, id, names) of every condition, finding and red flag in which the word occurs: id, name, surface form or ICD-10 code."""
    wanted = word.casefold().strip()
    hits: list[tuple[str, str, str]] = []
    for one in corpus.conditions:
        names = " / ".join(one.names[language] for language in LANGUAGES)
        if any(wanted in text.casefold() for text in (one.id, one.id.replace("_", " "), names)) or any(
            code.casefold().startswith(wanted) for code in one.icd10
        ):
            hits.append(("condition", one.id, names))
    for finding in corpus.findings:
        spoken = [form for language in LANGUAGES for form in corpus.lexicon[language].get(finding.id, [])]
        if any(wanted in text.casefold() for text in (finding.id, finding.id.replace("_", " "), finding.meaning, *spoken)):
            hits.append(("finding", finding.id, " / ".join(corpus.lexicon[language].get(finding.id, [""])[0] for language in LANGUAGES)))
    for identifier, rule in corpus.red_flags.items():
        names = " / ".join(rule["names"].values())
        if wanted in identifier.replace("_", " ") or wanted in names.casefold():
            hits.append(("red flag", identifier, names))
    return hits
