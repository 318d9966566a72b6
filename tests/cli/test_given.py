"""From what is typed to a manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converter.errors import BadInput
from tasks.action import Digest
from tasks.cli.given import Given, called
from tasks.errors import UsageError
from tasks.manifest import Input, Source
from tests.emitters.models import noise
from tests.parsers.files import Net, write


def digest(path: Path) -> Digest | None:
    return Digest.of(path.read_bytes()) if path.is_file() else None


@pytest.fixture
def given(tmp_path: Path) -> Given:
    """A convolution and its softmax, in a folder with a space."""
    folder = tmp_path / "my nets"
    folder.mkdir()
    net = Net()
    data = net.input("data", noise("data", (1, 3, 8, 8)))
    kernel = net.arg("kernel", noise("kernel", (2, 3, 3, 3)))
    value = net.node("Convolution", "conv", [data, kernel], kernel="(3, 3)", num_filter="2", no_bias="True")
    net.node("softmax", "prob", [value])
    graph, _ = write(folder, net.symbol(), net.params)
    return Given(network=graph, framework="mxnet", shapes=("3,8,8",))


def test_the_structure_alone(given: Given) -> None:
    manifest = given.manifest(digest)
    assert isinstance(manifest.source, Source)
    (file,) = manifest.source.files
    assert (file.role, file.digest) == ("graph", digest(given.network or Path()))
    assert file.urls[0].startswith("file:///")
    assert "%20" in file.urls[0]
    assert manifest.inputs == {"data": Input(("batch", 3, 8, 8), (0.0, 255.0))}


def test_an_image(given: Given) -> None:
    image = replace(given, channels="BGR", mean=(104.0, 117.0, 123.0), scale=(0.5,), name="other")
    manifest = image.manifest(digest, {"caffe": {"to_bgr": True}})
    assert manifest.name == "other"
    assert manifest.inputs["data"] == Input(
        ("batch", 3, 8, 8),
        (-61.5, 75.5),
        {"channels": "BGR", "mean": [104.0, 117.0, 123.0], "scale": 0.5},
    )
    assert manifest.targets["caffe"].options == {"to_bgr": True}


def test_a_range(given: Given) -> None:
    assert replace(given, range=(-2.0, 2.0)).manifest(digest).inputs["data"].range == (-2.0, 2.0)
    for wrong in ((1.0,), (2.0, 1.0), (1.0, 2.0, 3.0)):
        with pytest.raises(BadInput, match="lowest and a highest"):
            replace(given, range=wrong).manifest(digest)


def test_labels(given: Given, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n\n")
    assert replace(given, labels=tmp_path / "names.txt").manifest(digest).outputs["prob_output"].labels == (
        "cat",
        "dog",
    )
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe")
    for wrong in ("names.txt", "nothing.txt"):
        with pytest.raises(BadInput, match="labels"):
            replace(given, labels=tmp_path / wrong).manifest(digest)


def test_what_cannot_be(given: Given, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no model was given"):
        Given().manifest(digest)
    with pytest.raises(BadInput, match="no input is an image of 1 channels"):
        replace(given, channels="GRAY").manifest(digest)
    with pytest.raises(BadInput, match="models of caffe cannot be read"):
        replace(given, framework="caffe").manifest(digest)
    with pytest.raises(BadInput, match="cannot read the symbol"):
        replace(given, network=tmp_path / "nothing-symbol.json").manifest(digest)


def test_names() -> None:
    assert called(Path("a b/resnet-50-symbol.json")) == "resnet-50"
    assert called(Path("my net (2).json")) == "my_net_2"
    assert called(Path("...-symbol.json")) == "model"


def test_a_name_that_is_none(given: Given) -> None:
    for wrong in ("../other", "a b", ".hidden"):
        with pytest.raises(UsageError, match="no name for a model"):
            replace(given, name=wrong).manifest(digest)
