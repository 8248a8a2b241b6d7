"""The word of the lexicon that a misspelt English word was meant to be, or none where a guess could do harm."""

from __future__ import annotations

from collections.abc import Iterable

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


class Speller:
    """Corrections against a vocabulary; what was asked before is remembered."""

    def __init__(self, vocabulary: Iterable[str], plain: frozenset[str]) -> None:
        self._vocabulary = tuple(vocabulary)
        self._plain = plain  # stems of common words, which are spelt as they were meant
        self._by_first: dict[str, list[tuple[str, str]]] | None = None
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

    def _load(self) -> dict[str, list[tuple[str, str]]]:
        if self._by_first is None:
            self._by_first = {}
            known = frozenset(self._vocabulary)
            american = [word for word, british in AMERICAN.items() if british in known]
            for word in (*self._vocabulary, *american):
                if len(word) >= SHORTEST:
                    self._by_first.setdefault(word[0], []).append((word, stem(word)))
            self._stems = frozenset(map(stem, self._vocabulary))
        return self._by_first

    def _guess(self, word: str) -> str:
        from rapidfuzz.distance import OSA  # only a misspelt text pays for it

        table = self._load()
        base = stem(word)
        if base in self._stems or base in self._plain:
            return ""
        limit = 1 if len(word) < 8 else 2
        best: dict[str, tuple[int, str]] = {}
        for first, entries in table.items():
            reach = limit if first == word[0] else (1 if len(word) >= 7 else 0)
            if not reach:
                continue
            for candidate, candidate_stem in entries:
                if abs(len(candidate) - len(word)) > reach:
                    continue
                distance = min(OSA.distance(word, candidate, score_cutoff=reach), OSA.distance(base, candidate_stem, score_cutoff=reach))
                if distance <= reach and not _dangerous(word, candidate) and distance < best.get(candidate_stem, (9, ""))[0]:
                    best[candidate_stem] = (distance, candidate)
        ranked = sorted(best.values())
        if ranked and (len(ranked) == 1 or ranked[0][0] < ranked[1][0]):
            return ranked[0][1]
        return "" if ranked else self._split(word)

    def _split(self, word: str) -> str:
        """Two words of the lexicon written as one: "chestpain"."""
        if len(word) >= 8:
            for cut in range(4, len(word) - 3):
                if word[:cut] in self._vocabulary and word[cut:] in self._vocabulary:
                    return f"{word[:cut]} {word[cut:]}"
        return ""
