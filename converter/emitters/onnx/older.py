"""What operators of the IR's opset are in older ones that have another form of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.emitters import Refused, constant
from converter.ir import dims

_IMAGE = 2
"""The dimensions before those of a picture."""


class Maker:
    """Makes the nodes that take the place of one.

    Attributes:
        opset: The opset that they are of.
        nodes: Those that compute something.
        everything: Those and constants, in order.
    """

    def __init__(self, node: onnx_ir.Node, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx_ir.Node] = []
        self.everything: list[onnx_ir.Node] = []
        self._stem = str(node.name)

    def node(
        self, op: str, *inputs: onnx_ir.Value | None, outputs: int = 1, role: str = "", **attributes: Any
    ) -> list[onnx_ir.Value]:
        """The outputs of a new node. Without a ``role`` it goes by the name of the node that it stands for."""
        name = f"{self._stem}/{role}" if role else self._stem
        values = [onnx_ir.Value(name=name if outputs == 1 else f"{name}/{number}") for number in range(outputs)]
        made = onnx_ir.node(op, inputs, attributes, name=name, outputs=values, version=self.opset)
        self._add(made)
        return values

    def op(self, op: str, *inputs: onnx_ir.Value | None, role: str = "", **attributes: Any) -> onnx_ir.Value:
        """The only output of a new node."""
        return self.node(op, *inputs, role=role, **attributes)[0]

    def array(self, role: str, array: npt.NDArray[Any]) -> onnx_ir.Value:
        """A constant."""
        tensor = onnx_ir.tensor(array)
        value = onnx_ir.Value(
            name=f"{self._stem}/{role}",
            const_value=tensor,
            type=onnx_ir.TensorType(tensor.dtype),
            shape=onnx_ir.Shape(array.shape),
        )
        self.everything.append(
            onnx_ir.node("Constant", [], {"value": tensor}, name=f"{self._stem}/{role}", outputs=[value])
        )
        return value

    def ints(self, role: str, values: Sequence[int]) -> onnx_ir.Value:
        """A one-dimensional int64 constant."""
        return self.array(role, np.array(values, np.int64))

    def copy(
        self, graph: onnx_ir.Graph, inputs: Mapping[str | None, onnx_ir.Value | None]
    ) -> Mapping[str | None, onnx_ir.Value | None]:
        """Copy the nodes of ``graph``, given its ``inputs`` by name; these and all that is computed of them."""
        values = dict(inputs)
        for node in graph:
            outputs = [self._copied(value) for value in node.outputs]
            operands = [None if value is None else values[value.name] for value in node.inputs]
            attributes = list(node.attributes.values())
            name = f"{self._stem}/{node.outputs[0].name}"
            self._add(onnx_ir.Node(node.domain, node.op_type, operands, attributes, outputs=outputs, name=name))
            values |= {value.name: output for value, output in zip(node.outputs, outputs, strict=True)}
        return values

    def _copied(self, value: onnx_ir.Value) -> onnx_ir.Value:
        return onnx_ir.Value(name=f"{self._stem}/{value.name}", type=value.type, shape=value.shape)

    def _add(self, node: onnx_ir.Node) -> None:
        self.everything.append(node)
        if node.op_type != "Constant":
            self.nodes.append(node)


Rule = Callable[[onnx_ir.Node, Maker], Sequence[onnx_ir.Value]]


def _attribute(node: onnx_ir.Node, name: str, default: Any) -> Any:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.value


def _given(node: onnx_ir.Node, *names: str) -> dict[str, Any]:
    """Those of the attributes ``names`` that ``node`` has."""
    return {name: node.attributes[name].value for name in names if name in node.attributes}


def _data(node: onnx_ir.Node) -> onnx_ir.Value:
    """The first input, which every operator here has to have."""
    return _required(node, 0)


def _required(node: onnx_ir.Node, number: int) -> onnx_ir.Value:
    value = _input(node, number)
    if value is None:
        raise Refused(f"it has no input {number}")
    return value


def _input(node: onnx_ir.Node, number: int) -> onnx_ir.Value | None:
    return node.inputs[number] if number < len(node.inputs) else None


def _integers(value: onnx_ir.Value) -> list[int]:
    return [int(number) for number in constant(value).numpy().reshape(-1)]


def _axes(value: onnx_ir.Value | None, rank: int) -> list[int]:
    return list(range(rank)) if value is None else [axis % rank for axis in _integers(value)]


def split(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``Split`` before 18: the sizes of the parts instead of their number."""
    data, sizes = _data(node), _input(node, 1)
    axis = _attribute(node, "axis", 0)
    if sizes is None:
        parts = [dims(value)[axis] for value in node.outputs]
        if not all(isinstance(part, int) for part in parts):
            raise Refused("the size of a part depends on the batch")
        sizes = make.ints("split", [int(part) for part in parts])
    return make.node("Split", data, sizes, outputs=len(node.outputs), axis=axis)


def shape(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``Shape`` before 15: all of it, and a ``Slice`` of that."""
    rank = len(dims(_data(node)))
    start, end, _ = slice(_attribute(node, "start", 0), _attribute(node, "end", None)).indices(rank)
    if (start, end) == (0, rank):
        return [make.op("Shape", node.inputs[0])]
    whole = make.op("Shape", node.inputs[0], role="all")
    return [make.op("Slice", whole, make.ints("start", [start]), make.ints("end", [end]))]


def pad(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``Pad`` before 18: pads for all axes."""
    data, pads, fill, axes = _data(node), _required(node, 1), _input(node, 2), _input(node, 3)
    if _attribute(node, "mode", "constant") == "wrap":
        raise Refused(f"opset {make.opset} does not wrap around")
    if axes is not None:
        rank, given = len(dims(data)), _integers(pads)
        chosen = _axes(axes, rank)
        full = [0] * (2 * rank)
        for number, axis in enumerate(chosen):
            full[axis], full[rank + axis] = given[number], given[len(chosen) + number]
        pads = make.ints("pads", full)
    inputs = [data, pads] if fill is None else [data, pads, fill]
    return [make.op("Pad", *inputs, **_given(node, "mode"))]


def resize(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``Resize`` before 18: sizes or scales for all axes."""
    data, roi, scales, sizes = _data(node), *(_input(node, number) for number in (1, 2, 3))
    for name, usual in (("antialias", 0), ("keep_aspect_ratio_policy", "stretch")):
        if _attribute(node, name, usual) != usual:
            raise Refused(f"opset {make.opset} has no {name}")
    if _attribute(node, "coordinate_transformation_mode", "half_pixel") == "half_pixel_symmetric":
        raise Refused(f"opset {make.opset} has no half_pixel_symmetric")
    rank, axes = len(dims(data)), _attribute(node, "axes", None)
    chosen = [axis % rank for axis in axes] if axes else list(range(rank))
    if roi is not None and _attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize":
        raise Refused(f"opset {make.opset} takes a region of all axes")
    if scales is not None and not _is_empty(scales):
        if chosen != list(range(rank)):
            one = make.array("one", np.ones(1, np.float32))
            given = make.op("Concat", one, scales, role="given", axis=0)
            places = [chosen.index(axis) + 1 if axis in chosen else 0 for axis in range(rank)]
            scales = make.op("Gather", given, make.ints("places", places), role="scales")
        inputs = [data, None, scales]
    else:
        inputs = [data, None, None, _all_sizes(node, make, sizes, chosen)]
    names = ("coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "mode")
    return [make.op("Resize", *inputs, **_given(node, *names, "nearest_mode"))]


def _is_empty(value: onnx_ir.Value) -> bool:
    return dims(value) == (0,)


def _all_sizes(node: onnx_ir.Node, make: Maker, sizes: onnx_ir.Value | None, chosen: list[int]) -> onnx_ir.Value:
    """Sizes for all axes; where that of the batch is not known, of the data's own shape."""
    if sizes is None:
        raise Refused("it has neither scales nor sizes")
    wanted = dims(node.outputs[0])
    if chosen == list(range(len(wanted))):
        return sizes
    if all(isinstance(dim, int) for dim in wanted):
        return make.ints("sizes", [int(dim) for dim in wanted])
    if 0 in chosen or not all(isinstance(dim, int) for dim in wanted[1:]):
        raise Refused("it resizes the batch")
    whole = make.op("Shape", node.inputs[0], role="shape")
    batch = make.op("Slice", whole, make.ints("first", [0]), make.ints("second", [1]), role="batch")
    return make.op("Concat", batch, make.ints("rest", [int(dim) for dim in wanted[1:]]), role="sizes", axis=0)


def grid_sample(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``GridSample`` before 20: of pictures only, and with other names for the modes; there is none before 16."""
    rank = len(dims(_data(node)))
    if make.opset < 16 or rank != _IMAGE + 2:
        raise Refused(f"opset {make.opset} has no GridSample of {rank} dimensions")
    mode = _attribute(node, "mode", "linear")
    renamed = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    return [make.op("GridSample", *node.inputs, mode=renamed, **_given(node, "padding_mode", "align_corners"))]


def roi_align(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``RoiAlign`` before 16: without the half pixel."""
    if _attribute(node, "coordinate_transformation_mode", "half_pixel") != "output_half_pixel":
        raise Refused(f"opset {make.opset} has no half_pixel")
    names = ("mode", "output_height", "output_width", "sampling_ratio", "spatial_scale")
    return [make.op("RoiAlign", *node.inputs, **_given(node, *names))]


def trilu(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``Trilu`` before 14: rows and columns are compared, and ``Where`` keeps what is wanted."""
    data, diagonal = _data(node), _input(node, 1)
    height, width = dims(data)[-2:]
    if not isinstance(height, int) or not isinstance(width, int):
        raise Refused("its size depends on the batch")
    shift = 0 if diagonal is None else _integers(diagonal)[0]
    zero, one = make.array("zero", np.array(0)), make.array("one", np.array(1))
    columns = make.op("Range", zero, make.array("width", np.array(width)), one, role="columns")
    from_shift = [make.array(role, np.array(value)) for role, value in (("from", shift), ("to", shift + height))]
    rows = make.op(
        "Unsqueeze", make.op("Range", *from_shift, one, role="shifted"), make.ints("axis", [1]), role="rows"
    )
    test = "GreaterOrEqual" if _attribute(node, "upper", 1) else "LessOrEqual"
    kept = make.op(test, columns, rows, role="kept")
    dtype = data.dtype or onnx_ir.DataType.FLOAT
    return [make.op("Where", kept, data, make.array("nothing", np.zeros((), dtype.numpy())))]


def affine_grid(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``AffineGrid`` of pictures before 20: the product of the matrices and all pixels' coordinates."""
    theta, (_, *sizes, _) = _data(node), dims(node.outputs[0])
    aligned = bool(_attribute(node, "align_corners", 0))
    if len(sizes) != _IMAGE or not all(isinstance(size, int) and (size > 1 or not aligned) for size in sizes):
        raise Refused(f"opset {make.opset} has no AffineGrid of the size {sizes}")
    height, width = (int(size) for size in sizes)
    columns = _coordinates(make, "x", width, [1, width, 1], aligned)
    rows = _coordinates(make, "y", height, [height, 1, 1], aligned)
    shape = make.ints("shape", [height, width, 1])
    parts = [make.op("Expand", value, shape, role=role) for role, value in (("x-map", columns), ("y-map", rows))]
    one = make.op("Expand", make.array("one", np.array(1, np.float32)), shape, role="ones")
    pixels = make.op("Concat", *parts, one, role="pixels", axis=-1)
    pixels = make.op("Reshape", pixels, make.ints("all", [height * width, 3]), role="points")
    turned = make.op("Transpose", theta, role="turned", perm=[0, 2, 1])
    points = make.op("MatMul", pixels, turned, role="moved")
    return [make.op("Reshape", points, make.ints("map", [0, height, width, 2]))]


def _coordinates(make: Maker, role: str, count: int, shape: list[int], aligned: bool) -> onnx_ir.Value:
    """Where ``count`` pixels lie between -1 and 1: their centers, or with ``aligned`` the outer ones at the ends."""
    step = np.float32(2) / np.float32(count - 1 if aligned else count)
    first = np.float32(-1) if aligned else np.float32(-1) + np.float32(1) / np.float32(count)
    limits = [make.array(f"{role}-{name}", np.array(n)) for name, n in (("from", 0), ("to", count), ("by", 1))]
    numbers = make.op("Range", *limits, role=f"{role}-numbers")
    pixels = make.op("Cast", numbers, role=f"{role}-pixels", to=onnx_ir.DataType.FLOAT)
    scaled = make.op("Mul", pixels, make.array(f"{role}-step", np.array(step)), role=f"{role}-scaled")
    moved = make.op("Add", scaled, make.array(f"{role}-first", np.array(first)), role=f"{role}-moved")
    return make.op("Reshape", moved, make.ints(f"{role}-shape", shape), role=role)


RULES: Mapping[str, Rule] = {
    "AffineGrid": affine_grid,
    "GridSample": grid_sample,
    "Pad": pad,
    "Resize": resize,
    "RoiAlign": roi_align,
    "Shape": shape,
    "Split": split,
    "Trilu": trilu,
}
"""By operator; called where the operator has changed since the opset that is wanted."""
