"""Images: resizing, sampling, blocks of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, resample
from converter.emitters.operand import fresh, integers, static
from converter.emitters.python import literal
from converter.emitters.statement import State, Statement
from converter.emitters.tensorflow.layout import DOMAIN, around, both, layout_of
from converter.emitters.tensorflow.operand import line
from converter.ir import dims

_INDICES = 16
"""Most indices that are spelled where they are used."""


@emits("tensorflow", *both("Resize"))
def resize(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    roi: onnx_ir.Value | None = None,
    scales: onnx_ir.Value | None = None,
    sizes: onnx_ir.Value | None = None,
    *,
    antialias: int = 0,
    axes: Sequence[int] = (),
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> list[Statement]:
    """``tf.image.resize`` if linear, of images with their channels last; if nearest, ``tf.repeat`` or ``tf.gather``.

    Linear of other axes is a function; asymmetric and cubic are a ``tf.einsum`` with the weights of the pixels.
    """
    del roi, extrapolation_value, axes  # of another mode, or what the shapes say
    if scales is not None or sizes is None or antialias or keep_aspect_ratio_policy != "stretch":
        raise Refused("only sizes are expressed, without antialias")
    coordinates = coordinate_transformation_mode
    # which axes are meant follows from the shapes
    before, after = dims(data), dims(node.outputs[0])
    changed = [axis for axis in range(len(before)) if before[axis] != after[axis]]
    if not changed:
        return [line(node, "{0}", data)]
    if mode == "nearest":
        return _nearest(node, data, changed, coordinates, nearest_mode)
    if mode == "linear" and coordinates != "asymmetric":
        return _linear(node, data, changed, coordinates)
    if mode == "linear":
        return _weighted(node, data, changed, partial(resample.linear, coordinates=coordinates))
    if mode == "cubic":
        a, exclude = cubic_coeff_a, bool(exclude_outside)
        weights = partial(resample.cubic, coordinates=coordinates, a=a, exclude=exclude)
        return _weighted(node, data, changed, weights)
    raise Refused(f"mode {mode}")


def _weighted(
    node: onnx_ir.Node, data: onnx_ir.Value, changed: Sequence[int], table: Callable[[int, int], resample.Floats]
) -> list[Statement]:
    """``data`` multiplied along each axis with the ``table`` of how much of each pixel each place has."""
    statements, source = [], data
    letters = "abcdef"[: len(dims(data))]
    for axis in changed:
        output = node.outputs[0] if axis == changed[-1] else fresh(node, f"axis{axis}")
        (size,), (count,) = static(data, axis), static(node.outputs[0], axis)
        held = {f"weights{axis}": State((size, count), plan.literal(table(size, count).T.tolist()), trained=False)}
        result = letters.replace(letters[axis], "z")
        text = f'tf.einsum("{letters},{letters[axis]}z->{result}", {{0}}, {{weights{axis}}})'
        statements.append(line(node, text, source, outputs=[output], tensors=held))
        source = output
    return statements


def _linear(node: onnx_ir.Node, data: onnx_ir.Value, changed: Sequence[int], coordinates: str) -> list[Statement]:
    aligned = coordinates == "align_corners"
    statements, source = [], data
    # where one pixel is left the IR takes the first, not the middle
    single = [axis for axis in changed if dims(node.outputs[0])[axis] == 1]
    if single and coordinates == "pytorch_half_pixel":
        index = ", ".join(":1" if axis in single else ":" for axis in range(max(single) + 1))
        changed = [axis for axis in changed if axis not in single]
        source = fresh(node, "first") if changed else node.outputs[0]
        statements.append(line(node, f"{{0}}[{index}]", data, outputs=[source]))
    if not changed:
        return statements
    if node.domain == DOMAIN and len(dims(data)) == 4 and set(changed) <= {1, 2}:
        sizes = literal(list(static(node.outputs[0], 1, 2)))
        text = f"tf.image.resize({{0}}, {sizes})"
        if aligned:
            text = f"tf.compat.v1.image.resize_bilinear({{0}}, {sizes}, align_corners=True)"
        return [*statements, line(node, text, source)]
    for axis in changed:
        (size,) = static(node.outputs[0], axis)
        output = node.outputs[0] if axis == changed[-1] else fresh(node, f"axis{axis}")
        text = f"resize_axis({{0}}, {axis}, {size}, {aligned})"
        statements.append(line(node, text, source, outputs=[output], library=["resize_axis"]))
        source = output
    return statements


def _nearest(
    node: onnx_ir.Node, data: onnx_ir.Value, changed: Sequence[int], coordinates: str, mode: str
) -> list[Statement]:
    statements, source = [], data
    for axis in changed:
        output = node.outputs[0] if axis == changed[-1] else fresh(node, f"axis{axis}")
        (size,), (count,) = static(data, axis), static(node.outputs[0], axis)
        places = resample.nearest(size, count, coordinates, mode)
        held: dict[str, State] = {}
        if places == [place * size // count for place in range(count)] and count % size == 0:
            text = f"tf.repeat({{0}}, {count // size}, axis={axis})"
        elif count <= _INDICES:
            text = f"tf.gather({{0}}, {literal(places)}, axis={axis})"
        else:
            held = {f"index{axis}": State((count,), plan.literal(places), "int64", trained=False)}
            text = f"tf.gather({{0}}, {{index{axis}}}, axis={axis})"
        statements.append(line(node, text, source, outputs=[output], tensors=held))
        source = output
    return statements


@emits("tensorflow", *both("GridSample"))
def grid_sample(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    grid: onnx_ir.Value,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
) -> list[Statement]:
    """A function: the neighbours of each place, by ``tf.gather``, times their weights."""
    layout = layout_of(node, ranks=range(1, 4))
    if mode not in {"linear", "nearest", "cubic"}:
        raise Refused(f"mode {mode}")
    if dims(grid)[-1] != layout.rank:
        raise Refused(f"{dims(grid)[-1]} coordinates of {layout.rank}")
    settings = f"{literal(mode)}, {literal(padding_mode)}, {bool(align_corners)}"
    return [_last(node, f"grid_sample({{0}}, {{1}}, {settings})", [data, grid], ["grid_sample"], roles=("", "grid"))]


def _last(
    node: onnx_ir.Node,
    text: str,
    operands: Sequence[onnx_ir.Value],
    library: Sequence[str],
    roles: Sequence[str] = (),
) -> Statement:
    """The statement of ``text``, whose first operand and result have their channels last, in the node's layout."""
    if node.domain != DOMAIN:
        text = around(len(dims(operands[0])) - 2, text)
    return line(node, text, *operands, library=library, roles=roles)


@emits("tensorflow", "AffineGrid")
def affine_grid(
    node: onnx_ir.Node, theta: onnx_ir.Value, size: onnx_ir.Value, *, align_corners: int = 0
) -> list[Statement]:
    """A function: ``tf.matmul`` of the places of all pixels."""
    del size  # which the shape of the result has
    sizes = dims(node.outputs[0])[1:-1]
    if not all(isinstance(each, int) for each in sizes):
        raise Refused(f"sizes {list(sizes)} are open")
    text = f"affine_grid({{0}}, {literal(list(sizes))}, {bool(align_corners)})"
    return [line(node, text, theta, library=["affine_grid"])]


@emits("tensorflow", *both("DepthToSpace"))
def depth_to_space(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int, mode: str = "DCR") -> list[Statement]:
    """``tf.nn.depth_to_space``, of images with their channels last (``DCR``); else a function."""
    if blocksize == 1:
        return [line(node, "{0}", data)]
    if node.domain == DOMAIN and mode == "DCR":
        return [line(node, f"tf.nn.depth_to_space({{0}}, {blocksize})", data)]
    text = f"depth_to_space({{0}}, {blocksize}, {mode == 'CRD'})"
    return [_last(node, text, [data], ["depth_to_space"])]


@emits("tensorflow", *both("SpaceToDepth"))
def space_to_depth(node: onnx_ir.Node, data: onnx_ir.Value, *, blocksize: int) -> list[Statement]:
    """``tf.nn.space_to_depth``, of images with their channels last."""
    if blocksize == 1:
        return [line(node, "{0}", data)]
    return [_last(node, f"tf.nn.space_to_depth({{0}}, {blocksize})", [data], [])]


@emits("tensorflow", "Col2Im")
def col2im(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    image: onnx_ir.Value,
    block: onnx_ir.Value,
    *,
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    strides: Sequence[int] = (),
) -> list[Statement]:
    """A function: the sum of the places of each element of a block."""
    size, kernel = integers(image) or (), integers(block) or ()
    rank = len(size)
    given = [tuple(strides) or (1,) * rank, tuple(dilations) or (1,) * rank, tuple(pads) or (0,) * 2 * rank]
    settings = ", ".join(literal(list(part)) for part in (size, kernel, *given))
    return [line(node, f"col2im({{0}}, {settings})", data, library=["col2im"])]
