"""What a text says that was not understood: words that are no finding, and numbers that became no value."""

from __future__ import annotations

from collections.abc import Sequence

from triage.knowledge.forms import listed
from triage.reading.items import COMMA, DASH, STOP, WORD, Item

_UNREAD = frozenset(("content", "ordinary"))
# What makes a number a count or a clock time rather than a measurement.
_COUNTED = tuple(listed("minut min hour hr day week month year time pm am 次 天 周 月 年 个 小时 分钟 点 번 회 시 분 일 주 달 년 개"))


def _free_standing(items: Sequence[Item], index: int, plain: str) -> bool:
    """True if a number that became no value stands by itself: no part of a name (b12), no bullet (1.), no count (3 times)."""
    item = items[index]
    before = items[index - 1] if index else None
    after = items[index + 1] if index + 1 < len(items) else None
    if before is not None and before.end == item.start and before.kind == WORD and before.word != "number":
        return False
    if after is None:
        return True
    numbered = items[0].text == "1" or before is None or before.kind in (COMMA, STOP)
    if numbered and len(item.text) <= 2 and plain[item.end : item.end + 1] in (".", ")"):
        return False
    return not (after.kind == WORD and after.start - item.end <= 1 and after.text.startswith(_COUNTED))


def unread_spans(items: Sequence[Item], read: Sequence[tuple[int, int, str]], plain: str) -> list[tuple[int, int]]:
    """The maximal stretches of words that say something the reader did not understand."""
    spans: list[tuple[int, int]] = []
    open_span = False
    known = bytearray(len(plain))  # what was read as a value or a time, even where a finding took its place
    for start, end, _ in read:
        known[start:end] = b"\x01" * (end - start)
    for index, item in enumerate(items):
        content = item.kind == WORD and item.word in _UNREAD and (item.end - item.start > 1 or not item.text.isascii())
        if content or (item.kind == WORD and item.word == "number" and not known[item.start] and _free_standing(items, index, plain)):
            if open_span:
                spans[-1] = (spans[-1][0], item.end)
            else:
                spans.append((item.start, item.end))
            open_span = True
        elif item.kind != DASH:
            open_span = False
    return spans
