"""Caffe's options, and networks that other converters get wrong, in Caffe itself."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir
import pytest

import converter
from converter.emitters.caffe import FILES
from converter.errors import Unsupported
from tests.emitters.caffe_models import BGR, NORMALIZED, SCORES, clipped
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import agree, execute
from tests.emitters.models import Builder, noise
from tests.emitters.refusals import emit, recorded
from tests.emitters.targets import tolerance
from tests.parsers.files import Net, write

pytestmark = pytest.mark.container

TOLERANCE = 5e-6
"""Some layers of float32 sums."""


def saved(name: str, model: onnx_ir.Model, folder: Path, inputs: Outputs | None = None) -> Subject:
    """A subject of ``model``, with two rows of noise where no ``inputs`` are given."""
    place = folder / name
    converter.save(model, place / "ir")
    (place / "structure").symlink_to("ir")
    if inputs is None:
        shapes = {
            str(value.name): [dim if isinstance(dim, int) else 2 for dim in value.shape or ()]
            for value in model.graph.inputs
        }
        inputs = {value: noise(f"{name}/{value}", shape) for value, shape in shapes.items()}
    return Subject(name, place, inputs, TOLERANCE)


def answers(models: Mapping[str, Callable[[], onnx_ir.Model]], folder: Path, **options: object) -> None:
    """Run ``models`` with ``options``; each has to compute what it computes in onnxruntime."""
    subjects = [saved(name, build(), folder / "subjects") for name, build in models.items()]
    found = execute("caffe", subjects, folder / "work", **options)
    assert list(found) == list(models)
    for subject in subjects:
        agree(subject, found[subject.id], TOLERANCE)


def test_a_net_that_takes_bgr_computes_the_same_of_reversed_channels(tmp_path: Path) -> None:
    answers(BGR, tmp_path, to_bgr=True)


def test_bgr_goes_with_the_other_options_and_the_other_profile(tmp_path: Path) -> None:
    names = ("conv", "conv-norm", "flatten-dense")
    answers({name: BGR[name] for name in names}, tmp_path, to_bgr=True, merge_bn=True, softmax=True, profile="bvlc")


def test_the_channels_are_really_reversed(tmp_path: Path) -> None:
    """Were the plan not to say so, the network would be given RGB, and its answers be others."""
    subject = saved("net", BGR["conv"](), tmp_path / "subjects")
    files = converter.emit(subject.load(), "caffe", to_bgr=True)
    (name,) = json.loads(files[FILES[1]])["bgr"]
    turned = {name: subject.inputs[name][:, ::-1].copy()}
    found = execute("caffe", [Subject("net", subject.folder, turned, 0)], tmp_path / "work", to_bgr=True)["net"]
    with pytest.raises(AssertionError, match="off by"):
        agree(subject, found, TOLERANCE)


def test_batch_norm_is_merged_into_whatever_is_before_it(tmp_path: Path) -> None:
    answers(NORMALIZED, tmp_path, merge_bn=True)


def test_all_of_the_corpus_computes_the_same_with_batch_norm_merged(
    subjects: Mapping[str, Subject], tmp_path: Path
) -> None:
    known = [subject for subject in subjects.values() if subject.id not in recorded("caffe")]
    merged = [subject for subject in known if emit(subject, "caffe", merge_bn=True) != emit(subject, "caffe")]
    assert len(merged) > 10
    for name, answer in execute("caffe", merged, tmp_path, merge_bn=True).items():
        agree(subjects[name], answer, tolerance("caffe", name, subjects[name].tolerance))


def test_a_softmax_is_appended_and_the_output_stays(tmp_path: Path) -> None:
    answers(SCORES, tmp_path, softmax=True)


@pytest.mark.parametrize("profile", ["ssd", "bvlc"])
def test_relu6_is_exact_in_either_profile(profile: str, tmp_path: Path) -> None:
    answers({"clipped": clipped}, tmp_path, profile=profile)


def test_relu6_as_relu_is_what_it_says(tmp_path: Path) -> None:
    subject = saved("clipped", clipped(), tmp_path / "subjects")
    found = execute("caffe", [subject], tmp_path / "work", relu6="relu", trace=False)["clipped"]
    assert not isinstance(found, str), found
    np.testing.assert_allclose(found["relu6_output"], np.maximum(subject.inputs["data"] * 10, 0), rtol=1e-6)


def pooled(size: int, **attributes: str) -> Net:
    """A pooling layer of MXNet on an image of ``size`` by ``size``."""
    net = Net()
    net.node("Pooling", "pool", [net.input("data", noise("image", (2, 3, size, size)))], **attributes)
    return net


def normalized(*, between: str = "", variance: float = 1.0, **attributes: str) -> Net:
    """A convolution of MXNet and its batch normalization."""
    net = Net()
    inputs = [net.input("data", noise("image", (2, 3, 8, 8))), net.arg("conv_weight", noise("weight", (4, 3, 3, 3)))]
    value = net.node("Convolution", "conv", inputs, kernel="(3, 3)", num_filter="4", no_bias="True")
    value = net.node("Activation", "between", [value], act_type=between) if between else value
    states = [net.arg("bn_gamma", noise("gamma", (4,), 0.1)), net.arg("bn_beta", noise("beta", (4,)))]
    states += [net.aux("bn_mean", noise("mean", (4,))), net.aux("bn_var", noise("var", (4,), 0.1) * variance)]
    net.node("BatchNorm", "bn", [value, *states], **{"eps": "0.001", "fix_gamma": "False", **attributes})
    return net


NETS = {
    "floor-pad": pooled(8, pool_type="max", kernel="(3, 3)", stride="(2, 2)", pad="(1, 1)"),
    "odd": pooled(17, pool_type="max", kernel="(2, 2)", stride="(2, 2)"),
    "average": pooled(8, pool_type="avg", kernel="(3, 3)", pad="(1, 1)", count_include_pad="False"),
    "conv-relu-norm": normalized(between="relu"),
    "small-variance": normalized(variance=1e-3),
    "fixed-gamma": normalized(fix_gamma="True"),
}
"""Networks that another converter of MXNet's models to Caffe gets wrong."""


@pytest.fixture(scope="module", params=[{}, {"profile": "bvlc"}, {"merge_bn": True}], ids=["plain", "bvlc", "merged"])
def computed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    """What Caffe makes of NETS, every value of which has been compared with onnxruntime's."""
    folder = tmp_path_factory.mktemp("named")
    subjects = {name: parsed(name, net, folder) for name, net in NETS.items()}
    found = execute("caffe", subjects.values(), folder / "work", **request.param)
    results = {}
    for name, subject in subjects.items():
        agree(subject, found[name], TOLERANCE)
        answer = found[name]
        assert not isinstance(answer, str)
        results[name] = answer[subject.outputs[0]]
    return results


def parsed(name: str, net: Net, folder: Path) -> Subject:
    """The network as it comes from MXNet's files."""
    (folder / f"{name}-mxnet").mkdir()
    graph, params = write(folder / f"{name}-mxnet", net.symbol(), net.params)
    shapes = {key: ("batch", *value.shape[1:]) for key, value in net.inputs.items()}
    return saved(name, converter.parse("mxnet", graph=graph, weights=params, inputs=shapes), folder, net.inputs)


def windows(data: np.ndarray, kernel: int, stride: int, pad: int, fill: float) -> np.ndarray:
    """The windows of floor pooling over the last two dimensions."""
    padded = np.pad(data, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def normalize(net: Net, *, relu: bool = False, gamma: float | None = None) -> np.ndarray:
    """What MXNet computes of a convolution and a batch normalization, in float64."""
    seen = windows(net.inputs["data"].astype(np.float64), 3, 1, 0, 0)
    value = np.einsum("nchwij,fcij->nfhw", seen, net.params["arg:conv_weight"])
    value = np.maximum(value, 0) if relu else value
    names = ("arg:bn_gamma", "arg:bn_beta", "aux:bn_mean", "aux:bn_var")
    scale, beta, mean, var = (net.params[name].astype(np.float64)[:, None, None] for name in names)
    return (scale if gamma is None else gamma) * (value - mean) / np.sqrt(var + 1e-3) + beta


def test_floor_pooling_with_padding(computed: Mapping[str, np.ndarray]) -> None:
    wanted = windows(NETS["floor-pad"].inputs["data"], 3, 2, 1, -np.inf).max(axis=(4, 5))
    np.testing.assert_array_equal(computed["floor-pad"], wanted)


def test_floor_pooling_of_an_odd_size(computed: Mapping[str, np.ndarray]) -> None:
    wanted = windows(NETS["odd"].inputs["data"], 2, 2, 0, 0).max(axis=(4, 5))
    assert wanted.shape == (2, 3, 8, 8)
    np.testing.assert_array_equal(computed["odd"], wanted)


def test_average_pooling_that_does_not_count_the_padding(computed: Mapping[str, np.ndarray]) -> None:
    counts = windows(np.ones((1, 1, 8, 8)), 3, 1, 1, 0).sum(axis=(4, 5))
    wanted = windows(NETS["average"].inputs["data"], 3, 1, 1, 0).sum(axis=(4, 5)) / counts
    np.testing.assert_allclose(computed["average"], wanted, atol=1e-6)


def test_batch_norm_behind_a_relu_is_not_folded_through_it(computed: Mapping[str, np.ndarray]) -> None:
    wanted = normalize(NETS["conv-relu-norm"], relu=True)
    np.testing.assert_allclose(computed["conv-relu-norm"], wanted, atol=1e-5)


def test_batch_norm_of_eps_1e_3_and_small_variance(computed: Mapping[str, np.ndarray]) -> None:
    np.testing.assert_allclose(computed["small-variance"], normalize(NETS["small-variance"]), rtol=1e-5, atol=1e-4)


def test_fixed_gamma_is_one_before_any_forward(computed: Mapping[str, np.ndarray]) -> None:
    """MXNet writes the ones into the array as it computes; the files of a network never run still hold others."""
    np.testing.assert_allclose(computed["fixed-gamma"], normalize(NETS["fixed-gamma"], gamma=1), atol=1e-5)


def poolings(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Poolings of all kinds, the same every time: an operator and its attributes."""
    pick = random.Random(0)
    for _ in range(count):
        kernel = [pick.randint(1, 4), pick.randint(1, 4)]
        pads = [pick.randint(0, size - 1) for size in (*kernel, *kernel)]
        strides = [pick.randint(1, 4), pick.randint(1, 4)]
        fields: dict[str, Any] = {"kernel_shape": kernel, "pads": pads, "strides": strides}
        yield "MaxPool", fields
        yield "AveragePool", {**fields, "count_include_pad": pick.randint(0, 1)}


def pooled_net(size: tuple[int, int], some: Iterable[tuple[str, dict[str, Any]]]) -> onnx_ir.Model:
    """Many poolings of one image."""
    net = Builder()
    data = net.input("data", ("batch", 2, *size))
    return net.model(*(net.node(op, f"pool{place}", data, **fields) for place, (op, fields) in enumerate(some)))


def is_expressible(size: tuple[int, int], op: str, fields: dict[str, Any]) -> bool:
    """Whether a pooling is not refused, for which there may be one reason only."""
    try:
        converter.emit(pooled_net(size, [(op, fields)]), "caffe")
    except Unsupported as error:
        if "a window holds nothing but padding, which is not counted" not in error.where:
            raise
        return False
    return True


@pytest.mark.parametrize("profile", ["ssd", "bvlc"])
def test_pooling_of_every_kind_is_exact(profile: str, tmp_path: Path) -> None:
    """Kernels, strides, padding of every edge, with and without the padding in the average.

    The ceiling is padding at the end, too; ONNX's own field for it is understood in several ways.
    """
    models = {}
    for size in ((7, 8), (9, 6), (5, 5), (8, 11)):
        some = [(op, fields) for op, fields in poolings(30) if is_expressible(size, op, fields)]
        assert len(some) > 50
        models[f"pool-{size[0]}-{size[1]}"] = partial(pooled_net, size, some)
    answers(models, tmp_path, profile=profile)
