"""What a reviewer would object to although every file is well formed: `triage check` reports it, the tests allow none of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.corpus import Corpus, file_of, finding_tables
from triage.knowledge.counts import mean_frequency, state_shares
from triage.knowledge.icd10 import home_blocks, plain
from triage.knowledge.schema import Condition, applies
from triage.records import AGE_BANDS, LANGUAGES

ALIKE = 6  # findings that share one number from which a file looks as if nobody had thought about them
APART = 1.0  # nats of Jeffreys divergence (Kullback-Leibler both ways) over all findings below which two conditions cannot be told apart
SEPARATES = 1.5  # ratio of odds from which a finding separates two conditions at all

Profiles = NDArray[np.float64]


def problems(corpus: Corpus) -> list[str]:
    """Every objection with its place."""
    profiles = _profiles(corpus)
    return [
        *_orphans(corpus),
        *_duplicates(corpus),
        *_unprotected(corpus),
        *_impossible(corpus),
        *_alike(corpus),
        *_indistinguishable(corpus, profiles),
        *_empty_discriminators(corpus, profiles),
    ]


def _named(one: Condition) -> set[str]:
    """Findings that a condition file names anywhere."""
    return {name for _, table in finding_tables(one) for name in table}


def _orphans(corpus: Corpus) -> Iterator[str]:
    """Findings and sources that nothing uses."""
    used = {name for one in corpus.conditions for name in _named(one)}
    for rule in corpus.red_flags.values():
        used |= {*rule.get("all", ()), *(name for group in rule.get("any", ()) for name in group)}
    for profile in corpus.latents["comorbid"]:
        used |= set(profile.get("adds", {}))
    for finding in corpus.findings:
        if finding.id not in used:
            yield f"findings: {finding.id}: no condition and no red flag uses it"
    sources = {number.source for _, _, number in corpus.numbers()} | {one.age_source for one in corpus.conditions}
    sources |= {name for one in corpus.conditions for part in one.presentations for name in part.share_sources}
    sources |= {str(rule.get("source", "")) for rule in corpus.red_flags.values()}
    reviews = " ".join(one.review for one in corpus.conditions)
    for name in corpus.sources:
        if name not in sources and name not in reviews:
            yield f"sources: {name}: no number cites it"


def _duplicates(corpus: Corpus) -> Iterator[str]:
    """Codes that two conditions call their own, names and meanings that stand twice, own codes that lie in several blocks."""
    owners: dict[str, str] = {}
    for one in corpus.conditions:
        for code in one.icd10:
            if plain(code)[:1] == "R" or plain(code)[:1] in "VWXYZU":
                continue  # symptoms and reasons for contact may belong to a child's and an adult's condition
            owner = owners.setdefault(plain(code), one.id)
            if owner != one.id and plain(code) not in SHARED_CODES:
                yield f"{file_of(one)}: icd10: {code} is also a code of {owner}"
        blocks = home_blocks(one)
        if len(blocks) > 1:
            yield f"{file_of(one)}: icd10: codes of several blocks ({', '.join(sorted(blocks))}). Expected one block; the others go to icd10_also"
    for language in LANGUAGES:
        names = Counter(one.names[language].casefold() for one in corpus.conditions)
        for name, count in names.items():
            if count > 1:
                yield f"conditions: {count} of them are called {name!r} in {language}"
    # A refinement's meaning is read after its parent's.
    for meaning, count in Counter((finding.parent, finding.meaning) for finding in corpus.findings).items():
        if count > 1:
            yield f"findings: {count} of them mean {meaning[1]!r}"


SHARED_CODES = {"B34"}  # one code of adults and of children, which are two conditions


def _unprotected(corpus: Corpus) -> Iterator[str]:
    protected = {name for rule in corpus.red_flags.values() for name in rule.get("for", ())}
    for one in corpus.conditions:
        if one.must_not_miss and one.id not in protected:
            yield f"{file_of(one)}: must not be missed, but no red flag protects it"


def _impossible(corpus: Corpus) -> Iterator[str]:
    """Findings that cannot occur in anyone who has the condition; a mild state that must not be missed at all."""
    by_id = {finding.id: np.array(applies(finding)) for finding in corpus.findings}
    for one in corpus.conditions:
        women = one.female.value
        people = np.outer(np.array(one.age) > 0, [women > 0, women < 1])
        for name in sorted(_named(one)):
            if name in by_id and not (by_id[name] & people).any():
                yield f"{file_of(one)}: {name}: cannot occur in anyone who has the condition (sex or age)"
        if one.must_not_miss and min(part.acuity for part in one.severities) > one.at_least:
            yield f"{file_of(one)}: at_least {one.at_least}, but no severity is as urgent as that"
        if len(one.age) == len(AGE_BANDS) and sum(one.age) <= 0:
            yield f"{file_of(one)}: prevalence.age: nobody has it"


def _alike(corpus: Corpus) -> Iterator[str]:
    for one in corpus.conditions:
        guesses = [number.value for number in one.findings.values() if number.source == "estimate"]
        value, count = Counter(guesses).most_common(1)[0] if guesses else (0.0, 0)
        if count >= ALIKE and count > len(guesses) / 2:
            yield f"{file_of(one)}: {count} of {len(guesses)} estimates are {value:g}. Expected numbers that were thought about one by one"


def _profiles(corpus: Corpus) -> Profiles:
    """Mean frequency [C, F] of each finding in each condition; a refinement's is multiplied by its parent's."""
    index = {finding.id: f for f, finding in enumerate(corpus.findings)}
    table = np.array([[finding.background for finding in corpus.findings]] * len(corpus.conditions))
    for c, one in enumerate(corpus.conditions):
        states = state_shares(one)
        for name in _named(one):
            table[c, index[name]] = mean_frequency(one, corpus.findings[index[name]], states=states)
    for f, finding in enumerate(corpus.findings):
        if finding.parent:
            table[:, f] *= table[:, index[finding.parent]]
    return table.clip(1e-6, 1 - 1e-6)


def _indistinguishable(corpus: Corpus, p: Profiles) -> Iterator[str]:
    logit = np.log(p / (1 - p))
    cross = p @ logit.T
    own = np.diag(cross)
    divergence = own[:, None] + own[None, :] - cross - cross.T
    ages = np.array([one.age for one in corpus.conditions], dtype=float)
    ages /= np.linalg.norm(ages, axis=1, keepdims=True) + 1e-12
    women = np.array([one.female.value for one in corpus.conditions])
    same = (ages @ ages.T > 0.5) & (np.abs(women[:, None] - women[None, :]) < 0.5)
    for a, b in np.argwhere(np.triu((divergence < APART) & same, k=1)):
        yield (f"{file_of(corpus.conditions[a])}: cannot be told from {corpus.conditions[b].id}: their findings differ by only "
               f"{divergence[a, b]:.2f} nats. Expected at least {APART:g}")  # fmt: skip


def _empty_discriminators(corpus: Corpus, p: Profiles) -> Iterator[str]:
    """Findings said to separate two conditions although they are as frequent in one as in the other."""
    by_id = {one.id: c for c, one in enumerate(corpus.conditions)}
    index = {finding.id: f for f, finding in enumerate(corpus.findings)}
    odds = p / (1 - p)
    for one in corpus.conditions:
        for each in one.confused_with:
            if each.condition not in by_id:
                continue
            for name in each.findings:
                ratio = odds[by_id[one.id], index[name]] / odds[by_id[each.condition], index[name]]
                if 1 / SEPARATES < ratio < SEPARATES:
                    yield (f"{file_of(one)}: confused_with {each.condition}: {name} does not separate them "
                           f"(odds ratio {ratio:.2f}). Give it numbers that do, or name another")  # fmt: skip
