"""From knowledge to the shipped model: compile, learn, tune, set thresholds, write."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from triage import __version__, artefact
from triage.diagnosis.encoding import encode
from triage.diagnosis.model import FILE, Model, packed, quantised, talk_bucket
from triage.errors import UsageError
from triage.knowledge import compiler, corpus, loader
from triage.knowledge.loader import Knowledge
from triage.learning import samples, thresholds, weights
from triage.learning.estimators import SoftmaxRegression, sparse_rows
from triage.records import SETTINGS
from triage.world.patients import Patients, concatenate, simulate

BATCH = 4096
POOL = 16 * BATCH  # patients that are shuffled together
PATIENTS = 1_000_000
FEWEST = 100  # patients a cell of the talk table needs to be tuned
SEED = 7

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


def train(directory: Path, *, patients: int = PATIENTS, seed: int = SEED, progress: Progress | None = None) -> Model:
    """Builds knowledge and model in `directory`; the same knowledge, seed and sizes give the same bytes on the same
    kind of machine (dense products of another processor may differ in the last bit)."""
    say = progress or (lambda what, done, total: None)
    say("compiling the knowledge", 0, 1)
    compiler.compile_to(corpus.load_valid(), directory)
    knowledge = loader.read(directory)
    began = time.perf_counter()
    arrays = learn(knowledge, patients, seed, say)
    seconds = time.perf_counter() - began
    model = weights.make(knowledge, arrays)
    arrays |= {"talk": tune_talk(model, seed)}
    model = weights.make(knowledge, arrays)
    say("setting thresholds", 0, 1)
    limits, notes = thresholds.set_thresholds(model, seed)
    arrays |= {"talk": packed(arrays["talk"]), "silence": model.silence()} | limits
    manifest: dict[str, Any] = {
        "version": f"{__version__}+{artefact.digest(arrays)[:8]}",
        "knowledge_hash": knowledge.hash,
        "seed": seed,
        "patients": patients,
        "method": "weighted naive Bayes over states: weights from knowledge, one exponent per feature learned from synthetic patients",
        **notes,
    }
    artefact.write(directory / FILE, "model", manifest, arrays)
    whole = time.perf_counter() - began
    # Not part of the model.
    cost = {
        "patients": patients,
        "learning_seconds": round(seconds),
        "seconds": round(whole),
        "peak_memory_mb": _peak_memory(),
        "cores": os.cpu_count(),
        "libraries": {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }
    (directory / "training.json").write_text(json.dumps(cost, indent=1) + "\n", encoding="utf-8")
    say(f"trained on {patients:,} patients in {whole:.0f} s", 1, 1)
    return Model(knowledge, manifest, arrays)


def _peak_memory() -> int | None:
    """Peak resident memory of this process in MB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # Linux counts in KiB


def recompile(directory: Path) -> Knowledge:
    """Writes the compiled knowledge anew where only words, rules or advice changed; the model stays.

    Raises UsageError when numbers changed, since then the model has to learn again.
    """
    knowledge = corpus.load_valid()
    manifest, _, _ = compiler.compile_corpus(knowledge)
    trained, _ = artefact.read(directory / FILE, "model")
    if trained["knowledge_hash"] != manifest["numbers_hash"]:
        raise UsageError("The numbers of the knowledge have changed since the model was trained. Run 'triage train' without --words-only.")
    if sorted(trained["rule_flag_rate"]["clinic"]) != sorted(manifest["red_flags"]):
        raise UsageError("The red flags have changed since their values were measured. Run 'triage train' without --words-only.")
    compiler.compile_to(knowledge, directory)
    return loader.read(directory)


def learn(knowledge: Knowledge, patients: int, seed: int, say: Progress) -> dict[str, NDArray[Any]]:
    """The arrays of the model: knowledge weights times learned exponents."""
    start = weights.from_frequency(knowledge, weights.mean_frequency(knowledge))
    model = weights.make(knowledge, start)
    total = patients // BATCH
    variants = model.variants
    rows = np.arange(len(model.weights))
    silence = (rows >= 2 * variants) & (rows < 3 * variants)  # silence has its own strength: see tune_talk
    estimator = SoftmaxRegression(model.weights, learn="exponents", held=silence, pull=1e-5, step=0.01, batch=BATCH)
    estimator.fit_stream(batches(model, patients, seed, say), knowledge.n_states, total)
    exponents = estimator.exponents_.astype(np.float64)
    return {
        **start,
        "exponents": np.rint(exponents[: 2 * variants].reshape(2, variants) * 2**10) / 2**10,
        "vital": packed(exponents[3 * variants :, None] * model.values("vital")),
    }


def batches(model: Model, patients: int, seed: int, say: Progress) -> Iterator[tuple[Any, NDArray[np.intp], NDArray[Any]]]:
    """Shuffled mini-batches of training patients: sparse evidence, state, and the log prior with which they were drawn."""
    rng = np.random.default_rng([seed, 1])
    priors = {s: _drawn_log_prior(model.knowledge, s) for s in SETTINGS}
    waiting: list[tuple[samples.Part, Patients]] = []
    seen = count = 0

    def empty() -> Iterator[tuple[Any, NDArray[np.intp], NDArray[Any]]]:
        everyone = concatenate([group for _, group in waiting])
        settings = np.concatenate([np.full(len(group), SETTINGS.index(part.setting)) for part, group in waiting])
        order = rng.permutation(len(everyone))
        for begin in range(0, len(order) - BATCH // 2, BATCH):
            rows = order[begin : begin + BATCH]
            chosen = samples.cases(everyone.take(rows))
            strength = model.strength(chosen)
            matrix = sparse_rows(*encode(model.knowledge, chosen, strength), len(model.weights))
            offset = np.empty((len(rows), model.knowledge.n_states), dtype=np.float32)
            for k, setting in enumerate(SETTINGS):
                here = settings[rows] == k
                offset[here] = priors[setting][chosen.age_band[here], chosen.sex[here]]
            for key in set(zip(chosen.age_band.tolist(), chosen.sex.tolist(), strict=True)):
                same = (chosen.age_band == key[0]) & (chosen.sex == key[1])
                offset[same] += strength[same, None] * model.nothing_said(*key)
            yield matrix, everyone.state[rows].astype(np.intp), offset

    for part, group in samples.training(model.knowledge, patients, seed):
        waiting.append((part, group))
        count += len(group)
        seen += len(group)
        if count >= POOL:
            yield from empty()
            say("learning", seen, patients)
            waiting, count = [], 0
    if waiting:
        yield from empty()


def _drawn_log_prior(knowledge: Knowledge, setting: str) -> NDArray[np.float32]:
    """log P(state | age, sex) among the training patients of a setting, up to a constant [A, X, S]."""
    prior = knowledge.arrays["prior"][SETTINGS.index(setting)].astype(float) * samples.stratified(knowledge, setting)
    return np.asarray(np.log(np.maximum(prior, 1e-13)), dtype=np.float32)


def tune_talk(model: Model, seed: int) -> NDArray[np.float32]:
    """How strongly silence counts by number of volunteered and of answered findings: the multiple of 1/16 with the least log-loss."""
    parts = [part for part in samples.mix() if part.level.talk > 0 and part.setting == "clinic"]
    groups = [
        group
        for number, part in enumerate(parts)
        for group in simulate(model.knowledge, 8000, seed=samples.SEEDS["tuning"] + seed + number, setting=part.setting, clinics=60,
                              level=part.level, shift=part.shift)
    ]  # fmt: skip
    everyone = concatenate(groups)
    known = samples.cases(everyone)
    said, answered = talk_bucket(known)
    best = model.values("talk").copy()
    cell = np.where(known.said >= 1, said * best.shape[1] + answered, -1)
    candidates = np.arange(0, 25) / 16
    losses = np.zeros((len(candidates), best.size))
    prior = model.log_prior[SETTINGS.index("clinic")]
    for start in range(0, len(everyone), BATCH):
        rows = slice(start, start + BATCH)
        cases, truth = known.take(rows), everyone.state[rows]
        # Scores are linear in the strength of silence: without it, and what one unit of it adds.
        model.talk = np.zeros_like(best)
        heard = model.evidence_scores(cases)
        model.talk = np.ones_like(best)
        silence = model.evidence_scores(cases) - heard
        heard += prior[cases.age_band, cases.sex]
        for row, value in enumerate(candidates):
            score = heard + np.float32(value) * silence
            score -= score.max(axis=1, keepdims=True)
            loss = np.log(np.exp(score).sum(axis=1)) - score[np.arange(len(cases)), truth]
            losses[row] += np.bincount(cell[rows] + 1, weights=loss, minlength=best.size + 1)[1:]
    seen = np.bincount(cell + 1, minlength=best.size + 1)[1:].reshape(best.shape) >= FEWEST
    best[seen] = candidates[losses.argmin(axis=0)].reshape(best.shape)[seen]
    return quantised(best, 2.0**-4)
