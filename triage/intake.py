"""Given values become the fields of a `Visit`: ages, sexes, vital signs and findings as people and spreadsheets write them.

A blank is a value that was not given and becomes None. Anything that is not understood raises `Problem` (or is returned as one), whose
text names the column, the value and what was expected; nothing is guessed that could be read in two ways. Standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from triage.errors import UsageError
from triage.records import Visit

# Lowest and highest possible value, both allowed, and the unit as printed.
RANGES: dict[str, tuple[float, float, str]] = {
    "temperature": (25, 45, "°C"),
    "heart_rate": (10, 350, "per minute"),
    "respiratory_rate": (2, 120, "per minute"),
    "systolic_bp": (30, 320, "mmHg"),
    "diastolic_bp": (10, 220, "mmHg"),
    "spo2": (30, 100, "percent"),
    "glucose": (0.3, 80, "mmol/L, or a number with mg/dL"),
    "pain_score": (0, 10, "points"),
    "onset_hours": (0, 876_000, "hours"),
}
# Every input column of the CSV contract.
COLUMNS = ("patient_id", "age", "sex", "pregnant", "complaint", "findings", *RANGES, "oxygen", "consciousness")
OLDEST = 120.0
LONGEST_PREGNANCY = 45.0  # weeks
FEWEST_BARE_WEEKS = 4.0  # a bare 2 or 3 is a code of some form rather than a pregnancy anyone knows of
MG_PER_DL = 18.016  # of glucose in 1 mmol/L: a tenth of its molar mass in g/mol
SHOWN = 40  # characters of a value that are repeated in a problem

_RATE = ("", "/min", "bpm", "perminute", "beats/min", "breaths/min", "次/分", "次/分钟", "次", "회", "회/분")
_UNITS: dict[str, tuple[str, ...]] = {
    "temperature": ("", "c", "°c", "ºc", "celsius", "度", "摄氏度", "도"),
    "heart_rate": _RATE,
    "respiratory_rate": _RATE,
    "systolic_bp": ("", "mmhg"),
    "diastolic_bp": ("", "mmhg"),
    "spo2": ("", "%", "percent"),
    "glucose": ("", "mmol/l", "mmol", "mg/dl"),
    "pain_score": ("", "/10", "分", "점"),
    "onset_hours": ("", "h", "hr", "hrs", "hour", "hours", "小时", "시간"),
}
_AGE_UNITS: dict[str, tuple[str, ...]] = {
    "years": ("", "y", "yr", "yrs", "yo", "y/o", "year", "years", "yearold", "yearsold", "-year-old", "岁", "歲", "周岁", "세", "살"),
    "months": ("mo", "mos", "mth", "month", "months", "monthsold", "-month-old", "月", "个月", "個月", "月龄", "个月大", "개월"),
    "weeks": ("w", "wk", "wks", "week", "weeks", "weekold", "weeksold", "-week-old", "周", "週", "周大", "주"),
    "days": ("d", "day", "days", "dayold", "daysold", "-day-old", "天", "日龄", "天大", "일"),
}
_AGE_UNIT = {word: unit for unit, words in _AGE_UNITS.items() for word in words}
_YEARS = {"years": (1, 1), "months": (1, 12), "weeks": (7, 365.25), "days": (1, 365.25)}  # factor, divisor


def _table(**words: str) -> dict[str, str]:
    """A look-up from each word to the keyword it stands under; words are separated by commas."""
    return {word.strip(): meaning for meaning, listed in words.items() for word in listed.split(",")}


_SEX = _table(
    female="f, female, fem, woman, girl, lady, 女, 女性, 女士, 女孩, 女生, 女人, 女童, 여, 여자, 여성, 여아",
    male="m, male, man, boy, 男, 男性, 先生, 男孩, 男生, 男人, 男童, 남, 남자, 남성, 남아",
    unknown="unknown, not known, 不详, 未知, 不明, 모름, 미상",
)
_PREGNANT = _table(
    yes="yes, y, true, t, 1, pregnant, positive, 是, 有, 怀孕, 已怀孕, 已孕, 孕, 孕妇, 妊娠, 阳性, 예, 네, 임신, 임신중, 임신 중, 양성",
    no="no, n, false, f, 0, not pregnant, negative, none, 否, 无, 没有, 不是, 未孕, 未怀孕, 没怀孕, 没有怀孕, 阴性, "
    "아니오, 아니요, 아님, 없음, 비임신, 임신 아님, 임신 안 함, 음성",
    unknown="unknown, not known, 不详, 未知, 不明, 모름, 미상",
)
_OXYGEN = _table(
    yes="yes, y, true, t, 1, oxygen, o2, on oxygen, supplemental, 是, 有, 吸氧, 氧气, 鼻导管, 面罩, 예, 네, 산소, 산소 투여",
    no="air, room air, ra, no, n, false, f, 0, none, 否, 无, 没有, 空气, 未吸氧, 不吸氧, 아니오, 아니요, 없음, 공기, 대기, 실내 공기",
)
_CONSCIOUSNESS = _table(
    A="a, alert, awake, clear, normal, fully conscious, 清醒, 清楚, 神清, 神志清, 神志清楚, 意识清楚, 正常, 명료, 의식 명료, 정상",
    C="c, confused, confusion, new confusion, delirious, delirium, 意识模糊, 神志模糊, 意识不清, 神志不清, 谵妄, 혼돈, 혼란, 착란, 섬망",
    V="v, voice, verbal, responds to voice, drowsy, 嗜睡, 对声音有反应, 呼之能应, 기면, 졸림, 음성 반응, 음성에 반응",
    P="p, pain, responds to pain, stupor, stuporous, 昏睡, 浅昏迷, 对疼痛有反应, 혼미, 통증 반응, 통증에 반응",
    U="u, unresponsive, unconscious, coma, comatose, 昏迷, 深昏迷, 无反应, 没有反应, 무반응, 반응 없음, 혼수, 의식 없음, 의식불명",
)
_PREGNANCY_UNITS = dict.fromkeys(("w", "wk", "wks", "week", "weeks", "weekspregnant", "周", "週", "주", "주차"), 1.0)
_PREGNANCY_UNITS |= dict.fromkeys(("mo", "month", "months", "monthspregnant", "月", "个月", "個月", "개월"), 365.25 / 12 / 7)
_PREGNANCY_PREFIX = re.compile("^(?:怀孕|已孕|妊娠|孕|임신|pregnant) *")

# Full-width ASCII, the dashes and signs of Chinese and Korean keyboards, marks without a shape. Not NFKC: it turns 10² into 102.
_SIGNS: dict[int, int | str | None] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SIGNS |= dict.fromkeys((0x2212, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0xFE63), "-")
_SIGNS |= dict.fromkeys((0xFEFF, 0x200B, 0x200E, 0x200F)) | {0x2103: "°c"}
_NUMBER = r"[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+"
_AMOUNT = re.compile(rf"([+-]?(?:{_NUMBER}))(.*)", re.DOTALL)
_AGE_PART = re.compile(rf"({_NUMBER})([^0-9.,]*)")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2},[0-9]{3}")


class Problem(UsageError):  # noqa: N818 -- the word the messages use
    """A value that cannot be used; the text names its column, the value and what was expected."""


def _shown(value: str) -> str:
    """A value in quotes, short, on one line and printable everywhere."""
    short = value if len(value) <= SHOWN else value[:SHOWN] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short) + '"'


def _problem(column: str, value: str, expected: str) -> Problem:
    return Problem(f"{column}: got {_shown(value)}, expected {expected}")


def _clean(text: str) -> str:
    """Text in ASCII forms, lower case, single blanks."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_SIGNS).casefold().split())


def _word(column: str, text: str, words: Mapping[str, str], expected: str) -> str:
    """The meaning of one of the words a column takes."""
    if (meaning := words.get(_clean(text))) is None:
        raise _problem(column, text, expected)
    return meaning


def _decimal(digits: str) -> float | None:
    """The number written with a decimal point or comma; None for `1,200`, which may be either 1.2 or 1200."""
    return None if _THOUSANDS.fullmatch(digits.lstrip("+-")) else float(digits.replace(",", ".")) + 0.0


def _amount(text: str) -> tuple[float, str] | None:
    """A number and the unit behind it, blanks removed, from cleaned text."""
    match = _AMOUNT.fullmatch(text)
    if match is None or (number := _decimal(match[1])) is None:
        return None
    return number, match[2].replace(" ", "")


def parse_age(text: str) -> float | None:
    """The age in years from `58`, `58岁`, `8mo`, `3w`, `12d`, `1y6mo`; None for a blank."""
    if not (rest := _clean(text)):
        return None
    expected = f"years from 0 to {OLDEST:g}, or a number with mo, w or d such as 8mo, 3w, 12d"
    rest = rest.removeprefix("만").strip()
    order, years, last, end = list(_YEARS), 0.0, -1, 0
    for match in _AGE_PART.finditer(rest):
        amount, kind = _decimal(match[1]), _AGE_UNIT.get(match[2].replace(" ", ""))
        if amount is None or kind is None or order.index(kind) <= last or match.start() != end:
            raise _problem("age", text, expected)
        last, end = order.index(kind), match.end()
        years += amount * _YEARS[kind][0] / _YEARS[kind][1]
    if last < 0 or end != len(rest) or years > OLDEST:
        raise _problem("age", text, expected)
    return years


def parse_sex(text: str) -> str | None:
    """`female` or `male`; None for a blank or a word for unknown."""
    if not _clean(text):
        return None
    meaning = _word("sex", text, _SEX, "f or m (女 男, 여 남), or empty if not known")
    return None if meaning == "unknown" else meaning


def parse_pregnant(text: str) -> tuple[bool | None, float | None]:
    """(pregnant, weeks) from yes, no, `32`, `32w`, `32+4`, `孕32周`, `임신 32주`; (None, None) for a blank or a word for unknown."""
    if not (cleaned := _clean(text)):
        return None, None
    if (meaning := _PREGNANT.get(cleaned)) is not None:
        return (None, None) if meaning == "unknown" else (meaning == "yes", None)
    cleaned = _PREGNANCY_PREFIX.sub("", cleaned)
    days = re.fullmatch(r"([0-9]{1,2}) ?(?:w|weeks|周|주)? ?\+ ?([0-6]) ?(?:d|days|天|일)?", cleaned)
    amount = (int(days[1]) + int(days[2]) / 7, "weeks") if days else _amount(cleaned)
    if amount is not None:
        weeks = amount[0] * _PREGNANCY_UNITS.get(amount[1] or "weeks", float("nan"))
        least = 0.0 if amount[1] else FEWEST_BARE_WEEKS
        if least <= weeks <= LONGEST_PREGNANCY and weeks > 0:
            return True, weeks
    raise _problem("pregnant", text, f"yes, no, or weeks up to {LONGEST_PREGNANCY:g} such as 32 or 32w")


def _hint(name: str, text: str, number: float | None, unit: str) -> str:
    """What the writer of a refused number probably meant."""
    if name == "temperature" and (unit in ("f", "°f") or (number is not None and 77 <= number <= 113)):
        return " (°F is not read: convert it to °C)"
    if name == "glucose" and number is not None and not unit and number > RANGES[name][1]:
        return " (if this is mg/dL, write the unit)"
    if name == "spo2" and number is not None and 0 < number <= 1:
        return " (97, not 0.97)"
    if name.endswith("_bp") and re.fullmatch(r"[0-9]+ ?/ ?[0-9]+", text):
        return " (one number: the two go into systolic_bp and diastolic_bp)"
    if _THOUSANDS.search(text):
        return " (a comma before three digits can be read in two ways)"
    return ""


def parse_number(name: str, text: str) -> float | None:
    """A number in the unit of its `Visit` field; None for a blank. `name` is `age` or a key of RANGES."""
    if name == "age":
        return parse_age(text)
    low, high, unit = RANGES[name]
    if not (cleaned := _clean(text)):
        return None
    number, suffix = _amount(cleaned) or (None, "")
    hint = _hint(name, cleaned, number, suffix)
    if number is not None and suffix in _UNITS[name]:
        value = number / MG_PER_DL if suffix == "mg/dl" else number
        if low <= value <= high:
            return value
    raise _problem(name, text, f"{low:g}–{high:g} {unit}{hint}")


def parse_consciousness(text: str) -> str | None:
    """One of A C V P U (alert, confused, voice, pain, unresponsive); None for a blank."""
    expected = "A (alert), C (confused), V (voice), P (pain) or U (unresponsive)"
    return _word("consciousness", text, _CONSCIOUSNESS, expected) if _clean(text) else None


def parse_oxygen(text: str) -> bool | None:
    """True on oxygen, also as a flow such as `2 L/min`; False on air; None for a blank."""
    if not (cleaned := _clean(text)):
        return None
    amount = _amount(cleaned)
    if amount is not None and amount[0] >= 0 and amount[1] in ("l", "l/min", "lpm", "升", "升/分"):
        return amount[0] > 0
    return _word("oxygen", text, _OXYGEN, "air or yes") == "yes"


def _nearest(key: str, names: Mapping[str, str]) -> str:
    """A sentence that offers the known name nearest to an unknown one, or nothing."""
    import difflib  # 3 ms at start-up, needed only for a misspelling

    close = difflib.get_close_matches(key, (name for name in names if abs(len(name) - len(key)) <= 4), 1, 0.6) if len(key) <= SHOWN else []
    return f" (nearest: {names[close[0]]})" if close else ""


def parse_findings(text: str, names: Mapping[str, str]) -> tuple[tuple[tuple[str, bool], ...], tuple[str, ...]]:
    """((id, present), ...) in order of first mention, and the problems; `names` maps casefolded names (and ids) to ids.

    Parts are separated by `;`, a leading `-` means asked and absent. A finding given both ways is a problem and counts as present.
    """
    found: dict[str, bool] = {}
    problems: list[str] = []
    for part in text.translate({0xFF1B: ";"}).split(";"):
        key = _clean(part)
        if key.startswith("'-"):  # how this program and spreadsheets protect a leading minus
            key = key[1:]
        present = not key.startswith("-")
        key = key if present else key[1:].strip()
        if not key and present:
            continue
        finding = names.get(key) or names.get(name := key.replace(" ", "_")) or (name if name in names.values() else None)
        if finding is None:
            problems.append(str(_problem("findings", part.strip(), f"the id or name of a finding{_nearest(key, names)}")))
        elif found.setdefault(finding, present) is not present:
            found[finding] = True
            problems.append(f'findings: got "{finding}" both present and absent, expected one of the two; it counts as present')
    return tuple(found.items()), tuple(dict.fromkeys(problems))


def _contradictions(values: Mapping[str, str], fields: dict[str, Any]) -> list[str]:
    """The problems of values that cannot both be true; since either may be the wrong one, neither is used."""
    problems = []
    if fields.get("sex") == "male" and fields.get("pregnant"):
        given, sex = _shown(values["pregnant"]), _shown(values["sex"])
        problems.append(f"pregnant: got {given} with sex {sex}, expected one to fit the other; neither was used")
        for name in ("sex", "pregnant", "pregnancy_weeks"):
            fields.pop(name, None)
    systolic, diastolic = fields.get("systolic_bp"), fields.get("diastolic_bp")
    if systolic is not None and diastolic is not None and diastolic > systolic:
        upper, lower = _shown(values["systolic_bp"]), _shown(values["diastolic_bp"])
        problems.append(f"diastolic_bp: got {lower} with systolic_bp {upper}, expected the lower pressure here; neither was used")
        del fields["systolic_bp"], fields["diastolic_bp"]
    return problems


def visit_from(values: Mapping[str, str], names: Mapping[str, str]) -> tuple[Visit, tuple[str, ...]]:
    """The visit of one row, and its problems; `values` maps columns of COLUMNS to text, a bad value is left out and named."""
    findings, unknown = parse_findings(values.get("findings", ""), names)
    fields: dict[str, Any] = {"complaint": values.get("complaint", ""), "findings": findings}
    problems: list[str] = []

    def take(column: str, parse: Callable[[str], Any], *targets: str) -> None:
        try:
            result = parse(values.get(column, ""))
        except Problem as problem:
            problems.append(str(problem))
            return
        fields.update(zip(targets, result if len(targets) > 1 else (result,), strict=True))

    take("age", parse_age, "age")
    take("sex", parse_sex, "sex")
    take("pregnant", parse_pregnant, "pregnant", "pregnancy_weeks")
    for name in RANGES:
        take(name, partial(parse_number, name), name)
    take("oxygen", parse_oxygen, "on_oxygen")
    take("consciousness", parse_consciousness, "consciousness")
    problems += _contradictions(values, fields)
    return Visit(**fields), (*problems, *unknown)
