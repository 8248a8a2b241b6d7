"""The vocabulary of the program as frozen records.

Glossary
--------
finding      something a patient has, feels, did or was exposed to, with an id such as ``chest_pain``
evidence     what is known of a patient's findings: present, absent, not applicable, or unknown (the default)
volunteered  said unprompted in free text; what is not said is weak evidence of absence
elicited     asked about or examined; what was not asked is ignored
state        (condition, presentation, severity); acuity is a property of a state
acuity       1 resuscitation, 2 emergent, 3 same day, 4 less urgent, 5 non-urgent; *urgent* means 1 or 2
must-not-miss  a condition that is listed with the test that settles it as soon as it is possible enough
red flag     a rule on findings and vital signs that raises acuity whatever the model says
weight       the change of a condition's log-odds when one piece of evidence enters (natural logarithm)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

LANGUAGES = ("en", "zh", "ko")
SETTINGS = ("clinic", "emergency")
SEXES = ("female", "male")

# The ten age bands of all knowledge: upper limits in years, exclusive.
AGE_LIMITS = (28 / 365.25, 1.0, 5.0, 12.0, 18.0, 30.0, 45.0, 60.0, 75.0, float("inf"))
AGE_BANDS = ("0-27d", "28d-11mo", "1-4", "5-11", "12-17", "18-29", "30-44", "45-59", "60-74", "75+")

# Codes of one finding of one patient in an evidence array (int8).
UNKNOWN, PRESENT, ABSENT, NOT_APPLICABLE = 0, 1, 2, 3


class Acuity(IntEnum):
    """How soon a patient needs care; the numbers follow the five-level triage scales (KTAS, CTAS, ESI)."""

    RESUSCITATION = 1
    EMERGENT = 2
    SAME_DAY = 3
    LESS_URGENT = 4
    NON_URGENT = 5

    @property
    def disposition(self) -> str:
        """Where the patient should go, as the word used in JSON and CSV."""
        return ("ambulance_now", "hospital_now", "hospital_today", "clinic", "self_care")[self - 1]


@dataclass(frozen=True, slots=True)
class Mention:
    """One finding read in a text; `start` and `end` are offsets into the text as it was given."""

    finding: str
    status: str  # present | absent | uncertain | past | other_person | hypothetical
    start: int
    end: int
    text: str
    correction: str = ""  # the spelling that was assumed, if the text was misspelt


@dataclass(frozen=True, slots=True)
class Value:
    """One number read in a text: age, sex, duration, pregnancy weeks or a vital sign, in the units of `Visit`."""

    name: str
    value: float | str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text said: findings, values, what was not understood, and values that were out of range."""

    language: str
    mentions: tuple[Mention, ...]
    values: tuple[Value, ...]
    unread: tuple[tuple[int, int], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """One patient as given: everything but the complaint's meaning. None means not given or not measured.

    Units: age in years, temperature in degrees Celsius, rates per minute, blood pressure in mmHg, spo2 in percent,
    glucose in mmol/L, pain 0-10, onset in hours. `findings` are elicited: (id, True for present, False for absent).
    """

    complaint: str = ""
    findings: tuple[tuple[str, bool], ...] = ()
    age: float | None = None
    sex: str | None = None
    pregnant: bool | None = None
    pregnancy_weeks: float | None = None
    temperature: float | None = None
    heart_rate: float | None = None
    respiratory_rate: float | None = None
    systolic_bp: float | None = None
    diastolic_bp: float | None = None
    spo2: float | None = None
    on_oxygen: bool | None = None
    glucose: float | None = None
    consciousness: str | None = None
    pain_score: float | None = None
    onset_hours: float | None = None


VITALS = (
    "temperature",
    "heart_rate",
    "respiratory_rate",
    "systolic_bp",
    "diastolic_bp",
    "spo2",
    "glucose",
    "consciousness",
    "pain_score",
    "onset_hours",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence as it was used: a finding or a vital sign, and where it came from."""

    id: str
    status: str  # present | absent | the value of a vital sign
    source: str  # text | findings | vital | implied
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Weight:
    """How far one piece of evidence moved a condition's log-odds; the weights of a condition sum to its posterior."""

    evidence: str
    status: str
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A condition with its posterior probability, and the weights that lead to it."""

    condition: str
    probability: float
    weights: tuple[Weight, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A red flag or early-warning score that fired."""

    id: str
    acuity: Acuity
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A must-not-miss condition that is still possible, with P(it is there in a serious state), and the test that settles it."""

    condition: str
    probability: float
    settled_by: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer for one visit, in ids only; `report` turns it into words."""

    status: str  # ok | insufficient
    setting: str
    language: str
    acuity: Acuity | None = None
    p_emergency: float | None = None
    actions: tuple[str, ...] = ()
    red_flags: tuple[Flag, ...] = ()
    must_not_miss: tuple[Listed, ...] = ()
    differential: tuple[Candidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    unread: tuple[tuple[int, int], ...] = ()
    not_measured: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def urgent(self) -> bool | None:
        """True for acuity 1 or 2, False for 3 to 5, None when there was too little to answer."""
        return None if self.acuity is None else self.acuity <= Acuity.EMERGENT


def age_band(age: float) -> int:
    """The index into AGE_BANDS of an age in years."""
    for index, limit in enumerate(AGE_LIMITS):
        if age < limit:
            return index
    raise ValueError(f"Invalid age. Got {age!r}. Expected years, 0 or more.")
