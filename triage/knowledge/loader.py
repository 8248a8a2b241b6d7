"""Compiled knowledge as the rooms above use it: ids, names, tables and the arrays that describe states."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage import artefact
from triage.errors import ArtefactError
from triage.records import AGE_BANDS

FILE = "knowledge.triage"
LAW_FILE = "world.triage"  # what only the synthetic world and learning need
ODDS_STEP = 2.0**-11  # frequencies are kept as log-odds in 16-bit integers: to a thousandth at either end, in a third of the room


def odds_units(p: NDArray[Any]) -> NDArray[np.int16]:
    """Probabilities as log-odds in units of ODDS_STEP."""
    clipped = np.clip(np.asarray(p, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.rint(np.log(clipped / (1 - clipped)) / ODDS_STEP), dtype=np.int16)


def probability(units: NDArray[np.int16]) -> NDArray[np.float64]:
    """The probabilities of log-odds in units of ODDS_STEP."""
    return np.asarray(1 / (1 + np.exp(units * -ODDS_STEP)))


class Knowledge:
    """The compiled knowledge; shapes as in `compiler` (S states, C conditions, F findings, V variants, A 10 bands, X 2 sexes)."""

    def __init__(self, manifest: dict[str, Any], arrays: dict[str, NDArray[Any]], directory: Path) -> None:
        self.directory = directory
        self.manifest = manifest
        self.arrays = arrays
        self.hash: str = manifest["numbers_hash"]
        self.findings: list[str] = manifest["findings"]
        self.conditions: list[str] = manifest["conditions"]
        self.finding_index = {name: i for i, name in enumerate(self.findings)}
        self.condition_index = {name: i for i, name in enumerate(self.conditions)}
        self.state_condition = arrays["condition"]
        self.acuity = arrays["acuity"]
        self.parent = arrays["parent"]
        self.group = arrays["group"]
        self.applies = arrays["applies"]
        self.variant = arrays["variant"]
        self.at_least = np.array(manifest["at_least"], dtype=np.int8)
        self.vitals: dict[str, Any] = manifest["vitals"]
        # States are sorted by condition, so a condition's states are one slice.
        self.first_state = np.searchsorted(self.state_condition, np.arange(len(self.conditions)))

    @cached_property
    def law(self) -> dict[str, NDArray[Any]]:
        """The frequencies and habits of the synthetic world, read when first asked for."""
        manifest, arrays = artefact.read(self.directory / LAW_FILE, "world")
        if manifest["numbers_hash"] != self.hash:
            raise ArtefactError(f"world file {self.directory / LAW_FILE}: belongs to other knowledge. Rebuild both with 'triage train'.")
        return arrays | {"frequency": probability(arrays["frequency"]).astype(np.float32), "spread": arrays["spread"].astype(np.float32)}

    @property
    def n_variants(self) -> int:
        """How many finding variants there are: one for each finding, ten for one whose background follows age."""
        return int(self.variant.max()) + 1

    @property
    def n_states(self) -> int:
        """How many states there are."""
        return len(self.acuity)

    def invented(self, share: float) -> NDArray[np.float64]:
        """P(noted as present | absent and asked) [F]: a share of each finding's mean background; mutually exclusive ones have none."""
        background = self.law["background"].astype(np.float64)[self.variant].mean(axis=1)
        return np.asarray(np.where(self.group < 0, share * background, 0.0))

    def name(self, identifier: str, language: str) -> str:
        """The name of a condition, finding or red flag in a language; the id if it has none."""
        entry = self.manifest["names"].get(identifier)
        return identifier.replace("_", " ") if entry is None else entry.get(language) or entry["en"]

    def syndrome_states(self, syndrome: str) -> NDArray[np.bool_]:
        """Which states [S] belong to a syndrome such as sepsis."""
        return np.array([syndrome in syndromes for _, _, _, syndromes in self.manifest["states"]])

    def syndromes(self) -> list[str]:
        """The syndromes that have states."""
        return sorted({name for _, _, _, names in self.manifest["states"] for name in names})

    def normal(self, vital: str, band: NDArray[np.intp]) -> NDArray[np.float64]:
        """The factor that scales a vital sign of an age band to the adult normal; 1 for those that do not follow age."""
        by_age = self.vitals[vital]["by_age"]
        if not by_age:
            return np.ones(len(band))
        adult = by_age[AGE_BANDS.index("30-44")]
        return np.asarray(adult / np.array(by_age, dtype=float))[band]


def read(directory: Path) -> Knowledge:
    """The compiled knowledge of a directory, read anew."""
    return Knowledge(*artefact.read(directory / FILE, "knowledge"), directory)


@lru_cache(maxsize=4)
def load(directory: Path | None = None) -> Knowledge:
    """The compiled knowledge of a directory (default: the shipped one)."""
    return read(directory or artefact.default_directory())
