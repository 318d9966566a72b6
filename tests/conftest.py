"""Fixtures that every folder of tests may use: models from the package index, really converted, once."""

from __future__ import annotations

import os
import signal
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings

from tasks import index
from tasks.session import default_cache
from tasks.targets import TARGETS
from tests.gate.built import Built
from tests.support.project import MODELS, Project

# A shell that starts the tests in the background has them ignore Ctrl-C, and so the programs whose Ctrl-C they test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Only what many tests read and none makes comes from, and goes to, the cache that the environment names.
SHARED = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("TRANSSHIP_REMOTE_CACHE")}

# Developers' runs look for new examples, CI's repeat the same ones; a busy machine is no failure for either.
settings.register_profile("explore", deadline=None)
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.load_profile("repeat" if os.environ.get("CI") else "explore")

CODEMAO = ("codemao==0.0.17", "a9253f2d5dba5bff3f13ddfc42eee21e8da4225b1891a62bcbb13e62fe54e1c1")


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a space in its path, all its models converted to every target; its cache was empty before.

    For reading: who builds something else does so in a project of its own with the same cache. With a cache beyond,
    all is fetched that its results consist of, since others look into this one alone.
    """
    folder = tmp_path_factory.mktemp("conversions")
    project = Project(folder / "a project", folder / "cache", SHARED)
    tasks = [f"convert:{model}-{target}" for model in MODELS for target in TARGETS]
    done = project.doit_in_halves(*tasks)
    assert done.returncode == 0, done.stdout + done.stderr
    if SHARED:
        pulled = project.doit("cache", "pull", *tasks)
        assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    return project


@pytest.fixture(scope="session")
def onet(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """MTCNN's ONet and its answers."""
    return built(converted, "mtcnn-onet", tmp_path_factory.mktemp("onet"))


@pytest.fixture(scope="session")
def gender_age(converted: Project, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The network for gender and age, and its answers."""
    return built(converted, "gender-age", tmp_path_factory.mktemp("gender-age"))


@pytest.fixture(scope="session")
def codemao(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``codemao/data`` of the wheel that the models come from."""
    requirement, sha256 = CODEMAO
    wheel = index.fetch(requirement, [sha256], default_cache() / "archives")
    folder = tmp_path_factory.mktemp("codemao")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("codemao/data/mtcnn-model/"):
                archive.extract(name, folder)
    return folder / "codemao" / "data"


def built(project: Project, model: str, folder: Path) -> Built:
    """A converted model's folders; what the target answered is in the cache alone."""
    project.extract_answers(model, folder)
    build = project.folder / "build" / model
    return Built(ir=build / "ir", reference=build / "reference", caffe=folder)
