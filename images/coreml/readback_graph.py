"""What the translations of MIL's operations share: the ONNX graph that they add to, and the register of them.

**Numbers.** A value of MIL's type ``fp16`` is represented by a float32 tensor that holds float16 numbers: an
operation is computed in float32, and what it returns is rounded to float16 (a Cast to float16 and one back). This is
the same for all operations, because onnxruntime's CPU kernels lack float16 for many. Integers narrower than 32 bits
are represented by int32 likewise, wrapped to their own type after every operation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from readback_package import Shape, Type

OPSET = 21
IR_VERSION = 10
INLINE = 1024
"""Bytes up to which a constant is part of the model; larger ones are given to the runtime as they lie in the file."""

FIRST, LAST = -(2**31), 2**31 - 1

ONNX_TYPES = {
    "bool": TensorProto.BOOL,
    "fp16": TensorProto.FLOAT,
    "fp32": TensorProto.FLOAT,
    "int8": TensorProto.INT32,
    "int16": TensorProto.INT32,
    "int32": TensorProto.INT32,
    "uint8": TensorProto.INT32,
    "uint16": TensorProto.INT32,
}
"""What represents MIL's element types."""

ROUNDED = {
    "fp16": TensorProto.FLOAT16,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
}
"""Through what a value goes after every operation."""

FLOATS = ("fp16", "fp32")
INTEGERS = ("int8", "int16", "int32", "uint8", "uint16")


class RefusedError(Exception):
    """An operation says something that is not read back; its text says what."""


@dataclass(frozen=True)
class Tensor:
    """A value of the program.

    Attributes:
        name: The ONNX graph's name for it; empty if it is not in the graph.
        kind: MIL's element type.
        shape: Its sizes as the program says them, None where one is open.
        value: Its elements, if it is a constant.
    """

    name: str
    kind: str
    shape: Shape
    value: numpy.ndarray | None = None

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether its elements are floating point numbers."""
        return self.kind in FLOATS

    def axis(self, axis: int) -> int:
        """``axis`` counted from the first one."""
        if not -self.rank <= axis < self.rank:
            raise RefusedError(f"axis {axis} of a tensor of rank {self.rank}")
        return axis % self.rank

    def size(self, axis: int) -> int:
        """The size of an axis, which has to be known."""
        size = self.shape[self.axis(axis)]
        if size is None:
            raise RefusedError(f"a size that is open (axis {axis})")
        return size


Operand = Tensor | str | int | float | bool | numpy.ndarray | Sequence[int] | None


@dataclass
class Graph:
    """The ONNX graph while it is written.

    Attributes:
        version: Of MIL's operations: 5 is that of iOS 15, 6 of iOS 16 and so on.
        outputs: The types of what the operation that is being translated returns.
    """

    version: int
    outputs: tuple[Type, ...] = ()
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    weights: dict[str, numpy.ndarray] = field(default_factory=dict)
    _count: int = 0

    def name(self) -> str:
        """A name of the graph that is not used yet."""
        self._count += 1
        return f"v{self._count}"

    def op(self, operator: str, *operands: Operand, **attributes: Any) -> str:
        """Add a node of one output; numbers among its inputs become constants, integers of 64 bits."""
        return self.ops(operator, 1, *operands, **attributes)[0]

    def ops(self, operator: str, count: int, *operands: Operand, **attributes: Any) -> list[str]:
        """Add a node of ``count`` outputs."""
        inputs = [self._operand(operand) for operand in operands]
        outputs = [self.name() for _ in range(count)]
        given = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(operator, inputs, outputs, **given))
        return outputs

    def _operand(self, operand: Operand) -> str:
        if operand is None:
            return ""
        if isinstance(operand, Tensor):
            if not operand.name:
                raise RefusedError(f"a tensor of type {operand.kind}")
            return operand.name
        if isinstance(operand, str):
            return operand
        return self.constant(
            numpy.asarray(operand, dtype=None if isinstance(operand, numpy.ndarray) else numpy.int64)
        )

    def constant(self, array: numpy.ndarray) -> str:
        """Add a constant as it is."""
        name = self.name()
        array = numpy.ascontiguousarray(array).reshape(array.shape)
        if array.nbytes <= INLINE:
            self.initializers.append(numpy_helper.from_array(array, name))
            return name
        data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, data_type=data_type, dims=array.shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights")
        self.initializers.append(tensor)
        self.weights[name] = array
        return name

    def scalar(self, value: float, like: Tensor) -> str:
        """The number ``value`` of the type that represents ``like``."""
        return self.constant(numpy.array(value, helper.tensor_dtype_to_np_dtype(ONNX_TYPES[like.kind])))

    def floats(self, values: Any) -> str:
        """Floating point numbers of 32 bits."""
        return self.constant(numpy.asarray(values, dtype=numpy.float32))

    def long(self, tensor: Tensor | str) -> str:
        """As integers of 64 bits, which ONNX wants for sizes."""
        return self.op("Cast", tensor, to=TensorProto.INT64)

    def int32(self, tensor: str) -> str:
        """As integers of 32 bits, which represent MIL's."""
        return self.op("Cast", tensor, to=TensorProto.INT32)

    def literal(self, array: numpy.ndarray, kind: str) -> Tensor:
        """A constant of the program; of a type that is not represented, for its value only."""
        if kind not in ONNX_TYPES:
            return Tensor("", kind, array.shape, array)
        represented = array.astype(helper.tensor_dtype_to_np_dtype(ONNX_TYPES[kind]), copy=False)
        return Tensor(self.constant(represented), kind, array.shape, array)

    def input(self, declared: Type) -> tuple[Tensor, onnx.ValueInfoProto]:
        """An input of the program, and of the graph."""
        name = self.name()
        dims = [f"{name}_{axis}" if size is None else size for axis, size in enumerate(declared.shape)]
        info = helper.make_tensor_value_info(name, ONNX_TYPES[declared.kind], dims)
        return self.finished(name, declared), info

    def finished(self, name: str, declared: Type) -> Tensor:
        """What an operation returned, rounded to its type."""
        if declared.kind not in ONNX_TYPES:
            raise RefusedError(f"values of type {declared.kind}")
        if declared.kind in ROUNDED:
            name = self.op("Cast", name, to=ROUNDED[declared.kind])
            name = self.op("Cast", name, to=ONNX_TYPES[declared.kind])
        return Tensor(name, declared.kind, declared.shape)


Translation = Callable[..., str | Sequence[str]]
TRANSLATIONS: dict[str, Translation] = {}
"""How the operations are translated, by their MIL names."""


def reads(*names: str) -> Callable[[Translation], Translation]:
    """Register a function as what translates the operations ``names``.

    It is called with the graph and with the operation's inputs by their names in MIL, and returns the names of the
    ONNX values that are the operation's outputs. Its annotations say how inputs are read: `Tensor` as it is, anything
    else has to be a constant.
    """

    def register(function: Translation) -> Translation:
        for name in names:
            if name in TRANSLATIONS:
                raise ValueError(f"{name} is translated twice")
            TRANSLATIONS[name] = function
        return function

    return register


def call(graph: Graph, operation: str, inputs: dict[str, list[Tensor]]) -> list[str]:
    """Add what the ``operation`` does to the ``graph``; the ONNX names of its outputs.

    Raises:
        RefusedError: Its inputs are not those that are known of it.
    """
    function = TRANSLATIONS[operation]
    parameters = {name: one for name, one in inspect.signature(function).parameters.items() if name != "graph"}
    unknown = sorted(inputs.keys() - parameters.keys() - {"operation"})
    if unknown:
        raise RefusedError(f"the unknown input {', '.join(unknown)}")
    given = {name: _read(name, parameters[name].annotation, tensors) for name, tensors in inputs.items()}
    if "operation" in parameters:
        given["operation"] = operation
    required = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    missing = [name for name in required if name not in given]
    if missing:
        raise RefusedError(f"no input {', '.join(missing)}")
    result = function(graph, **given)
    return [result] if isinstance(result, str) else list(result)


def _read(name: str, annotation: str, tensors: list[Tensor]) -> Any:
    """An operation's input as its translation wants it."""
    if annotation == "list[Tensor]":
        return tensors
    if len(tensors) != 1:
        raise RefusedError(f"{len(tensors)} tensors for {name}")
    if annotation.startswith("Tensor"):
        return tensors[0]
    value = tensors[0].value
    if value is None:
        raise RefusedError(f"{name}, which is not a constant")
    wanted = annotation.removesuffix(" | None")
    if wanted in _LISTS:
        return tuple(_LISTS[wanted](one) for one in value.reshape(-1).tolist())
    if value.size != 1:
        raise RefusedError(f"{name}, which is not one value")
    return _SCALARS[wanted](value.reshape(-1)[0])


def _whole(value: Any) -> int:
    if not isfinite(value) or int(value) != value:
        raise RefusedError(f"{value}, which is not a whole number")
    return int(value)


_SCALARS: dict[str, Callable[[Any], Any]] = {"int": _whole, "float": float, "bool": bool, "str": str}
_LISTS: dict[str, Callable[[Any], Any]] = {"Ints": _whole, "Bools": bool}
Ints = tuple[int, ...]
Bools = tuple[bool, ...]


def pairs(values: Ints) -> Iterator[tuple[int, int]]:
    """The elements two by two."""
    return zip(values[::2], values[1::2], strict=True)
