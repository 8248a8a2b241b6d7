"""Free text in English, Chinese and Korean as findings, values, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage.knowledge.forms import LATIN, Normal, normalise, stem
from triage.reading.context import Context
from triage.reading.durations import find_durations, framing
from triage.reading.items import COMMA, CUE, MENTION, STOP, WORD, Builder, Item
from triage.reading.matcher import Match, Matcher, Token, select, tokenise
from triage.reading.numbers import Found, find_numbers
from triage.reading.people import mark_signs, mark_times, relative_of_patient
from triage.reading.spelling import SHORTEST, Speller
from triage.reading.unread import unread_spans
from triage.records import Mention, Reading, Value

# Kinds of findings that stay true when they are past: "history of asthma", "had an operation last month".
LASTING = frozenset(("history", "medication", "exposure", "context", "reason"))
_MONTH, _YEAR = 720.0, 8766.0


class Reader:
    """Reads complaints with the tables of `forms.build_tables`.

    `parents` maps a finding to the one it refines, `kinds` a finding to its kind.
    """

    def __init__(
        self,
        tables: Mapping[str, Any],
        parents: Mapping[str, str],
        kinds: Mapping[str, str] | None = None,
    ) -> None:
        self.findings: list[str] = tables["findings"]
        self._kinds = [(kinds or {}).get(finding, _kind_by_name(finding)) for finding in self.findings]
        number = {finding: index for index, finding in enumerate(self.findings)}
        self._parent = [number.get(parents.get(finding, ""), -1) for finding in self.findings]
        self._lasting = frozenset(target for target in range(0, 2 * len(self.findings)) if self._kinds[target // 2] in LASTING)
        self.matcher = Matcher(tables["forms"], tables["latin_first"])
        self._builder = Builder(tables["words"], tables["cues"])
        self._speller = Speller(tables["vocabulary"].split(), frozenset(tables["words"]["en"]), self.matcher.follows)

    def read(self, text: str) -> Reading:
        """What a text says; total: any string gives a reading."""
        normal = normalise(text)
        plain = normal.text
        tokens = tokenise(plain)
        original = text if normal.starts is None else "".join(text[start] for start in normal.starts)
        values, number_spans, problems = find_numbers(plain, original)
        durations = find_durations(plain, number_spans)
        spans = [*((start, end, "number") for start, end in number_spans), *((start, end, "duration") for _, start, end in durations)]
        spans.extend((start, end, name) for name, _, start, end in values)
        items = self._items(plain, tokens, spans)
        corrections: dict[int, str] = {}
        corrected = self._corrected(plain, tokens, items, corrections)
        if corrected is not None:
            items = self._items(plain, corrected, spans)
        mark_signs(plain, items)
        Context(items, self._lasting).run()
        relative = relative_of_patient(items, self._is_symptom)
        past = mark_times(items)
        if relative is None and any(item.other for item in items):
            values = [value for value in values if value[0] != "age" or not _of_relative(items, value[2])]
        if relative is not None and not any(value[0] == "sex" for value in values):
            sex = next((row["sex"] for row in relative.rows if "sex" in row), None)
            if sex is not None:
                values.append(("sex", sex, relative.start, relative.end))
        mentions = self._mentions(items)
        self._pregnancy(values, mentions)
        onset = self._onset(plain, durations, items, past)
        if onset is not None:
            values.append(onset)
        return Reading(
            language=language(plain),
            mentions=tuple(
                self._mention(text, normal, one, corrections) for one in sorted(mentions, key=lambda one: (one[2], one[3], one[0]))
            ),
            values=tuple(_value(text, normal, value) for value in sorted(values, key=lambda value: (value[2], value[0]))),
            unread=tuple(normal.span(start, end) for start, end in unread_spans(items, spans, plain)),
            problems=tuple(problems),
        )

    # -------------------------------------------------------------------------------------------------------- matching

    def _items(self, plain: str, tokens: Sequence[Token], spans: Sequence[tuple[int, int, str]]) -> list[Item]:
        matches = self.matcher.find(plain, tokens)
        chosen = self._choose(matches, len(plain))
        return self._builder.build(plain, tokens, chosen, spans)

    def _choose(self, matches: list[Match], length: int) -> list[Match]:
        """The longest matches; bare attributes take part only where their parent, or another of its refinements, is mentioned."""
        bare = [match for match in matches if any(target >= 0 and target & 1 for target in match.targets)]
        if not bare:
            return select(matches, length)
        full = [match for match in matches if match.targets[0] < 0 or any(not target & 1 for target in match.targets)]
        families = {
            self._family(target // 2) for match in select(full, length) for target in match.targets if target >= 0 and not target & 1
        }
        symptom = any(self._kinds[family] not in LASTING for family in families)
        allowed = [match for match in matches if match.targets[0] < 0]
        for match in matches:
            targets = tuple(
                target
                for target in match.targets
                if target >= 0 and (not target & 1 or (symptom if self._parent[target // 2] < 0 else self._parent[target // 2] in families))
            )
            if targets:
                allowed.append(match._replace(targets=targets))
        return select(allowed, length)

    def _family(self, finding: int) -> int:
        """The finding's outermost parent."""
        for _ in range(4):
            if self._parent[finding] < 0:
                break
            finding = self._parent[finding]
        return finding

    def _is_symptom(self, item: Item) -> bool:
        return any(self._kinds[target // 2] not in LASTING for target in item.targets)

    def _corrected(self, plain: str, tokens: Sequence[Token], items: Sequence[Item], corrections: dict[int, str]) -> list[Token] | None:
        """The tokens with misspelt words put right, or None; `corrections` gets start -> corrected word."""
        suspects = {item.start for item in items if item.kind == WORD and item.word == "content" and item.end - item.start >= SHORTEST}
        if not suspects:
            return None
        result: list[Token] = []
        for token in tokens:
            correction = self._speller.correct(plain[token.start : token.end]) if token.kind == LATIN and token.start in suspects else ""
            if not correction:
                result.append(token)
                continue
            corrections[token.start] = correction
            first, _, second = correction.partition(" ")
            middle = token.start + len(first) if second else token.end
            result.append(Token(LATIN, token.start, middle, stem(first)))
            if second:
                result.append(Token(LATIN, middle, token.end, stem(second)))
        return result if corrections else None

    # -------------------------------------------------------------------------------------------------------- mentions

    def _mentions(self, items: Sequence[Item]) -> list[tuple[int, str, int, int]]:
        """(finding, status, start, end) of every finding said; bare attributes take the status of their parent."""
        full: list[tuple[int, str, int, int]] = []
        bare: list[tuple[int, str, int, int]] = []
        for item in items:
            if item.kind == MENTION:
                for target in dict.fromkeys(item.targets):
                    one = (target // 2, self._status(item, target), item.start, item.end)
                    (bare if target & 1 else full).append(one)
        if not bare:
            return full
        spoken = [
            (self._family(finding), status, start)
            for finding, status, start, _ in full
            if status != "absent" and self._kinds[finding] not in LASTING
        ]
        for finding, status, start, end in bare[:256]:
            family = self._family(finding) if self._parent[finding] >= 0 else -1
            near = [
                (abs(start - other), other_status) for other_family, other_status, other in spoken[:256] if family in (-1, other_family)
            ]
            if near:
                full.append((finding, min(near)[1] if status == "present" else status, start, end))
        return full

    def _status(self, item: Item, target: int) -> str:
        lasting = target in self._lasting
        if item.other:
            return "other_person"
        if item.hypothetical:
            return "hypothetical"
        if item.negated and not item.affirmed:
            return "absent"
        if item.uncertain:
            return "uncertain"
        return "past" if (item.past or item.resolved) and not lasting else "present"

    def _pregnancy(self, values: Sequence[Found], mentions: list[tuple[int, str, int, int]]) -> None:
        """Weeks of pregnancy say that she is pregnant."""
        for name, _, start, end in values:
            if name == "pregnancy_weeks" and "pregnant" in self.findings:
                pregnant = self.findings.index("pregnant")
                if not any(self._family(finding) == pregnant and finding == pregnant for finding, *_ in mentions):
                    mentions.append((pregnant, "present", start, end))

    def _mention(self, text: str, normal: Normal, one: tuple[int, str, int, int], corrections: Mapping[int, str]) -> Mention:
        finding, status, start, end = one
        first, last = normal.span(start, end)
        correction = " ".join(word for position, word in sorted(corrections.items()) if start <= position < end) if corrections else ""
        return Mention(self.findings[finding], status, first, last, text[first:last], correction)

    # ---------------------------------------------------------------------------------------------------------- onset

    def _onset(
        self, plain: str, durations: Sequence[tuple[float, int, int]], items: Sequence[Item], past: Sequence[tuple[int, int]]
    ) -> Found | None:
        """The shortest duration said of a complaint that is there now: the newest complaint sets the clock."""
        if not durations:
            return None
        best: tuple[bool, bool, float, int, int] | None = None
        for (hours, start, end), subject in zip(durations, _subjects(items, durations), strict=True):
            if any(first <= start < last for first, last in past[:64]):
                continue
            if subject is not None and (subject.negated or subject.past or subject.other or subject.resolved or subject.hypothetical):
                continue
            if hours > _YEAR if subject is None else (hours > _MONTH and not self._is_symptom(subject)):
                continue
            one = (*framing(plain, start, end), hours, start, end)
            if best is None or one < best:
                best = one
        return None if best is None else ("onset_hours", round(best[2], 4), best[3], best[4])


def _subjects(items: Sequence[Item], durations: Sequence[tuple[float, int, int]]) -> list[Item | None]:
    """For each duration the finding before it in its clause, else the one after it."""
    subjects: list[Item | None] = []
    index, before = 0, None
    for _, start, _ in durations:
        while index < len(items) and items[index].end <= start:
            item = items[index]
            before = item if item.kind == MENTION else None if item.kind in (COMMA, STOP) else before
            index += 1
        after = None
        if before is None:
            for item in items[index : index + 20]:
                if item.kind == STOP:
                    break
                if item.kind == MENTION:
                    after = item
                    break
        subjects.append(before or after)
    return subjects


def _of_relative(items: Sequence[Item], start: int) -> bool:
    """True if the value at `start` stands right after a relative: "my father, 70, had a stroke"."""
    index = next((index for index, item in enumerate(items) if item.start == start), 0)
    before = [item for item in items[max(0, index - 2) : index] if item.kind != COMMA]
    return bool(before) and any(row["category"] == "relative" for row in before[-1].rows)


def _value(text: str, normal: Normal, value: Found) -> Value:
    name, content, start, end = value
    first, last = normal.span(start, end)
    return Value(name, content, first, last, text[first:last])


def _kind_by_name(finding: str) -> str:
    """The kind of a finding when none is given."""
    return "history" if finding.startswith("history_") else "reason" if finding.startswith("reason_") else "symptom"


def language(plain: str) -> str:
    """The language of a normalised text: Hangul is Korean, else Han is Chinese, else English."""
    if plain.isascii():
        return "en"
    if any("가" <= character <= "힣" for character in plain):
        return "ko"
    return "zh" if any("\u3400" <= character <= "\u9fff" for character in plain) else "en"


__all__ = ["CUE", "LASTING", "Reader", "language"]
