"""ICD-10 codes: the blocks of the classification, which conditions a code belongs to, and how much of a list of codes is covered.

Codes are compared without dots, by the longest prefix that a condition names: "S62.5" falls under a condition with S62 unless another names
S62.5. Chapters A to Q and S to T are illnesses and injuries; R are symptoms and belong to the non-specific conditions, Z are reasons for
contact; the other letters are external causes and provisional codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from triage.knowledge.schema import Condition

# The blocks of chapters I to XIX as first and last category (WHO ICD-10, with the blocks that ICD-10-CM adds or splits).
_BLOCKS = """
A00-A09 A15-A19 A20-A28 A30-A49 A50-A64 A65-A69 A70-A74 A75-A79 A80-A89 A90-A99 B00-B09 B10-B10 B15-B19 B20-B24 B25-B34 B35-B49 B50-B64 B65-B83
B85-B89 B90-B94 B95-B98 B99-B99 C00-C14 C15-C26 C30-C39 C40-C41 C43-C44 C45-C49 C50-C50 C51-C58 C60-C63 C64-C68 C69-C72 C73-C75 C76-C80 C81-C96
C97-C97 D00-D09 D10-D36 D37-D48 D49-D49 D50-D53 D55-D59 D60-D64 D65-D69 D70-D77 D80-D89 E00-E07 E08-E14 E15-E16 E20-E35 E36-E36 E40-E46 E50-E64
E65-E68 E70-E90 F00-F09 F10-F19 F20-F29 F30-F39 F40-F48 F50-F59 F60-F69 F70-F79 F80-F89 F90-F98 F99-F99 G00-G09 G10-G14 G20-G26 G30-G32 G35-G37
G40-G47 G50-G59 G60-G65 G70-G73 G80-G83 G89-G99 H00-H06 H10-H13 H15-H22 H25-H28 H30-H36 H40-H42 H43-H45 H46-H48 H49-H52 H53-H54 H55-H59 H60-H62
H65-H75 H80-H83 H90-H95 I00-I02 I05-I09 I10-I16 I20-I25 I26-I28 I30-I52 I60-I69 I70-I79 I80-I89 I95-I99 J00-J06 J09-J18 J20-J22 J30-J39 J40-J47
J60-J70 J80-J84 J85-J86 J90-J94 J95-J99 K00-K14 K20-K31 K35-K38 K40-K46 K50-K52 K55-K64 K65-K68 K70-K77 K80-K87 K90-K95 L00-L08 L10-L14 L20-L30
L40-L45 L49-L54 L55-L59 L60-L75 L76-L76 L80-L99 M00-M03 M05-M14 M15-M19 M20-M25 M26-M27 M30-M36 M40-M43 M45-M49 M50-M54 M60-M63 M65-M68 M70-M79
M80-M85 M86-M90 M91-M94 M95-M95 M96-M99 N00-N08 N10-N16 N17-N19 N20-N23 N25-N29 N30-N39 N40-N53 N60-N65 N70-N77 N80-N98 N99-N99 O00-O08 O09-O09
O10-O16 O20-O29 O30-O48 O60-O77 O80-O84 O85-O92 O94-O99 P00-P04 P05-P08 P09-P09 P10-P15 P19-P29 P35-P39 P50-P61 P70-P74 P75-P78 P80-P83 P84-P96
Q00-Q07 Q10-Q18 Q20-Q28 Q30-Q34 Q35-Q37 Q38-Q45 Q50-Q56 Q60-Q64 Q65-Q79 Q80-Q89 Q90-Q99 S00-S09 S10-S19 S20-S29 S30-S39 S40-S49 S50-S59 S60-S69
S70-S79 S80-S89 S90-S99 T00-T07 T08-T14 T15-T19 T20-T32 T33-T35 T36-T50 T51-T65 T66-T78 T79-T79 T80-T88 T90-T98
"""
BLOCKS = tuple(tuple(block.split("-")) for block in _BLOCKS.split())
ILLNESS = frozenset("ABCDEFGHIJKLMNOPQST")


def plain(code: str) -> str:
    """A code in capitals without dot, blanks and placeholders ("J01.-" is J01)."""
    return code.strip().upper().replace(".", "").replace("-", "")


def block(code: str) -> str:
    """The block of a code of chapters A to T such as "S60-S69"; empty for codes of no block."""
    category = plain(code)[:3]
    if not category[2:].isdigit() and category[:1] in ILLNESS and category[1:2].isdigit():
        category = category[:2] + "9"  # ICD-10-CM appends categories with a letter, such as M1A or O9A
    return next((f"{first}-{last}" for first, last in BLOCKS if first <= category <= last), "")


def home_blocks(one: Condition) -> set[str]:
    """The blocks that a condition's own codes (`icd10`) lie in; symptoms and reasons for contact do not count."""
    return {block(code) for code in one.icd10 if plain(code)[:1] in ILLNESS}


class CodeMap:
    """Which conditions a code belongs to."""

    def __init__(self, conditions: Iterable[Condition]) -> None:
        self.conditions = {one.id: one for one in conditions if one.id != "other"}
        self._owners: dict[str, list[tuple[str, bool]]] = {}
        for one in self.conditions.values():
            for codes, home in ((one.icd10, True), (one.icd10_also, False)):
                for code in codes:
                    self._owners.setdefault(plain(code), []).append((one.id, home))
        self.narrow = {one.id for one in self.conditions.values() if len(home_blocks(one)) <= 1}

    def owners(self, code: str) -> list[tuple[str, bool]]:
        """(condition, by one of its own codes) for the longest prefix of the code that any condition names."""
        text = plain(code)
        for length in range(len(text), 0, -1):
            if text[:length] in self._owners:
                return self._owners[text[:length]]
        return []

    def covers(self, code: str) -> bool:
        """Whether a code belongs, by its own codes, to a condition that spans no more than one block."""
        return any(home and name in self.narrow for name, home in self.owners(code))


@dataclass(slots=True)
class Chapter:
    """How much of the codes of one letter is covered; weights are visits or whatever the list counts."""

    total: float = 0.0
    covered: float = 0.0
    elsewhere: float = 0.0  # mapped, but only by a condition whose own codes lie in another block
    missing: dict[str, float] = field(default_factory=dict)


def coverage(conditions: Sequence[Condition], codes: Iterable[tuple[str, float]]) -> dict[str, Chapter]:
    """Coverage by first letter of the code."""
    table = CodeMap(conditions)
    chapters: dict[str, Chapter] = {}
    for code, weight in codes:
        text = plain(code)
        if not (text[:1].isalpha() and text[1:2].isdigit()):
            continue
        chapter = chapters.setdefault(text[0], Chapter())
        chapter.total += weight
        if table.covers(text):
            chapter.covered += weight
        elif table.owners(text):
            chapter.elsewhere += weight
        else:
            chapter.missing[text[:3]] = chapter.missing.get(text[:3], 0.0) + weight
    return chapters


def coverage_table(chapters: dict[str, Chapter]) -> list[str]:
    """The table that `triage check --coverage` prints."""
    total = sum(one.total for one in chapters.values()) or 1.0

    def line(name: str, parts: Sequence[Chapter]) -> str:
        whole = sum(one.total for one in parts) or 1.0
        covered, elsewhere = (sum(getattr(one, key) for one in parts) for key in ("covered", "elsewhere"))
        missing = {code: weight for one in parts for code, weight in one.missing.items()}
        largest = ", ".join(f"{code} {100 * weight / whole:.2f}" for code, weight in sorted(missing.items(), key=lambda item: -item[1])[:6])
        return (f"  {name:<12}{100 * whole / total:>8.1f}%{100 * covered / whole:>10.1f}%{100 * elsewhere / whole:>14.1f}%"
                f"   {largest}")  # fmt: skip

    groups = {
        "A-Q, S-T": [one for letter, one in chapters.items() if letter in ILLNESS],
        "R": [one for letter, one in chapters.items() if letter == "R"],
        "Z": [one for letter, one in chapters.items() if letter == "Z"],
    }
    head = f"  {'codes':<12}{'of all':>9}{'covered':>11}{'other block':>15}   largest without a condition (% of the row)"
    lines = ["Covered: by a condition whose own codes lie in one ICD-10 block and name this code", head]
    lines += [line(name, parts) for name, parts in groups.items() if parts]
    lines += [line(letter, [chapters[letter]]) for letter in sorted(chapters) if letter in ILLNESS]
    return lines
