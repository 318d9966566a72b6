"""Build nets in MXNet, answer one noise image, read the export, answer again from the IR, and compare."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import converter
from converter.errors import TransshipError
from tests.support.containers import run_step, stage_scripts
from tests.zoo.nets import LIMIT, Net

Outputs = dict[str, np.ndarray]
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Result:
    """What was measured of one net.

    Attributes:
        name: The net.
        nodes: How many nodes its IR has.
        parameters: How many numbers are trained.
        max_rel: Largest difference relative to the largest value, of the worst output; None where it did not run.
        error: Why it did not.
    """

    name: str
    nodes: int = 0
    parameters: int = 0
    max_rel: float | None = None
    error: str = ""

    def row(self) -> dict[str, object]:
        """As JSON values; the figure with two digits, so that another processor does not make it another one."""
        rounded = None if self.max_rel is None else float(f"{self.max_rel:.0e}")
        return {key: value for key, value in (asdict(self) | {"max_rel": rounded}).items() if value not in ("", 0)}


def measure(nets: Sequence[Net]) -> list[Result]:
    """Measure ``nets``, in one container of each framework."""
    folder = Path(tempfile.mkdtemp(prefix="zoo-"))
    try:
        return _measure(nets, folder)
    finally:
        shutil.rmtree(folder)


def _measure(nets: Sequence[Net], folder: Path) -> list[Result]:
    _ask_mxnet(nets, folder / "mxnet")
    answers = {net.name: _answer(folder / "mxnet" / "out" / "cases" / net.name, "reference") for net in nets}
    read: dict[str, Result] = {}
    for net in nets:
        if not isinstance(answers[net.name], str):
            read[net.name] = _read(net, folder)
    ready = [net for net in nets if net.name in read and not read[net.name].error]
    if ready:
        _ask_onnxruntime(ready, folder / "onnx")
    return [_result(net, answers[net.name], read.get(net.name), folder) for net in nets]


def _ask_mxnet(nets: Iterable[Net], folder: Path) -> None:
    for net in nets:
        place = folder / "in" / "cases" / net.name
        place.mkdir(parents=True)
        export = {**net.export(), "inputs": {"data": _shape(net)}}
        (place / "export.json").write_text(json.dumps(export))
        files = {"graph": "model-symbol.json", "weights": "model-0000.params", "trace": False}
        (place / "reference.json").write_text(json.dumps(files))
        seed = np.random.default_rng(zlib.crc32(net.name.encode()))
        np.savez(place / "inputs.npz", **{"case/data": seed.standard_normal(_shape(net), np.float32)})
    _run("mxnet", ("images/mxnet/export.py", "images/mxnet/reference.py"), ("export=source", "reference"), folder)


def _read(net: Net, folder: Path) -> Result:
    """Read an export into the IR and stage that for onnxruntime."""
    exported = folder / "mxnet" / "out" / "cases" / net.name / "export"
    place = folder / "onnx" / "in" / "cases" / net.name
    try:
        model = converter.parse(
            "mxnet",
            graph=exported / "model-symbol.json",
            weights=exported / "model-0000.params",
            inputs={"data": ["batch", *_shape(net)[1:]]},
        )
        converter.save(model, place / "ir")
    except TransshipError as error:
        return Result(net.name, error=error.what)
    (place / "params.json").write_text(json.dumps({"trace": False}))
    shutil.copy(folder / "mxnet" / "in" / "cases" / net.name / "inputs.npz", place)
    size = sum(math.prod(int(d) for d in value.shape or ()) for value in model.graph.initializers.values())
    shutil.rmtree(exported)
    return Result(net.name, len(list(model.graph)), size)


def _ask_onnxruntime(nets: Iterable[Net], folder: Path) -> None:
    _run("onnx", ("images/onnx/run.py",), ("run",), folder)


def _run(toolchain: str, scripts: Sequence[str], steps: Sequence[str], folder: Path) -> None:
    stage_scripts(folder / "in" / "step", *scripts, "tests/support/batch.py")
    (folder / "out" / "cases").mkdir(parents=True)
    run_step(toolchain, ["python3", "in/step/batch.py", *steps], folder / "in", folder / "out")


def _answer(place: Path, step: str) -> Outputs | str:
    if (place / "error.txt").exists():
        return (place / "error.txt").read_text() + (place / "log.txt").read_text()
    with np.load(place / step / "outputs.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _result(net: Net, reference: Outputs | str, read: Result | None, folder: Path) -> Result:
    if isinstance(reference, str) or read is None:
        return Result(net.name, error=f"MXNet: {_last(str(reference))}")
    if read.error:
        return read
    found = _answer(folder / "onnx" / "out" / "cases" / net.name, "run")
    if isinstance(found, str):
        return Result(net.name, read.nodes, read.parameters, error=f"onnxruntime: {_last(found)}")
    if list(found) != list(reference):
        return Result(net.name, read.nodes, read.parameters, error="the outputs have other names")
    pairs = [(reference[name], found[name]) for name in reference]
    if any(wanted.shape != made.shape for wanted, made in pairs):
        return Result(net.name, read.nodes, read.parameters, error="the outputs have other shapes")
    if net.detector:
        pairs = _matched(pairs)
    return Result(net.name, read.nodes, read.parameters, max(_max_rel(*pair) for pair in pairs))


def _matched(pairs: list[Pair]) -> list[Pair]:
    """Put a detector's rows (class, score, box) in MXNet's order, each beside the nearest of those that tie with it.

    Rows come sorted by score. Where two scores differ by less than float32's rounding, which of them is the first is
    not the network's to say.
    """
    wanted, made = (np.concatenate([pair[side][0] for pair in pairs], axis=-1) for side in (0, 1))
    free, order = set(range(len(made))), []
    for row in wanted:
        ties = [index for index in free if abs(made[index, 1] - row[1]) <= LIMIT]
        order.append(min(ties or free, key=lambda index: float(np.abs(made[index] - row).max())))
        free.remove(order[-1])
    return [(reference, found[:, order]) for reference, found in pairs]


def _max_rel(reference: np.ndarray, found: np.ndarray) -> float:
    """The largest difference relative to the largest value; infinite where either is not a number."""
    error, largest = float(np.abs(reference - found).max()), float(np.abs(reference).max())
    if not math.isfinite(error) or not math.isfinite(largest):
        return math.inf
    return error / largest if largest else error


def _last(said: str) -> str:
    """The last message of a log: the last line that does not belong to one above it."""
    return [line for line in said.strip().splitlines() if not line.startswith(" ")][-1]


def _shape(net: Net) -> list[int]:
    return [1, 3, net.size, net.size]
