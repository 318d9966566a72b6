"""What emitters of Python code ask of an operand: is it known, what is in it, how does a weight plan say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, is_constant, is_parameter
from converter.emitters.known import contents
from converter.emitters.memo import visiting_once
from converter.emitters.python import Code
from converter.ir import BATCH, dims
from converter.passes.fold import Derived, expression_of


def array(value: onnx_ir.Value) -> npt.NDArray[Any]:
    """The elements of a constant.

    Raises:
        Refused: The value is not a constant.
    """
    return np.asarray(constant(value).numpy())


def number(value: onnx_ir.Value) -> Any:
    """The one element of a constant, as a literal that keeps its precision."""
    element = array(value).reshape(-1)[0].item()
    if not isinstance(element, float) or not np.isfinite(element):
        return element
    # the shortest decimal of the largest float32 is larger than that
    precise = value.dtype == onnx_ir.DataType.DOUBLE or abs(element) == np.finfo(np.float32).max
    return Code(repr(element)) if precise else element


def integers(value: onnx_ir.Value | None) -> tuple[int, ...] | None:
    """The elements of a constant of integers; None where there is none.

    Raises:
        Refused: The value is computed at run time.
    """
    return None if value is None else tuple(int(element) for element in array(value).reshape(-1))


def is_stored(value: onnx_ir.Value | None) -> bool:
    """Whether ``value`` is known before the network runs: a parameter or a constant."""
    return value is not None and (is_parameter(value) or is_constant(value))


def is_trained(value: onnx_ir.Value) -> bool:
    """Whether ``value`` is learnt, rather than made by a parser, which calls such a constant ``<node>/<role>``."""
    if not is_parameter(value) or value.dtype != onnx_ir.DataType.FLOAT:
        return False
    if isinstance(value.const_value, Derived):
        return any(_is_own_name(name) for name in _tensors(value.const_value.expression))
    return _is_own_name(str(value.name))


def _is_own_name(name: str) -> bool:
    role = name.rpartition("/")[2]
    return role == name or role.isdigit()


def _tensors(expression: Any) -> list[str]:
    """The names of the tensors that a plan's expression reads."""
    if isinstance(expression, Mapping):
        own = [expression["tensor"]] if "tensor" in expression else []
        return own + [name for key, part in expression.items() if key != "tensor" for name in _tensors(part)]
    if isinstance(expression, list | tuple):
        return [name for part in expression if isinstance(part, Mapping) for name in _tensors(part)]
    return []


def expression(value: onnx_ir.Value) -> plan.Expression:
    """How a weight plan says ``value``, a parameter or a constant.

    Raises:
        Refused: The value is computed at run time.
    """
    if is_parameter(value):
        return expression_of(value)
    elements = array(value)
    if elements.ndim == 0 or elements.size == 0:
        return plan.reshape(plan.literal(elements.reshape(-1).tolist()), elements.shape)
    return plan.literal(elements.tolist())


@visiting_once
def is_nonnegative(value: onnx_ir.Value, depth: int = 16) -> bool:
    """Whether no element of ``value`` can be below zero, as far as the last ``depth`` nodes before it tell."""
    if is_constant(value):
        return bool((array(value) >= 0).all())
    node = value.producer()
    if node is None or depth == 0 or node.domain != "":
        return False
    which = _NONNEGATIVE.get(node.op_type)
    if which is None:
        return _is_nonnegative_result(value, node)
    return all(operand is not None and is_nonnegative(operand, depth - 1) for operand in node.inputs[which])


_NONNEGATIVE = {
    **dict.fromkeys(("Expand", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Split"), slice(1)),
    **dict.fromkeys(("Identity", "Tile", "Cast"), slice(1)),
    **dict.fromkeys(("Concat", "Add", "Mul"), slice(None)),
}
"""Operators that make nothing negative of what is not, and of which operands."""


def _is_nonnegative_result(value: onnx_ir.Value, node: onnx_ir.Node) -> bool:
    """Whether ``node`` makes nothing negative, whatever its first operand is."""
    limit = node.inputs[1] if len(node.inputs) > 1 else None
    if node.op_type in {"Clip", "Max"}:
        return limit is not None and is_constant(limit) and bool((array(limit) >= 0).all())
    if node.op_type == "Mod":
        return limit is not None and "fmod" not in node.attributes and is_positive(limit)
    if node.op_type == "TopK":
        return value is node.outputs[1]
    return node.op_type in {"ArgMax", "ArgMin", "Shape", "Size"}


def is_positive(value: onnx_ir.Value) -> bool:
    """Whether every element of ``value``, a constant or computed of shapes, is above zero."""
    if is_constant(value):
        return bool((array(value) > 0).all())
    found = contents(value)
    return found is not None and all(size == BATCH or size > 0 for size in found.reshape(-1).tolist())


def check_broadcast(*operands: onnx_ir.Value) -> None:
    """Check that ``operands`` can stand beside each other whatever the open batch is.

    Raises:
        Refused: Only one number of rows goes with a dimension of another one.
    """
    shapes = [dims(value) for value in operands]
    for axis in range(1, max(map(len, shapes)) + 1):
        sizes = {shape[-axis] for shape in shapes if len(shape) >= axis}
        if BATCH in sizes and len(sizes - {1}) > 1:
            raise Refused(f"the open batch beside {max(sizes - {BATCH})} of another; give the batch a number")


def static(value: onnx_ir.Value, *axes: int) -> tuple[int, ...]:
    """The sizes of ``value`` along ``axes``, or all of them.

    Raises:
        Refused: One of them is open.
    """
    shape = dims(value)
    sizes = tuple(shape[axis] for axis in axes) if axes else shape
    if any(not isinstance(size, int) for size in sizes):
        raise Refused(f"{value.name} has open dimensions: {list(sizes)}")
    return tuple(int(size) for size in sizes)


def fresh(node: onnx_ir.Node, role: str) -> onnx_ir.Value:
    """A value of the generated code that the IR does not have."""
    return onnx_ir.Value(name=f"{node.name}/{role}")


def omit(default: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """``settings`` without those that are the constructor's ``default``."""
    return {name: value for name, value in settings.items() if name not in default or value != default[name]}


def square(sizes: Sequence[int]) -> int | tuple[int, ...]:
    """``sizes`` as a person writes them: one number where they agree."""
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)
