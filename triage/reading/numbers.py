"""The numbers of a text: age, sex, vital signs, pregnancy weeks, in the units of `records.Visit`. Durations are in `durations`."""

from __future__ import annotations

import re
from functools import lru_cache

from triage.reading.durations import NUMERAL, number

# name -> lowest, highest, what was expected
RANGES = {
    "age": (0.0, 120.0, "0-120 years"),
    "temperature": (25.0, 45.0, "25-45 °C"),
    "heart_rate": (10.0, 350.0, "10-350 per minute"),
    "respiratory_rate": (2.0, 120.0, "2-120 per minute"),
    "systolic_bp": (30.0, 320.0, "30-320 mmHg"),
    "diastolic_bp": (10.0, 220.0, "10-220 mmHg"),
    "spo2": (30.0, 100.0, "30-100 %"),
    "glucose": (0.3, 80.0, "0.3-80 mmol/L"),
    "pain_score": (0.0, 10.0, "0-10"),
    "pregnancy_weeks": (1.0, 45.0, "1-45 weeks"),
}
MG_PER_MMOL = 18.016  # glucose, mg/dL in one mmol/L

_LABELS = {
    "bp": "systolic_bp", "b/p": "systolic_bp", "blood pressure": "systolic_bp", "血压": "systolic_bp", "혈압": "systolic_bp",
    "systolic": "systolic_bp", "sbp": "systolic_bp", "高压": "systolic_bp", "收缩压": "systolic_bp", "수축기": "systolic_bp",
    "diastolic": "diastolic_bp", "dbp": "diastolic_bp", "低压": "diastolic_bp", "舒张压": "diastolic_bp", "이완기": "diastolic_bp",
    "temperature": "temperature", "temp": "temperature", "t": "temperature", "体温": "temperature", "체온": "temperature", "发烧": "temperature",
    "发热": "temperature", "高烧": "temperature", "烧到": "temperature", "烧": "temperature", "열이": "temperature", "열": "temperature",
    "고열": "temperature", "fever": "temperature", "febrile": "temperature",
    "heart rate": "heart_rate", "hr": "heart_rate", "pulse": "heart_rate", "pulse rate": "heart_rate", "p": "heart_rate", "心率": "heart_rate",
    "脉搏": "heart_rate", "心跳": "heart_rate", "脉率": "heart_rate", "맥박": "heart_rate", "심박수": "heart_rate", "맥박수": "heart_rate",
    "심박": "heart_rate",
    "respiratory rate": "respiratory_rate", "resp rate": "respiratory_rate", "resp": "respiratory_rate", "rr": "respiratory_rate",
    "resps": "respiratory_rate", "respirations": "respiratory_rate", "breathing rate": "respiratory_rate", "r": "respiratory_rate",
    "呼吸": "respiratory_rate", "呼吸频率": "respiratory_rate", "呼吸率": "respiratory_rate", "호흡수": "respiratory_rate", "호흡": "respiratory_rate",
    "spo2": "spo2", "sao2": "spo2", "sats": "spo2", "sat": "spo2", "o2 sat": "spo2", "o2 sats": "spo2", "o2": "spo2", "oxygen saturation": "spo2",
    "saturation": "spo2", "oxygen": "spo2", "pulse ox": "spo2", "血氧": "spo2", "血氧饱和度": "spo2", "氧饱和度": "spo2", "산소포화도": "spo2",
    "산소": "spo2",
    "glucose": "glucose", "blood glucose": "glucose", "blood sugar": "glucose", "sugar": "glucose", "bsl": "glucose", "bs": "glucose",
    "bg": "glucose", "fbs": "glucose", "rbs": "glucose", "bgl": "glucose", "血糖": "glucose", "혈당": "glucose", "혈당이": "glucose",
    "pain score": "pain_score", "pain level": "pain_score", "pain scale": "pain_score", "nrs": "pain_score", "vas": "pain_score",
    "疼痛评分": "pain_score", "疼痛": "pain_score", "통증": "pain_score", "통증점수": "pain_score", "pain": "pain_score",
    "age": "age", "aged": "age", "年龄": "age", "今年": "age", "나이": "age", "i am": "age", "i'm": "age", "age is": "age",
    "pregnant": "pregnancy_weeks", "孕": "pregnancy_weeks", "怀孕": "pregnancy_weeks", "妊娠": "pregnancy_weeks", "임신": "pregnancy_weeks",
    "ga": "pregnancy_weeks", "gestation": "pregnancy_weeks", "停经": "pregnancy_weeks",
}  # fmt: skip
_NEEDS_UNIT = frozenset(("age:i am", "age:i'm", "age:今年", "spo2:oxygen", "spo2:o2", "spo2:산소", "pain_score:pain", "pain_score:疼痛", "pain_score:통증"))
# Labels that are findings themselves: the number belongs to the value, the word stays a finding.
_FINDING_LABELS = frozenset("fever febrile 发烧 发热 高烧 열이 열 고열 pain 疼痛 통증 pregnant 怀孕 임신 孕 烧 停经 妊娠".split())

_WEEK = r"weeks?|wks?|w|周|个?星期|주차?"
_MONTH = r"months?|mos?|m|个月|개월"


@lru_cache(maxsize=1)
def _labelled() -> re.Pattern[str]:
    labels = "|".join(re.escape(label) for label in sorted(_LABELS, key=lambda label: -len(label)))
    return re.compile(
        rf"(?<![a-z가-힣])({labels})(?![a-z])(?:[\s:=,~≈]|이|은|는|가|을|를|수는|도는|is|was|of|at|around|about|up to|as high as|right now|最高|达到|达|到|约|为|是|测|有|大概|高达|了)*?"
        rf"(\d{{1,3}}(?:\.\d+)?)(?![\d])(?:\s*(?:/|over|-|对)\s*(\d{{1,3}})(?!\d))?\s*"
        rf"(mg/?dl|mmol(?:/l)?|mmhg|毫米汞柱|%|°c|°f|℃|c(?![a-z])|f(?![a-z])|度\d?|도|次/?分?(?:钟)?|회|점|分(?!钟)|/\s*min|bpm|per min(?:ute)?|out of 10|/10|岁|세|살"
        rf"|y(?:ears?|rs?|/?o)?\b|(?:{_WEEK})\+?|(?:{_MONTH}))?"
    )


@lru_cache(maxsize=1)
def _with_unit() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\d./a-z])({NUMERAL})\s*-?\s*(?:"
        r"(?P<years>y(?:ea)?rs?[\s-]*olds?|y\.?/?o\.?(?![a-z])|y(?=\s*/?\s*[mf]\b)|岁|周岁|세|살|yrs?(?=\s+(?:male|female|man|woman|boy|girl)))"
        r"|(?P<months>(?:months?|mos?|mths?|m)[\s-]*(?:old|/o)|mo(?=\s+(?:male|female|boy|girl))|个月大|个多?月(?=的?(?:宝宝|孩子|婴儿|娃|小孩|男|女|患儿))|개월\s*(?:된|아|남아|여아|아기|영아|남자|여자|딸|아들))"
        r"|(?P<weeksold>(?:weeks?|wks?)[\s-]*old|wo(?![a-z])|周大|周(?=的?(?:宝宝|婴儿|娃|新生儿))|주\s*(?:된|아기))"
        r"|(?P<daysold>days?[\s-]*old|do(?![a-z])|天大|天(?=的?(?:宝宝|婴儿|娃|新生儿))|일\s*(?:된|아기))"
        rf"|(?P<pregnant>(?:{_WEEK})\s*(?:pregnant|preg|gestation|gravid|孕|임신|임산부|임부|산모)|주차?\s*(?:임신|임산부|임부|산모))"
        rf"|(?P<pregnantmonths>(?:{_MONTH})\s*(?:pregnant|preg|身孕))"
        r"|(?P<decade>代|대(?=\s*(?:남|여|후반|초반|중반|$|[\s,])))"
        r"|(?P<celsius>°\s*c|℃|degrees? c(?:elsius)?|c(?![a-z])|度(?!数)(?P<tenth>\d(?![\d天日小周个月年]))?|도(?![가-힣])|도(?=까지|의|로|가|를|나|예|입|이|씨|에|였))"
        r"|(?P<fahrenheit>°\s*f|degrees? f(?:ahrenheit)?|f(?![a-z]))"
        r"|(?P<mmhg>mmhg)|(?P<bpm>bpm)"
        r"|(?P<percent>%(?=\s*(?:on|ra|room|sat|spo2|o2|oxygen|血氧|산소)))"
        r"|(?P<sugar>mg/?dl|mmol(?:/l)?)"
        r"|(?P<pain>/\s*10(?!\d|/)|out of (?:10|ten))"
        r"|(?P<sexed>[mf](?![a-z/]))"
        r")"
    )


_PRESSURE = re.compile(r"(?<![\d/.])(\d{2,3})\s*/\s*(\d{2,3})(?![\d/])\s*(mmhg)?")
_CHART = re.compile(r"(?<![a-z])([mf])\s*[/,]?\s*(\d{1,3})(?![\d/.%])|(?<![\d/.])(\d{1,3})\s*/\s*([mf])(?![a-z])")
_LIVED = re.compile(rf"(?:생후|宝宝|孩子|婴儿|娃娃?|小孩|新生儿|出生)\s*({NUMERAL})\s*(个多?月|개월|周|주|天|일)(?!前|전)")
_SEX = re.compile(
    r"(?<![a-z])(?P<male>males?|man|boy|gentleman|guy|mr)(?![a-z])|(?<![a-z])(?P<female>females?|woman|girl|lady|mrs|ms)(?![a-z])"
    r"|(?P<nan>男(?![友朋人科]))|(?P<nv>女(?![友朋儿人科婿]))|(?P<namja>남자(?!친구)|남성|남아|할아버지)|(?P<yeoja>여자(?!친구)|여성|여아|할머니|산모|임산부)"
    r"|(?P<nam>(?<![가-힣])남(?![가-힣]))|(?P<yeo>(?<![가-힣])여(?![가-힣]))"
)
_MALE = frozenset(("male", "nan", "namja", "nam"))

Found = tuple[str, "float | str", int, int]


class _Finder:
    """Collects values and problems; the first value of a name stands, later ones are read but not used."""

    def __init__(self, length: int) -> None:
        self._taken = bytearray(length)
        self.values: dict[str, Found] = {}
        self.read: list[tuple[int, int]] = []
        self.problems: list[str] = []

    def free(self, start: int, end: int) -> bool:
        return 1 not in self._taken[start:end]

    def take(self, start: int, end: int) -> None:
        self._taken[start:end] = b"\x01" * (end - start)
        self.read.append((start, end))

    def add(self, name: str, value: float, start: int, end: int) -> None:
        self.take(start, end)
        low, high, expected = RANGES[name]
        if not low <= value <= high:
            problem = f"{name}: out of range. Expected {expected}."
            if problem not in self.problems:
                self.problems.append(problem)
        elif name not in self.values:
            self.values[name] = (name, round(value, 4), start, end)

    def sex(self, value: str, start: int, end: int) -> None:
        self.values.setdefault("sex", ("sex", value, start, end))


def find_numbers(text: str, original: str) -> tuple[list[Found], list[tuple[int, int]], list[str]]:
    """Values (name, value, start, end) of a normalised text, all stretches that were read as numbers, and problems.

    `original` has the same length as `text` or is empty; it only tells "58M" from "58 m".
    """
    finder = _Finder(len(text))
    if any(character.isdigit() for character in text):
        _read_labelled(text, finder)
        _read_pairs(text, finder)
        _read_chart(text, original, finder)
    _read_units(text, original, finder)
    _read_sex(text, finder)
    return list(finder.values.values()), finder.read, finder.problems


def _read_labelled(text: str, finder: _Finder) -> None:
    for match in _labelled().finditer(text):
        label, first, second, unit = match.group(1), match.group(2), match.group(3), (match.group(4) or "").replace(" ", "")
        name = _LABELS[label]
        start = match.start(2) if label in _FINDING_LABELS else match.start()
        value, end = float(first), match.end()
        if f"{name}:{label}" in _NEEDS_UNIT and not unit:
            continue
        if name == "pregnancy_weeks":
            if re.fullmatch(_MONTH, unit):
                value *= 4.345
            elif not re.fullmatch(rf"(?:{_WEEK})\+?", unit):
                continue
        elif name == "temperature":
            if second or (unit and not re.match(r"°|℃|[cf]$|度|도", unit)) or (label in _FINDING_LABELS and value < 35 and not unit):
                continue
            if (match.group(4) or "").startswith("度") and unit[1:]:
                value += float(unit[1:]) / 10
            value = _celsius(value, unit)
        elif name == "glucose":
            value = _mmol(value, unit, label, integer="." not in first)
        elif name == "pain_score":
            if second and second != "10":
                continue
            if label in _FINDING_LABELS and not (second or unit in ("점", "分", "/10", "outof10")):
                continue
        elif name == "age":
            if unit and not re.match(r"y|岁|세|살", unit):
                continue
        elif unit and re.fullmatch(rf"{_WEEK}|{_MONTH}|岁|세|살|y.*", unit):
            continue
        elif name == "systolic_bp" and second:
            _pressure(value, float(second), start, end, finder)
            continue
        elif second:
            end = match.end(2)
        if finder.free(start, end):
            finder.add(name, value, start, end)


def _celsius(value: float, unit: str) -> float:
    """The temperature in degrees Celsius; from 77 up a number without unit is Fahrenheit."""
    fahrenheit = unit in ("°f", "f") or (unit not in ("°c", "℃", "c") and 77 <= value <= 115)
    return (value - 32) * 5 / 9 if fahrenheit else value


def _mmol(value: float, unit: str, label: str, *, integer: bool) -> float:
    """The glucose in mmol/L; without unit, whole numbers are mg/dL where meters show it so, or where mmol/L is hardly possible."""
    korean = "가" <= label[0] <= "힣"
    milligrams = unit.startswith("mg") or (not unit.startswith("mmol") and (value > 50 or (integer and value >= (20 if korean else 36))))
    return value / MG_PER_MMOL if milligrams else value


def _pressure(systolic: float, diastolic: float, start: int, end: int, finder: _Finder) -> None:
    if not finder.free(start, end):
        return
    if diastolic >= systolic:
        finder.take(start, end)
        finder.problems.append("systolic_bp: not above diastolic_bp. Expected systolic/diastolic, as 120/80.")
        return
    finder.add("systolic_bp", systolic, start, end)
    finder.add("diastolic_bp", diastolic, start, end)


def _read_pairs(text: str, finder: _Finder) -> None:
    """Blood pressures without a word before them: 90/60 is one, 8/10 and 10/12 are none."""
    if "/" in text:
        for match in _PRESSURE.finditer(text):
            systolic, diastolic = float(match.group(1)), float(match.group(2))
            if match.group(3) or (70 <= systolic <= 300 and 30 <= diastolic < systolic and diastolic != 100):
                _pressure(systolic, diastolic, match.start(), match.end(), finder)


def _read_chart(text: str, original: str, finder: _Finder) -> None:
    """Age and sex as charts write them: M/58, 58/F, F32."""
    for match in _CHART.finditer(text):
        letter, age = (match.group(1), match.group(2)) if match.group(1) else (match.group(4), match.group(3))
        slash = "/" in match.group()
        at_start = match.start() == 0 or text[match.start() - 1] in "(\n"
        capital = original[match.start() : match.start() + 1].isupper() and not match.group(3)
        if (slash or at_start or capital) and 0 < int(age) <= 120 and finder.free(*match.span()) and "age" not in finder.values:
            finder.add("age", float(age), *match.span())
            finder.sex("male" if letter == "m" else "female", *match.span())


def _read_units(text: str, original: str, finder: _Finder) -> None:
    for match in _LIVED.finditer(text):
        years = {"개": 1 / 12, "个": 1 / 12, "周": 7 / 365.25, "주": 7 / 365.25, "天": 1 / 365.25, "일": 1 / 365.25}[match.group(2)[0]]
        if finder.free(*match.span(1)):
            finder.add("age", number(match.group(1)) * years, match.start(1), match.end())
    for match in _with_unit().finditer(text):
        kind = match.lastgroup if match.lastgroup != "tenth" else "celsius"
        start, end = match.span()
        value = number(match.group(1))
        if not finder.free(start, end):
            continue
        if kind == "years" or kind == "decade":
            if not text[max(0, start - 6) : start].endswith(("since ", "at ", "从", "만")) or kind == "years" and text[start - 1 : start] == "만":
                finder.add("age", value + 5 * (kind == "decade"), start, end)
        elif kind in ("months", "weeksold", "daysold"):
            finder.add("age", value / {"months": 12, "weeksold": 365.25 / 7, "daysold": 365.25}[kind], start, end)
        elif kind in ("pregnant", "pregnantmonths"):
            finder.add("pregnancy_weeks", value * (4.345 if kind == "pregnantmonths" else 1), start, end)
        elif kind == "celsius" and (30 <= value <= 46 or 95 <= value <= 110):
            finder.add("temperature", _celsius(value + (float(match.group("tenth")) / 10 if match.group("tenth") else 0), ""), start, end)
        elif kind == "fahrenheit" and (70 <= value <= 115 and not original[end - 1 : end].isupper() or 90 <= value <= 115):
            finder.add("temperature", (value - 32) * 5 / 9, start, end)
        elif kind == "mmhg":
            finder.add("systolic_bp", value, start, end)
        elif kind == "bpm":
            finder.add("heart_rate", value, start, end)
        elif kind == "percent":
            finder.add("spo2", value, start, end)
        elif kind == "sugar":
            finder.add("glucose", value / MG_PER_MMOL if "g" in match.group("sugar") else value, start, end)
        elif kind == "pain":
            finder.add("pain_score", value, start, end)
        elif kind == "sexed" and 0 < value <= 120 and "age" not in finder.values and (start == 0 or original[end - 1 : end].isupper()):
            finder.add("age", value, start, end)
            finder.sex("male" if text[end - 1] == "m" else "female", end - 1, end)


def _read_sex(text: str, finder: _Finder) -> None:
    """A word for a sex that describes the patient: next to the age, among the first words, or unmistakable."""
    if "sex" in finder.values:
        return
    age = finder.values.get("age")
    for match in _SEX.finditer(text):
        kind = match.lastgroup or ""
        start, end = match.span()
        near_age = age is not None and (0 <= start - age[3] <= 12 or 0 <= age[2] - end <= 6)
        first = start <= 24 and text[:start].count(" ") <= 3 and not re.search(r"\b(?:by|with|from|saw)\s", text[:start])
        plain = kind in ("namja", "yeoja") and text[start : start + 3] not in ("할아버", "할머니") or text[start + 1 : start + 2] in ("性", "孩", "婴", "童", "士")
        if near_age or first or plain:
            finder.sex("male" if kind in _MALE else "female", start, end)
            return
