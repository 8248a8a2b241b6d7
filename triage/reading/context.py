"""What the words around a finding make of it: absent, uncertain, past, feared, or somebody else's.

One pass from left to right keeps the open scopes (at most one a category); cues that stand after a finding look back. Every
look ahead or back is bounded by a comma, a sentence end or a constant, so the work grows with the length of the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triage.reading.items import COLON, COMMA, CUE, DASH, LIST, MENTION, STOP, VALUE, WORD, Item

_LOOK = 40  # items looked at ahead or back at most
_FIELD = {
    "negation": "negated", "uncertain": "uncertain", "past": "past", "resolved": "resolved", "hypothetical": "hypothetical",
    "other_person": "other", "affirmed": "affirmed",
}  # fmt: skip
_LIST_PARTICLES = frozenset(("", "와", "과", "하고", "이나", "나", "랑", "이랑", "도", "이며"))
_JOINING = _LIST_PARTICLES - {"", "도"}
_JI = frozenset(("지", "지는", "지도", "지가", "지를", "진", "질"))
_LIGHT = frozenset(("filler", "connector", "between"))
_OPENERS = frozenset(("i", "he", "she", "we", "they"))
_BOUNDARY = frozenset((COMMA, STOP))
_EITHER = frozenset(("or", "nor", "或", "或者"))  # the word before the last member of a negated list


class _Scope:
    """An open cue: what it does, how far it still reaches, how many findings it has met."""

    __slots__ = ("category", "cue", "either", "last", "left", "marked", "row", "seen", "value_seen")

    def __init__(self, cue: Item, row: Mapping[str, Any]) -> None:
        self.cue = cue
        self.row = row
        self.category: str = row["category"]
        self.left: int = row.get("scope", 4)
        self.seen = 0
        self.value_seen = False
        self.either = cue.text in _EITHER  # the next finding is the last member
        self.last = False  # the last member has been met
        self.marked: list[Item] = []


class Context:
    """Sets the fields of the findings in a row of items; `history` tells whether a target is something that is past by nature."""

    def __init__(self, items: list[Item], history: frozenset[int]) -> None:
        self.items = items
        self._history = history
        self._open: dict[str, _Scope] = {}
        self._disarmed = False
        self._sentence_negated: list[Item] = []
        self._question = False
        self._replies = _has_replies(items)

    def run(self) -> None:
        """Walk over all items once."""
        for index, item in enumerate(self.items):
            kind = item.kind
            if kind == MENTION:
                self._mention(index, item)
            elif kind == CUE:
                for row in self._rows(index, item):
                    self._cue(index, item, row)
            elif kind == WORD:
                self._word(item)
            elif kind == VALUE:
                for scope in self._open.values():
                    scope.value_seen = scope.seen > 0
            elif kind == COMMA:
                self._comma(index)
            elif kind == STOP:
                self._stop(index, item)
            elif kind == LIST and item.text == "+":
                self._open.pop("negation", None)

    # ------------------------------------------------------------------------------------------------------ one item

    def _mention(self, index: int, item: Item) -> None:
        for category, scope in list(self._open.items()):
            if scope.seen and self._breaks(index, scope):
                del self._open[category]
                continue
            field = _FIELD[category]
            if not getattr(item, field):
                setattr(item, field, True)
                scope.marked.append(item)
                if category == "negation":
                    self._sentence_negated.append(item)
            scope.seen += 1
            scope.last = scope.either
            scope.left = 3
            if not scope.row.get("list"):
                del self._open[category]

    def _breaks(self, index: int, scope: _Scope) -> bool:
        """True if a later finding of an enumeration is stated by itself: a value stands before it, or right after it."""
        if scope.category != "negation":
            return False
        before = self.items[index - 1]
        joined = before.kind in (LIST, COMMA) or before.word == "connector"
        after = self.items[index + 1] if index + 1 < len(self.items) else None
        return not joined and (scope.value_seen or (after is not None and after.kind == VALUE))

    def _word(self, item: Item) -> None:
        word = item.word
        if word == "question":
            self._question = True
        if item.text in _EITHER:
            for scope in self._open.values():
                scope.either = True
        if word in ("filler", "connector", "between") or not self._open:
            return
        cost = len(item.text) if "\u3400" <= item.text[0] <= "\u9fff" else 1
        for category, scope in list(self._open.items()):
            scope.left -= cost
            if (word == "positive" and category == "negation" and (scope.seen or (item.text in _OPENERS and scope.cue.text == "no"))) or (
                scope.seen and cost and scope.row["language"] == "zh" and word != "stop"
            ):
                scope.left = -1
            if scope.left < 0:
                del self._open[category]

    def _comma(self, index: int) -> None:
        for category, scope in list(self._open.items()):
            if not scope.seen or scope.value_seen or not scope.row.get("list") or not self._list_goes_on(index, scope):
                del self._open[category]

    def _list_goes_on(self, index: int, scope: _Scope) -> bool:
        """True if what follows a comma is one more member of the enumeration."""
        if scope.last and scope.category == "negation":  # "no nausea or vomiting, chest pain": only another "or" goes on
            following = self.items[index + 1] if index + 1 < len(self.items) else None
            return following is not None and following.text in _EITHER
        either = bool(scope.row.get("comma"))
        mentions = 0
        for item in self.items[index + 1 : index + 1 + _LOOK]:
            if item.kind in _BOUNDARY and (either or item.kind == STOP):
                break
            if item.kind == MENTION:
                mentions += 1
                if any(character.isdigit() for character in item.text):  # "no chest pain, cough for 3 weeks"
                    return False
                if category_other(scope) and not all(target in self._history for target in item.targets):
                    return False
            elif item.kind == VALUE or (item.kind == WORD and item.word == "positive"):
                return False
            elif item.kind == CUE:
                categories = {row["category"] for row in item.rows}
                if "negation" in categories or "terminator" in categories:
                    break
                if not categories <= {"current", "past"}:
                    return False
            elif item.kind == WORD and item.text in _EITHER:
                either = True
            elif item.kind == WORD and item.word == "content" and scope.row["language"] == "zh":
                return False
        return either and mentions > 0

    def _stop(self, index: int, item: Item) -> None:
        if item.text == "?" and not self._question and index and self.items[index - 1].kind == MENTION:
            self.items[index - 1].uncertain = True
        self._open.clear()
        self._sentence_negated = []
        self._disarmed = self._question = False

    # ------------------------------------------------------------------------------------------------------- one cue

    def _rows(self, index: int, item: Item) -> Sequence[Mapping[str, Any]]:
        """The rows of a cue that apply: one literal may stand before ("no fever") or after ("fever: no")."""
        if len(item.rows) == 1:
            return item.rows
        after = [row for row in item.rows if row["direction"] == "after"]
        before = [row for row in item.rows if row["direction"] != "after"]
        if not before or not after:
            return after or item.rows[-1:]
        return after if self._answers(index) else before

    def _answers(self, index: int) -> bool:
        """True if a cue that could look either way looks back: a finding stands before it, and nothing it could govern follows."""
        back = index - 1
        if (back >= 0 and self.items[back].kind in (COLON, DASH)) or (back >= 0 and self.items[back].text == "?"):
            back -= 1
            if back >= 0 and self.items[back].kind == MENTION:
                return True
        while (
            back >= 0 and self.items[back].kind == WORD and self.items[back].word in _LIGHT and self.items[back].text not in ("and", "or")
        ):
            back -= 1
        if back < 0 or self.items[back].kind != MENTION:
            return False
        if self._replies:
            return True
        following = self.items[index + 1] if index + 1 < len(self.items) else None
        return following is None or following.kind in _BOUNDARY or _is(following, "terminator")

    def _cue(self, index: int, item: Item, row: Mapping[str, Any]) -> None:
        category, direction = row["category"], row["direction"]
        if category == "terminator":
            self._open.clear()
        elif category == "pseudo":
            self._pseudo(direction)
        elif category == "patient":
            scope = self._open.get("negation")
            if scope is not None and item.text not in ("my", "me") and (scope.seen or scope.cue.text == "no"):
                del self._open["negation"]
        elif direction == "after":
            self._look_back(index, row)
        elif category == "affirmed":
            self._open.pop("negation", None)
        elif category in _FIELD and direction == "before" and not (category == "negation" and self._disarmed):
            self._open[category] = _Scope(item, row)

    def _pseudo(self, direction: str) -> None:
        if direction == "before":
            for item in self._sentence_negated:
                item.negated = False
            self._open.pop("negation", None)
        elif direction == "after":
            self._disarmed = True
        else:
            scope = self._open.get("negation")
            if scope is not None and scope.seen:
                del self._open["negation"]

    def _look_back(self, index: int, row: Mapping[str, Any]) -> None:
        """Mark the finding a cue stands after, and the members of an enumeration that ends in it."""
        category = row["category"]
        if category == "negation" and self._disarmed:
            return
        found = self._before(index, row)
        if found < 0:
            return
        field = _FIELD[category]
        setattr(self.items[found], field, True)
        if category == "affirmed":  # "fever? yes"; but Korean 있 is an ordinary verb: 혹시 열이 있나요
            self.items[found].uncertain &= row["language"] == "ko"
            return
        korean = row["language"] == "ko"
        for _ in range(_LOOK):
            found = self._joined(found, korean)
            if found < 0 or self.items[found].affirmed:
                return
            setattr(self.items[found], field, True)

    def _before(self, index: int, row: Mapping[str, Any]) -> int:
        """The index of the finding before a cue within its reach, or -1."""
        needs, left = row.get("needs", ""), row.get("scope", 2)
        for back in range(index - 1, max(-1, index - 1 - _LOOK), -1):
            item = self.items[back]
            if item.kind == MENTION:
                return back if needs != "ji" or item.rest in _JI else -1
            if needs == "ji" or item.kind in (COMMA, VALUE) or (item.kind == STOP and not (item.text == "?" and back == index - 1)):
                return -1
            if item.kind == WORD and item.word not in _LIGHT:
                left -= len(item.text) if row["language"] == "zh" else 1
                if needs == "between" or left < 0:
                    joined = back > 0 and needs == "between" and self.items[back - 1].kind == MENTION
                    return back - 1 if joined and self.items[back - 1].rest in _JOINING else -1  # 기침과 (unread)은 없어요
            elif item.kind == CUE and not _is(item, "current"):
                return -1
        return -1

    def _joined(self, found: int, korean: bool) -> int:
        """The index of the finding that an enumeration joins to the one at `found`, or -1."""
        back, joined = found - 1, False
        while back >= 0 and found - back < 5:
            item = self.items[back]
            if item.kind == MENTION:
                if korean:
                    joined = item.rest in _LIST_PARTICLES and (joined or item.rest != "")
                return back if joined else -1
            if item.kind == LIST or (item.kind == WORD and item.word == "connector") or (korean and item.kind == COMMA):
                joined = True
            elif not (item.kind == WORD and item.word == "filler"):
                return -1
            back -= 1
        return -1


def category_other(scope: _Scope) -> bool:
    """True for the scope of a family history, which only goes on over illnesses."""
    return scope.category == "other_person"


def _is(item: Item, category: str) -> bool:
    """True if the item is a cue of a category."""
    return item.kind == CUE and any(row["category"] == category for row in item.rows)


def _has_replies(items: Sequence[Item]) -> bool:
    """True if the text answers finding by finding ("cough yes fever no"): then every "no" after a finding is its answer."""
    pairs = zip(items, items[1:], strict=False)  # noqa: RUF007 - itertools is not worth its import here
    return any(first.kind == MENTION and second.kind == CUE and second.text == "yes" for first, second in pairs)
