"""The corpus, saved once."""

from __future__ import annotations

import pytest

from tests.emitters.corpus import Subject, corpus


@pytest.fixture(scope="session")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Subject]:
    """Every model that targets are tested on."""
    return corpus(tmp_path_factory.mktemp("corpus"))
