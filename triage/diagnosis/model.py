"""The diagnosis model: log-linear over states, for any pattern of unknowns, with the prior put in when serving.

    score(state) = log prior(state | setting, age, sex)
                 + sum over present findings of present[variant, state] + the same for absent findings
                 + t * (sum over findings not mentioned of unsaid[variant, state])
                 + sum over measured vital signs of vital[band, state]

`unsaid` is log(1 - P(volunteered)): what free text does not mention is weak evidence of absence. Its strength t depends on how many
findings were volunteered and how many questions were answered (`talk`), and is 0 where there was no free text: a finding that was merely not asked about is ignorable.
All weights are multiples of 2^-10, `unsaid` and `talk` of 2^-7 and 2^-4, so that sums below 8,192 are exact in float32: the answer does
not depend on order, chunk or worker.

The file holds one number for each finding and state, the log-odds of P(finding | state) as a 16-bit integer, from which the three weights
follow (p that probability, m and i how often a record misses a present and invents an absent finding):

    present = a log(p (1 - m) + (1 - p) i)     absent = b log(p m + (1 - p) (1 - i))     unsaid = log(1 - volunteered p)

with the learned exponents a and b of the finding. One patient needs a few dozen rows of them, so they are made when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage import artefact
from triage.diagnosis.encoding import Cases, encode, gated
from triage.errors import ArtefactError
from triage.knowledge import loader
from triage.knowledge.loader import Knowledge, probability
from triage.records import ABSENT, AGE_BANDS, PRESENT, SETTINGS

FILE = "model.triage"
SAID_BUCKETS = (1, 2, 3, 5, 8)  # lower limits of the number of volunteered findings
ANSWERED_BUCKETS = (0, 1, 35, 80, 140)  # lower limits of the number of answered questions: how thorough this visit was
CHUNK = 256
FLOOR = -30.0
STEP = 2.0**-10
SILENCE_STEP = 2.0**-7
MANY = 64  # patients from which the whole table of weights is worth making
UNITS = {"vital": STEP, "silence": SILENCE_STEP, "talk": STEP}  # what one unit of an array of 16-bit integers is worth

Floats = NDArray[np.float32]


def talk_bucket(cases: Cases) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The cell of the talk table [said, answered] that each case falls into."""
    known = ((cases.codes == PRESENT) | (cases.codes == ABSENT)).sum(axis=1)
    said = np.searchsorted(SAID_BUCKETS, np.maximum(cases.said, 1), side="right") - 1
    answered = np.searchsorted(ANSWERED_BUCKETS, np.maximum(known - np.maximum(cases.said, 0), 0), side="right") - 1
    return said, answered


def quantised(values: NDArray[Any], step: float = STEP) -> Floats:
    """The nearest multiples of `step` in float32."""
    return (np.rint(np.asarray(values, dtype=np.float64) / step) * step).astype(np.float32)


def packed(weights: NDArray[Any]) -> NDArray[np.int16]:
    """Weights as 16-bit integers in units of STEP, as the file holds them."""
    units = np.rint(np.asarray(weights, dtype=np.float64) / STEP)
    return np.clip(units, -32767, 32767).astype(np.int16)  # a cast without the clip would turn "impossible" into "certain"


def derived(arrays: Mapping[str, NDArray[Any]], rows: NDArray[Any] | slice, kind: str) -> NDArray[np.float64]:
    """The weights [n, S] of some finding variants, before rounding: `kind` is present, absent or unsaid (see the formulas above)."""
    p = probability(arrays["frequency"][rows])
    missed, invented = arrays["missed"][rows, None], arrays["invented"][rows, None]
    if kind == "unsaid":
        return np.asarray(np.log1p(-arrays["volunteered"][rows, None] * p))
    if kind == "present":
        return np.asarray(arrays["exponents"][0][rows, None] * np.log(p * (1 - missed) + (1 - p) * invented))
    return np.asarray(arrays["exponents"][1][rows, None] * np.log(p * missed + (1 - p) * (1 - invented)))


class Model:
    """Weights by finding variant and state, with what `learning` measured of them."""

    def __init__(self, knowledge: Knowledge, manifest: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        self.knowledge = knowledge
        self.manifest = manifest
        self.arrays = arrays
        self.version: str = manifest["version"]
        self.variants = len(arrays["frequency"])
        self.talk: Floats = self.values("talk")
        with np.errstate(divide="ignore"):
            self.log_prior = quantised(np.maximum(np.log(knowledge.arrays["prior"].astype(np.float64)), FLOOR))
        self._nothing_said: dict[tuple[int, int], Floats] = {}

    @cached_property
    def weights(self) -> Floats:
        """The whole table of weights [present, absent, unsaid by variant; vital bands] as numbers."""
        return self._made(np.arange(3 * self.variants + len(self.arrays["vital"])))

    def _made(self, rows: NDArray[np.intp]) -> Floats:
        """Some rows of the table of weights, made from the file's numbers."""
        result = np.empty((len(rows), self.knowledge.n_states), dtype=np.float32)
        block, row = np.divmod(rows, self.variants)
        for number, (kind, step) in enumerate((("present", STEP), ("absent", STEP), ("unsaid", SILENCE_STEP))):
            chosen = block == number
            result[chosen] = quantised(derived(self.arrays, row[chosen], kind), step)
        vital = rows >= 3 * self.variants
        result[vital] = self.arrays["vital"][rows[vital] - 3 * self.variants] * np.float32(STEP)
        return result

    def _rows(self, rows: NDArray[np.intp]) -> Floats:
        """Some rows of the table of weights; from the whole table where there is one."""
        return self.weights[rows] if "weights" in self.__dict__ else self._made(rows)

    def values(self, name: str) -> Floats:
        """An array of the model as numbers."""
        array = self.arrays[name]
        return np.asarray(array * np.float32(UNITS[name]) if array.dtype == np.int16 else array, dtype=np.float32)

    def nothing_said(self, band: int, sex: int) -> Floats:
        """The sum of `unsaid` over all findings that could have been mentioned at this age and sex [S]."""
        key = (band, sex)
        if key not in self._nothing_said:
            roots = (self.knowledge.parent < 0) & self.knowledge.applies[band, sex]
            self._nothing_said[key] = (
                self.values("silence")[band, sex]
                if "silence" in self.arrays
                else self._rows(2 * self.variants + self.knowledge.variant[roots, band].astype(np.intp)).sum(axis=0, dtype=np.float32)
            )
        return self._nothing_said[key]

    def strength(self, cases: Cases) -> Floats:
        """How strongly silence counts [N], by how many findings were volunteered and how many answered; 0 without free text."""
        return np.asarray(np.where(cases.said >= 1, self.talk[talk_bucket(cases)], np.float32(0)), dtype=np.float32)

    def silence(self) -> NDArray[np.int16]:
        """`nothing_said` for every age band and sex [A, X, S] in units of SILENCE_STEP, for the file: one answer must not have to add it up."""
        table = [[self.nothing_said(band, sex) for sex in range(2)] for band in range(len(AGE_BANDS))]
        return np.asarray(np.rint(np.array(table) / SILENCE_STEP), dtype=np.int16)

    def evidence_scores(self, cases: Cases) -> Floats:
        """Log-likelihood of the evidence up to a constant [N, S] float32."""
        if len(cases) >= MANY and "weights" not in self.__dict__:
            _ = self.weights  # made once for all of them
        result = np.zeros((len(cases), self.knowledge.n_states), dtype=np.float32)
        for start in range(0, len(cases), CHUNK):
            self._add(result[start : start + CHUNK], cases.take(slice(start, start + CHUNK)))
        return result

    def _add(self, result: Floats, cases: Cases) -> None:
        """Adds the weights of a few cases to `result` [n, S]."""
        knowledge, count = self.knowledge, len(cases)
        strength = self.strength(cases)
        for key in set(zip(cases.age_band.tolist(), cases.sex.tolist(), strict=True)):
            rows = np.nonzero((cases.age_band == key[0]) & (cases.sex == key[1]))[0]
            result[rows] += strength[rows, None] * self.nothing_said(*key)
        bounds, rows, factors = encode(knowledge, cases, strength)
        for i in range(count):
            part = slice(bounds[i], bounds[i + 1])
            if part.start < part.stop:
                result[i] += factors[part] @ self._rows(rows[part])

    def state_posterior(self, cases: Cases, setting: str) -> NDArray[np.float64]:
        """P(state | evidence) [N, S]; an age band or sex of -1 is averaged over."""
        unknown = (cases.age_band < 0) | (cases.sex < 0)
        if unknown.any():
            # Each row by its own way, so that a row's answer does not depend on its neighbours.
            result = np.empty((len(cases), self.knowledge.n_states))
            result[unknown] = self._averaged(cases.take(unknown), setting)
            result[~unknown] = self.state_posterior(cases.take(~unknown), setting)
            return result
        scores = self.evidence_scores(cases) + self.log_prior[SETTINGS.index(setting), cases.age_band, cases.sex]
        return normalised(scores.astype(np.float64))

    def _averaged(self, cases: Cases, setting: str) -> NDArray[np.float64]:
        """The posterior where age or sex is unknown: the sum over those that could be, weighted by who visits."""
        k = SETTINGS.index(setting)
        result = np.empty((len(cases), self.knowledge.n_states))
        for i in range(len(cases)):
            bands = range(len(AGE_BANDS)) if cases.age_band[i] < 0 else (int(cases.age_band[i]),)
            sexes = range(2) if cases.sex[i] < 0 else (int(cases.sex[i]),)
            people = [(band, sex) for band in bands for sex in sexes]
            # Someone in whom a finding that is present cannot occur is not the patient.
            present = cases.codes[i] == PRESENT
            people = [one for one in people if self.knowledge.applies[one][present].all()] or people
            copies = cases.take(np.full(len(people), i))
            copies = Cases(
                codes=gated(self.knowledge, copies.codes, people),
                bands=copies.bands,
                said=copies.said,
                age_band=np.array([band for band, _ in people], dtype=np.int8),
                sex=np.array([sex for _, sex in people], dtype=np.int8),
            )
            scores = self.evidence_scores(copies) + self.log_prior[k, copies.age_band, copies.sex]
            weight = np.array([self.knowledge.arrays["demography"][k, band, sex] for band, sex in people], dtype=np.float64)
            joint = scores.astype(np.float64)
            joint = np.exp(joint - joint.max()) * weight[:, None]
            result[i] = joint.sum(axis=0) / joint.sum()
        return result

    def condition_posterior(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """P(condition) [N, C] from P(state) [N, S]."""
        return np.asarray(np.add.reduceat(states, self.knowledge.first_state, axis=1))


def normalised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from log scores, row by row."""
    scores = scores - scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


@lru_cache(maxsize=4)
def load(directory: Path | None = None) -> Model:
    """The model of a directory (default: the shipped one), checked against the knowledge it was trained with."""
    place = directory or artefact.default_directory()
    knowledge = loader.load(directory)
    manifest, arrays = artefact.read(place / FILE, "model")
    if manifest.get("knowledge_hash") != knowledge.hash:
        raise ArtefactError(
            f"model file {place / FILE}: trained with knowledge {str(manifest.get('knowledge_hash'))[:12]}. "
            f"Expected {knowledge.hash[:12]}, the knowledge beside it. Rebuild both with 'triage train'."
        )
    return Model(knowledge, manifest, arrays)
