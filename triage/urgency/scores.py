"""NEWS2 on arrays, with what was not measured named: a partial score is a lower bound, which may raise and never reassures.

Source: Royal College of Physicians, National Early Warning Score 2 (2017), reproduced as thresholds in knowledge key `news2-rcp-2017`;
for patients of 16 and over who are not pregnant. Scale 2 for saturation is not used: it needs a specialist's instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# For each vital sign: upper limits of the bands, and the points of each band (one more than limits).
NEWS2: dict[str, tuple[tuple[float, ...], tuple[int, ...]]] = {
    "respiratory_rate": ((8, 11, 20, 24), (3, 1, 0, 2, 3)),
    "spo2": ((91, 93, 95), (3, 2, 1, 0)),
    "systolic_bp": ((90, 100, 110, 219), (3, 2, 1, 0, 3)),
    "heart_rate": ((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3)),
    "temperature": ((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2)),
}
MINIMUM_AGE = 16
URGENT, EMERGENCY = 5, 7


@dataclass(frozen=True, slots=True)
class News2:
    """Points of each part [N, parts] (-1 not measured), the lower bound of the total [N], and whether the score applies [N]."""

    parts: tuple[str, ...]
    points: NDArray[np.int8]
    total: NDArray[np.int16]
    applies: NDArray[np.bool_]

    def acuity(self) -> NDArray[np.int8]:
        """The acuity the score raises to [N]: 2 from 7 points, 3 from 5 points or a single 3, else 5."""
        single = (self.points == 3).any(axis=1)
        level = np.where(self.total >= EMERGENCY, 2, np.where((self.total >= URGENT) | single, 3, 5))
        return np.asarray(np.where(self.applies, level, 5), dtype=np.int8)


def news2(
    vitals: Mapping[str, Floats], consciousness: NDArray[np.str_], on_oxygen: NDArray[np.int8], age: Floats, pregnant: NDArray[np.bool_]
) -> News2:
    """NEWS2 of each patient; vital signs are NaN and `on_oxygen` -1 where not measured, `consciousness` "" where not assessed."""
    columns = []
    for name, (limits, points) in NEWS2.items():
        value = vitals[name]
        band = np.searchsorted(limits, np.nan_to_num(value, nan=0.0), side="left")
        columns.append(np.where(np.isnan(value), -1, np.array(points)[band]))
    columns.append(np.where(consciousness == "", -1, np.where(consciousness == "A", 0, 3)))
    columns.append(np.where(on_oxygen < 0, -1, 2 * (on_oxygen > 0)))
    points_ = np.stack(columns, axis=1).astype(np.int8)
    measured = (points_ >= 0).any(axis=1)
    with np.errstate(invalid="ignore"):
        old_enough = age >= MINIMUM_AGE
    return News2(
        parts=(*NEWS2, "consciousness", "oxygen"),
        points=points_,
        total=np.maximum(points_, 0).sum(axis=1).astype(np.int16),
        applies=measured & old_enough & ~pregnant,
    )
