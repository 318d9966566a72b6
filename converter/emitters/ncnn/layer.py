"""What an operator's translation into ncnn is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx_ir

from converter import plan
from converter.emitters import Refused, constant, is_parameter, parameter_shape
from converter.emitters.ncnn.layout import mat_shape
from converter.emitters.ncnn.literal import number
from converter.passes.fold import expression_of
from converter.plan import Expression

Scalar = int | float
Params = Mapping[int, Scalar | tuple[Scalar, ...]]
"""Parameters by ncnn's own numbers; a tuple is an array, whose number is written as ``-23300 - number``.

Python's type decides how a number is written: ncnn reads what has no point or exponent as an integer's bits.
"""


@dataclass(frozen=True)
class Weight:
    """A weight of a layer, in the order in which ncnn's ``load_model`` reads them.

    Attributes:
        shape: Its shape; ncnn reads it as one row after the other.
        value: What it is set to.
        tagged: Whether ncnn reads it with the tag that says how it is stored (``mb.load(n, 0)``), so that it may be
            stored as fp16; otherwise it is raw fp32 (``mb.load(n, 1)``).
        eps: For a variance, what the layer adds before it takes the root; the sum has to be positive.
    """

    shape: tuple[int, ...]
    value: Expression
    tagged: bool = False
    eps: float | None = None

    def notes(self) -> dict[str, bool | float]:
        """What the checkpoint step has to know of it."""
        return {**({"tagged": True} if self.tagged else {}), **({} if self.eps is None else {"eps": self.eps})}


@dataclass(frozen=True)
class Layer:
    """A layer, wired by values of the IR rather than by blob names.

    Attributes:
        name: What the layer should be called.
        type: ncnn's layer type.
        bottoms: The values it reads; parameters and constants among them become ``MemoryData``.
        tops: The values it computes.
        params: Its parameters.
        weights: Its weights.
    """

    name: str
    type: str
    bottoms: tuple[onnx_ir.Value, ...]
    tops: tuple[onnx_ir.Value, ...]
    params: Params = field(default_factory=dict)
    weights: tuple[Weight, ...] = ()

    def __post_init__(self) -> None:
        """Refuse parameters that cannot be written."""
        for value in self.params.values():
            for item in value if isinstance(value, tuple) else (value,):
                number(item)


@dataclass(frozen=True)
class Alias:
    """No layer at all: ``value`` is held by whatever holds ``source``, in the same shape."""

    value: onnx_ir.Value
    source: onnx_ir.Value


def inner(node: onnx_ir.Node, suffix: str) -> onnx_ir.Value:
    """A value between two layers of ``node``, called after both; none of the IR's."""
    return onnx_ir.Value(name=f"{node.name}/{suffix}")


def weight(value: onnx_ir.Value, shape: Sequence[int] | None = None, *, tagged: bool = False) -> Weight:
    """The weight that is the IR's parameter ``value``, with the same elements as ``shape`` where given.

    Raises:
        Refused: The value is not a parameter, or has another number of elements.
    """
    found = parameter_shape(value)
    wanted = found if shape is None else tuple(shape)
    if math.prod(found) != math.prod(wanted):
        raise Refused(f"{value.name} has the shape {list(found)}, not {list(wanted)}")
    read = expression_of(value)
    return Weight(wanted, read if found == wanted else plan.reshape(read, wanted), tagged)


def memory(value: onnx_ir.Value, shape: Sequence[int] | None = None, *, name: str | None = None) -> Layer:
    """``MemoryData`` that holds the parameter or constant ``value``, as a Mat of ``shape`` where given.

    Its top is ``value`` itself, unless it is given a ``name``: then it is a value of its own called that.

    Raises:
        Refused: The value is computed at run time, or has another number of elements.
    """
    wanted = mat_shape(value) if shape is None else tuple(shape)
    if is_parameter(value):
        held = weight(value, wanted)
    else:
        numbers = constant(value).numpy()
        if numbers.size != math.prod(wanted):
            raise Refused(f"{value.name} has the shape {list(numbers.shape)}, not {list(wanted)}")
        flat = [float(number) for number in numbers.reshape(-1)]
        many = plan.reshape(plan.literal(flat), wanted)
        held = Weight(wanted, many if len(flat) > 1 else plan.full(flat[0], wanted))
    top = value if name is None else onnx_ir.Value(name=name)
    return Layer(name or str(value.name), "MemoryData", (), (top,), mat_params(wanted), (held,))


def mat_params(shape: Sequence[int]) -> dict[int, Scalar]:
    """The parameters by which ``Input`` and ``MemoryData`` say a Mat's shape."""
    keys = {1: (0,), 2: (1, 0), 3: (2, 1, 0), 4: (2, 11, 1, 0)}[len(shape)]
    return dict(sorted(zip(keys, shape, strict=True)))
