"""Synthetic patients: who comes, what they have, and what of it is recorded.

One patient is a state, the truth of every finding, and a record: the codes of `records` (unknown, present, absent, not applicable) for
findings, a band or -1 for vital signs. Two channels fill the record. A finding that is present is *volunteered* with a probability that
depends on the finding and on the patient's style; the clinic *asks* independently of what is true. See `posterior` for the exact law.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.hierarchy import make_consistent, true_entries
from triage.knowledge.loader import Knowledge
from triage.records import ABSENT, PRESENT, SETTINGS
from triage.world.clinics import ORDINARY, Clinic, Shift, draw_clinic

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Level:
    """How much is recorded: multiplies talk and asking of the style, or asks everything with one probability."""

    name: str
    talk: float = 1.0
    ask: float | None = None  # None: the style's own habit
    measure: float | None = None  # None: the clinic's own habit


ORDINARY_LEVEL = Level("ordinary")
FULL = Level("full", talk=0.0, ask=1.0, measure=1.0)
HALF = Level("half", talk=1.0, ask=0.5, measure=0.5)
FIRST_COMPLAINT = Level("first complaint", talk=0.5, ask=0.0, measure=0.0)
LEVELS = (FULL, HALF, FIRST_COMPLAINT, ORDINARY_LEVEL)


@dataclass(frozen=True, slots=True)
class Patients:
    """N patients. `codes` [N, F] int8, `bands` [N, vital signs] int8 (-1 not measured), `said` [N] how many findings were volunteered."""

    state: NDArray[np.int16]
    age_band: NDArray[np.int8]
    sex: NDArray[np.int8]  # index into SEXES
    clinic: NDArray[np.int32]
    codes: NDArray[np.int8]
    bands: NDArray[np.int8]
    said: NDArray[np.int16]
    volunteered: Bools  # [N, F] which present codes were said unprompted
    reported: Bools  # [N, F] what was reported present, also where a measured vital sign then replaced it

    def __len__(self) -> int:
        return len(self.state)

    def take(self, index: object) -> Patients:
        """The patients at an index or under a mask."""
        return Patients(*(getattr(self, f.name)[index] for f in fields(self)))


def concatenate(parts: Sequence[Patients]) -> Patients:
    """Several groups of patients as one."""
    return Patients(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Patients)))


def simulate(
    knowledge: Knowledge,
    patients: int,
    *,
    seed: int,
    setting: str = "clinic",
    clinics: int = 200,
    level: Level = ORDINARY_LEVEL,
    shift: Shift = ORDINARY,
    state_weights: NDArray[np.float64] | None = None,
) -> Iterator[Patients]:
    """Patients of fresh clinics, one group for each clinic; the same arguments give the same bytes.

    `state_weights` [S] multiplies the rate of each state, to draw rare conditions more often (stratified cases). Silent visits, in
    which nothing is recorded as present, are left out, as a clinic has nothing to enter: see `posterior`.
    """
    size_seed, seeds = _clinic_seeds(seed, setting, clinics)
    laws_volume = np.empty(clinics)
    for number in range(clinics):
        # The volume decides how many patients a clinic sends; drawing the law twice is cheaper than keeping hundreds of them.
        law = _law(seeds[number], knowledge, setting, shift, volume_only=True)
        laws_volume[number] = (law.joint.reshape(-1, knowledge.n_states) * (1 if state_weights is None else state_weights)).sum()
    counts = np.random.default_rng(size_seed).multinomial(patients, laws_volume / laws_volume.sum())

    def visit(number: int) -> Patients:
        law = _law(seeds[number], knowledge, setting, shift)
        rng = np.random.default_rng(seeds[number].spawn(1)[0])
        return draw_patients(rng, knowledge, law, int(counts[number]), number, level, state_weights)

    from joblib import Parallel, delayed  # here, because answering a patient must not import it

    # Threads: NumPy releases the interpreter lock, and clinics are independent, so their order and number change nothing.
    yield from Parallel(n_jobs=-1, prefer="threads", return_as="generator")(delayed(visit)(n) for n in range(clinics) if counts[n])


def clinic_laws(knowledge: Knowledge, *, seed: int, setting: str, clinics: int, shift: Shift = ORDINARY) -> list[Clinic]:
    """The laws of the clinics that `simulate` draws with the same arguments, by clinic number; for the oracle ceiling."""
    return [_law(one, knowledge, setting, shift) for one in _clinic_seeds(seed, setting, clinics)[1]]


def _clinic_seeds(seed: int, setting: str, clinics: int) -> tuple[np.random.SeedSequence, list[np.random.SeedSequence]]:
    """The seed of the clinics' sizes, and one seed for each clinic."""
    size, *seeds = np.random.SeedSequence([seed, SETTINGS.index(setting), clinics]).spawn(clinics + 1)
    return size, seeds


def _law(seed: np.random.SeedSequence, knowledge: Knowledge, setting: str, shift: Shift, volume_only: bool = False) -> Clinic:
    fresh = np.random.SeedSequence(entropy=seed.entropy, spawn_key=seed.spawn_key)
    return draw_clinic(np.random.default_rng(fresh), knowledge, setting, shift, frequencies=not volume_only)


def draw_patients(
    rng: np.random.Generator,
    knowledge: Knowledge,
    clinic: Clinic,
    count: int,
    number: int,
    level: Level,
    state_weights: NDArray[np.float64] | None = None,
) -> Patients:
    """`count` patients of one clinic; fewer where nothing was recorded as present."""
    states = knowledge.n_states
    joint = clinic.joint if state_weights is None else (clinic.joint.reshape(-1, states) * state_weights).ravel()
    cumulative = np.cumsum(joint)
    cell = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right").clip(max=len(joint) - 1)
    people, state = np.divmod(cell, states)
    band, sex = np.divmod(people, 2)

    latents = knowledge.manifest["latents"]
    style = np.sort(rng.choice(len(clinic.style), size=count, p=clinic.style))  # one style after the other: see _record
    atypical = rng.random(count) < clinic.atypical
    profiles = np.array([profile["by_age"] for profile in latents["comorbid"]])  # [profiles, A]
    shares = np.cumsum(profiles / profiles.sum(axis=0), axis=0)[:, band]
    comorbid = (rng.random(count)[None, :] >= shares).sum(axis=0).clip(max=len(profiles) - 1)

    present = _truth(rng, knowledge, clinic, state, band, atypical, comorbid)
    present &= knowledge.applies[band, sex]
    codes, volunteered = _record(rng, knowledge, clinic, present, style, level)
    measure = clinic.measured if level.measure is None else np.full(len(clinic.measured), level.measure)
    bands = _vital_bands(rng, knowledge, state, measure)
    reported = codes == PRESENT
    reported &= knowledge.applies[band, sex]
    children = np.flatnonzero(knowledge.parent >= 0)
    reported[:, children] &= reported[:, knowledge.parent[children]]
    make_consistent(knowledge, codes, bands, band, sex)
    volunteered &= codes == PRESENT
    roots = knowledge.parent < 0
    kept = (codes == PRESENT).any(axis=1)
    result = Patients(
        state=state.astype(np.int16),
        age_band=band.astype(np.int8),
        sex=sex.astype(np.int8),
        clinic=np.full(count, number, dtype=np.int32),
        codes=codes,
        bands=bands,
        said=(volunteered & roots).sum(axis=1).astype(np.int16),
        volunteered=volunteered,
        reported=reported,
    )
    return result if kept.all() else result.take(kept)


def _uniform16(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.uint16]:
    """Uniform 16-bit integers: four from each 64-bit draw."""
    words = rng.integers(0, 2**64, size=(rows, -(-columns // 4)), dtype=np.uint64)
    return words.view(np.uint16)[:, :columns]


def _thresholds(p: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.minimum(np.rint(p * 65536), 65535).astype(np.uint16)


def _truth(
    rng: np.random.Generator, knowledge: Knowledge, clinic: Clinic, state: Ints, band: Ints, atypical: Bools, comorbid: Ints
) -> Bools:
    """Whether each finding is present [N, F]; a refinement as if its parent were."""
    law, variant = knowledge.law, knowledge.variant
    table = _thresholds(clinic.frequency)
    background = _thresholds(law["background"])
    aged = np.nonzero((variant != variant[:, :1]).any(axis=1))[0]
    threshold = np.ascontiguousarray(table[variant[:, 0]].T)[state]
    if len(aged):
        threshold[:, aged] = table[variant[aged].T[band], state[:, None]]
    odd = np.nonzero(atypical)[0]
    if len(odd):
        fade = knowledge.manifest["latents"]["textbook"][1]["fade"]
        usual = background[variant.T[band[odd]]]
        threshold[odd] = (threshold[odd] * (1 - fade) + usual * fade).astype(np.uint16)
    uniform = _uniform16(rng, len(state), len(variant))
    present = uniform < threshold
    for number in range(int(knowledge.group.max()) + 1):
        members = np.nonzero(knowledge.group == number)[0]
        upper = np.cumsum(threshold[:, members].astype(np.int64), axis=1)
        draw = uniform[:, members[:1]]
        present[:, members] = (draw < upper) & (draw >= upper - threshold[:, members])
    ill = np.nonzero(comorbid)[0]
    if len(ill):
        added = law["comorbid"]
        columns = np.nonzero(added.any(axis=0))[0]
        present[np.ix_(ill, columns)] |= rng.random((len(ill), len(columns)), dtype=np.float32) < added[np.ix_(comorbid[ill], columns)]
    return present


def _record(
    rng: np.random.Generator, knowledge: Knowledge, clinic: Clinic, present: Bools, style: Ints, level: Level
) -> tuple[NDArray[np.int8], Bools]:
    """Codes [N, F] before hierarchy, and which were volunteered."""
    law = knowledge.law
    styles = knowledge.manifest["latents"]["style"]
    talk = np.array([one["talk"] for one in styles]) * level.talk
    ask = np.array([one["ask"] for one in styles])
    volunteered = np.zeros_like(present)
    rows, columns = true_entries(present)
    said = np.minimum(law["said"][columns] * talk[style[rows]], 0.98)
    spoken = rng.random(len(rows)) < said
    volunteered[rows[spoken], columns[spoken]] = True
    rates = asking(knowledge, ask[:, None], level)  # [styles, F]
    draw = _uniform16(rng, *present.shape)
    for number in range(int(knowledge.group.max()) + 1):  # a group is asked about as a whole
        members = np.nonzero(knowledge.group == number)[0]
        draw[:, members] = draw[:, members[:1]]
    asked = np.empty_like(present)
    invented = np.empty_like(present)
    rate, wrong = _thresholds(rates.astype(np.float32)), _thresholds((rates * knowledge.invented(clinic.invented)).astype(np.float32))
    bounds = np.searchsorted(style, np.arange(len(ask) + 1))
    for k in range(len(ask)):  # patients come sorted by style
        part = slice(bounds[k], bounds[k + 1])
        np.less(draw[part], rate[k], out=asked[part])
        # The lowest part of the asking draw is an invented answer: independent of the truth, and no further draw.
        np.less(draw[part], wrong[k], out=invented[part])
    if level.ask == 1.0:
        asked[:] = True  # sixteen bits cannot say "always"
    codes = asked.view(np.int8) * np.int8(ABSENT)
    np.copyto(codes, np.int8(PRESENT), where=invented | (present & (asked | volunteered)))
    rows, columns = rows[~spoken], columns[~spoken]
    again = asked[rows, columns] & (knowledge.group[columns] < 0)
    rows, columns = rows[again], columns[again]
    missed = rng.random(len(rows)) < clinic.missed
    codes[rows[missed], columns[missed]] = ABSENT
    return codes, volunteered


def asking(knowledge: Knowledge, ask: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """P(asked) by style and finding; a group shares the rate of its first member."""
    asked = knowledge.law["asked"].astype(float)
    for number in range(int(knowledge.group.max()) + 1):
        members = np.nonzero(knowledge.group == number)[0]
        asked[members] = asked[members[0]]
    if level.ask is not None:
        return np.full((len(ask), len(asked)), level.ask)
    return np.asarray(np.minimum(asked[None, :] * ask, 0.95))


def _vital_bands(rng: np.random.Generator, knowledge: Knowledge, state: Ints, measure: NDArray[np.float64]) -> NDArray[np.int8]:
    """The band of each vital sign [N, vital signs], -1 where it was not measured."""
    result = np.full((len(state), len(knowledge.vitals)), -1, dtype=np.int8)
    for column, vital in enumerate(knowledge.vitals.values()):
        taken = np.nonzero(rng.random(len(state), dtype=np.float32) < measure[column])[0]
        share = knowledge.law["vital"][:, vital["start"] : vital["start"] + vital["count"]]
        upper = np.cumsum(share, axis=1)[state[taken], :-1]
        draw = rng.random(len(taken), dtype=np.float32)[:, None]
        result[taken, column] = (draw >= upper).sum(axis=1)
    return result
