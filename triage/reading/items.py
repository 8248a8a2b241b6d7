"""A text as one row of items: findings, cues, values, punctuation and the words between, each with its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage.knowledge.forms import HAN, HANGUL, LATIN, NUMBER, listed
from triage.reading.matcher import Match, Token

MENTION, CUE, VALUE, COMMA, STOP, COLON, DASH, LIST, WORD = range(9)
_PUNCTUATION = {
    ",": COMMA, "،": COMMA, ".": STOP, "。": STOP, "!": STOP, "?": STOP, ";": STOP, "\n": STOP, "…": STOP, ":": COLON, "-": DASH, "~": DASH,
    "、": LIST, "/": LIST, "&": LIST, "·": LIST, "+": LIST, "|": STOP, "•": STOP, "*": STOP,
}  # fmt: skip
_ABBREVIATIONS = frozenset(("dr", "mr", "mrs", "ms", "pt", "hx", "approx", "vs", "st", "temp", "resp"))
_CONTENT = "content"
# One-syllable Korean stems that any ending may follow.
_KO_VERBS = frozenset(listed("있 없 했 하 해 한 할 합 됐 되 돼 된 됩 났 난 봤 왔 갔 싶 같 먹 심 많 않 아니 생 느 보 말 주 드 들"))
_LONGEST_ZH = 5


class Item:
    """One stretch of the text with what the context pass learns about it."""

    __slots__ = (
        "affirmed",
        "end",
        "hypothetical",
        "kind",
        "negated",
        "other",
        "past",
        "resolved",
        "rest",
        "rows",
        "start",
        "targets",
        "text",
        "uncertain",
        "word",
    )  # fmt: skip

    def __init__(self, kind: int, start: int, end: int, text: str, word: str = "") -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.text = text
        self.word = word  # class of a WORD, name of a VALUE
        self.rest = ""  # Korean: what follows in the same word
        self.targets: tuple[int, ...] = ()
        self.rows: tuple[Mapping[str, Any], ...] = ()
        self.negated = self.affirmed = self.uncertain = self.past = self.resolved = self.hypothetical = self.other = False


def korean_class(words: Mapping[str, str], word: str) -> str:
    """The class of a Korean word by its longest known beginning."""
    found = words.get(word)
    if found is not None:
        return found
    for length in range(len(word) - 1, 0, -1):
        beginning = word[:length]
        found = words.get(beginning)
        if found is not None and len(word) - length <= 4 and (length > 1 or beginning in _KO_VERBS):
            return found
    return "stop" if word[0] in _KO_VERBS and len(word) <= 4 else _CONTENT


def _with_values(text: str, blocks: list[Item], values: Sequence[tuple[int, int, str]]) -> list[Item]:
    """The blocks and the values in order; a value gives way to what overlaps it, but not to a cue inside it ("in the past 2 days")."""
    merged: list[Item] = []
    ordered = sorted(values, key=lambda value: (value[0], -value[1]))
    index, limit = 0, -1
    for start, end, name in ordered:
        while index < len(blocks) and blocks[index].end <= start:
            merged.append(blocks[index])
            limit = max(limit, blocks[index].end)
            index += 1
        inside = index
        while inside < len(blocks) and blocks[inside].kind == CUE and start <= blocks[inside].start and blocks[inside].end <= end:
            inside += 1
        if start >= limit and (inside == len(blocks) or blocks[inside].start >= end):
            merged.append(Item(VALUE, start, end, text[start:end], name))
            index, limit = inside, end
    merged.extend(blocks[index:])
    return merged


class Builder:
    """Makes items of tokens, chosen matches and values."""

    def __init__(self, words: Mapping[str, Mapping[str, str]], cues: Sequence[Mapping[str, Any]]) -> None:
        self._words = words
        self._cues = cues

    def build(self, text: str, tokens: Sequence[Token], chosen: Sequence[Match], values: Sequence[tuple[int, int, str]]) -> list[Item]:
        """The items of a text in order; `values` are (start, end, name) and give way to matches they overlap."""
        blocks = self._blocks(text, chosen, values)
        items: list[Item] = []
        index, count = 0, len(blocks)
        for token in tokens:
            position = token.start
            while position < token.end:
                while index < count and blocks[index].end <= position:
                    index += 1
                block = blocks[index] if index < count else None
                if block is not None and block.start <= position:
                    if not items or items[-1] is not block:
                        items.append(block)
                    position = block.end
                else:
                    cut = token.end if block is None else min(token.end, block.start)
                    self._plain(text, token, position, cut, items)
                    position = cut
        return items

    def _blocks(self, text: str, chosen: Sequence[Match], values: Sequence[tuple[int, int, str]]) -> list[Item]:
        blocks = []
        for match in chosen:
            cue = match.targets[0] < 0
            item = Item(CUE if cue else MENTION, match.start, match.end, text[match.start : match.end])
            if cue:
                item.rows = tuple(self._cues[-1 - target] for target in match.targets if target < 0)
            else:
                item.targets = tuple(target for target in match.targets if target >= 0)
                item.negated = match.negated
            blocks.append(item)
        return _with_values(text, blocks, values) if values else blocks

    def _plain(self, text: str, token: Token, start: int, end: int, items: list[Item]) -> None:
        piece = text[start:end]
        before = items[-1] if items else None
        if token.kind == HANGUL:
            if start > token.start and before is not None and before.end == start and before.kind in (MENTION, CUE, VALUE):
                before.rest = piece
            else:
                items.append(Item(WORD, start, end, piece, korean_class(self._words["ko"], piece)))
        elif token.kind == HAN:
            self._han(piece, start, items)
        elif token.kind == LATIN:
            items.append(Item(WORD, start, end, token.stem, self._words["en"].get(token.stem, _CONTENT)))
        elif token.kind == NUMBER:
            items.append(Item(WORD, start, end, piece, "number"))
        else:
            kind = _PUNCTUATION.get(piece)
            if piece == "." and before is not None and before.end == start and (len(before.text) == 1 or before.text in _ABBREVIATIONS):
                kind = None
            if kind is not None:
                items.append(Item(kind, start, end, piece))
            elif piece.isalnum():
                items.append(Item(WORD, start, end, piece, _CONTENT))

    def _han(self, run: str, offset: int, items: list[Item]) -> None:
        """Han characters as known words, longest first, and unknown stretches."""
        words = self._words["zh"]
        position, length, unknown = 0, len(run), -1
        while position < length:
            for size in range(min(_LONGEST_ZH, length - position), 0, -1):
                found = words.get(run[position : position + size])
                if found is not None:
                    break
            else:
                size, found = 1, None
            if found is None:
                unknown = position if unknown < 0 else unknown
            else:
                if unknown >= 0:
                    items.append(Item(WORD, offset + unknown, offset + position, run[unknown:position], _CONTENT))
                    unknown = -1
                items.append(Item(WORD, offset + position, offset + position + size, run[position : position + size], found))
            position += size
        if unknown >= 0:
            items.append(Item(WORD, offset + unknown, offset + length, run[unknown:], _CONTENT))
