"""Run Caffe's files in programs that are not the image's Caffe: stock Caffe, and OpenCV's importer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from converter.emitters.caffe import FILES
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import TOGETHER
from tests.emitters.prototxt import layers_of
from tests.emitters.refusals import emit
from tests.support.containers import run_step, stage_scripts

CHECKPOINT = "images/caffe-ssd/checkpoint.py"
STOCK, OPENCV = "images/caffe-ssd/run.py", "tests/emitters/opencv_caffe.py"
IMAGE = "caffe-bvlc"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Network:
    """A subject as Caffe's files.

    Attributes:
        subject: The model.
        files: What is emitted for it.
        checkpoint: The folder of its ``.prototxt`` and ``.caffemodel``.
    """

    subject: Subject
    files: Mapping[str, bytes]
    checkpoint: Path

    @property
    def layers(self) -> list[dict[str, Any]]:
        """Its layers."""
        return layers_of(self.files[FILES[0]])

    @property
    def types(self) -> set[str]:
        """The types of its layers."""
        return {str(layer["type"][0]) for layer in self.layers}

    @property
    def returns_inputs(self) -> bool:
        """Whether an output is an input as it is."""
        return bool(set(self.plan["inputs"].values()) & set(self.plan["outputs"].values()))

    @property
    def plan(self) -> dict[str, Any]:
        """Its weight plan."""
        return dict(json.loads(self.files[FILES[1]]))


def networks(
    subjects: Sequence[Subject], folder: Path, *, unlike: Mapping[str, Network] | None = None, **options: Any
) -> dict[str, Network]:
    """The checkpoints of those of ``subjects`` that are not refused, made by the image's own Caffe, by subject.

    Args:
        subjects: The models.
        folder: An empty one to work in.
        unlike: Networks not to make again: those of one of these layer by layer are left out.
        options: For the emitter.
    """
    known = {name: net.files[FILES[0]] for name, net in (unlike or {}).items()}
    nets = []
    for subject in subjects:
        files = emit(subject, "caffe", **options)
        if not isinstance(files, str) and known.get(subject.id) != files[FILES[0]]:
            place = folder / str(len(nets) // TOGETHER)
            nets.append(Network(subject, files, place / "out" / "cases" / subject.id / "checkpoint"))
    for number, part in enumerate(_parts(nets)):
        place = folder / str(number)
        for net in part:
            _stage_code(net, place / "in" / "cases" / net.subject.id)
        _run("caffe-ssd", CHECKPOINT, place)
    return {net.subject.id: net for net in nets}


def run_elsewhere(script: str, nets: Mapping[str, Network], folder: Path) -> dict[str, Outputs | str]:
    """What ``script``, STOCK or OPENCV, answers to each of ``nets`` by its name, or what failed said."""
    found: dict[str, Outputs | str] = {}
    for number, part in enumerate(_parts(list(nets.items()))):
        place = folder / str(number)
        for name, net in part:
            _stage_net(net, place / "in" / "cases" / name)
        _run(IMAGE, script, place)
        found |= {name: _answer(net, script, place / "out" / "cases" / name) for name, net in part}
    return found


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER))


def _stage_code(net: Network, place: Path) -> None:
    (place / "code").mkdir(parents=True)
    for name, content in net.files.items():
        (place / "code" / name).write_bytes(content)
    (place / "ir").mkdir()
    shutil.copy(net.subject.folder / "ir" / "weights.safetensors", place / "ir")


def _stage_net(net: Network, place: Path) -> None:
    shutil.copytree(net.checkpoint, place / "checkpoint")
    (place / "code").mkdir()
    (place / "code" / FILES[1]).write_bytes(net.files[FILES[1]])
    written = {"inputs": net.plan["inputs"], "outputs": dict(_places(net))}
    (place / "params.json").write_text(json.dumps({"trace": False, **written}))
    np.savez(place / "inputs.npz", **{f"case/{name}": array for name, array in net.subject.inputs.items()})


def _places(net: Network) -> Iterator[tuple[str, tuple[str, int]]]:
    """The layer that computes each output last, in place or not, and which of its tops it is."""
    last = {top: (layer["name"][0], index) for layer in net.layers for index, top in enumerate(layer.get("top", []))}
    yield from ((name, last[blob]) for name, blob in net.plan["outputs"].items())


def _run(image: str, script: str, place: Path) -> None:
    stage_scripts(place / "in" / "step", script, "tests/support/batch.py")
    (place / "out" / "cases").mkdir(parents=True)
    run_step(image, ["python3", "in/step/batch.py", Path(script).stem], place / "in", place / "out")


def _answer(net: Network, script: str, place: Path) -> Outputs | str:
    if (place / "error.txt").exists():
        return (place / "error.txt").read_text() + (place / "log.txt").read_text()
    with np.load(place / Path(script).stem / "outputs.npz", allow_pickle=False) as arrays:
        named = {name.removeprefix("case/"): arrays[name] for name in arrays.files}
    return {name: _typed(net, name, array) for name, array in named.items()}


def _typed(net: Network, name: str, array: np.ndarray) -> np.ndarray:
    """``array`` as the IR has it: blobs are float32, and a matrix of OpenCV has two dimensions at least."""
    wanted = net.subject.expected[name]
    row = wanted.ndim == 1 and array.shape == (*wanted.shape, 1)
    typed = array.astype(wanted.dtype)
    assert np.array_equal(typed, array, equal_nan=True), name
    return typed.reshape(wanted.shape) if row else typed
