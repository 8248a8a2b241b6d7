"""The word of the lexicon that a misspelt English word was meant to be, or none where a guess could do harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from triage.knowledge.forms import AMERICAN, stem

SHORTEST, LONGEST = 5, 24
_MOST_CACHED = 4096
# Beginnings and endings that turn a word into its opposite or another organ: they must be spelt as they are meant.
_PREFIXES = ("hypo", "hyper", "tachy", "brady", "hemi", "quadri", "para", "poly", "oligo", "pre", "post")
_SUFFIXES = ("emesis", "ptysis", "uria", "phagia", "phasia", "plegia")


def _dangerous(word: str, candidate: str) -> bool:
    """True if the two differ in a part that changes the meaning."""
    prefixes = {part for part in _PREFIXES if word.startswith(part)} ^ {part for part in _PREFIXES if candidate.startswith(part)}
    suffixes = [next((part for part in _SUFFIXES if one.endswith(part)), "") for one in (word, candidate)]
    both = all(suffixes) and suffixes[0] != suffixes[1]
    return both or bool(prefixes & {"hypo", "hyper", "tachy", "brady"}) or (len(prefixes) == 2)


# Letters that are taken for one another by ear; any other exchanged consonant makes another word (contusion, confusion).
_ALIKE = tuple(map(frozenset, ("aeiouy", "cks", "sz", "gj", "fv", "mn", "td", "bp", "qk")))


def _exchange_alike(word: str, candidate: str) -> bool:
    """True unless a letter was exchanged for one that does not sound like it, or any letter in a short word."""
    if len(word) != len(candidate):
        return True
    pairs = [(one, other) for one, other in zip(word, candidate, strict=True) if one != other]
    if len(pairs) == 2 and pairs[0] == pairs[1][::-1]:
        return True  # two letters swapped
    return len(word) > 5 and all(any(one in group and other in group for group in _ALIKE) for one, other in pairs)


class Speller:
    """Corrections against a vocabulary; what was asked before is remembered.

    `plain` are stems of common words, which are spelt as they were meant; `follows` tells whether the lexicon has a form in which
    one stem follows another, which is what a run-together word may be split into.
    """

    def __init__(
        self, vocabulary: Iterable[str], plain: frozenset[str], follows: Callable[[str, str], bool] = lambda first, second: True
    ) -> None:
        self._vocabulary = frozenset(vocabulary)
        self._plain = plain
        self._follows = follows
        self._by_first: dict[str, list[str]] | None = None
        self._stems: frozenset[str] = frozenset()
        self._known: dict[str, str] = {}

    def correct(self, word: str) -> str:
        """The word as it should be spelt; two words with a space if it was run together; empty if there is no safe guess."""
        if not SHORTEST <= len(word) <= LONGEST or not word.isascii() or not word.isalpha():
            return ""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            known = self._known[word] = self._guess(word)
        return known

    def _load(self) -> dict[str, list[str]]:
        if self._by_first is None:
            self._by_first = {}
            american = {word for word, british in AMERICAN.items() if british in self._vocabulary}
            for word in sorted(self._vocabulary | american):
                if len(word) >= SHORTEST:
                    self._by_first.setdefault(word[0], []).append(word)
            self._stems = frozenset(map(stem, self._vocabulary))
        return self._by_first

    def _guess(self, word: str) -> str:
        from rapidfuzz.distance import OSA  # only a misspelt text pays for it

        table = self._load()
        base = stem(word)
        if base in self._stems or base in self._plain:
            return ""
        limit = 1 if len(word) < 9 else 2
        best: dict[str, tuple[int, str]] = {}
        for candidate in table.get(word[0], ()):
            if abs(len(candidate) - len(word)) > limit:
                continue
            distance = OSA.distance(word, candidate, score_cutoff=limit)
            if distance <= limit and _exchange_alike(word, candidate) and not _dangerous(word, candidate):
                key = stem(candidate)
                best[key] = min(best.get(key, (9, "")), (distance, candidate))
        ranked = sorted(best.values())
        if ranked and (len(ranked) == 1 or ranked[0][0] < ranked[1][0]):
            return ranked[0][1]
        return "" if ranked else self._split(word)

    def _split(self, word: str) -> str:
        """Two words of the lexicon written as one: "chestpain"."""
        for cut in range(4, len(word) - 3):
            first, second = word[:cut], word[cut:]
            if second != "less" and first in self._vocabulary and second in self._vocabulary and self._follows(stem(first), stem(second)):
                return f"{first} {second}"
        return ""
