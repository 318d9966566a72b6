"""What Caffe's layers of the spatial dimensions are made of, without Caffe."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import converter
from converter.emitters import Refused, emitters
from converter.emitters.caffe import FILES
from converter.emitters.caffe.image import bilinear_kernel
from converter.emitters.caffe.layer import Layer
from converter.emitters.caffe.moves import Parts
from converter.emitters.resample import linear
from converter.errors import Unsupported
from tests.emitters.cases import common as cases
from tests.emitters.cases.caffe_spatial_found import CASES, chosen_rows, resized
from tests.emitters.cases.ncnn_layers import conv
from tests.emitters.cases.ncnn_shapes import with_constants
from tests.emitters.models import Array, Builder
from tests.emitters.prototxt import layers_of


def types(model: ir.Model, profile: str = "bvlc") -> list[str]:
    """The layer types of ``model``, but for the inputs."""
    layers = layers_of(converter.emit(model, "caffe", profile=profile)[FILES[0]])
    return [layer["type"][0] for layer in layers if layer["type"] != ["Input"]]


@pytest.mark.parametrize("profile", ["ssd", "bvlc"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_case_is_expressed(case: cases.Case, profile: str) -> None:
    files = converter.emit(case.build(), "caffe", profile=profile)
    assert all("slice_param" in layer for layer in layers_of(files[FILES[0]]) if layer["type"] == ["Slice"])


def pooled_by_caffe(data: Array, fields: Mapping[str, Any]) -> Array:
    """What Caffe's pooling layer does to a matrix, loop for loop as its documentation and shape rule have it."""
    kernel, stride, pad = (
        [fields.get(f"{stem}_h", fields.get(square, default)), fields.get(f"{stem}_w", fields.get(square, default))]
        for stem, square, default in (("kernel", "kernel_size", 0), ("stride", "stride", 1), ("pad", "pad", 0))
    )
    counts = []
    for axis in (0, 1):
        count = int(np.ceil((data.shape[axis] + 2 * pad[axis] - kernel[axis]) / stride[axis])) + 1
        if any(pad) and (count - 1) * stride[axis] >= data.shape[axis] + pad[axis]:
            count -= 1
        counts.append(count)
    result = np.zeros(counts, np.float64)
    for row, column in np.ndindex(*counts):
        top, left = row * stride[0] - pad[0], column * stride[1] - pad[1]
        bottom = min(top + kernel[0], data.shape[0] + pad[0])
        right = min(left + kernel[1], data.shape[1] + pad[1])
        divisor = (bottom - top) * (right - left)
        window = data[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)].astype(np.float64)
        if fields["pool"] == "MAX":
            result[row, column] = window.max(initial=-np.finfo(np.float32).max)
        else:
            result[row, column] = window.sum() / divisor if divisor else np.nan
    return result


def _slice(layer: Layer, values: Sequence[Array]) -> list[Array]:
    fields = layer.params["slice_param"]
    return np.split(values[0], fields["slice_point"], axis=fields.get("axis", 1))


def _eltwise(layer: Layer, values: Sequence[Array]) -> list[Array]:
    operation = layer.params.get("eltwise_param", {}).get("operation", "SUM")
    return [np.max(values, axis=0) if operation == "MAX" else np.sum(values, axis=0)]


def _reshape(layer: Layer, values: Sequence[Array]) -> list[Array]:
    wanted = layer.params["reshape_param"]["shape"]["dim"]
    return [values[0].reshape([values[0].shape[axis] if size == 0 else size for axis, size in enumerate(wanted)])]


def _power(layer: Layer, values: Sequence[Array]) -> list[Array]:
    fields = layer.params["power_param"]
    assert fields["scale"] == 0
    return [np.full_like(values[0], fields.get("shift", 0.0))]


def _scale(layer: Layer, values: Sequence[Array]) -> list[Array]:
    assert layer.params["scale_param"] == {"axis": 2, "num_axes": 2}
    return [values[0] * np.array(layer.blobs[0].value["literal"])]


def _tile(layer: Layer, values: Sequence[Array]) -> list[Array]:
    fields = layer.params["tile_param"]
    return [np.concatenate([values[0]] * fields["tiles"], axis=fields.get("axis", 1))]


def _crop(layer: Layer, values: Sequence[Array]) -> list[Array]:
    assert layer.params == {}
    data, size = values
    return [data[:, :, : size.shape[2], : size.shape[3]]]


LAYERS: Mapping[str, Callable[[Layer, Sequence[Array]], list[Array]]] = {
    "Crop": _crop,
    "Slice": _slice,
    "Eltwise": _eltwise,
    "Reshape": _reshape,
    "Power": _power,
    "Scale": _scale,
    "Tile": _tile,
    "Concat": lambda layer, values: [
        np.concatenate(values, axis=layer.params.get("concat_param", {}).get("axis", 1))
    ],
    "Pooling": lambda layer, values: [pooled_by_caffe(values[0][0, 0], layer.params["pooling_param"])[None, None]],
}
"""What each layer does to a batch of one, by Caffe's documentation."""


def interpreted(parts: Parts, node: ir.Node, data: Array) -> Array:
    """What the layers of ``node`` make of ``data``."""
    values = {node.inputs[0]: data.astype(np.float64)}
    for part in parts:
        if not isinstance(part, Layer):
            values[part.value] = values[part.source]
            continue
        made = LAYERS[part.type](part, [values[bottom] for bottom in part.bottoms])
        values.update(zip(part.tops, made, strict=True))
    return values[node.outputs[0]]


def pooled_by_onnx(data: Array, method: str, attributes: Mapping[str, Any]) -> Array:
    """What ONNX's pooling does to a matrix: over the padded matrix, window by window."""
    kernel, stride, pads = attributes["kernel_shape"], attributes["strides"], attributes["pads"]
    edges = ((pads[0], pads[2]), (pads[1], pads[3]))
    padded = np.pad(data.astype(np.float64), edges, constant_values=-np.inf if method == "Max" else 0.0)
    counted = float(attributes.get("count_include_pad", 0))
    weight = np.pad(np.ones_like(data, np.float64), edges, constant_values=counted)
    view = partial(np.lib.stride_tricks.sliding_window_view, window_shape=tuple(kernel))
    found = view(padded)[:: stride[0], :: stride[1]]
    if method == "Max":
        return np.maximum(found.max(axis=(2, 3)), -np.finfo(np.float32).max)
    with np.errstate(invalid="ignore", divide="ignore"):
        return found.sum(axis=(2, 3)) / view(weight)[:: stride[0], :: stride[1]].sum(axis=(2, 3))


def check_pooling(method: str, size: tuple[int, int], attributes: dict[str, Any]) -> bool:
    """Translate a pooling; whether it was refused. If not, it has to give what ONNX gives."""
    op, kernel = f"{method}Pool", tuple(attributes["kernel_shape"])
    others = {name: value for name, value in attributes.items() if name != "kernel_shape"}
    node = cases.pool(op, size, kernel, **others).graph.node(0)
    data = np.random.default_rng(0).normal(size=size).astype(np.float32) - 3
    wanted = pooled_by_onnx(data, method, attributes)
    try:
        parts = emitters("caffe")[op].function(node, node.inputs[0], **attributes)
    except Refused:
        assert not np.isfinite(wanted).all()
        return True
    np.testing.assert_allclose(interpreted(parts, node, data[None, None])[0, 0], wanted, rtol=1e-9)
    return False


def grid() -> Iterator[tuple[int, int, int, int, int]]:
    """Length, kernel, stride, padding before and after, for every output of at least one window."""
    for length, kernel, stride in itertools.product((1, 2, 5, 6, 8), range(1, 5), range(1, 5)):
        for before, after in itertools.product(range(kernel), range(kernel + 1)):
            if length + before + after >= kernel:
                yield length, kernel, stride, before, after


ROWS = list(grid())


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(ROWS),
    st.sampled_from(ROWS),
    st.sampled_from([("Max", {}), *(("Average", {"count_include_pad": i}) for i in (0, 1))]),
)
def test_pooling_is_exact_or_refused(
    rows: tuple[int, ...], columns: tuple[int, ...], kind: tuple[str, dict[str, int]]
) -> None:
    """Refused is only an average of nothing."""
    attributes = {
        "kernel_shape": [rows[1], columns[1]],
        "strides": [rows[2], columns[2]],
        "pads": [rows[3], columns[3], rows[4], columns[4]],
        **kind[1],
    }
    check_pooling(kind[0], (rows[0], columns[0]), attributes)


@pytest.mark.parametrize("size", range(4, 12))
def test_the_usual_poolings_are_one_layer_and_what_cuts_it(size: int) -> None:
    for kernel, stride, pad in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1)):
        model = cases.pool("MaxPool", (size, size), (kernel, kernel), strides=(stride,) * 2, pads=(pad,) * 4)
        found = types(model)
        surplus = (size + 2 * pad - kernel) % stride != 0 and (size + pad) // stride * stride < size + pad
        assert found in (["Pooling"], ["Pooling", "Pooling", "Crop"])
        assert ("Crop" in found) >= surplus


def test_uneven_padding_of_a_convolution_is_cut_off() -> None:
    model = conv((3, 8, 8), (3, 3), pads=(0, 0, 1, 1), strides=(2, 2))
    assert types(model) == ["Convolution", "Slice", "Silence", "Slice", "Silence"]
    assert types(conv((3, 8, 8), (3, 3), pads=(1, 1, 1, 1))) == ["Convolution"]
    text = converter.emit(model, "caffe")[FILES[0]]
    assert b"pad: 2" in text
    assert b"slice_point: 1" in text


def test_depthwise_is_a_group_convolution() -> None:
    text = converter.emit(conv((4, 5, 5), (3, 3), group=4), "caffe")[FILES[0]]
    assert b"group: 4" in text


def test_computed_weights_are_refused() -> None:
    net = Builder()
    data = net.input("data", ("batch", 2, 4, 4))
    weight = net.node("Abs", "abs", net.input("weight", (2, 2, 3, 3)))
    with pytest.raises(Unsupported, match="abs_output has to be a parameter of the model"):
        converter.emit(net.model(net.node("Conv", "conv", data, weight, kernel_shape=(3, 3))), "caffe")


def test_transposition() -> None:
    moved = cases.unary("Transpose", (3, 4, 5), perm=(0, 2, 3, 1))
    assert types(moved, "ssd") == ["Permute"]
    assert types(moved) == ["Reshape", "Slice", "Concat", "Reshape"]
    assert types(cases.unary("Transpose", (3, 1, 5), perm=(0, 2, 1, 3)), "ssd") == ["Reshape"]
    assert types(cases.unary("Transpose", (3, 4, 5), perm=(0, 1, 2, 3)), "ssd") == []


def test_padding() -> None:
    model = with_constants("Pad", ("batch", 3, 4, 5), [0, 0, 1, 0, 0, 0, 0, 2], 0.5)
    assert types(model, "ssd") == ["Pad"]
    assert set(types(model)) == {"Slice", "Silence", "Power", "Tile", "Concat"}
    negative = with_constants("Pad", ("batch", 3, 4, 5), [0, 0, -1, 0, 0, 0, 0, 2], 0.5)
    assert "Pad" not in types(negative, "ssd")


def test_the_open_batch_is_not_padded() -> None:
    with pytest.raises(Unsupported, match="axis 0 of data is the open batch"):
        converter.emit(with_constants("Pad", ("batch", 3), [1, 0, 0, 0]), "caffe")


@pytest.mark.parametrize("factor", range(2, 7))
def test_a_bilinear_kernel_is_interpolation_between_half_pixels(factor: int) -> None:
    size, kernel = 4, bilinear_kernel(factor)
    spread = np.zeros((factor * (size + 1) + len(kernel), size))
    for place in range(-1, size + 1):
        start = factor * (place + 1)
        spread[start : start + len(kernel), min(max(place, 0), size - 1)] += kernel
    cut = factor // 2 + factor
    np.testing.assert_allclose(
        spread[cut : cut + factor * size], linear(size, factor * size, "half_pixel"), atol=1e-6
    )


def test_images_grow_by_a_fixed_deconvolution() -> None:
    whole = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    assert types(resized((3, 4, 5), (8, 15), mode="nearest", **whole)) == ["Deconvolution"]
    assert types(resized((3, 4, 5), (8, 10), mode="linear"))[-1] == "Deconvolution"
    corners = resized((3, 4, 5), (8, 10), mode="linear", coordinate_transformation_mode="align_corners")
    assert types(corners) == ["Reshape", "Convolution", "Reshape", "InnerProduct"]


def test_tables_are_embedded_and_blobs_reindexed() -> None:
    assert "BatchReindex" in types(chosen_rows(0))
    net = Builder()
    where = net.input("where", (2, 3))
    places = net.node("Cast", "places", where, to=7)
    places.dtype = ir.DataType.INT64
    found = types(net.model(net.node("Gather", "op", net.parameter("table", (5, 4)), places)))
    assert found[-1] == "Embed"


def test_what_is_chosen_by_computed_places_is_compared() -> None:
    net = Builder()
    data, where = net.input("data", ("batch", 5)), net.input("where", ("batch", 1))
    places = net.node("Cast", "places", where, to=7)
    places.dtype = ir.DataType.INT64
    found = types(net.model(net.node("GatherElements", "op", data, places, axis=1)))
    assert {"Tile", "Bias", "Threshold", "Log"} < set(found)
    assert found[-2:] == ["Pooling", "Reshape"]


def test_names_of_layers_say_what_they_are_for() -> None:
    model = cases.pool("MaxPool", (8, 8), (3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    layers = layers_of(converter.emit(model, "caffe")[FILES[0]])
    named = {layer["name"][0]: layer["type"][0] for layer in layers}
    assert named == {
        "data": "Input",
        "pool/ceil": "Pooling",
        "pool/size": "Pooling",
        "pool": "Crop",
    }


def test_shapes_that_are_known_leave_no_layer() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 4))
    shape = net.node("Shape", "shape", data)
    shape.dtype = ir.DataType.INT64
    assert types(net.model(net.node("Reshape", "op", data, shape))) == []


def test_the_number_of_rows_is_refused() -> None:
    net = Builder()
    shape = net.node("Shape", "shape", net.input("data", ("batch", 3)))
    shape.dtype = ir.DataType.INT64
    with pytest.raises(Unsupported, match="no layer knows how many rows the open batch has"):
        converter.emit(net.model(shape), "caffe")
