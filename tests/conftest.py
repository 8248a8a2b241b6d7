from __future__ import annotations

import pytest

from triage.assess import Engine
from triage.knowledge import corpus as knowledge_corpus
from triage.knowledge.corpus import Corpus
from triage.knowledge.loader import Knowledge


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    return knowledge_corpus.load()


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture(scope="session")
def knowledge(engine: Engine) -> Knowledge:
    return engine.knowledge
