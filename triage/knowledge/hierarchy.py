"""What follows from a record by hierarchy, exclusion, age, sex and measured vital signs: the one rule for real and synthetic patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.knowledge.loader import Knowledge
from triage.records import NOT_APPLICABLE, PRESENT


def make_consistent(
    knowledge: Knowledge, codes: NDArray[np.int8], bands: NDArray[np.int8], age_band: NDArray[Any], sex: NDArray[Any]
) -> None:
    """Marks, in place, the findings of `codes` [N, F] that are not applicable.

    A refinement counts only under a present parent; of mutually exclusive ones a present one makes the others not applicable; a
    finding that cannot occur at this age or sex (-1: unknown), or that a measured vital sign replaces, is not applicable.
    """
    both = age_band.astype(np.int64) * 4 + sex
    unknown = (age_band < 0) | (sex < 0)
    if not unknown.any():
        codes[~knowledge.applies[age_band, sex]] = NOT_APPLICABLE
    else:
        for key in np.unique(both):
            rows = np.flatnonzero(both == key)
            a, x = int(age_band[rows[0]]), int(sex[rows[0]])
            possible = knowledge.applies[slice(None) if a < 0 else slice(a, a + 1), slice(None) if x < 0 else slice(x, x + 1)]
            codes[np.ix_(rows, np.flatnonzero(~possible.any(axis=(0, 1))))] = NOT_APPLICABLE
    for column, vital in enumerate(knowledge.vitals.values()):
        for name in vital.get("replaces", ()):
            codes[bands[:, column] >= 0, knowledge.finding_index[name]] = NOT_APPLICABLE
    children = np.flatnonzero(knowledge.parent >= 0)
    block = codes[:, children]
    block[codes[:, knowledge.parent[children]] != PRESENT] = NOT_APPLICABLE
    codes[:, children] = block
    for number in range(int(knowledge.group.max()) + 1):
        members = np.flatnonzero(knowledge.group == number)
        block = codes[:, members]
        chosen = (block == PRESENT).any(axis=1)
        block[chosen[:, None] & (block != PRESENT)] = NOT_APPLICABLE
        codes[:, members] = block


def true_entries(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the true entries (many times faster than np.nonzero in two dimensions)."""
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return rows, columns
