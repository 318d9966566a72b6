"""Shapes that hypothesis makes up: Reshape against MXNet's loop written down anew, the others against NumPy."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx_ir
import onnxruntime
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import converter
from converter.errors import BadInput, Unsupported
from tests.parsers.files import Array, Net, write

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)
EXAMPLES = settings(max_examples=30, deadline=None)


def counted(shape: Sequence[int], dtype: type = np.float32) -> Array:
    """0, 1, 2, ... in ``shape``: every element tells where it came from."""
    return np.arange(math.prod(shape), dtype=dtype).reshape(shape)


def computed(op: str, inputs: Sequence[Array], attributes: Mapping[str, object], *, is_open: bool = False) -> Array:
    """What the IR of one operator computes, its batch open or not."""
    net = Net()
    edges = [net.input(f"in{index}", value) for index, value in enumerate(inputs)]
    net.node(op, "node", edges, **{name: str(value) for name, value in attributes.items()})
    shapes = {name: ("batch", *value.shape[1:]) if is_open else value.shape for name, value in net.inputs.items()}
    with tempfile.TemporaryDirectory() as folder:
        graph, weights = write(Path(folder), net.symbol(), net.params)
        model = converter.parse("mxnet", graph=graph, weights=weights, inputs=shapes)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    content = onnx_ir.serde.serialize_model(model).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, net.inputs)
    return found


def check(op: str, inputs: Sequence[Array], attributes: Mapping[str, object], wanted: Array | None) -> None:
    """It computes ``wanted``, or fails if that is None; an open batch may be refused, but as such."""
    if wanted is None:
        for is_open in (False, True):
            with pytest.raises((BadInput, Unsupported)):
                computed(op, inputs, attributes, is_open=is_open)
        return
    np.testing.assert_array_equal(computed(op, inputs, attributes), wanted, strict=True)
    try:
        found = computed(op, inputs, attributes, is_open=True)
    except Unsupported:
        event("open batch: refused")
    else:
        event("open batch: computed")
        np.testing.assert_array_equal(found, wanted, strict=True)


@st.composite
def reshapes(draw: st.DrawFn) -> tuple[tuple[int, ...], list[int]]:
    """A shape and codes that mostly suit it, taken from left to right."""
    shape = draw(SHAPES)
    left, codes = list(shape), []
    while left:
        kind = draw(st.sampled_from(["keep", "keep", "merge", "split", "rest", "infer", "number", "one"]))
        if kind == "one":
            codes.append(1)
            continue
        size = left.pop(0)
        if kind == "merge" and left:
            codes.append(-3)
            left.pop(0)
        elif kind == "split":
            part = draw(st.sampled_from([divisor for divisor in (1, 2, 3, 4) if size % divisor == 0]))
            pair = draw(st.sampled_from([(part, -1), (-1, part), (part, size // part)]))
            codes += [-4, *pair]
        elif kind == "rest":
            codes.append(-2)
            left = []
        else:
            codes.append({"infer": -1, "number": size}.get(kind, 0))
    return shape, codes


def reshaped(shape: Sequence[int], codes: Sequence[int]) -> tuple[int, ...] | None:
    """MXNet's InferReshapeShape (matrix_op-inl.h); None where MXNet fails or loses the place of -1."""
    made: list[int] = []
    source, hole, place = 0, None, 0
    while place < len(codes):
        code, size = codes[place], shape[source] if source < len(shape) else None
        if (code in (0, -3, -4) and size is None) or (code == -3 and source + 1 >= len(shape)):
            return None
        if code == -4:
            first, second = codes[place + 1 : place + 3]
            pair = [size // second if first == -1 else first, size // first if second == -1 else second]
            if math.prod(pair) != size:
                return None
            made += pair
            place += 2
        elif code == -2:
            made += shape[source:]
            source = len(shape)
        elif code == -1:
            if hole is not None or place != len(made):
                return None
            hole = place
            made.append(1)
        else:
            made.append({0: size, -3: math.prod(shape[source : source + 2])}.get(code, code))
        source += 1 + (code == -3)
        place += 1
    if hole is not None:
        made[hole] = math.prod(shape) // math.prod(made)
    return tuple(made) if made and math.prod(made) == math.prod(shape) else None


@EXAMPLES
@given(chosen=reshapes(), reverse=st.booleans())
def test_reshape(chosen: tuple[tuple[int, ...], list[int]], reverse: bool) -> None:
    shape, codes = chosen
    made = reshaped(shape, codes)
    step = -1 if reverse else 1
    data = counted(shape[::step])
    wanted = None if made is None else data.reshape(made[::step])
    check("Reshape", [data], {"shape": tuple(codes[::step]), "reverse": reverse}, wanted)


BOUNDS = st.none() | st.integers(-6, 6)
CUTS = st.tuples(BOUNDS, BOUNDS, st.none() | st.integers(-3, 3).filter(bool))


@EXAMPLES
@given(shape=SHAPES, cuts=st.lists(CUTS, min_size=1, max_size=4), with_steps=st.booleans())
def test_slice(shape: tuple[int, ...], cuts: list[tuple[int | None, ...]], with_steps: bool) -> None:
    cuts = cuts[: len(shape)]
    begin, end, step = zip(*cuts, strict=True)
    data = counted(shape, np.int32)
    steps = step if with_steps else (None,) * len(cuts)
    wanted = data[tuple(slice(*cut) for cut in zip(begin, end, steps, strict=True))]
    attributes = {"begin": begin, "end": end, "step": step if with_steps else ()}
    check("slice", [data], attributes, wanted if wanted.size else None)


@EXAMPLES
@given(shape=SHAPES, axis=st.integers(-4, 3), begin=st.integers(-5, 5), end=BOUNDS)
def test_slice_axis(shape: tuple[int, ...], axis: int, begin: int, end: int | None) -> None:
    data, wanted = counted(shape), None
    if -len(shape) <= axis < len(shape):
        length = shape[axis]
        within = -length <= begin <= length and (end is None or -length <= end <= length)
        taken = data.take(range(length)[begin:end], axis=axis)
        wanted = taken if within and taken.size else None
    check("slice_axis", [data], {"axis": axis, "begin": begin, "end": end}, wanted)


@EXAMPLES
@given(shape=SHAPES, ones=st.sets(st.integers(0, 3)), op=st.sampled_from(["to", "axis", "like", "like_axes"]))
def test_broadcast(shape: tuple[int, ...], ones: set[int], op: str) -> None:
    data = counted([1 if axis in ones else size for axis, size in enumerate(shape)])
    wanted = np.broadcast_to(data, shape)
    axes = tuple(axis for axis in range(len(shape)) if axis in ones)
    if op == "to":
        kept = tuple(size if axis in ones else 0 for axis, size in enumerate(shape))
        check("broadcast_to", [data], {"shape": kept}, wanted)
    elif op == "axis":
        check("broadcast_axis", [data], {"axis": axes, "size": tuple(shape[axis] for axis in axes)}, wanted)
    elif op == "like":
        check_like([data, counted(shape)], {}, wanted)
    elif axes:
        back = tuple(axis - len(shape) for axis in axes)
        check_like([data, counted((*shape, 2))], {"lhs_axes": back, "rhs_axes": axes}, wanted)


def check_like(inputs: Sequence[Array], attributes: Mapping[str, object], wanted: Array) -> None:
    """As :func:`check`; both inputs have an open batch if they have one batch."""
    if inputs[0].shape[0] == inputs[1].shape[0]:
        check("broadcast_like", inputs, attributes, wanted)
    else:
        np.testing.assert_array_equal(computed("broadcast_like", inputs, attributes), wanted, strict=True)
