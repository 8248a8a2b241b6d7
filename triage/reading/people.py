"""Whose findings they are, whether they are of now, and what plus and minus signs say of them.

A villager brings his father: "my father has chest pain" is the patient; "chest pain, my father had a heart attack" is not. A
relative is the patient if the first complaint of the text is his and nobody was introduced before him.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from triage.knowledge.forms import listed, stem
from triage.reading.items import COMMA, CUE, MENTION, STOP, VALUE, WORD, Item

_SPEECH = frozenset(
    map(
        stem,
        listed(
            "say said think thought tell told bring brought call report "
            "reports notice noted note worry want send sent made feel state "
            "mention describe deny claim explain concern find found 说 带 送 叫 "
            "让 认为 劝 催 陪 抱来 送来 带来 把 发现"
        ),
    )
)
_BESIDE = frozenset(("by", "with", "from", "to", "and", "和", "跟", "与", "被"))  # "brought by his mother"
_STARTS = frozenset(
    ["start", "started", "begin", "began", "since", "for", "onset", "开始", "起", "出现", "至今", "以来", "시작", "부터", "worse", "worsen"]
)
_DEATH = frozenset(["die", "died", "death", "dead", "passed", "去世", "死", "过世", "病逝", "死于", "死了", "돌아가셨", "사망", "돌아"])


def relative_of_patient(items: Sequence[Item], is_symptom: Callable[[Item], bool]) -> Item | None:
    """The relative who is the patient, if one is; findings that belong to other relatives are marked on the way."""
    extents = _extents(items)
    if not extents:
        return None
    first = next((index for index, item in enumerate(items) if item.kind == MENTION and is_symptom(item)), len(items))
    patient: Item | None = None
    for start, end in extents:
        introduced = any(item.kind == VALUE and item.word in ("age", "sex") for item in items[: min(start, 60)])
        died = any(item.text in _DEATH for item in items[start:end])
        own = any(
            _is(item, "patient") and _speaks(items, index, is_symptom) for index, item in enumerate(items[:200]) if not start <= index < end
        )
        if patient is None and start < first < end and not (introduced or died or own):
            patient = items[start]
        elif patient is None or items[start].text != patient.text:
            _mark_other(items, start, end, is_symptom)
    return patient


def _extents(items: Sequence[Item]) -> list[tuple[int, int]]:
    """The stretches of items that speak of a relative: (index of the cue, end)."""
    extents: list[tuple[int, int]] = []
    start = -1
    for index, item in enumerate(items):
        if start >= 0 and (item.kind == STOP or _is(item, "relative") or (_is(item, "patient") and index > start)):
            extents.append((start, index))
            start = -1
        if _is(item, "relative") and not _only_speaks(items, index) and not _beside(items, index):
            start = index
    if start >= 0:
        extents.append((start, len(items)))
    return extents


def _only_speaks(items: Sequence[Item], index: int) -> bool:
    """True if the relative only says, brings or plays down something."""
    for item in items[index + 1 : index + 3]:
        if item.text in _SPEECH or stem(item.text) in _SPEECH or _is(item, "minimising"):
            return True
        if item.kind != WORD or item.word not in ("filler", "connector", "stop", "positive"):
            return False
    return False


def _beside(items: Sequence[Item], index: int) -> bool:
    """True if the relative only comes along: "brought by his mother"."""
    for item in reversed(items[max(0, index - 3) : index]):
        if item.text in _BESIDE:
            return True
        if item.word not in ("filler", "stop") and not _is(item, "patient"):
            return False
    return False


def _speaks(items: Sequence[Item], index: int, is_symptom: Callable[[Item], bool]) -> bool:
    """True if a first person has a complaint: "my chest hurts", 我胸口疼; not "my father", not "I think"."""
    if index + 1 < len(items) and _is(items[index + 1], "relative"):
        return False
    for item in items[index + 1 : index + 12]:
        if item.kind == MENTION and is_symptom(item):
            return True
        if item.kind == STOP or _is(item, "relative") or item.text in _SPEECH:
            return False
    return False


def _mark_other(items: Sequence[Item], start: int, end: int, is_symptom: Callable[[Item], bool]) -> None:
    """Mark the findings of a relative who is not the patient: up to a comma, and on while only illnesses follow."""
    for index in range(start + 1, end):
        item = items[index]
        if item.kind == COMMA:
            if any(beside.kind == VALUE and beside.word != "duration" for beside in items[index - 1 : index + 2]):
                continue  # "my father, 70, had a stroke"
            following = items[index + 1 : min(end, index + 12)]
            member = next((other for other in following if other.kind in (MENTION, COMMA)), None)
            if member is None or member.kind == COMMA or is_symptom(member) or any(_is(other, "patient") for other in following):
                return
        elif _is(item, "terminator") and item.text not in ("with", "who", "which"):
            return
        elif item.kind == MENTION:
            item.other = True


def _is(item: Item, category: str) -> bool:
    return item.kind == CUE and any(row["category"] == category for row in item.rows)


def mark_times(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Mark the findings that stand nearer to "last year" than to "now"; the stretches (start, end in the text) that are past."""
    past: list[tuple[int, int]] = []
    first = 0
    for index in range(len(items) + 1):
        if index < len(items) and items[index].kind not in (COMMA, STOP) and not _is(items[index], "terminator"):
            continue
        segment = items[first:index]
        if segment and any(_timed(item, "past") for item in segment) and not _has_start(segment):
            _mark_segment(segment)
            past.append((segment[0].start, segment[-1].end))
        first = index if index < len(items) and items[index].text in ("since",) else index + 1
    return past


def _timed(item: Item, category: str) -> bool:
    return item.kind == CUE and any(row["category"] == category and row["direction"] == "both" for row in item.rows)


def _has_start(segment: Sequence[Item]) -> bool:
    """True if something began then: "started 3 months ago", 3개월 전부터."""
    return any(item.text in _STARTS or item.rest.startswith("부터") for item in segment)


def _mark_segment(segment: Sequence[Item]) -> None:
    last_cue, last_past = -1, False
    distance: list[tuple[int, bool]] = []
    for index, item in enumerate(segment):
        if _timed(item, "past") or _timed(item, "current"):
            last_cue, last_past = index, _timed(item, "past")
        distance.append((index - last_cue if last_cue >= 0 else len(segment) + 1, last_past))
    next_cue, next_past = -1, False
    for index in range(len(segment) - 1, -1, -1):
        item = segment[index]
        if _timed(item, "past") or _timed(item, "current"):
            next_cue, next_past = index, _timed(item, "past")
        if item.kind == MENTION:
            after = next_cue - index if next_cue >= 0 else len(segment) + 1
            before, before_past = distance[index]
            if before_past if before <= after else next_past:
                item.past = True


def mark_signs(text: str, items: Sequence[Item]) -> list[tuple[int, int]]:
    """Read "fever (-)", "cough +", "发热（+）" and "+cough -fever"; the stretches of the signs that were read."""
    signs: list[tuple[int, int]] = []
    if "+" not in text and "-" not in text:
        return signs
    prefixes = False
    glued: list[tuple[Item, str, int]] = []
    for item in items:
        if item.kind != MENTION:
            continue
        position = item.end
        while position < len(text) and text[position] in " :" and position - item.end < 3:
            position += 1
        sign = text[position : position + 3]
        if sign in ("(+)", "(-)"):
            _sign(item, sign[1])
            signs.append((position, position + 3))
        elif sign[:1] in ("+", "-") and sign[:1] and _closes(text, position, glued_to=position == item.end):
            while text[position : position + 1] == sign[0] and position - item.end < 6:
                position += 1
            _sign(item, sign[0])
        elif text[item.start - 3 : item.start].strip() in ("(+)", "(-)") or text[max(0, item.start - 4) : item.start].strip() in (
            "(+)",
            "(-)",
        ):
            _sign(item, text[max(0, item.start - 4) : item.start].strip()[1])
        elif item.start and text[item.start - 1] in "+-" and (item.start == 1 or text[item.start - 2] in " ,;\n"):
            glued.append((item, text[item.start - 1], item.start - 1))
            prefixes = prefixes or text[item.start - 1] == "+"
    if prefixes:  # a dash alone may be a bullet; beside a plus it is a minus
        for item, sign, _ in glued:
            _sign(item, sign)
    return signs


def _closes(text: str, position: int, *, glued_to: bool) -> bool:
    """True if a sign after a finding ends its entry: a boundary follows, or it is written onto the finding and a space follows."""
    end = position
    while end < len(text) and text[end] == text[position] and end - position < 3:
        end += 1
    following = text[end : end + 1]
    if following == "" or following in ",;.。、\n)|":
        return True
    return (glued_to and following == " ") or (following == " " and text[end + 1 : end + 2] in ("", ",", ";", "\n"))


def _sign(item: Item, sign: str) -> None:
    item.negated = sign == "-"
    item.affirmed = sign == "+"
