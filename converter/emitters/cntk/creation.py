"""Tensors made of nothing but numbers and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import Refused, emits
from converter.emitters.batch import batch_axis, row_shape
from converter.emitters.cntk.operand import line
from converter.emitters.cntk.shape import WHOLE, known
from converter.emitters.known import batch_of, numbers
from converter.emitters.statement import State, Statement
from converter.ir import dims


@emits("cntk", "ConstantOfShape", dtypes=WHOLE)
def constant_of_shape(
    node: onnx_ir.Node, sizes: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Statement]:
    """``constant``; ``reconcile_dynamic_axes`` where it has the batch."""
    result = node.outputs[0]
    filler = 0.0 if value is None else value.numpy().reshape(-1)[0].item()
    text, shape = "C.constant({value}, {shape})", row_shape(result)
    if batch_axis(result) is None:
        return [line(node, text, value=filler, shape=shape)]
    found = batch_of(sizes)
    if found is None or batch_axis(found[0]) is None:
        raise Refused("its batch is that of no other value")
    return [line(node, f"C.reconcile_dynamic_axes({text}, {{0}})", found[0], value=filler, shape=shape)]


@emits("cntk", "Range", dtypes=WHOLE)
def range_(
    node: onnx_ir.Node,
    start: onnx_ir.Value,  # noqa: ARG001 - the numbers are known
    limit: onnx_ir.Value,  # noqa: ARG001
    delta: onnx_ir.Value,  # noqa: ARG001
) -> list[Statement]:
    """A constant."""
    found = known(node)
    if found is None:
        raise Refused(f"{node.outputs[0].name} has to be known without running the network")
    return found


@emits("cntk", "EyeLike", dtypes=WHOLE)
def eye_like(
    node: onnx_ir.Node,
    data: onnx_ir.Value,  # noqa: ARG001 - only its shape counts
    *,
    dtype: int | None = None,  # noqa: ARG001
    k: int = 0,
) -> list[Statement]:
    """A constant."""
    shape = row_shape(node.outputs[0])
    if batch_axis(node.outputs[0]) is not None:
        raise Refused("its rows are the batch")
    return [line(node, "{eye}", tensors={"eye": table(np.eye(shape[0], shape[1], k))})]


def table(numbers: Any) -> State:
    """A constant of the structure."""
    found = np.asarray(numbers, np.float32)
    return State(found.shape, plan.literal(found.tolist()), trained=False)


@emits("cntk", "Trilu", dtypes=WHOLE)
def trilu(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Statement]:
    """``element_select`` with a constant of the places that stay."""
    if batch_axis(data) is not None and batch_axis(data) in _last(data):
        raise Refused("its rows or columns are the batch")
    diagonal = 0 if k is None else numbers(k)[0]
    sizes = [int(dim) for dim in dims(data)[-2:]]
    place = np.arange(sizes[1]) - np.arange(sizes[0])[:, None]
    kept = table(place >= diagonal if upper else place <= diagonal)
    return [line(node, "C.element_select({kept}, {0}, 0)", data, scalars=False, tensors={"kept": kept})]


def _last(data: onnx_ir.Value) -> Sequence[int]:
    rank = len(dims(data))
    return (rank - 2, rank - 1)
