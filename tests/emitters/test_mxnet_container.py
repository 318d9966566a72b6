"""What users of MXNet do with the files, and the way back: MXNet, IR, MXNet, IR."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import onnx_ir
import pytest

import converter
from converter.emitters import live_nodes, operator_of
from tests.emitters.cases import CASES
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import agree
from tests.emitters.golden import representative
from tests.emitters.models import Builder, noise
from tests.emitters.refusals import recorded
from tests.emitters.targets import tolerance
from tests.parsers import cases as parsed
from tests.support.containers import run_step, stage_scripts

STEPS = (
    "images/mxnet/checkpoint.py",
    "images/mxnet/run.py",
    "tests/emitters/mxnet_loads.py",
    "tests/support/batch.py",
)
KEPT = ("conv-norm", "residual", "dense-norm", "prelu", "representative")
"""Cases that come back with the operators and the attributes that they went with."""
UNREAD = {
    "lstm-*": "the parser takes an open batch in the first place only",
    "gru-*": "the parser takes an open batch in the first place only",
    "rnn-*": "the parser takes an open batch in the first place only",
    "resize-linear-volume": "the parser merges no open batch with other axes",
    "mxnet-Pooling*-max-full-*": "the parser takes no infinite numbers",
    "mxnet-pooling*-empty-max": "the parser takes no infinite numbers",
    "mxnet-found-flatten-*": "the parser merges no open batch with other axes",
    "mxnet-arange-like-all": "nothing is left of the input",
    "mxnet-shape-array-constant": "nothing is left of the input",
}
"""Cases whose checkpoints are not read back, and why."""
EVERY = 6
"""Of so many cases one is read back: all of them would take minutes, and each family has more than that."""


def readable() -> list[str]:
    """The cases whose checkpoints can be read back."""
    refused = recorded("mxnet")
    names = [*(case.name for case in CASES), *(f"mxnet-{case.id}" for case in parsed.CASES)]
    return [
        name for name in names if name not in refused and not any(fnmatchcase(name, pattern) for pattern in UNREAD)
    ]


READ_BACK = [name for place, name in enumerate(readable()) if place % EVERY == 0 or name in KEPT]

pytestmark = pytest.mark.container


def stage(place: Path, model: onnx_ir.Model, cases: Mapping[str, Outputs]) -> None:
    """Write what the steps find below ``in/``."""
    converter.save(model, place / "ir")
    (place / "code").mkdir()
    for name, content in converter.emit(model, "mxnet").items():
        (place / "code" / name).write_bytes(content)
    (place / "params.json").write_text(json.dumps({"trace": False}))
    arrays = {f"{case}/{name}": array for case, inputs in cases.items() for name, array in inputs.items()}
    np.savez(place / "inputs.npz", **arrays)


def run(folder: Path, *steps: str) -> Path:
    """Run ``steps`` on the cases that are staged; where their outputs are."""
    stage_scripts(folder / "in" / "step", *STEPS)
    (folder / "out" / "cases").mkdir(parents=True)
    run_step("mxnet", ["python3", "in/step/batch.py", *steps], folder / "in", folder / "out")
    return folder / "out" / "cases"


def arrays_of(folder: Path, step: str) -> Outputs:
    """What ``step`` wrote."""
    assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text() + (folder / "log.txt").read_text()
    with np.load(folder / step / "outputs.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_back(checkpoint: Path, plan: Mapping[str, Mapping[str, list[int | str]]]) -> onnx_ir.Model:
    """The IR of a checkpoint that was written."""
    (graph,) = checkpoint.glob("*-symbol.json")
    (params,) = checkpoint.glob("*-0000.params")
    read = {node["name"] for node in json.loads(graph.read_text())["nodes"]}
    inputs = {
        str(plan["inputs"][name]): tuple(shape)
        for name, shape in plan["shapes"].items()
        if plan["inputs"][name] in read
    }
    return converter.parse("mxnet", graph=graph, weights=params, inputs=inputs)


Made = tuple[str, str, dict[str, object], list[str]]


def made_of(model: onnx_ir.Model) -> list[Made]:
    """Every node, in the order of names: name, operator, attributes, outputs."""
    return [
        (
            str(node.name),
            operator_of(node),
            {name: plain(attribute.value) for name, attribute in node.attributes.items()},
            [str(value.name) for value in node.outputs],
        )
        for node in sorted(live_nodes(model.graph), key=lambda node: str(node.name))
    ]


def plain(value: object) -> object:
    """An attribute's value as it is stored: in float32, as a list."""
    if isinstance(value, float):
        return float(np.float32(value))
    return list(value) if isinstance(value, tuple | list) else value


def asked(came: list[Made], went: list[Made]) -> list[Made]:
    """The nodes that ``came``, with the attributes that the nodes that ``went`` have: defaults come back written."""
    return [
        (name, operator, {key: attributes[key] for key in given if key in attributes}, outputs)
        for (name, operator, attributes, outputs), (_, _, given, _) in zip(came, went, strict=True)
    ]


def questions(rows: int) -> Outputs:
    """Inputs of the representative net."""
    return {"data": noise("data", (rows, 3, 18, 24), low=0) * 255}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The representative net, loaded in each way, on batches that it was not checked with."""
    folder = tmp_path_factory.mktemp("loads")
    cases = {"one": questions(1), "five": questions(5)}
    stage(folder / "in" / "cases" / "net", representative(), cases)
    net = Builder("table")
    data = net.input("data", ("batch", 3, 4))
    table = net.node("Gather", "rows", data, net.constant("places", [2, 0]), axis=1)
    shape = net.constant("shape", [1, 2, 1])
    scale = net.node("Expand", "scale", net.parameter("shared"), shape)
    model = net.model(net.node("Mul", "scaled", table, scale), table)
    stage(folder / "in" / "cases" / "table", model, {"two": {"data": noise("data", (2, 3, 4))}})
    return run(folder, "checkpoint", "run", "mxnet_loads")


@pytest.mark.parametrize("way", ["executor", "module", "block"])
@pytest.mark.parametrize(("case", "rows"), [("one", 1), ("five", 5)])
def test_mxnet_loads_the_checkpoint(way: str, case: str, rows: int, loaded: Path) -> None:
    found, answers = arrays_of(loaded / "net", "mxnet_loads"), arrays_of(loaded / "net", "run")
    for name, shape in (("prob1_output", (rows, 2)), ("fc3_output", (rows, 4))):
        assert found[f"{way}/{case}/{name}"].shape == shape
        np.testing.assert_array_equal(found[f"{way}/{case}/{name}"], answers[f"{case}/{name}"])


@pytest.mark.parametrize("way", ["executor", "module", "block"])
def test_mxnet_loads_a_table_of_whole_numbers(way: str, loaded: Path) -> None:
    found, answers = arrays_of(loaded / "table", "mxnet_loads"), arrays_of(loaded / "table", "run")
    for name in ("scaled_output", "rows_output"):
        np.testing.assert_array_equal(found[f"{way}/two/{name}"], answers[f"two/{name}"])


def test_the_checkpoint_is_called_as_the_network(loaded: Path) -> None:
    files = sorted(path.name for path in (loaded / "net" / "checkpoint").iterdir())
    assert files == ["ExampleNet-0000.params", "ExampleNet-symbol.json"]


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    net = Builder('net"""\n__import__("os")')
    names = ['a"b\\', "a\nb", 'x"""', "lambda", "ünï", "a/b", "a_b", "mx", "symbol", "%s{0}", "\x01"]
    value = net.input("da'ta\n", ("batch", 3))
    for name in names:
        value = net.node("Gemm", name, value, net.parameter(f"{name}_weight", (3, 3)), transB=1)
    stage(tmp_path / "in" / "cases" / "net", net.model(value), {"one": {"da'ta\n": noise("x", (2, 3))}})
    answers = arrays_of(run(tmp_path, "checkpoint", "run") / "net", "run")
    assert list(answers) == ["one/\x01_output"]


def test_more_dimensions_than_mxnets_kernels_take(tmp_path: Path) -> None:
    left, right = (2, 3, 2, 3, 2, 3), (1, 3, 1, 3, 1, 3)
    net = Builder()
    first = net.input("first", left)
    second = net.input("second", right)
    axes = [net.constant(f"axes{index}", [0, 2, 4]) for index in range(2)]
    cuts = {"starts": [1, 0], "ends": [2, 3], "along": [0, 5], "steps": [1, 2]}
    limits = [net.constant(name, values) for name, values in cuts.items()]
    outputs = [
        net.node("Add", "sum", first, second),
        net.node("ReduceSum", "kept", first, axes[0], keepdims=1),
        net.node("ReduceMax", "left", first, axes[1], keepdims=0),
        net.node("Tile", "tile", second, net.constant("repeats", [2, 1, 2, 1, 2, 1])),
        net.node("Slice", "cut", first, *limits),
        net.node("Transpose", "turned", first, perm=[5, 3, 1, 0, 2, 4]),
    ]
    inputs = {"first": noise("first", left), "second": noise("second", right)}
    model = net.model(*outputs)
    stage(tmp_path / "in" / "cases" / "net", model, {"case": inputs})
    converter.save(model, tmp_path / "subject" / "ir")
    (tmp_path / "subject" / "structure").mkdir()
    (tmp_path / "subject" / "structure" / "model.onnx").write_bytes((tmp_path / "subject/ir/model.onnx").read_bytes())
    answers = arrays_of(run(tmp_path, "checkpoint", "run") / "net", "run")
    found = {name.removeprefix("case/"): array for name, array in answers.items()}
    agree(Subject("net", tmp_path / "subject", inputs, 1e-6), found, 1e-6)


@pytest.fixture(scope="module")
def written(subjects: Mapping[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The checkpoint of every case that is not refused: where the plans are, and where the checkpoints are."""
    folder = tmp_path_factory.mktemp("written")
    chosen: Iterable[Subject] = (subjects[name] for name in READ_BACK)
    for subject in chosen:
        place = folder / "in" / "cases" / subject.id
        (place / "code").mkdir(parents=True)
        for name, content in converter.emit(subject.load(), "mxnet").items():
            (place / "code" / name).write_bytes(content)
        (place / "ir").mkdir()
        shutil.copy(subject.folder / "ir" / "weights.safetensors", place / "ir")
    stage(folder / "in" / "cases" / "representative", representative(), {})
    return folder / "in" / "cases", run(folder, "checkpoint")


def back(name: str, written: tuple[Path, Path]) -> tuple[onnx_ir.Model, Mapping[str, Mapping[str, str]]]:
    """The IR that is read of a case's checkpoint, and the plan that this was written by."""
    plans, checkpoints = written
    plan = json.loads((plans / name / "code" / "weights.plan.json").read_text())
    folder = checkpoints / name
    assert not (folder / "error.txt").exists(), (folder / "error.txt").read_text() + (folder / "log.txt").read_text()
    return read_back(folder / "checkpoint", plan), plan


@pytest.mark.parametrize("name", KEPT)
def test_what_comes_back_is_what_went(name: str, subjects: Mapping[str, Subject], written: tuple[Path, Path]) -> None:
    model = representative() if name == "representative" else subjects[name].load()
    went = made_of(model)
    assert asked(made_of(back(name, written)[0]), went) == went


@pytest.mark.parametrize("name", READ_BACK)
def test_what_comes_back_computes_the_same(
    name: str, subjects: Mapping[str, Subject], written: tuple[Path, Path], tmp_path: Path
) -> None:
    subject = subjects[name]
    model, plan = back(name, written)
    converter.save(model, tmp_path / "ir")
    (tmp_path / "structure").mkdir()
    (tmp_path / "structure" / "model.onnx").write_bytes((tmp_path / "ir" / "model.onnx").read_bytes())
    given = {str(value.name) for value in model.graph.inputs}
    inputs = {plan["inputs"][key]: array for key, array in subject.inputs.items() if plan["inputs"][key] in given}
    again = Subject(name, tmp_path, inputs, subject.tolerance)
    answers = dict(zip(plan["outputs"], again.outputs, strict=True))
    found = {key: again.expected[output] for key, output in answers.items()}
    agree(subject, found, max(tolerance("mxnet", name, subject.tolerance), 1e-6))
