"""Networks of Gluon's model zoos as sources, as a user sees them."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.containers import run_step, stage_scripts
from tests.support.project import NO_ENGINE, Project, ran

pytestmark = pytest.mark.container

SOURCE = """title = "A small network"
framework = "mxnet"
licence = "Apache-2.0"

[source]
kind = "gluon"
name = "mobilenet0.25"
{more}
[inputs.data]
shape = ["batch", 3, 32, 32]
range = [-1.0, 1.0]
"""


@pytest.fixture
def project(converted: Project, tmp_path: Path) -> Project:
    """A checkout with a cache that knows the images and the downloads, and no results."""
    cache = tmp_path / "cache"
    for known in ("images", "archives"):
        shutil.copytree(converted.cache / known, cache / known)
    return Project(tmp_path / "project", cache)


@pytest.fixture(scope="module")
def parameters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as ``save_parameters`` writes it."""
    inputs, outputs = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    stage_scripts(inputs / "step", "tests/support/own.py")
    params = {"name": "mobilenet0.25", "inputs": {"data": [1, 3, 32, 32]}, "own": {"spelling": "save_parameters"}}
    (inputs / "params.json").write_text(json.dumps(params))
    run_step("mxnet", ["python3", "in/step/own.py"], inputs, outputs)
    return outputs / "own.params"


def publish(project: Project, parameters: Path, mirror: Path) -> dict[str, str]:
    """Put a file into a mirror, and have the project's zoo list it; the environment that names the mirror."""
    sha1 = hashlib.sha1(parameters.read_bytes()).hexdigest()
    archive = mirror / f"gluon/models/mobilenet0.25-{sha1[:8]}.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(parameters, f"mobilenet0.25-{sha1[:8]}.params")
    with (project.folder / "images/mxnet/zoo.py").open("a") as script:
        script.write(f'\nmodel_store._model_sha1["mobilenet0.25"] = "{sha1}"\n')
    return {"MXNET_GLUON_REPO": mirror.as_uri()}


def test_trained_weights_are_fetched_once_and_then_looked_up(
    project: Project, parameters: Path, tmp_path: Path
) -> None:
    manifest = project.folder / "models" / "small.toml"
    manifest.write_text(SOURCE.format(more=""))
    mirror = tmp_path / "a mirror"
    environment = publish(project, parameters, mirror)
    done = project.doit("convert:small-caffe", **environment)
    assert done.returncode == 0, done.stderr
    assert project.verdict("small", "caffe")["verdict"] == "exact"
    before = project.contents()
    shutil.rmtree(mirror)
    shutil.rmtree(project.folder / "build")
    restored = project.doit("convert:small-caffe", "download:photographs", **NO_ENGINE, **environment)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert ran(restored.stdout) == []
    assert project.contents() == before
    manifest.write_text(manifest.read_text().replace("32, 32", "64, 64"))
    edited = project.doit("download:small", **environment)
    assert edited.returncode == 0, edited.stderr
    assert ran(edited.stdout) == ["download:small"], "exported anew, of weights that no mirror has any more"


def test_trained_weights_that_cannot_be_had_are_never_replaced(project: Project, tmp_path: Path) -> None:
    (project.folder / "models" / "small.toml").write_text(SOURCE.format(more=""))
    failed = project.doit("convert:small-caffe", MXNET_GLUON_REPO=(tmp_path / "nothing").as_uri())
    assert failed.returncode == 1
    assert "the trained weights mobilenet0.25-9f83e440.params cannot be had" in failed.stderr
    assert "nothing/gluon/models/mobilenet0.25-9f83e440.zip" in failed.stderr
    assert 'weights = "seeded" makes another model' in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 3
    assert not (project.folder / "build" / "small").exists()


def test_a_user_s_own_file_is_exported_and_one_that_does_not_fit_is_refused(
    project: Project, parameters: Path
) -> None:
    digest = hashlib.sha256(parameters.read_bytes()).hexdigest()
    size = parameters.stat().st_size
    described = f'[source.files.parameters]\nurls = ["{parameters.as_uri()}"]\nsha256 = "{digest}"\nsize = {size}\n'
    small = SOURCE.format(more=described)
    (project.folder / "models" / "small.toml").write_text(small)
    (project.folder / "models" / "wrong.toml").write_text(small.replace("mobilenet0.25", "mobilenet0.5"))
    done = project.doit("convert:small-caffe")
    assert done.returncode == 0, done.stderr
    assert project.verdict("small", "caffe")["verdict"] == "exact"
    assert set(project.contents()) >= {"small/source/model-symbol.json", "small/source/model-0000.params"}
    failed = project.doit("download:wrong")
    assert failed.returncode == 1
    assert "download:wrong failed: The parameters are not those of mobilenet0.5: the file has" in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 2


def test_a_name_that_no_zoo_has_gets_the_nearest_ones(project: Project) -> None:
    (project.folder / "models" / "small.toml").write_text(
        SOURCE.format(more="").replace("mobilenet0.25", "mobilnet1.0")
    )
    failed = project.doit("download:small")
    assert failed.returncode == 1
    assert "There is no model 'mobilnet1.0'" in failed.stderr
    assert "perhaps mobilenet1.0" in failed.stderr
