"""Products of matrices."""

from __future__ import annotations

import math

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, is_constant, is_parameter, only_output, parameter_shape
from converter.emitters.batch import batch_axis
from converter.emitters.ncnn.elementwise import ADD, MUL, Parts, mat_shape_like, operands
from converter.emitters.ncnn.layer import Layer, Weight, inner, memory
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.series import Step, series
from converter.emitters.ncnn.shape import viewed
from converter.ir import dims
from converter.passes.fold import expression_of


@emits("ncnn", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> Parts:
    """``InnerProduct`` with a matrix that is a parameter, otherwise ``MatMul``.

    What transposes a factor stays a ``Permute``: ``MatMul`` with ``transB`` reads beside the matrices on x86.

    Raises:
        Refused: The batch is summed up, or it is a row or a column of a product that has other dimensions too.
    """
    _check_batch(node, left, right)
    if is_parameter(right) and len(dims(right)) == 2 and not is_parameter(left):
        return _inner_product(node, left, right)
    layers, read = [], []
    for value, other in ((left, right), (right, left)):
        shape = mat_shape(value)
        if min(len(dims(value)), len(dims(other))) > 2:
            shape = mat_shape_like(value, only_output(node))
        if is_parameter(value) or is_constant(value):
            layers.append(memory(value, shape, name=str(value.name)))
            read.append(layers[-1].tops[0])
        elif shape != mat_shape(value):
            layers.append(viewed(f"{node.name}/{value.name}", value, inner(node, str(value.name)), shape))
            read.append(layers[-1].tops[0])
        else:
            read.append(value)
    return [*layers, Layer(str(node.name), "MatMul", tuple(read), (only_output(node),))]


def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    added: onnx_ir.Value | None,
    *,
    alpha: float,
    beta: float,
    transposed: tuple[bool, bool],
) -> Parts:
    """A ``Gemm`` whose second factor is no parameter: ``Permute``, ``MatMul`` and ``BinaryOp``.

    Raises:
        Refused: The second factor has the batch, or the first one's is not its rows.
    """
    if (
        batch_axis(right) is not None
        or batch_axis(left) not in (None, 0)
        or (batch_axis(left) == 0 and transposed[0])
    ):
        raise Refused(f"the batch is not the rows of {left.name}")
    layers: Parts = []
    factors = []
    for value, turned in zip((left, right), transposed, strict=True):
        layers += series(node, value, ("Permute", {0: 1}), top=inner(node, str(value.name))) if turned else []
        factors.append(layers[-1].tops[0] if turned and isinstance(layers[-1], Layer) else value)
    product = inner(node, "product")
    layers.append(Layer(str(product.name), "MatMul", tuple(factors), (product,)))
    return [*layers, *_affine(node, product, alpha, added, beta)]


def _affine(
    node: onnx_ir.Node, product: onnx_ir.Value, alpha: float, added: onnx_ir.Value | None, beta: float
) -> Parts:
    """``alpha * product + beta * added``."""
    top = only_output(node)
    if added is None:
        return [*series(node, product, _times(alpha))]
    before, (term,) = operands(node, added)
    scaled, scaled_term = inner(node, "scaled"), inner(node, "term")
    return [
        *series(node, product, _times(alpha), top=scaled),
        *before,
        *series(node, term, _times(beta), top=scaled_term),
        Layer(str(node.name), "BinaryOp", (scaled, scaled_term), (top,), {0: ADD}),
    ]


def _times(number: float) -> Step:
    return "BinaryOp", {0: MUL, 1: 1, 2: number}


def _inner_product(node: onnx_ir.Node, data: onnx_ir.Value, matrix: onnx_ir.Value) -> Parts:
    """``InnerProduct``, of each row of a Mat of two dimensions, or of a Mat of one."""
    top, shape = only_output(node), mat_shape(data)
    inputs, outputs = parameter_shape(matrix)
    weight = Weight((outputs, inputs), plan.transpose(expression_of(matrix), (1, 0)), tagged=True)
    params = {0: outputs, 2: outputs * inputs}
    rows = math.prod(shape[:-1])
    if len(shape) == 1 or (len(shape) == 2 and rows > 1):
        return [Layer(str(node.name), "InnerProduct", (data,), (top,), params, (weight,))]
    read, product = inner(node, "rows"), inner(node, "product")
    return [
        viewed(str(read.name), data, read, (rows, inputs) if rows > 1 else (inputs,)),
        Layer(str(product.name), "InnerProduct", (read,), (product,), params, (weight,)),
        viewed(str(node.name), product, top, mat_shape(top)),
    ]


def _check_batch(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> None:
    """Refuse what is another product without the dimension of the batch.

    It may be one of the dimensions before the matrices. Where one factor is a single matrix, it may be the rows or
    columns of the other: without them, that is a product with a vector.
    """
    top, ranks = only_output(node), (len(dims(left)), len(dims(right)))
    batches = batch_axis(left), batch_axis(right)
    if None not in batches and min(ranks) <= 2:
        raise Refused("both factors have the batch, and one of them has no other dimension than its matrix")
    places = set()
    if batches[0] is not None:
        places.add(_place(left, batches[0], ranks[0], ranks[0] - 2, ranks[0] - 1, ranks[1], top))
    if batches[1] is not None:
        places.add(_place(right, batches[1], ranks[1], ranks[1] - 1, max(ranks[1] - 2, 0), ranks[0], top))
    if places and places != {batch_axis(top)}:
        raise Refused(f"the batch of {top.name} is not that of its factors")


def _place(
    value: onnx_ir.Value, batch: int, rank: int, free: int, summed: int, other: int, top: onnx_ir.Value
) -> int:
    """The axis of ``top`` that is the ``batch`` of a factor of ``rank``, times one of rank ``other``."""
    if batch == summed:
        raise Refused(f"the batch of {value.name} is summed up")
    size = len(dims(top))
    if batch != free:
        return batch if other <= 2 else batch + size - rank
    if other > 2 or (free == rank - 1 and rank > 2):
        raise Refused(f"the batch of {value.name} is a dimension of its matrices")
    return size - 1 if free == rank - 1 else batch
