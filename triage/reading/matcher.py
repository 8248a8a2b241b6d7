"""Forms and cues found in a text, longest first and without overlaps.

English forms are looked up by the stem of their first word, Chinese and Korean ones by their first two characters, so a text
costs a few dictionary look-ups a word whatever the size of the lexicon. Between the pieces of a form fillers may stand, and one
negator ("my chest does not hurt", 头不疼), which makes the finding absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from triage.knowledge.forms import FILLERS, HAN, HANGUL, LATIN, NEGATORS, NUMBER, OTHER, RECORD, TOKEN, UNIT, ZH_FILLERS, stem
from triage.reading.korean import PARTICLES, ends_well, opened_syllable, piece_end, run_end

MOST_GAPS = 4
GLUE = frozenset("-'\"")  # characters that never part the words of an English form


class Token(NamedTuple):
    """A run of one script; `stem` is the English stem, or the text itself."""

    kind: int
    start: int
    end: int
    stem: str


class Match(NamedTuple):
    """A form or cue found; `targets` as in the tables (2·finding + bare, or -1-cue)."""

    score: int
    start: int
    end: int
    targets: tuple[int, ...]
    negated: bool  # a negator stands inside


def tokenise(text: str) -> list[Token]:
    """The tokens of a normalised text."""
    tokens = []
    for found in TOKEN.finditer(text):
        kind = found.lastindex or OTHER
        word = found.group()
        tokens.append(Token(kind, found.start(), found.end(), stem(word) if kind == LATIN else word))
    merged = _merge_not(tokens)
    return tokens if merged is None else merged


def _merge_not(tokens: list[Token]) -> list[Token] | None:
    """The tokens with "can not" and "do not" as the one word a form has, or None if there is nothing to merge."""
    if not any(token.stem == "not" for token in tokens):
        return None
    whole: list[Token] = []
    for token in tokens:
        before = whole[-1].stem if whole else ""
        if token.stem == "not" and before in ("can", "could"):
            whole[-1] = Token(LATIN, whole[-1].start, token.end, "can't")
        elif token.stem == "not" and before in ("do", "doe", "did", "does"):
            whole[-1] = Token(LATIN, whole[-1].start, token.end, "don't")
        else:
            whole.append(token)
    return whole


def _by_first(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Words by their first character, longest first."""
    result: dict[str, list[str]] = {}
    for word in sorted(words, key=lambda word: -len(word)):
        result.setdefault(word[0], []).append(word)
    return {first: tuple(group) for first, group in result.items()}


_ZH_GAP = _by_first(ZH_FILLERS)
_ZH_NEGATOR = _by_first(tuple(NEGATORS["zh"]))
_EN_FILLERS, _EN_NEGATORS = FILLERS["en"], NEGATORS["en"]
_KO_FILLERS, _KO_NEGATORS = FILLERS["ko"], NEGATORS["ko"]


def _starts(table: Mapping[str, tuple[str, ...]], text: str, position: int) -> int:
    """The end of the longest word of a table that stands at a position, or -1."""
    for word in table.get(text[position : position + 1], ()):
        if text.startswith(word, position):
            return position + len(word)
    return -1


class _Node:
    """Where some pieces of a form lead: `targets` if they are a whole form, and the pieces that may follow by stem or first character."""

    __slots__ = ("follow", "letters", "targets", "words")

    def __init__(self, letters: int) -> None:
        self.letters = letters
        self.targets: tuple[int, ...] = ()
        self.words: dict[str, _Node] = {}  # piece -> node
        self.follow: dict[str, list[tuple[str, _Node]]] = {}  # first character of a piece -> (piece, node)


def _tree(bucket: str) -> _Node:
    """The forms of a bucket as a tree of pieces."""
    root = _Node(0)
    for line in bucket.split("|"):
        targets, *pieces = line.split(" ")
        node = root
        for piece in pieces:
            child = node.words.get(piece)
            if child is None:
                child = node.words[piece] = _Node(node.letters + 4 * len(piece))
                node.follow.setdefault(piece[0], []).append((piece, child))
            node = child
        node.targets += tuple(map(int, targets.split(",")))
    return root


MANY = 40  # searches of a bucket in the text cost as much as making a table of all


class Matcher:
    """Finds forms and cues; buckets of the tables become trees when first met. `work` counts places where a piece was looked for."""

    def __init__(self, forms: Mapping[str, str], latin_first: Mapping[str, Sequence[str]]) -> None:
        self._texts = dict(forms)
        self._raw: dict[str, dict[str, str]] = {}  # by language, once more than a few buckets were asked for
        self._searched = 0
        self._trees: dict[str, dict[str, _Node | None]] = {language: {} for language in forms}
        # Chinese and Korean forms that begin with a Latin letter or a digit ("ct复查") are tried where such a token starts.
        self._latin_first = {language: frozenset(keys) for language, keys in latin_first.items()}
        self.work = 0

    def _bucket(self, language: str, key: str) -> _Node | None:
        trees = self._trees[language]
        if key not in trees:
            raw = self._find(language, key)
            if raw is None:
                return None
            trees[key] = _tree(raw)
        return trees[key]

    def _find(self, language: str, key: str) -> str | None:
        """The bucket of a key: searched for in the language's text at first, in a table once that pays."""
        if language in self._raw:
            return self._raw[language].get(key)
        text = self._texts[language]
        self._searched += 1
        if self._searched > MANY:
            self._raw[language] = dict(record.split(UNIT, 1) for record in text.split(RECORD)) if text else {}
            return self._raw[language].get(key)
        start = 0 if text.startswith(key + UNIT) else text.find(RECORD + key + UNIT) + 1
        if start == 0 and not text.startswith(key + UNIT):
            return None
        end = text.find(RECORD, start)
        return text[start + len(key) + 1 : end if end >= 0 else len(text)]

    def follows(self, first: str, second: str) -> bool:
        """True if some English form begins with these two stems."""
        tree = self._bucket("en", first)
        return tree is not None and second in tree.words[first].words

    def find(self, text: str, tokens: Sequence[Token]) -> list[Match]:
        """Every form and cue in the text, overlapping ones too."""
        matches: list[Match] = []
        for index, token in enumerate(tokens):
            kind = token.kind
            if kind == LATIN:
                tree = self._bucket("en", token.stem)
                if tree is not None:
                    self._english(tokens, index, tree.words[token.stem], (token.start, 0, False), matches)
            elif kind == HAN:
                for position in range(token.start, token.end):
                    self._start(text, position, "zh", True, matches)
            elif kind == HANGUL:
                for position in range(token.start, token.end):
                    self._start(text, position, "ko", position == token.start, matches)
            if kind in (LATIN, NUMBER):
                for language, keys in self._latin_first.items():
                    if text[token.start : token.start + 2] in keys or text[token.start] in keys:
                        self._start(text, token.start, language, True, matches)
        return matches

    def _english(self, tokens: Sequence[Token], index: int, node: _Node, so_far: tuple[int, int, bool], matches: list[Match]) -> None:
        """Forms that go on after the token at `index`; `so_far` is (start, fillers passed, negated)."""
        start, gaps, negated = so_far
        if node.targets:
            matches.append(Match(node.letters - gaps - 3 * negated, start, tokens[index].end, node.targets, negated))
        if not node.words:
            return
        for position in range(index + 1, min(len(tokens), index + 2 + MOST_GAPS)):
            self.work += 1
            word = tokens[position].stem
            child = node.words.get(word)
            if child is not None:
                self._english(tokens, position, child, (start, gaps + position - index - 1, negated), matches)
            if word in _EN_NEGATORS and not negated:
                negated = True
            elif word not in _EN_FILLERS and word not in GLUE:
                return

    def _start(self, text: str, start: int, language: str, at_word: bool, matches: list[Match]) -> None:
        """Chinese or Korean forms that start at a position."""
        first, second = text[start : start + 1], text[start + 1 : start + 2]
        keys = [first + second, first] if second.strip() else [first]
        if language == "ko" and second and (opened := opened_syllable(second)):
            keys.append(first + opened)
        for key in keys:
            tree = self._bucket(language, key)
            if tree is None:
                continue
            self.work += 1
            for piece, child in tree.follow[key[0]]:
                if language == "zh":
                    if text.startswith(piece, start):
                        self._chinese(text, start + len(piece), child, (start, 0, False), matches)
                elif at_word or len(piece) > 1:
                    position = piece_end(text, start, piece, len(piece) > 1 or bool(child.targets))
                    if position > 0:
                        self._korean(text, position, child, piece, (start, 0, False, at_word), matches)

    def _chinese(self, text: str, end: int, node: _Node, so_far: tuple[int, int, bool], matches: list[Match]) -> None:
        """Forms that go on after `end`; `so_far` is (start, fillers passed, negated)."""
        start, gaps, negated = so_far
        if node.targets:
            matches.append(Match(node.letters - gaps - 3 * negated, start, end, node.targets, negated))
        if not node.follow:
            return
        position = end
        for skipped in range(MOST_GAPS + 1):
            self.work += 1
            for piece, child in node.follow.get(text[position : position + 1], ()):
                if text.startswith(piece, position):
                    self._chinese(text, position + len(piece), child, (start, gaps + skipped, negated), matches)
            after = -1 if negated else _starts(_ZH_NEGATOR, text, position)
            if after > 0:
                negated = True
                gaps -= 4 * (after - position)  # the match covers the negator
            elif text[position : position + 1] == " ":
                after = position + 1
            else:
                after = _starts(_ZH_GAP, text, position)
            if after < 0:
                return
            position = after

    def _korean(self, text: str, end: int, node: _Node, piece: str, so_far: tuple[int, int, bool, bool], matches: list[Match]) -> None:
        """Forms that go on after `end`, where `piece` ends; `so_far` is (start, fillers passed, negated, begins a word)."""
        start, gaps, negated, at_word = so_far
        run = run_end(text, end)
        rest = text[end:run]
        if (
            node.targets
            and (at_word or (node.letters >= 16 and node.targets[0] >= 0))
            and ends_well(rest, node.letters == 4 and node.targets[0] >= 0)
        ):
            matches.append(Match(node.letters - gaps - 3 * negated, start, end, node.targets, negated))
        if not node.follow:
            return
        # Written without a space, with or without a particle: 가슴통증, 가슴이아파.
        for skip in range(min(2, run - end) + 1):
            if skip == 0 or rest[:skip] in PARTICLES:
                self._korean_next(text, end + skip, node, (start, gaps, negated, at_word), matches)
        if rest and rest not in PARTICLES and (len(piece) < 2 or len(rest) > 3):
            return
        position = run
        for skipped in range(MOST_GAPS):
            while text[position : position + 1] == " " and position - run < 40:
                position += 1
            if position > end + 2 or position > run:
                self._korean_next(text, position, node, (start, gaps + skipped, negated, at_word), matches)
            after = run_end(text, position)
            word = text[position:after]
            if word in _KO_NEGATORS and not negated:
                negated = word == "안"
            elif word not in _KO_FILLERS:
                return
            position = after

    def _korean_next(self, text: str, position: int, node: _Node, so_far: tuple[int, int, bool, bool], matches: list[Match]) -> None:
        """Follow every piece that stands at a position."""
        self.work += 1
        character = text[position : position + 1]
        if not character:
            return
        candidates = node.follow.get(character, ())
        if opened := opened_syllable(character):
            candidates = (*candidates, *node.follow.get(opened, ()))
        for piece, child in candidates:
            after = piece_end(text, position, piece, True)
            if after > 0:
                self._korean(text, after, child, piece, so_far, matches)


def select(matches: list[Match], length: int) -> list[Match]:
    """The longest matches that do not overlap, in text order; findings go before cues of the same length."""
    if len(matches) < 2:
        return matches
    taken = bytearray(length)
    chosen = []
    for match in sorted(matches, key=lambda match: (-match.score, match.targets[-1] < 0, match.start - match.end, match.start)):
        if 1 not in taken[match.start : match.end]:
            taken[match.start : match.end] = b"\x01" * (match.end - match.start)
            chosen.append(match)
    chosen.sort(key=lambda match: match.start)
    return chosen
