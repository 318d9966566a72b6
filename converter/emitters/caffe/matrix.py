"""Products of matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.caffe.broadcast import finite, widened
from converter.emitters.caffe.elementwise import joined, plus, times
from converter.emitters.caffe.layer import Blob, Fields, Layer
from converter.emitters.caffe.reduction import reduced
from converter.emitters.caffe.steps import Steps
from converter.emitters.operand import expression, is_stored
from converter.ir import BATCH, dims
from converter.ir.spec import Dim

_MOST = 2**22
"""Most products of two numbers that are kept for one example."""


@emits("caffe", "MatMul")
def matmul(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value) -> list[Layer]:
    """``InnerProduct`` with a matrix that is a parameter on the right, ``Convolution`` with one on the left.

    Of two blobs the products of all pairs of numbers, by ``Tile`` and ``Scale`` or ``Eltwise``, and their sums by
    ``Pooling``: that needs memory for all of them.

    Raises:
        Refused: These are more than four million for an example, or the open batch is summed up.
    """
    steps = Steps(node)
    if is_stored(right) and len(dims(right)) == 2:
        inner_product(steps, left, right)
    elif is_stored(left) and len(dims(left)) == 2 and len(dims(right)) > 1 and BATCH not in dims(right)[-2:]:
        _from_left(steps, left, right)
    else:
        _product(steps, left, right)
    return steps.layers


def gemm(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    added: onnx_ir.Value | None,
    *,
    alpha: float,
    beta: float,
    transposed: tuple[bool, bool],
) -> list[Layer]:
    """``Gemm``: an ``InnerProduct`` if it can be one, else the product as of ``MatMul``, a ``Power`` and a sum.

    Raises:
        Refused: As for ``MatMul``; or both factors are computed, and transposed.
    """
    steps = Steps(node)
    if is_stored(right) and not transposed[0]:
        bias = None if added is None else _bias(added, beta, dims(steps.output))
        role = "" if added is None or bias is not None else "product"
        turned = transposed[1]
        product = inner_product(steps, left, right, transposed=turned, factor=alpha, bias=bias, role=role)
        if role and added is not None:
            _add(steps, product, added, beta)
        return steps.layers
    role = "" if alpha == 1 and added is None else "product"
    if is_stored(left) and not transposed[1] and BATCH not in dims(right):
        product = _from_left(steps, left, right, transposed=transposed[0], role=role)
    else:
        product = _gemm_product(steps, left, right, transposed, role)
    if alpha != 1:
        product = steps.power(product, role="scaled" if added is not None else "", scale=alpha)
    if added is not None:
        _add(steps, product, added, beta)
    return steps.layers


def _add(steps: Steps, product: onnx_ir.Value, added: onnx_ir.Value, beta: float) -> None:
    if beta != 1:
        added = steps.power(widened(steps, added, dims(added), role="added"), role="added/scaled", scale=beta)
    plus(steps, product, added)


def _bias(added: onnx_ir.Value, beta: float, shape: Sequence[Dim]) -> Blob | None:
    """What is added, if it is the same for each row."""
    channels, sizes = int(shape[-1]), dims(added)
    if not is_stored(added) or any(size != 1 for size in sizes[:-1]) or sizes[-1:] not in ((), (1,), (channels,)):
        return None
    value = expression(finite(added))
    if sizes != (channels,):
        value = plan.reshape(value, sizes[-1:])  # type: ignore[arg-type]
    if sizes[-1:] != (channels,):
        value = plan.add(value, plan.full(0.0, (channels,)))
    return Blob((channels,), value if beta == 1 else plan.mul(value, plan.full(beta, ())))


def inner_product(
    steps: Steps,
    data: onnx_ir.Value,
    matrix: onnx_ir.Value,
    *,
    transposed: bool = False,
    factor: float = 1.0,
    bias: Blob | None = None,
    role: str = "",
) -> onnx_ir.Value:
    """``InnerProduct`` of the last dimension of ``data``; ``matrix`` is outputs by inputs where ``transposed``.

    So is the weight in any case: there is a field for the other layout, which OpenCV's importer overlooks.
    """
    shape, sizes = dims(data), tuple(int(size) for size in dims(matrix))
    axis, outputs = len(shape) - 1, sizes[0 if transposed else 1]
    params: Fields = {
        "num_output": outputs,
        **({} if bias is not None else {"bias_term": False}),
        **({} if axis == 1 else {"axis": axis}),
    }
    value = expression(finite(matrix))
    value = value if factor == 1 else plan.mul(value, plan.full(factor, ()))
    weight = Blob(sizes, value) if transposed else Blob(sizes[::-1], plan.transpose(value, (1, 0)))
    return steps.add(
        "InnerProduct",
        data,
        role=role,
        params={"inner_product_param": params},
        blobs=[weight] if bias is None else [weight, bias],
        shape=(*shape[:-1], outputs),
    )


def _gemm_product(
    steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value, transposed: tuple[bool, bool], role: str
) -> onnx_ir.Value:
    """The sums of products of a matrix of which either factor is transposed, along the dimension that both have."""
    (rows, columns), (first, last) = dims(left), dims(right)
    views: Mapping[tuple[bool, bool], tuple[Sequence[Dim], Sequence[Dim], int]] = {
        (False, False): ((rows, columns, 1), (1, first, last), 1),
        (False, True): ((rows, 1, columns), (1, first, last), 2),
        (True, False): ((rows, columns, 1), (first, 1, last), 0),
    }
    if transposed not in views:
        raise Refused("both factors are transposed")
    before, after, axis = views[transposed]
    return products(steps, (left, before), (right, after), dims(steps.output), axis=axis, role=role)


def _from_left(
    steps: Steps, matrix: onnx_ir.Value, data: onnx_ir.Value, *, transposed: bool = False, role: str = ""
) -> onnx_ir.Value:
    """``Convolution`` of the last dimension but one of ``data``, as channels."""
    shape, sizes = dims(data), [int(size) for size in dims(matrix)]
    outputs, inputs = reversed(sizes) if transposed else sizes
    outer, prefix = _outer(shape[:-2]), f"{role}/" if role else ""
    image = steps.reshape(data, (outer, inputs, shape[-1], 1), role=f"{prefix}image")
    value = expression(finite(matrix))
    value = plan.reshape(plan.transpose(value, (1, 0)) if transposed else value, (outputs, inputs, 1, 1))
    params: Fields = {"num_output": outputs, "bias_term": False, "kernel_size": 1}
    product = steps.add(
        "Convolution",
        image,
        role=f"{prefix}convolution",
        params={"convolution_param": params},
        blobs=[Blob((outputs, inputs, 1, 1), value)],
        shape=(outer, outputs, shape[-1], 1),
    )
    return steps.reshape(product, dims(steps.output), role=role)


def _product(steps: Steps, left: onnx_ir.Value, right: onnx_ir.Value) -> None:
    """All products of two numbers, with the dimension that is summed up last but one, and then their sums."""
    columns = 1 if len(dims(right)) == 1 else dims(right)[-1]
    first = (*((1,) if len(dims(left)) == 1 else ()), *dims(left), 1)
    second = (*dims(right)[:-2], 1, dims(right)[-2] if len(dims(right)) > 1 else dims(right)[0], columns)
    products(steps, (left, first), (right, second), dims(steps.output))


def products(
    steps: Steps,
    left: tuple[onnx_ir.Value, Sequence[Dim]],
    right: tuple[onnx_ir.Value, Sequence[Dim]],
    shape: Sequence[Dim],
    *,
    axis: int = -2,
    role: str = "",
) -> onnx_ir.Value:
    """The sums along ``axis`` of the products of values in shapes that are broadcast to each other.

    Raises:
        Refused: There are too many products, or the open batch is summed up.
    """
    prefix = f"{role}/" if role else ""
    operands = [
        value if dims(value) == tuple(wanted) else _viewed(steps, value, wanted, f"{prefix}operand_{index}")
        for index, (value, wanted) in enumerate((left, right))
    ]
    full = joined(*operands)
    count = math.prod(size for size in full if isinstance(size, int))
    if count > _MOST:
        raise Refused(f"{count} products for an example are too many to be kept")
    place = axis % len(full)
    found = times(steps, *operands, role=f"{prefix}products")
    return reduced(steps, "SUM", found, [place], shape, role or "")


def _viewed(steps: Steps, value: onnx_ir.Value, shape: Sequence[Dim], role: str) -> onnx_ir.Value:
    if is_stored(value):
        return steps.stored(value, role=role, shape=[int(size) for size in shape])
    return steps.reshape(value, shape, role=role)


def _outer(shape: Sequence[Dim]) -> Dim:
    return BATCH if BATCH in shape else math.prod(int(size) for size in shape)
