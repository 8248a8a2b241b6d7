"""How long ago it began, in hours: "for three days", "since last night", x2d, 半年, 3일 전부터."""

from __future__ import annotations

import re
from functools import lru_cache

_ENGLISH = {
    "half a": 0.5, "half an": 0.5, "a half": 0.5, "a couple of": 2, "couple of": 2, "couple": 2, "a few": 3, "few": 3, "several": 4, "an": 1, "a": 1,
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
}  # fmt: skip
_CHINESE = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "几": 3, "数": 3}
_KOREAN = {
    "한": 1, "두": 2, "세": 3, "서너": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10, "몇": 3, "반": 0.5, "일": 1, "이": 2, "삼": 3,
    "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9, "십": 10,
}  # fmt: skip
_KOREAN_TENS = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90}
_KOREAN_ONES = {
    "하나": 1,
    "한": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
}


def _any(words: dict[str, float] | dict[str, int]) -> str:
    return "|".join(sorted(words, key=lambda word: -len(word)))


LITTLE = _any(_ENGLISH)
NUMERAL = (
    r"\d{1,3}(?:\.\d+)?"
    rf"|(?<![a-z])(?:{'|'.join(word for word in sorted(_ENGLISH, key=lambda word: -len(word)) if word not in ('a', 'an'))})(?=[\s-])"
    r"|半|[一二三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九几数]"
    rf"|(?<![가-힣])(?:(?:{_any(_KOREAN_TENS)})\s?(?:{_any(_KOREAN_ONES)})?|{_any(_KOREAN)})"
)


def number(text: str) -> float:
    """The value of a numeral as it stands in a text; 1 for one that is not known."""
    try:
        return float(text)
    except ValueError:
        pass
    text = text.strip()
    if text in _ENGLISH:
        return _ENGLISH[text]
    if text == "半":
        return 0.5
    if "十" in text:
        tens, _, ones = text.partition("十")
        return 10.0 * _CHINESE.get(tens, 1) + _CHINESE.get(ones, 0)
    if text in _CHINESE:
        return _CHINESE[text]
    for word, value in _KOREAN_TENS.items():
        if text.startswith(word) and text != "열":
            return value + _KOREAN_ONES.get(text[len(word) :].strip(), 0)
    return float(_KOREAN.get(text, 10 if text.startswith("열") else 1))


_HOURS = {"min": 1 / 60, "hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
_UNITS = {
    "min": r"minutes?|mins?|分钟|분(?![가-힣]{2})|分(?=前|后|多)",
    "hour": r"hours?|hrs?|h|个?多?小时|个?钟头|시간",
    "day": r"days?|d|天|日(?!常)|일(?!주|부|요|하|어|이 [^전지])",
    "week": r"weeks?|wks?|w|周|个?星期|个?礼拜|주일?(?![가-힣]{2})|주일?(?=전|째|간|동안|정도|쯤|부터)",
    "month": r"months?|mos?|mths?|个?多?月|개월|달(?![가-힣]{2})|달(?=전|째|간|동안|정도|쯤|부터)",
    "year": r"years?|yrs?|y|年|년",
}


@lru_cache(maxsize=1)
def _counted() -> re.Pattern[str]:
    units = "|".join(rf"(?P<{name}>{unit})" for name, unit in _UNITS.items())
    return re.compile(
        rf"(?<![\d./])(?P<x>(?<![a-z])(?:x\s{{0,3}}|(?:in|for|over|during|within) the (?:past|last) |past |last ))?(?P<n>\d{{1,3}}(?:\.\d+)?(?:\s{{0,3}}(?:-|to|~|至|到|or)\s{{0,3}}\d{{1,3}})?|(?<![a-z])(?:{LITTLE})(?=[\s-])"
        r"|半(?=个?小时|个?钟头|天|日|个?月|年)|[一二三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九几数]"
        rf"|(?<![가-힣])(?:{_any(_KOREAN)}))\s{{0,3}}-?\s{{0,3}}(?:more\s+)?个?(?P<half>半)?多?(?:{units})(?![a-z])"
        r"(?P<and>半|多|\s{0,3}반(?![가-힣]))?"
    )


_WORDS: tuple[tuple[str, float], ...] = (
    (r"(?:since |this )morning|since this morning|今天?早[上晨]?|今晨|早上起来|오늘\s{0,3}아침|아침부터", 6.0),
    (r"since (?:today|noon)|今天(?:开始|起|突然)|오늘\s{0,3}(?:갑자기|부터|낮|점심)", 6.0),
    (r"(?:since )?(?:last night|yesterday (?:evening|night))|(?:since )?overnight|昨[晚夜]|昨天(?:晚上|夜里|半夜)|半夜|어젯밤|어제\s{0,3}(?:밤|저녁)|간밤|밤새|새벽부터", 12.0),
    (r"(?:since |from )?the day before yesterday|前天|그저께|그제", 48.0),
    (r"(?:since |from )?yesterday|昨[天日]|어제", 24.0),
    (r"since last week|上个?(?:周|星期|礼拜)|지난\s{0,3}주", 168.0),
    (r"since last month|上个月(?:开始|起)|지난\s{0,3}달부터", 730.5),
    (r"just now|刚才|刚刚|방금|조금\s{0,3}전|아까", 0.5),
    (r"half (?:a )?day|반나절", 12.0),
    (r"半天", 12.0),
    (r"fortnight|보름", 360.0),
    (r"하루(?:\s{0,3}종일)?|overnight", 24.0),
    (r"이틀", 48.0),
    (r"사흘", 72.0),
    (r"나흘", 96.0),
    (r"닷새", 120.0),
    (r"엿새", 144.0),
    (r"이레", 168.0),
    (r"열흘", 240.0),
    (r"일주일|한\s{0,3}주", 168.0),
    (r"며칠", 72.0),
    (r"好几天|这几天|这两天|几天", 72.0),
    (r"half a year|半年", 4383.0),
)  # fmt: skip


@lru_cache(maxsize=1)
def _worded() -> tuple[re.Pattern[str], tuple[float, ...]]:
    return re.compile("|".join(f"({pattern})" for pattern, _ in _WORDS)), tuple(hours for _, hours in _WORDS)


@lru_cache(maxsize=1)
def _time_word() -> re.Pattern[str]:
    """Something without which no text tells a time; most complaints end here."""
    return re.compile(
        r"\d|morning|night|today|yesterday|hour|minute|\bmin|day|week|month|year|\bhrs?\b|now|noon|[今昨前半刚天周月年时钟日拜期昔夜晚上早]"
        r"|오늘|아침|어제|어젯|간밤|밤새|새벽|그저|그제|지난|방금|조금|아까|나절|보름|하루|이틀|[사나열]흘|[닷엿]새|이레|며칠|시간|[분일주월달년]"
    )


# Not how long it has lasted: how often, how long each time, how old, how long before something else.
_NOT_BEFORE = re.compile(
    r"(?:every|each|lasts?|lasting|per|times? an?|times? in|每隔?|每次|within|at age|约?隔|간격|마다|매)\s{0,3}(?:about|around|for|only|持续|大约|约)?\s{0,3}$"
)
_NOT_AFTER = re.compile(
    r"\s{0,3}(?:-?\s{0,3}old|at a time|each|every time|apart|/\s{0,3}day|a day|per day|pregnant|一次|一趟|大的?|的宝宝|的孩子|的婴儿|마다|간격|된 아|에 한\s{0,3}번|에 \d+번)"
)


def find_durations(text: str, taken: list[tuple[int, int]]) -> list[tuple[float, int, int]]:
    """Every duration in a normalised text as (hours, start, end), in text order; `taken` are stretches read as other numbers."""
    found: list[tuple[float, int, int]] = []
    if not _time_word().search(text):
        return found
    pattern, hours = _worded()
    matches = [(hours[(match.lastindex or 1) - 1], match.start(), match.end()) for match in pattern.finditer(text)]
    for match in _counted().finditer(text):
        unit = next((name for name in _HOURS if match.group(name)), "")
        count = match.group("n")
        ends = re.split(r"\s{0,3}(?:-|to|~|至|到|or)\s{0,3}", count) if count[0].isdigit() else [count]
        value = max(number(end) for end in ends if end)
        if match.group("half") or (match.group("and") or "").strip() in ("半", "반"):
            value += 0.5
        if (
            count in ("a", "an")
            and unit in ("day", "week", "month")
            and re.search(r"times?\s{0,3}$|once\s{0,3}$|twice\s{0,3}$", text[max(0, match.start() - 8) : match.start()])
        ):
            continue
        single = match.group(unit)
        if single in ("h", "d", "w", "y") and not (match.group("x") or count[0].isdigit()):
            continue
        matches.append((value * _HOURS[unit], match.start(), match.end()))
    matches.sort(key=lambda one: (one[1], -one[2]))
    limit = 0
    blocked = sorted(taken)
    pointer = 0
    for value, start, end in matches:
        while pointer < len(blocked) and blocked[pointer][1] <= start:
            pointer += 1
        overlaps = pointer < len(blocked) and blocked[pointer][0] < end
        if start < limit or overlaps or _NOT_BEFORE.search(text[max(0, start - 24) : start]) or _NOT_AFTER.match(text[end : end + 14]):
            continue
        found.append((value, start, end))
        limit = end
    return found


@lru_cache(maxsize=1)
def _frames() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(
            r"(?:since|beg[au]n|started|starting|onset|history|for|in the past|in the last|已|有)\s{0,3}(?:about|around|approximately|over|the|past|last|大约|约)*\s{0,3}$"
        ),
        re.compile(r"[\s-]*(?:ago|history|hx|duration|before|前|以来|开始|起|了|전|째|부터|동안|됐|되었|前开始)"),
    )


def framing(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether a duration tells of a worsening, and whether nothing says that it is a time since the beginning; plain ones come first."""
    before, after = _frames()
    clipped = text[max(0, start - 24) : start]
    worse = any(word in clipped for word in ("wors", "加重", "심해"))
    first = text[start : start + 1]
    framed = first in "xsip今昨前어오지" or before.search(clipped) is not None or after.match(text[end : end + 12]) is not None
    return worse, not framed
