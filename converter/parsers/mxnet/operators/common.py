"""What several families of operators need."""

from __future__ import annotations

from onnx_ir import Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.registry import Parameter
from converter.parsers.mxnet.scope import Scope


def rank(g: Scope, data: Value, *allowed: int) -> int:
    """The number of dimensions of ``data``, which must be one of ``allowed``."""
    found = len(ir.dims(data))
    if found not in allowed:
        raise g.refuse(f"an input of {found} dimensions; supported: {', '.join(map(str, allowed))}")
    return found


def size(g: Scope, data: Value, axis: int) -> int:
    """The size of dimension ``axis`` of ``data``, which must not be the batch."""
    dim = ir.dims(data)[axis]
    if isinstance(dim, str):
        raise g.refuse(f"its axis {axis} is the open batch dimension; give the batch a number")
    return dim


def positive_axis(g: Scope, data: Value, axis: int) -> int:
    """``axis`` counted from the front."""
    count = len(ir.dims(data))
    if not -count <= axis < count:
        raise g.misfit(f"its input of {count} dimensions has no axis {axis}")
    return axis % count


def pair(g: Scope, name: str, given: Ints, *, default: int | None = None, least: int = 1) -> Ints:
    """A height and a width: ``given``, or ``default`` twice if that is empty."""
    values = (default, default) if not given and default is not None else given
    if len(values) != 2:
        raise g.refuse(f"{name}={given}; only two spatial dimensions are supported")
    if min(values) < least:
        raise BadInput(f"{g.node.op} {g.node.name!r} has {name}={given}; the least is {least}")
    return values


def at_least(g: Scope, name: str, value: int, least: int = 1) -> int:
    """``value``, refused if it is less than ``least``."""
    if value < least:
        raise BadInput(f"{g.node.op} {g.node.name!r} has {name}={value}; the least is {least}")
    return value


def biases(g: Scope, bias: Parameter | None, no_bias: bool, length: int) -> list[Value]:
    """The bias as a list: empty if there is none to be."""
    if no_bias:
        return []
    if bias is None:
        raise BadInput(f"{g.node.op} {g.node.name!r} has no bias input although no_bias is False")
    return [g.parameter(bias, (length,))]
