"""Complaints of synthetic patients in English, Chinese and Korean, put together from the surface forms of what they volunteered.

Deliberately plain: enough to test that reading gives back the codes, not an imitation of how people talk; real wording is in `tests/`.
"""

from __future__ import annotations

import numpy as np

from triage.knowledge.loader import Knowledge
from triage.world.patients import Patients

JOIN = {"en": ", ", "zh": "，", "ko": ", "}


def forms(lexicon: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """The forms that can stand alone in a text, by language and finding; bare attributes (`~`) cannot."""
    return {
        language: {finding: [form for form in entries if not form.startswith("~")] for finding, entries in table.items()}
        for language, table in lexicon.items()
    }


def complaints(
    knowledge: Knowledge, patients: Patients, lexicon: dict[str, dict[str, list[str]]], language: str, rng: np.random.Generator
) -> list[str]:
    """One complaint for each patient: a form of every volunteered finding, refinements with the finding they refine."""
    usable = forms(lexicon)[language]
    names = knowledge.findings
    texts = []
    for i in range(len(patients)):
        found = np.flatnonzero(patients.volunteered[i])
        refined = {int(knowledge.parent[f]) for f in found if knowledge.parent[f] >= 0 and usable.get(names[f])}
        parts = []
        for f in rng.permutation(found):
            options = usable.get(names[f], [])
            if options and int(f) not in refined:
                # The name is used half of the time, as most records do; other forms share the rest.
                parts.append(options[0] if rng.random() < 0.5 else options[int(rng.integers(len(options)))])
        texts.append(JOIN[language].join(parts).replace(" ", "" if language == "zh" else " "))
    return texts
