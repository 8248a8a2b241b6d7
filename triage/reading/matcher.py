"""Forms and cues found in a text, longest first and without overlaps.

English forms are looked up by the stem of their first word, Chinese and Korean ones by their first two characters, so a text
costs a few dictionary look-ups a word whatever the size of the lexicon. Between the pieces of a form fillers may stand, and one
negator ("my chest does not hurt", 头不疼), which makes the finding absent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from triage.knowledge.forms import FILLERS, HAN, HANGUL, LATIN, NEGATORS, NUMBER, OTHER, TOKEN, ZH_FILLERS, stem

MOST_GAPS = 4
GLUE = frozenset("-'\"()")  # characters that never part the words of an English form

# Korean endings that may follow a one-syllable noun: anything else begins another word (목요일, 열심히, 배추).
PARTICLES = frozenset(
    "이 가 은 는 을 를 도 에 의 만 로 으로 에서 이나 나 랑 이랑 하고 과 와 부터 까지 에도 에는 이랑도 께서 마저 조차 뿐 이며 며 쪽 속 안 밑 위 옆 앞 뒤 "
    "쪽이 쪽에 쪽도 속이 안이 안에 밑이 위에 이요 요 인데 이고 이라 이에요 예요 입니다 있어요 있음 없어요 없음 이란 만이 에만 나요 나고 나서 나는 납니다 났어요 "
    "도요 이도 들이 들도".split()
)
_CONTRACTED = frozenset((4, 8, 16, 17, 20))  # finals ㄴ ㄹ ㅁ ㅂ ㅆ: 아프 + ㅂ니다 = 아픕니다
_HANGUL_BASE = 0xAC00


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


Entry = tuple[tuple[int, ...], tuple[str, ...], int]  # targets, pieces, letters


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


class Matcher:
    """Finds forms and cues; buckets of the tables are parsed when first met. `work` counts pieces compared."""

    def __init__(self, forms: Mapping[str, Mapping[str, str]]) -> None:
        self._raw = {language: dict(buckets) for language, buckets in forms.items()}
        self._parsed: dict[str, dict[str, tuple[Entry, ...]]] = {language: {} for language in forms}
        # Chinese and Korean forms that begin with a Latin letter or a digit ("ct复查") are tried where such a token starts.
        self._latin_first = {
            language: {key: None for key in self._raw[language] if key[0].isascii()} for language in ("zh", "ko")
        }
        self.work = 0

    def _bucket(self, language: str, key: str) -> tuple[Entry, ...]:
        parsed = self._parsed[language].get(key)
        if parsed is not None:
            return parsed
        raw = self._raw[language].get(key)
        if raw is None:
            return ()
        entries = []
        for line in raw.split("\n"):
            targets, *pieces = line.split("\t")
            entries.append((tuple(map(int, targets.split(","))), tuple(pieces), 4 * sum(map(len, pieces))))
        result = tuple(entries)
        self._parsed[language][key] = result
        return result

    def find(self, text: str, tokens: Sequence[Token]) -> list[Match]:
        """Every form and cue in the text, overlapping ones too."""
        matches: list[Match] = []
        for index, token in enumerate(tokens):
            kind = token.kind
            if kind == LATIN:
                bucket = self._bucket("en", token.stem)
                if bucket:
                    self._english(tokens, index, bucket, matches)
            elif kind == HAN:
                for position in range(token.start, token.end):
                    self._chinese(text, position, matches)
            elif kind == HANGUL:
                for position in range(token.start, token.end):
                    self._korean(text, position, position == token.start, matches)
            if kind in (LATIN, NUMBER):
                self._mixed(text, token.start, matches)
        return matches

    def _mixed(self, text: str, position: int, matches: list[Match]) -> None:
        """Chinese and Korean forms whose first piece begins with a Latin letter or digit."""
        key = text[position : position + 2]
        if key in self._latin_first["zh"] or key[:1] in self._latin_first["zh"]:
            self._chinese(text, position, matches)
        if key in self._latin_first["ko"] or key[:1] in self._latin_first["ko"]:
            self._korean(text, position, True, matches)

    def _english(self, tokens: Sequence[Token], first: int, bucket: tuple[Entry, ...], matches: list[Match]) -> None:
        count = len(tokens)
        for targets, pieces, letters in bucket:
            position, gaps, negated = first + 1, 0, False
            is_cue = targets[0] < 0
            for piece in pieces[1:]:
                skipped = 0
                while position < count:
                    self.work += 1
                    word = tokens[position].stem
                    if word == piece:
                        break
                    if word in GLUE and not is_cue and word != "(" and word != ")":
                        pass
                    elif is_cue or skipped == MOST_GAPS:
                        position = count
                        break
                    elif word in _EN_NEGATORS and not negated:
                        negated = True
                        skipped += 1
                    elif word in _EN_FILLERS:
                        skipped += 1
                    else:
                        position = count
                        break
                    position += 1
                if position >= count:
                    break
                gaps += skipped
                position += 1
            else:
                score = letters - gaps - 12 * negated
                matches.append(Match(score, tokens[first].start, tokens[position - 1].end, targets, negated))

    def _chinese(self, text: str, start: int, matches: list[Match]) -> None:
        for key in (text[start : start + 2], text[start : start + 1]):
            for targets, pieces, letters in self._bucket("zh", key):
                position, gaps, negated = start, 0, False
                if not text.startswith(pieces[0], start):
                    continue
                position += len(pieces[0])
                for piece in pieces[1:]:
                    skipped = 0
                    while not text.startswith(piece, position):
                        self.work += 1
                        after = _starts(_ZH_NEGATOR, text, position) if not negated else -1
                        if after > 0:
                            negated = True
                        else:
                            after = _starts(_ZH_GAP, text, position)
                            if after < 0 and text[position : position + 1] == " ":
                                after = position + 1
                        skipped += 1
                        if after < 0 or skipped > MOST_GAPS:
                            position = -1
                            break
                        position = after
                    if position < 0:
                        break
                    gaps += skipped
                    position += len(piece)
                else:
                    matches.append(Match(letters - gaps - 12 * negated, start, position, targets, negated))

    def _korean(self, text: str, start: int, at_word: bool, matches: list[Match]) -> None:
        first, second = text[start : start + 1], text[start + 1 : start + 2]
        keys = [first + second, first] if second.strip() else [first]
        if second and (opened := _open(second)):
            keys.append(first + opened)
        for key in keys:
            for targets, pieces, letters in self._bucket("ko", key):
                self.work += 1
                if not at_word and (letters < 16 or len(pieces[0]) < 2 or targets[0] < 0):
                    continue
                found = self._korean_pieces(text, start, pieces)
                if found is not None:
                    end, gaps, negated = found
                    matches.append(Match(letters - gaps - 12 * negated, start, end, targets, negated))

    def _korean_pieces(self, text: str, start: int, pieces: tuple[str, ...]) -> tuple[int, int, bool] | None:
        """The end, fillers and inner negation of a Korean form at a position, or None."""
        last = len(pieces) - 1
        position = _piece(text, start, pieces[0], len(pieces[0]) > 1 or last == 0)
        gaps, negated = 0, False
        for index in range(last):
            if position < 0:
                return None
            piece, after = pieces[index + 1], -1
            run = _run_end(text, position)
            # Written without a space, with or without a particle: 가슴통증, 가슴이아파.
            for skip in range(min(2, run - position) + 1):
                if skip == 0 or text[position : position + skip] in PARTICLES:
                    after = _piece(text, position + skip, piece, True)
                    if after > 0:
                        break
            if after < 0:
                rest = text[position:run]
                if rest and rest not in PARTICLES and (len(pieces[index]) < 2 or len(rest) > 3):
                    return None
                position = run
                for skipped in range(MOST_GAPS):
                    self.work += 1
                    while text[position : position + 1] == " ":
                        position += 1
                    after = _piece(text, position, piece, True)
                    if after > 0:
                        gaps += skipped
                        break
                    run = _run_end(text, position)
                    word = text[position:run]
                    if word in _KO_NEGATORS and not negated:
                        negated = word == "안"
                    elif word not in _KO_FILLERS:
                        return None
                    position = run
            position = after
        if position < 0:
            return None
        rest = text[position : _run_end(text, position)]
        if last == 0 and len(pieces[0]) == 1 and rest and rest not in PARTICLES:
            return None
        return None if rest.startswith("약") and not rest.startswith("약하") else (position, gaps, negated)


def _open(syllable: str) -> str:
    """The Hangul syllable without its final, if that final is one that contraction adds; else an empty string."""
    code = ord(syllable) - _HANGUL_BASE
    return chr(_HANGUL_BASE + code - code % 28) if 0 <= code < 11172 and code % 28 in _CONTRACTED else ""


def _piece(text: str, position: int, piece: str, contracted: bool) -> int:
    """The end of a Korean piece at a position, its last syllable possibly contracted with an ending; or -1."""
    if text.startswith(piece, position):
        return position + len(piece)
    end = position + len(piece)
    if contracted and end <= len(text) and _open(text[end - 1]) == piece[-1] and text.startswith(piece[:-1], position):
        return end
    return -1


def _run_end(text: str, position: int) -> int:
    """Where the Hangul run that contains a position ends; at most 12 syllables on, which is longer than any word."""
    end, limit = position, min(len(text), position + 12)
    while end < limit and "가" <= text[end] <= "힣":
        end += 1
    return end


def select(matches: list[Match], length: int) -> list[Match]:
    """The longest matches that do not overlap, in text order; findings go before cues of the same length."""
    if len(matches) < 2:
        return matches
    taken = bytearray(length)
    chosen = []
    for match in sorted(matches, key=lambda match: (-match.score, match.targets[-1] < 0, match.end - match.start, match.start)):
        if 1 not in taken[match.start : match.end]:
            taken[match.start : match.end] = b"\x01" * (match.end - match.start)
            chosen.append(match)
    chosen.sort(key=lambda match: match.start)
    return chosen
