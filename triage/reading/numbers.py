"""The numbers of a text: age, sex, vital signs, pregnancy weeks, in the units of `records.Visit`. Durations are in `durations`."""

from __future__ import annotations

import re

from triage.reading.durations import number
from triage.reading.number_patterns import FINDING_LABELS, LABELS, MONTH, NEEDS_UNIT, WEEK, labelled, patterns, with_unit

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
NEWBORN = 0.02  # years, about a week: a newborn of no stated age
MG_PER_MMOL = 18.016  # glucose, mg/dL in one mmol/L

_MALE = frozenset(("male", "nan", "namja", "nam", "m"))

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
    if patterns()["digit"].search(text):
        _read_labelled(text, finder)
        _read_pairs(text, finder)
        _read_chart(text, original, finder)
        _read_units(text, original, finder)
        _read_ages(text, finder)
    elif patterns()["worded"].search(text):
        _read_units(text, original, finder)
        _read_ages(text, finder)
    if "age" not in finder.values and (newborn := patterns()["newborn"].search(text)):
        finder.add("age", NEWBORN, *newborn.span())
    if "spo2" in finder.values:
        for match in patterns()["air"].finditer(text):
            if finder.free(*match.span()):
                finder.take(*match.span())
    _read_sex(text, finder)
    return list(finder.values.values()), finder.read, finder.problems


def _read_labelled(text: str, finder: _Finder) -> None:
    for match in labelled().finditer(text):
        label, first, second, unit = match.group(1), match.group(2), match.group(3), (match.group(4) or "").replace(" ", "")
        name = LABELS[label]
        start = match.start(2) if label in FINDING_LABELS else match.start()
        value, end = float(first), match.start() + len(match.group().rstrip())
        aged = name == "age" and patterns()["ends"].match(text, end) and 4 < value < 111
        saturation = name == "spo2" and 50 <= value <= 100 and not patterns()["litres"].match(text, match.end(2))
        if f"{name}:{label}" in NEEDS_UNIT and not (unit or aged or saturation):
            continue
        if name not in ("pregnancy_weeks", "age") and not second and patterns()["time"].match(text, match.end(2)):
            continue
        if name == "pregnancy_weeks":
            if re.fullmatch(MONTH, unit):
                value *= 4.345
            elif not re.fullmatch(rf"(?:{WEEK})\+?", unit):
                continue
        elif name == "temperature":
            if second or (unit and not re.match(r"°|℃|[cf]$|度|도", unit)) or (label in FINDING_LABELS and value < 35 and not unit):
                continue
            if (match.group(4) or "").startswith("度") and unit[1:]:
                value += float(unit[1:]) / 10
            value = _celsius(value, unit)
        elif name == "glucose":
            value = _mmol(value, unit, label, integer="." not in first)
        elif name == "pain_score":
            if second and second != "10":
                continue
            if label in FINDING_LABELS and not (second or unit in ("점", "分", "/10", "outof10")):
                continue
        elif name == "age":
            if unit and not re.match(r"y|岁|세|살", unit):
                continue
        elif unit and re.fullmatch(rf"{WEEK}|{MONTH}|岁|세|살|y.*", unit):
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
        for match in patterns()["pressure"].finditer(text):
            systolic, diastolic = float(match.group(1)), float(match.group(2))
            if match.group(3) or (70 <= systolic <= 300 and 30 <= diastolic < systolic and diastolic != 100):
                _pressure(systolic, diastolic, match.start(), match.end(), finder)


def _read_chart(text: str, original: str, finder: _Finder) -> None:
    """Age and sex as charts write them: M/58, 58/F, F32."""
    for match in patterns()["chart"].finditer(text):
        letter, age = (match.group(1), match.group(2)) if match.group(1) else (match.group(4), match.group(3))
        slash = "/" in match.group()
        at_start = match.start() == 0 or text[match.start() - 1] in "(\n"
        capital = original[match.start() : match.start() + 1].isupper() and not match.group(3)
        if (slash or at_start or capital) and 0 < int(age) <= 120 and finder.free(*match.span()) and "age" not in finder.values:
            finder.add("age", float(age), *match.span())
            finder.sex("male" if letter == "m" else "female", *match.span())


def _read_units(text: str, original: str, finder: _Finder) -> None:
    for match in patterns()["lived"].finditer(text):
        count = 1 if match.group(1) else 3
        years = {"개": 1 / 12, "个": 1 / 12, "周": 7 / 365.25, "주": 7 / 365.25, "天": 1 / 365.25, "일": 1 / 365.25}[
            match.group(count + 1)[0]
        ]
        if finder.free(match.start(count), match.end()):
            finder.add("age", number(match.group(count)) * years, match.start(count), match.end())
    for match in with_unit().finditer(text):
        kind = match.lastgroup if match.lastgroup != "tenth" else "celsius"
        start, end = match.span()
        value = number(match.group(1))
        if not finder.free(start, end):
            continue
        if kind in ("years", "decade"):
            if not text[max(0, start - 6) : start].endswith(("since ", "at ", "从", "만")) or (
                kind == "years" and text[start - 1 : start] == "만"
            ):
                finder.add("age", value + 5 * (kind == "decade"), start, end)
        elif kind in ("months", "weeksold", "daysold"):
            finder.add("age", value / {"months": 12, "weeksold": 365.25 / 7, "daysold": 365.25}[kind], start, end)
        elif kind in ("pregnant", "pregnantmonths"):
            finder.add("pregnancy_weeks", value * (4.345 if kind == "pregnantmonths" else 1), start, end)
        elif kind == "celsius" and (30 <= value <= 46 or 95 <= value <= 110):
            finder.add("temperature", _celsius(value + (float(match.group("tenth")) / 10 if match.group("tenth") else 0), ""), start, end)
        elif kind == "fahrenheit" and 90 <= value <= 115:
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
        elif (
            (kind == "sexed" or (kind == "fahrenheit" and text[end - 1] == "f" and "°" not in text[start:end]))
            and 0 < value <= 120
            and "age" not in finder.values
            and (start == 0 or original[end - 1 : end].isupper())
        ):
            finder.add("age", value, start, end)
            finder.sex("male" if text[end - 1] == "m" else "female", end - 1, end)


def _read_ages(text: str, finder: _Finder) -> None:
    """Ages that only their place explains: "2 month baby", "45 years, chest pain", "my mother, 70, has", "male 45"."""
    if "age" in finder.values:
        return
    for match in patterns()["child"].finditer(text):
        group, unit = ("before", "unit") if match.group("before") else ("after", "unit2")
        start, end = match.start(group), match.end(unit)
        if finder.free(start, end):
            years = {"d": 1 / 365.25, "w": 7 / 365.25, "m": 1 / 12, "y": 1.0}[match.group(unit)[0]]
            finder.add("age", number(match.group(group)) * years, start, end)
            return
    leading = patterns()["leading"].match(text)
    if leading is not None and 2 <= int(leading.group(1)) <= 110 and finder.free(leading.start(1), leading.end()):
        finder.add("age", float(leading.group(1)), leading.start(1), leading.end())
        return
    for match in patterns()["person"].finditer(text):
        start, end = match.span(3)
        if match.group("kin") and (match.group("end") == "" or match.start() > 24):
            continue
        if 0 < int(match.group(3)) <= 120 and finder.free(start, end) and not patterns()["time"].match(text, end):
            finder.add("age", float(match.group(3)), start, end)
            return
    for match in patterns()["sexed"].finditer(text):
        if 0 < int(match.group(1)) <= 120 and finder.free(*match.span(1)):
            finder.add("age", float(match.group(1)), *match.span(1))
            return


def _read_sex(text: str, finder: _Finder) -> None:
    """A word for a sex that describes the patient: next to the age, among the first words, or unmistakable."""
    if "sex" in finder.values:
        return
    age = finder.values.get("age")
    for match in patterns()["sex"].finditer(text):
        kind = match.lastgroup or ""
        start, end = match.span()
        if kind in ("m", "f"):
            if age is not None and 0 <= start - age[3] <= 2:
                finder.sex("male" if kind == "m" else "female", start, end)
                return
            continue
        near_age = age is not None and (0 <= start - age[3] <= 12 or 0 <= age[2] - end <= 6)
        first = start <= 24 and text[:start].count(" ") <= 3 and not re.search(r"\b(?:by|with|from|saw)\s", text[:start])
        plain = (kind in ("namja", "yeoja") and text[start : start + 3] not in ("할아버", "할머니")) or text[start + 1 : start + 2] in (
            "性",
            "孩",
            "婴",
            "童",
            "士",
        )
        if near_age or first or plain:
            finder.sex("male" if kind in _MALE else "female", start, end)
            return
