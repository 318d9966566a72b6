"""The negative controls on real trained networks, judged by what MXNet and Caffe really answered.

Every control is made by running a network again: the IR, in onnx's reference implementation, on changed inputs or
with changed weights. The fixtures ``onet`` and ``gender_age`` give a `Built`: networks read from MXNet, with MXNet's
own answers, and Caffe's after conversion.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file

from converter.cases import open_cases
from converter.compare import Verdict, compare, first_bad
from tests.gate.built import Built

pytestmark = pytest.mark.container

Array = np.ndarray[Any, np.dtype[Any]]
Cases = dict[str, dict[str, Array]]


def read(path: Path) -> Cases:
    """All arrays of an npz, by case and name."""
    return {case: dict(arrays) for case, arrays in open_cases(path).items()}


def run(model: onnx.ModelProto, inputs: Cases) -> Cases:
    """The outputs of a model whose weights are loaded."""
    network = ReferenceEvaluator(model)
    names = network.output_names
    return {case: dict(zip(names, network.run(None, arrays), strict=True)) for case, arrays in inputs.items()}


def load(folder: Path, *, trace: bool = False) -> onnx.ModelProto:
    """The IR with its weights; with ``trace`` every value is an output."""
    model = onnx.load(folder / "model.onnx")
    if trace:
        names = [name for node in model.graph.node for name in node.output]
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return model


def reweighted(built: Built, folder: Path, change: Callable[[dict[str, Array]], None]) -> Path:
    """A copy of the IR whose weights file ``change`` has altered, tensor for tensor in the same places."""
    shutil.copytree(built.ir, folder)
    path = folder / "weights.safetensors"
    length = int.from_bytes(path.read_bytes()[:8], "little")
    before = path.read_bytes()[: 8 + length]
    content = bytearray(path.read_bytes())
    weights = load_file(path)
    change(weights)
    places = _places(built.ir / "model.onnx")
    for name, array in weights.items():
        start, size = places[name]
        assert array.nbytes == size
        content[start : start + size] = np.ascontiguousarray(array).tobytes()
    path.write_bytes(content)
    assert path.read_bytes()[: 8 + length] == before
    return folder


def _places(path: Path) -> dict[str, tuple[int, int]]:
    model = onnx.load(path, load_external_data=False)
    external = {t.name: {e.key: e.value for e in t.external_data} for t in model.graph.initializer if t.external_data}
    return {name: (int(entry["offset"]), int(entry["length"])) for name, entry in external.items()}


def first_kernel(built: Built) -> str:
    """The name of the first convolution's kernel."""
    model = onnx.load(built.ir / "model.onnx", load_external_data=False)
    return str(next(node.input[1] for node in model.graph.node if node.op_type == "Conv"))


def add(name: str, place: int, deviations: float) -> Callable[[dict[str, Array]], None]:
    """Move one weight by so many of its layer's standard deviations."""

    def change(weights: dict[str, Array]) -> None:
        array = weights[name].copy()
        array.flat[place] += deviations * array.std()
        weights[name] = array

    return change


@pytest.fixture(params=["onet", "gender_age"])
def built(request: pytest.FixtureRequest) -> Built:
    """Either network."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Built)
    return found


@pytest.fixture
def inputs(built: Built) -> Cases:
    """What both frameworks were asked."""
    return read(built.reference / "inputs.npz")


@pytest.fixture
def reference(built: Built) -> Cases:
    """What MXNet answered."""
    return read(built.reference / "outputs.npz")


@pytest.fixture
def caffe(built: Built) -> Cases:
    """What Caffe answered."""
    return read(built.caffe / "outputs.npz")


def judge(reference: Cases, built: Built, changed: Mapping[str, Mapping[str, Array]]) -> Verdict:
    """Compare the IR's answers to changed inputs."""
    return compare(reference, run(load(built.ir), {case: dict(arrays) for case, arrays in changed.items()}))


def test_the_conversion_is_exact(reference: Cases, caffe: Cases) -> None:
    assert compare(reference, caffe).verdict == "exact"


def test_the_ir_itself_is_exact(reference: Cases, built: Built, inputs: Cases) -> None:
    assert judge(reference, built, inputs).verdict == "exact"


def test_half_precision_weights_are_close(onet: Built, tmp_path: Path) -> None:
    """Of a network without BatchNorm: variances near 0 do not survive half precision."""

    def change(weights: dict[str, Array]) -> None:
        weights.update({name: w.astype(np.float16).astype(np.float32) for name, w in weights.items()})

    candidate = run(load(reweighted(onet, tmp_path / "ir", change)), read(onet.reference / "inputs.npz"))
    assert compare(read(onet.reference / "outputs.npz"), candidate).verdict == "close"


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_another_image_s_output(turn: int, reference: Cases, caffe: Cases) -> None:
    names = list(caffe)
    turned = {case: caffe[names[place - turn]] for place, case in enumerate(names)}
    assert compare(reference, turned).verdict == "differs"


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(range(4), 2)))
def test_a_single_case_with_another_image_s_output(one: int, other: int, reference: Cases, caffe: Cases) -> None:
    names = list(caffe)
    verdict = compare(reference, {**caffe, names[one]: caffe[names[other]]})
    assert verdict.verdict == "differs"
    assert max(output.sensitivity for output in verdict.outputs) > 0.99


def test_permuted_classes_of_each_output(reference: Cases, caffe: Cases) -> None:
    for name, array in next(iter(caffe.values())).items():
        for shift in range(1, array.shape[1]):
            permuted = {case: {**out, name: np.roll(out[name], shift, 1)} for case, out in caffe.items()}
            assert compare(reference, permuted).verdict == "differs", (name, shift)


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_shift_by_one_pixel(axis: int, step: int, reference: Cases, built: Built, inputs: Cases) -> None:
    moved = {case: {"data": np.roll(arrays["data"], step, axis)} for case, arrays in inputs.items()}
    assert judge(reference, built, moved).verdict == "differs"


def test_swapped_channels(reference: Cases, built: Built, inputs: Cases) -> None:
    swapped = {case: {"data": arrays["data"][:, ::-1].copy()} for case, arrays in inputs.items()}
    assert judge(reference, built, swapped).verdict == "differs"


def test_transposed_images(reference: Cases, built: Built, inputs: Cases) -> None:
    turned = {case: {"data": arrays["data"].transpose(0, 1, 3, 2).copy()} for case, arrays in inputs.items()}
    assert judge(reference, built, turned).verdict == "differs"


@pytest.mark.parametrize("place", [13, 300, 450, 777])
def test_one_weight_of_the_first_layer(place: int, onet: Built, tmp_path: Path) -> None:
    """Moved by one standard deviation of its layer it differs; by a tenth of that it is not exact."""
    name, inputs = first_kernel(onet), read(onet.reference / "inputs.npz")
    reference = read(onet.reference / "outputs.npz")
    moved = reweighted(onet, tmp_path / "moved", add(name, place, 1))
    assert compare(reference, run(load(moved), inputs)).verdict == "differs"
    slightly = reweighted(onet, tmp_path / "slightly", add(name, place, 0.1))
    assert compare(reference, run(load(slightly), inputs)).verdict != "exact"


def test_weights_all_over_the_first_layer(onet: Built, tmp_path: Path) -> None:
    """Some feed channels that later layers hardly use: none is exact, and nine in ten differ."""
    name, inputs = first_kernel(onet), read(onet.reference / "inputs.npz")
    reference = read(onet.reference / "outputs.npz")
    verdicts = []
    for place in range(7, 864, 43):
        folder = reweighted(onet, tmp_path / str(place), add(name, place, 1))
        verdicts.append(compare(reference, run(load(folder), inputs)).verdict)
    assert "exact" not in verdicts
    assert verdicts.count("differs") >= 0.9 * len(verdicts)


def test_one_weight_is_located(onet: Built, tmp_path: Path) -> None:
    inputs = read(onet.reference / "inputs.npz")
    folder = reweighted(onet, tmp_path / "ir", add("conv3_weight", 1000, 1))
    model = load(onet.ir, trace=True)
    order = [value.name for value in model.graph.output]
    bad = first_bad(order, run(model, inputs), run(load(folder, trace=True), inputs))
    assert bad is not None
    assert (bad.node, bad.value, bad.last_good) == ("conv3", "conv3_output", "pool2_output")


@pytest.mark.parametrize("epsilon", [1e-5, 2e-5])
def test_batch_normalization_with_another_epsilon(epsilon: float, gender_age: Built) -> None:
    """Its layers leave eps at MXNet's default of 1e-3; converters are known to assume 1e-5."""
    model = load(gender_age.ir)
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "BatchNormalization" and attribute.name == "epsilon":
                attribute.f = epsilon
    candidate = run(model, read(gender_age.reference / "inputs.npz"))
    assert compare(read(gender_age.reference / "outputs.npz"), candidate).verdict == "differs"


def test_the_stored_gamma_where_it_is_fixed(gender_age: Built, tmp_path: Path) -> None:
    """28 of its BatchNorms are fix_gamma with a stored gamma of 0.5676, which must be read as 1."""

    def change(weights: dict[str, Array]) -> None:
        fixed = [name for name, array in weights.items() if name.endswith("_gamma") and (array == 1).all()]
        assert len(fixed) == 28
        weights[fixed[0]] = np.full_like(weights[fixed[0]], 0.5676)

    folder = reweighted(gender_age, tmp_path / "ir", change)
    candidate = run(load(folder), read(gender_age.reference / "inputs.npz"))
    assert compare(read(gender_age.reference / "outputs.npz"), candidate).verdict == "differs"
