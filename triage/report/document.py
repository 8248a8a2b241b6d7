"""An assessment as a JSON document (`schema` 1): ids, names in the answer's language, first actions with their texts, and offsets."""

from __future__ import annotations

from typing import Any

from triage.knowledge.loader import Knowledge
from triage.records import Assessment
from triage.report.words import Words

SCHEMA = 1


def document(knowledge: Knowledge, assessment: Assessment) -> dict[str, Any]:
    """The assessment as plain dicts and lists; a change of meaning of any key bumps `schema`."""
    words = Words(knowledge, assessment.language)
    return {
        "schema": SCHEMA,
        "simulated": True,
        "status": assessment.status,
        "setting": assessment.setting,
        "language": assessment.language,
        "acuity": None if assessment.acuity is None else int(assessment.acuity),
        "urgent": assessment.urgent,
        "disposition": None if assessment.acuity is None else assessment.acuity.disposition,
        "p_emergency": assessment.p_emergency,
        "actions": [{"id": action, "text": words.text(action)} for action in assessment.actions],
        "red_flags": [{"id": flag.id, "acuity": int(flag.acuity), "because": list(flag.because)} for flag in assessment.red_flags],
        "must_not_miss": [
            {
                "condition": item.condition,
                "name": words.name(item.condition),
                "probability": item.probability,
                "settled_by": item.settled_by,
            }
            for item in assessment.must_not_miss
        ],
        "differential": [
            {
                "condition": one.condition,
                "name": words.name(one.condition),
                "probability": one.probability,
                "weights": [{"evidence": w.evidence, "status": w.status, "weight": w.weight} for w in one.weights],
            }
            for one in assessment.differential
        ],
        "evidence": [
            {"id": item.id, "status": item.status, "source": item.source, "start": item.start, "end": item.end}
            for item in assessment.evidence
        ],
        "unread": [list(span) for span in assessment.unread],
        "not_measured": list(assessment.not_measured),
        "messages": list(assessment.messages),
        "versions": assessment.versions,
    }
