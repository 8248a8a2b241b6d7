"""The only place where evidence, urgency and diagnosis meet: visits in, assessments out; one patient is an array of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage import __version__
from triage.diagnosis import explain
from triage.diagnosis import model as diagnosis
from triage.diagnosis.model import Model
from triage.errors import UsageError
from triage.evidence import Prepared, prepare
from triage.knowledge.loader import Knowledge
from triage.reading import Reader
from triage.records import SETTINGS, VITALS, Acuity, Assessment, Candidate, Flag, Listed, Visit
from triage.urgency import decision, redflags, scores

Floats = NDArray[np.float64]
DIFFERENTIAL = 5
MOST_ACTIONS = 6
NEAR = 0.25  # first actions follow listed conditions at least this share as probable as the first
TRANSFERS = {"transfer_now", "ecg_now_or_transfer", "stroke_centre_now", "surgeon_now", "urgent_testis_surgery"}
WORTH_ACTING = 0.02  # a listed condition less probable than this, without a red flag, gives no first actions to a same-day patient
PLAIN = 0.4  # a harmless explanation this probable gives the first actions of a same-day patient
FOR_THOSE_WHO_STAY = ("observe_and_return", "symptom_relief", "fluids_rest")
NOT_ASKED_FOR = ("pain_score", "onset_hours", "diastolic_bp")  # their absence is not reported as a missing measurement


@dataclass(frozen=True, slots=True)
class Scored:
    """N prepared visits with everything the answer needs, as arrays."""

    prepared: Prepared
    setting: str
    states: Floats  # [N, S]
    conditions: Floats  # [N, C]
    serious: Floats  # [N, C]
    syndromes: Mapping[str, Floats]
    fired: NDArray[np.bool_]  # [N, rules]
    news2: scores.News2
    acuity: NDArray[np.int8]
    p_emergency: Floats


class Engine:
    """Answers visits with one model; holds no state between visits."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.knowledge: Knowledge = model.knowledge
        self._rule_acuity = redflags.acuities(self.knowledge)
        self._syndromes = {name: self.knowledge.syndrome_states(name) for name in self.knowledge.syndromes()}

    @classmethod
    def load(cls, directory: Path | None = None) -> Engine:
        """An engine with the model of a directory (default: the shipped one)."""
        return cls(diagnosis.load(directory))

    @property
    def version(self) -> str:
        """The model's version."""
        return self.model.version

    @cached_property
    def reader(self) -> Reader:
        """The reader of free text."""
        knowledge = self.knowledge
        parents = {
            name: knowledge.findings[int(parent)] for name, parent in zip(knowledge.findings, knowledge.parent, strict=True) if parent >= 0
        }
        kinds = dict(zip(knowledge.findings, knowledge.manifest["kinds"], strict=True))
        return Reader(knowledge.manifest["reading"], parents, kinds=kinds)

    @cached_property
    def finding_names(self) -> dict[str, str]:
        """Ids and names in every language, casefolded, to finding ids."""
        names: dict[str, str] = {}
        for finding in self.knowledge.findings:
            for name in (finding, finding.replace("_", " "), *self.knowledge.manifest["names"][finding].values()):
                names.setdefault(name.casefold(), finding)
        return names

    def score(self, visits: Sequence[Visit], setting: str) -> Scored:
        """Evidence, posterior, rules and acuity of each visit, as arrays."""
        if setting not in SETTINGS:
            raise UsageError(f"Invalid setting. Got {setting!r}. Expected one of {', '.join(SETTINGS)}.")
        with_text = any(visit.complaint.strip() for visit in visits)
        prepared = prepare(self.knowledge, self.reader if with_text else None, visits)
        states = self.model.state_posterior(prepared.cases, setting)
        return self.score_prepared(prepared, states, setting, np.array([visit.pregnant is True for visit in visits], dtype=bool))

    def score_prepared(self, prepared: Prepared, states: Floats, setting: str, pregnant: NDArray[np.bool_]) -> Scored:
        """The decision for prepared visits with a given posterior over states."""
        knowledge, given = self.knowledge, prepared.given
        fired = redflags.evaluate(knowledge, given)
        expecting = pregnant | given.present[:, knowledge.finding_index["pregnant"]]
        news2 = scores.news2(given.vitals, given.consciousness, prepared.on_oxygen, given.age, expecting)
        rule = np.where(fired, self._rule_acuity, 5).min(axis=1, initial=5).astype(np.int8)
        serious = decision.serious_posterior(knowledge, states)
        thresholds = {name: self.model.arrays[f"{name}_{setting}"] for name in ("list", "escalate")}
        syndromes = {name: np.asarray((states * mask).sum(axis=1)) for name, mask in self._syndromes.items()}
        acuity = decision.decide(knowledge, states, serious, syndromes, np.minimum(rule, news2.acuity()), thresholds, setting)
        ppv = self.model.arrays[f"rule_ppv_{setting}"].astype(float)
        return Scored(
            prepared=prepared,
            setting=setting,
            states=states,
            conditions=self.model.condition_posterior(states),
            serious=serious,
            syndromes=syndromes,
            fired=fired,
            news2=news2,
            acuity=acuity,
            p_emergency=decision.emergency_probability(states, knowledge, fired, ppv),
        )

    def answer(
        self, visits: Sequence[Visit], setting: str = "clinic", language: str | None = None, explain: bool = False
    ) -> list[Assessment]:
        """One assessment for each visit, in order; `explain` adds the weights of evidence."""
        scored = self.score(visits, setting)
        return [self._assessment(scored, i, language, explain) for i in range(len(visits))]

    def assess(self, visit: Visit, setting: str = "clinic", language: str | None = None) -> Assessment:
        """The explained assessment of one visit."""
        return self.answer([visit], setting, language, explain=True)[0]

    def probabilities(self, visits: Sequence[Visit], setting: str, ids: Sequence[str]) -> list[list[float]]:
        """The posterior of named conditions or syndromes for each visit."""
        self.check_ids(ids)
        scored = self.score(visits, setting)
        columns = [
            scored.syndromes[name] if name in scored.syndromes else scored.conditions[:, self.knowledge.condition_index[name]]
            for name in ids
        ]
        return [[float(column[i]) for column in columns] for i in range(len(visits))]

    def check_ids(self, ids: Sequence[str]) -> None:
        """Raises UsageError for an id that is neither a condition nor a syndrome."""
        known = {*self.knowledge.conditions, *self._syndromes}
        for name in ids:
            if name not in known:
                raise UsageError(
                    f"Invalid condition. Got {name!r}. Expected the id of a condition or syndrome; 'triage search' finds them."
                )

    def _assessment(self, scored: Scored, i: int, language: str | None, explained: bool) -> Assessment:
        prepared, knowledge = scored.prepared, self.knowledge
        reading = prepared.readings[i]
        messages = list(prepared.messages[i])
        if prepared.cases.age_band[i] < 0:
            messages.append("age: not given; averaged over those who visit")
        if prepared.cases.sex[i] < 0:
            messages.append("sex: not given; averaged over those who visit")
        messages.extend(self._pregnancy_note(prepared, i))
        bare = Assessment(
            status="insufficient",
            setting=scored.setting,
            language=language or (reading.language if reading is not None else "en"),
            evidence=prepared.evidence[i],
            unread=reading.unread if reading is not None else (),
            not_measured=tuple(name for name in VITALS if name not in NOT_ASKED_FOR and not _measured(prepared, name, i)),
            messages=tuple(messages),
            versions={"program": __version__, "model": self.model.version, "knowledge": knowledge.hash[:12]},
        )
        if not prepared.enough[i]:
            return bare
        listed = self._listed(scored, i)
        order = np.argsort(-scored.conditions[i], kind="stable")[:DIFFERENTIAL]
        wanted = [
            *order.tolist(),
            *(knowledge.condition_index[item.condition] for item in listed if item.condition in knowledge.condition_index),
        ]
        weights = (
            explain.weights(self.model, prepared.cases.take([i]), prepared.evidence[i], scored.setting, list(dict.fromkeys(wanted)))
            if explained
            else {}
        )
        differential = tuple(Candidate(knowledge.conditions[c], float(scored.conditions[i, c]), weights.get(int(c), ())) for c in order)
        return replace(
            bare,
            status="ok",
            acuity=Acuity(int(scored.acuity[i])),
            p_emergency=float(scored.p_emergency[i]),
            actions=self._actions(scored, i, listed, differential),
            red_flags=self._flags(scored, i),
            must_not_miss=tuple(listed),
            differential=differential,
        )

    def _pregnancy_note(self, prepared: Prepared, i: int) -> list[str]:
        knowledge, age = self.knowledge, prepared.given.age[i]
        pregnant = knowledge.finding_index["pregnant"]
        if prepared.given.sex[i] == 1 or not 12 <= age <= 50 or prepared.cases.codes[i, pregnant] != 0:
            return []
        return ["pregnant: not given; a woman of 12 to 50 could be"]

    def _flags(self, scored: Scored, i: int) -> tuple[Flag, ...]:
        rules = self.knowledge.manifest["red_flags"]
        names = list(rules)
        given = scored.prepared.given
        flags = [
            Flag(
                names[r],
                Acuity(int(self._rule_acuity[r])),
                redflags.reasons(rules[names[r]], given, i, self.knowledge.finding_index),
            )
            for r in np.flatnonzero(scored.fired[i])
        ]
        news2 = scored.news2
        level = int(news2.acuity()[i])
        if level <= 3:
            because = tuple(f"{part}={int(points)}" for part, points in zip(news2.parts, news2.points[i], strict=True) if points > 0)
            flags.append(Flag("news2", Acuity(level), because))
        return tuple(sorted(flags, key=lambda flag: (flag.acuity, flag.id)))

    def _listed(self, scored: Scored, i: int) -> list[Listed]:
        """Must-not-miss conditions in a serious state, and syndromes, that are possible enough or protected by a red flag which fired."""
        knowledge = self.knowledge
        threshold = self.model.arrays[f"list_{scored.setting}"]
        protected = self._protected(scored, i, Acuity.SAME_DAY)
        floor = float(self.model.manifest["protected_floor"])
        items = []
        for c in np.flatnonzero(knowledge.at_least > 0):
            name, p = knowledge.conditions[c], float(scored.serious[i, c])
            if p >= threshold[c] or (name in protected and p >= floor):
                items.append(Listed(name, p, knowledge.manifest["settled_by"][c]))
        for name, entry in knowledge.manifest["decision"]["syndromes"].items():
            p = float(scored.syndromes[name][i]) if name in scored.syndromes else 0.0
            if p >= float(self.model.manifest["syndrome_list"][scored.setting]) or (name in protected and p >= floor):
                items.append(Listed(name, p, entry["settled_by"]))
        return sorted(items, key=lambda item: (-item.probability, item.condition))

    def _actions(self, scored: Scored, i: int, listed: Sequence[Listed], differential: Sequence[Candidate]) -> tuple[str, ...]:
        """What to do first: for the listed conditions when urgent, else for what it most probably is; unsafe combinations are left out."""
        knowledge, advice = self.knowledge, self.knowledge.manifest["advice"]
        manifest = knowledge.manifest
        here = {item.condition for item in listed}
        emergency = scored.acuity[i] <= Acuity.EMERGENT
        guarded = self._protected(scored, i, Acuity.EMERGENT if emergency else Acuity.SAME_DAY)
        flagged = [item for item in listed if item.condition in guarded]
        leading = flagged or [item for item in listed if emergency or item.probability >= WORTH_ACTING]
        near = [item.condition for item in leading if item.probability >= NEAR * leading[0].probability][:3]
        likely = [one.condition for one in differential[:2] if one.probability >= NEAR * differential[0].probability]
        if emergency:
            sources = near
        elif scored.acuity[i] == Acuity.SAME_DAY and near:
            plain = differential[0].probability >= PLAIN and differential[0].condition not in here
            sources = [likely[0], near[0]] if plain else near
        else:
            sources = likely
        lists = [
            manifest["decision"]["syndromes"][name]["first_actions"]
            if name in manifest["decision"]["syndromes"]
            else manifest["first_actions"][knowledge.condition_index[name]]
            for name in sources
        ]
        # First things first, condition by condition; of equal rank, what has a time window goes before what has none.
        ranked = [
            action
            for rank in range(max(map(len, lists), default=0))
            for action in sorted(
                (column[rank] for column in lists if rank < len(column)), key=lambda action: "minutes" not in advice.get(action, {})
            )
        ]
        present = scored.prepared.given.present[i]
        chosen: list[str] = []
        for action in dict.fromkeys(ranked):
            entry = advice.get(action, {})
            unsafe = here & set(entry.get("not_with", ())) or any(
                present[knowledge.finding_index[name]] for name in entry.get("contraindicated_findings", ())
            )
            if not unsafe and not (emergency and action in FOR_THOSE_WHO_STAY):
                chosen.append(action)
        chosen = chosen[:MOST_ACTIONS]
        if emergency and not TRANSFERS & set(chosen):
            chosen = [*chosen[: MOST_ACTIONS - 1], "transfer_now"]
        return tuple(chosen)

    def _protected(self, scored: Scored, i: int, at_most: Acuity) -> set[str]:
        """The conditions that red flags of this acuity or more urgent protect, of those that fired for a visit."""
        rules = list(self.knowledge.manifest["red_flags"].values())
        return {name for r in np.flatnonzero(scored.fired[i]) if rules[r]["acuity"] <= at_most for name in rules[r].get("for", ())}


def _measured(prepared: Prepared, name: str, i: int) -> bool:
    """Whether a vital sign of a visit was measured."""
    return bool(prepared.given.consciousness[i] if name == "consciousness" else not np.isnan(prepared.given.vitals[name][i]))
