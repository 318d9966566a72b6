"""What the frontend refuses of the operators that move or make elements, and how it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Net
from tests.parsers.refusal import refusal

Shape = tuple[int | str, ...]

OPEN = ("batch", 3, 4)
FIXED = (2, 3, 4)
IMAGE = (2, 3, 4, 5)


def said_of(folder: Path, op: str, shapes: list[Shape], attributes: dict[str, str], kind: type = np.float32) -> str:
    """What the parser says of a network of one operator."""
    net = Net()
    names = [f"in{index}" for index in range(len(shapes))]
    net.node(op, "node", [net.input(name, np.zeros(0, kind)) for name in names], **attributes)
    return refusal(folder, net, dict(zip(names, shapes, strict=True)))


PAD = {"mode": "constant", "pad_width": "(0, 0, 0, 0, 1, 1, 1, 1)"}


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "said"),
    [
        ("Reshape", [FIXED], {}, "without a shape, which MXNet infers"),
        ("Reshape", [FIXED], {"shape": "(0, -4, 1, 3, -1)"}, "has -1 after -2 or -4"),
        ("Reshape", [OPEN], {"shape": "(2, 3, 4)"}, "fixes or repeats the open batch; give the batch a number"),
        ("Reshape", [OPEN], {"shape": "(-3, 0)"}, "merges the open batch"),
        ("Reshape", [OPEN], {"shape": "(-4, 2, -1, 0, 0)"}, "splits the open batch"),
        ("Reshape", [FIXED], {"target_shape": "(0, 0)"}, "shape (-1, -1)"),
        ("reshape_like", [FIXED, (4, 6)], {"lhs_end": "1"}, "2x3x4 does not have the elements of 4x6x3x4"),
        ("reshape_like", [FIXED, FIXED], {"lhs_begin": "2", "lhs_end": "1"}, "no axes from 2 to 1"),
        ("reshape_like", [FIXED, FIXED], {"rhs_end": "5"}, "no axes from None to 5"),
        ("expand_dims", [FIXED], {"axis": "4"}, "of 4 dimensions has no axis 4"),
        ("squeeze", [OPEN], {}, "its axis 0 is the open batch"),
        ("squeeze", [FIXED], {"axis": "1"}, "its axis 1 has the size 3"),
        ("squeeze", [(1, 2)], {"axis": "(0, -2)"}, "names an axis twice"),
        ("transpose", [FIXED], {"axes": "(0, 1, 1)"}, "is no order of 3 axes"),
        ("SwapAxis", [FIXED], {"dim2": "3"}, "has no axis 3"),
        ("reverse", [FIXED], {"axis": "-1"}, "which are counted from the front"),
        ("depth_to_space", [IMAGE], {"block_size": "2"}, "3 channels are not a multiple of 4"),
        ("depth_to_space", [IMAGE], {"block_size": "0"}, "has block_size=0; the least is 1"),
        ("space_to_depth", [IMAGE], {"block_size": "2"}, "its axis 3 has the size 5, no multiple of 2"),
        ("diag", [FIXED], {"axis1": "1"}, "are the same axis"),
        ("diag", [FIXED], {"k": "3"}, "2 x 3 have no diagonal 3"),
        ("diag", [OPEN], {}, "its axis 0 is the open batch"),
        ("Concat", [OPEN, OPEN], {"dim": "0"}, "its axis 0 is the open batch"),
        ("Concat", [OPEN, FIXED], {}, "batchx3x4 and 2x3x4 do not fit each other"),
        ("stack", [FIXED, IMAGE], {}, "2x3x4 and 2x3x4x5 do not fit each other"),
        ("stack", [FIXED], {"axis": "-5"}, "of 4 dimensions has no axis -5"),
        ("SliceChannel", [FIXED], {"num_outputs": "65537"}, "cannot be split into 65537"),
        ("SliceChannel", [(3,)], {"num_outputs": "3", "axis": "0", "squeeze_axis": "1"}, "would be scalars"),
        ("_split_v2", [FIXED], {"indices": "(1, 2)"}, "cannot be split at (1, 2)"),
        ("_split_v2", [FIXED], {"indices": "(0, 2, 2)"}, "cannot be split at (0, 2, 2)"),
        ("_split_v2", [FIXED], {"indices": "()", "sections": "4"}, "cannot be split into 4"),
        ("_split_v2", [FIXED], {"indices": "(0, 1)", "squeeze_axis": "1"}, "cannot be split at (0, 1)"),
        ("slice", [OPEN], {"begin": "(1,)", "end": "(2,)"}, "its axis 0 is the open batch"),
        ("slice", [FIXED], {"begin": "(0,)", "end": "(1, 2)"}, "cannot be cut from (0,) to (1, 2)"),
        ("slice", [FIXED], {"begin": "(0,)", "end": "(1,)", "step": "(0,)"}, "has a 0"),
        ("slice", [FIXED], {"begin": "(0, 3)", "end": "(1, None)"}, "no elements from 3 to None by 1"),
        ("slice", [FIXED], {"begin": "(x,)", "end": "(1,)"}, "whole numbers or None such as (0, None)"),
        ("slice_axis", [FIXED], {"axis": "1", "begin": "0", "end": "4"}, "an axis of 3 has no elements from 0 to 4"),
        ("slice_like", [FIXED, (2, 4, 4)], {}, "its axis 1 of 3 is shorter than 4"),
        ("slice_like", [FIXED, (2, 3)], {}, "do not have the axes ()"),
        ("slice_like", [OPEN, FIXED], {}, "its axis 0 is the open batch"),
        ("Crop", [FIXED], {"h_w": "(1, 1)"}, "an input of 3 dimensions"),
        ("Crop", [IMAGE], {}, "has h_w=(0, 0); the least is 1"),
        ("Crop", [IMAGE], {"h_w": "(2, 2)", "offset": "(3, 0)"}, "a window of 2 at 3 does not fit axis 2 of 4"),
        ("Crop", [IMAGE], {"h_w": "(5, 2)", "center_crop": "1"}, "a window of 5 at -1 does not fit axis 2 of 4"),
        ("Pad", [FIXED], PAD, "an input of 3 dimensions; supported: 4, 5"),
        ("Pad", [IMAGE], PAD | {"pad_width": "(0, 0, 1, 1)"}, "is not two numbers for each of 4 axes"),
        ("Pad", [IMAGE], PAD | {"pad_width": "(0, 0, 1, 0, 0, 0, 0, 0)"}, "pad_width=(0, 0, 1, 0"),
        ("Pad", [IMAGE], PAD | {"pad_width": "(0, 0, 0, 0, -1, 0, 0, 0)"}, "pad_width=(0, 0, 0, 0, -1"),
        (
            "Pad",
            [IMAGE],
            {"mode": "reflect", "pad_width": "(0, 0, 0, 0, 4, 0, 0, 0)"},
            "mirror image of an axis",
        ),
        ("Pad", [IMAGE], PAD | {"mode": "symmetric"}, "supported: only constant, edge, reflect"),
        ("im2col", [IMAGE], {"kernel": "(5, 1)"}, "a window of 5 by 1 does not fit an axis of 4 padded by 0"),
        ("im2col", [(1, 1, 3000, 1)], {"kernel": "(1500, 1)"}, "places of windows of 2251500 elements"),
        ("col2im", [(1, 8, 5)], {"kernel": "(2, 2)", "output_size": "(3, 3)"}, "is not C * 4 x 4"),
        ("broadcast_to", [FIXED], {"shape": "(3, 4)"}, "does not have the 2 dimensions"),
        ("broadcast_to", [FIXED], {"shape": "(2, 6, 4)"}, "2x3x4 cannot be repeated to 2x6x4"),
        ("broadcast_to", [OPEN], {"shape": "(5, 0, 0)"}, "the open batch as 5x3x4"),
        ("broadcast_axis", [FIXED], {"axis": "1", "size": "3"}, "its axis 1 has the size 3"),
        ("broadcast_axis", [(1, 1)], {"axis": "(0, 0)", "size": "(2, 3)"}, "its axis 0 has the size 2"),
        ("broadcast_axis", [(1, 1)], {"axis": "-1", "size": "2"}, "counted from the front"),
        ("broadcast_axis", [(1, 1)], {"axis": "1", "size": "(2, 3)"}, "are not of one length"),
        ("broadcast_axis", [(1, 1)], {"axis": "1", "size": "0"}, "has size=0; the least is 1"),
        ("broadcast_like", [FIXED, (3, 4)], {}, "do not have one number of dimensions"),
        ("broadcast_like", [FIXED, FIXED], {"lhs_axes": "()", "rhs_axes": "()"}, "are not pairs"),
        ("tile", [OPEN], {"reps": "(2, 1, 1)"}, "its axis 0 is the open batch"),
        ("tile", [FIXED], {"reps": "(2, 0)"}, "has reps=0; the least is 1"),
        ("repeat", [OPEN], {"repeats": "2"}, "its axis 0 is the open batch"),
        ("repeat", [FIXED], {"repeats": "0"}, "has repeats=0; the least is 1"),
        ("_contrib_arange_like", [OPEN], {}, "its axis 0 is the open batch"),
        ("Dropout", [FIXED], {"mode": "always"}, "supported: only training"),
        ("Cast", [FIXED], {"dtype": "bfloat16"}, "supported: only float16, float32"),
        ("amp_cast", [FIXED], {"dtype": "int32"}, "supported: only float16, bfloat16"),
    ],
)
def test_refused(tmp_path: Path, op: str, shapes: list[Shape], attributes: dict[str, str], said: str) -> None:
    assert said in said_of(tmp_path, op, shapes, attributes)


@pytest.mark.parametrize(
    ("op", "shape", "attributes", "said"),
    [
        ("depth_to_space", IMAGE, {"block_size": "1"}, "an input of whole numbers"),
        ("space_to_depth", IMAGE, {"block_size": "1"}, "an input of whole numbers"),
        ("Dropout", IMAGE, {}, "an input of whole numbers"),
        ("diag", (3,), {}, "a vector of int8"),
        ("_contrib_arange_like", IMAGE, {"step": "1e19", "axis": "0"}, "1e+19 as a whole number"),
    ],
)
def test_refused_of_whole_numbers(
    tmp_path: Path, op: str, shape: Shape, attributes: dict[str, str], said: str
) -> None:
    assert said in said_of(tmp_path, op, [shape], attributes, np.int8)


@pytest.mark.parametrize(
    ("op", "attributes", "said"),
    [
        ("_zeros", {}, "shape=(), the rest of which MXNet infers"),
        ("_zeros", {"shape": "(0, 0)"}, "shape=(0, 0), the rest of which MXNet infers"),
        ("_ones", {"shape": "(0, 3)"}, "shape=(0, 3), the rest of which MXNet infers"),
        ("_full", {"shape": "(2,)", "value": "1e19", "dtype": "int64"}, "1e+19 as a whole number"),
        ("_arange", {"start": "0", "infer_range": "True"}, "supported: only False"),
        ("_arange", {"start": "3", "stop": "1"}, "has no numbers from 3.0 to 1.0 by 1.0"),
        ("_arange", {"start": "3", "step": "0"}, "has no numbers from 0.0 to 3.0 by 0.0"),
        ("_arange", {"start": "1e30"}, "or far too many"),
        ("_arange", {"start": "3", "dtype": "float16"}, "supported: only float32, float64"),
        ("_linspace", {"start": "0", "stop": "1", "num": "0"}, "has num=0; the least is 1"),
        ("_eye", {"N": "0"}, "has N=0; the least is 1"),
    ],
)
def test_refused_constants(tmp_path: Path, op: str, attributes: dict[str, str], said: str) -> None:
    net = Net()
    constant = net.node(op, "node", **attributes)
    inputs: dict[str, Shape] = {"data": (2, 3), "other": (5, 3)}
    read = net.node("Concat", "read", [net.variable(name) for name in inputs] + [constant], dim="0", num_args="3")
    net.node("_copy", "end", [read])
    assert said in refusal(tmp_path, net, inputs)


def test_inputs_of_several_types_are_not_joined(tmp_path: Path) -> None:
    net = Net()
    inputs: dict[str, Shape] = {"floats": (2, 3), "whole": (2, 3)}
    edges = [net.input("floats", np.zeros(0, np.float32)), net.input("whole", np.zeros(0, np.int32))]
    net.node("Concat", "node", edges)
    assert "inputs of several element types" in refusal(tmp_path, net, inputs)


def test_states_that_are_not_of_the_batch_do_not_fit(tmp_path: Path) -> None:
    net = Net()
    steps = net.input("steps", np.zeros(0, np.float32))
    first = net.node("Reshape", "first", [steps], shape="(-3, 0)")
    state = net.node("_zeros", "state", shape="(0, 3)")
    net.node("elemwise_add", "sum", [first, state])
    assert "'sum'" in refusal(tmp_path, net, {"steps": (5, 2, 3)})
