"""Patients as sparse rows of the model's weight table: the one place that says which weights a record brings in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.hierarchy import true_entries
from triage.knowledge.loader import Knowledge
from triage.records import ABSENT, NOT_APPLICABLE, PRESENT, UNKNOWN

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Cases:
    """N patients as the model sees them; see `records` for the codes.

    `codes` [N, F] int8, `bands` [N, vital signs] int8 (-1 not measured), `said` [N] volunteered findings, -1 without free text,
    `age_band` [N] and `sex` [N] (index into SEXES).
    """

    codes: NDArray[np.int8]
    bands: NDArray[np.int8]
    said: NDArray[np.int16]
    age_band: NDArray[np.int8]
    sex: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, index: object) -> Cases:
        """The cases at an index, slice or mask."""
        return Cases(*(getattr(self, f.name)[index] for f in fields(self)))


def gated(knowledge: Knowledge, codes: NDArray[np.int8], people: list[tuple[int, int]]) -> NDArray[np.int8]:
    """Codes with findings that cannot occur at an age band and sex set to not applicable."""
    result = codes.copy()
    for row, (band, sex) in enumerate(people):
        result[row, ~knowledge.applies[band, sex]] = NOT_APPLICABLE
    return result


def encode(knowledge: Knowledge, cases: Cases, strength: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """The rows of the weight table [present, absent, unsaid by variant; vital bands] that each case brings in, and their factors.

    Returns bounds [N + 1], rows and factors: case i owns rows[bounds[i]:bounds[i + 1]]. `strength` [N] is how strongly silence counts.
    The silence of *all* findings is added by the caller (it depends on age and sex alone); here what is known takes its share back.
    """
    variants = knowledge.n_variants
    absent, unsaid, vital = variants, 2 * variants, 3 * variants
    codes, band, sex = cases.codes, cases.age_band, cases.sex
    patients: list[NDArray[Any]] = []
    rows: list[NDArray[Any]] = []
    factors: list[Floats] = []

    def enter(patient: NDArray[Any], row: NDArray[Any], factor: Floats) -> None:
        patients.append(patient)
        rows.append(row)
        factors.append(factor)

    patient, finding = true_entries((codes == PRESENT) | (codes == ABSENT))
    variant = knowledge.variant[finding, band[patient]].astype(np.intp)
    enter(patient, np.where(codes[patient, finding] == PRESENT, variant, absent + variant), np.ones(len(patient), dtype=np.float32))
    if strength.any():
        root = knowledge.parent[finding] < 0
        enter(patient[root], unsaid + variant[root], -strength[patient[root]])
        patient, finding = true_entries((codes == NOT_APPLICABLE) & (knowledge.parent < 0) & knowledge.applies[band, sex])
        enter(patient, unsaid + knowledge.variant[finding, band[patient]].astype(np.intp), -strength[patient])
        # A refinement could have been mentioned only once its parent is present.
        children = np.flatnonzero(knowledge.parent >= 0)
        patient, child = true_entries((codes[:, children] == UNKNOWN) & (codes[:, knowledge.parent[children]] == PRESENT))
        enter(patient, unsaid + knowledge.variant[children[child], band[patient]].astype(np.intp), strength[patient])
    starts = np.array([entry["start"] for entry in knowledge.vitals.values()], dtype=np.intp)
    patient, column = true_entries(cases.bands >= 0)
    enter(patient, vital + starts[column] + cases.bands[patient, column], np.ones(len(patient), dtype=np.float32))
    who = np.concatenate(patients)
    order = np.argsort(who, kind="stable")
    bounds = np.searchsorted(who[order], np.arange(len(cases) + 1))
    return bounds, np.concatenate(rows)[order], np.concatenate(factors)[order]
