"""What several families of operators need."""

from __future__ import annotations

from collections.abc import Callable

from onnx_ir import Value

from converter import ir
from converter.errors import BadInput
from converter.parsers.mxnet.attributes import Ints
from converter.parsers.mxnet.registry import Parameter
from converter.parsers.mxnet.scope import Scope

MAX_TABLE = 1 << 20
"""The most numbers that an operator writes into the graph of its own accord."""


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


def at_least(g: Scope, name: str, value: int, least: int = 1) -> int:
    """``value``, refused if it is less than ``least``."""
    if value < least:
        raise BadInput(f"{g.node.op} {g.node.name!r} has {name}={value}; the least is {least}")
    return value


def check_table(g: Scope, what: str, elements: int) -> None:
    """Refuse an operator whose own table of ``elements`` numbers would be larger than any real network's."""
    if elements > MAX_TABLE:
        raise g.refuse(f"{what} of {elements} elements; supported: {MAX_TABLE}")


def biases(g: Scope, bias: Parameter | None, no_bias: bool, length: int) -> list[Value]:
    """The bias as a list: empty if there is none to be."""
    if no_bias:
        return []
    if bias is None:
        raise BadInput(f"{g.node.op} {g.node.name!r} has no bias input although no_bias is False")
    return [g.parameter(bias, (length,))]


def extents(g: Scope, name: str, given: Ints, count: int, *, default: int | None = None, least: int = 1) -> Ints:
    """One number for each of ``count`` spatial dimensions: ``given``, or ``default`` for all if that is empty."""
    values = (default,) * count if not given and default is not None else given
    if len(values) != count:
        raise BadInput(
            f"{g.node.op} {g.node.name!r} has {name}={given}; its input has {count} spatial dimensions",
            fix="correct the symbol, or give the input the shape of its training",
        )
    if min(values) < least:
        raise BadInput(f"{g.node.op} {g.node.name!r} has {name}={values}; the least is {least}")
    return values


def channels_last(g: Scope, data: Value, layout: str | None) -> bool:
    """Whether ``layout`` (NHWC) puts the channels of ``data`` last; it must have as many dimensions."""
    if layout is not None and len(layout) != len(ir.dims(data)):
        raise g.misfit(f"layout={layout} for an input of {len(ir.dims(data))} dimensions")
    return layout is not None and layout.endswith("C")


def channels_first(
    g: Scope, data: Value, operate: Callable[[Scope, Value], Value], *, last: bool, role: str
) -> Value:
    """``operate(scope, data)``, which takes the channels first; between transpositions if ``data`` has them last."""
    if not last:
        return operate(g, data)
    moved = to_channels_first(g, data, "channels-first")
    done = operate(g.part(role), moved)
    axes = len(ir.dims(done))
    return g.emit("Transpose", done, perm=(0, *range(2, axes), 1))


def to_channels_first(g: Scope, value: Value, role: str) -> Value:
    """``value`` with its last dimension moved to the second place."""
    axes = len(ir.dims(value))
    return g.emit("Transpose", value, role=role, perm=(0, axes - 1, *range(1, axes - 1)))
