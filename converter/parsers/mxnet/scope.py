"""Emit ONNX nodes on behalf of one MXNet node, with names and shapes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
import onnx_ir

from converter import ir
from converter.errors import BadInput, Unsupported
from converter.ir import Dim
from converter.parsers.mxnet.registry import Parameter
from converter.parsers.mxnet.symbol import SymbolNode

Shape: TypeAlias = tuple[Dim, ...]
Attr: TypeAlias = int | float | str | Sequence[int]
MAX_ELEMENTS = 1 << 40
"""No activation of a real network comes near this size; beyond it ONNX's own arithmetic may overflow."""

_OPSETS = [onnx.helper.make_opsetid("", ir.OPSET)]
_FLOAT = onnx.TensorProto.FLOAT


class Builder:
    """A graph that grows: its nodes, values and constants, each under a name of its own."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self.nodes: list[onnx_ir.Node] = []
        self.initializers: dict[str, onnx_ir.Value] = {}
        self._values = set(reserved)
        self._nodes: set[str] = set()
        self._types: dict[str, onnx.TypeProto] = {}
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: dict[str, Shape] = {}
        self._materialised: dict[tuple[str, tuple[int, ...], bool], onnx_ir.Value] = {}

    def input(self, name: str, shape: Shape) -> onnx_ir.Value:
        """Make a graph input, float32."""
        self._inputs[name] = shape
        return self._typed(name, onnx.helper.make_tensor_type_proto(_FLOAT, shape))

    @property
    def given(self) -> str:
        """The graph's inputs as the caller gave them: ``data=batchx3x48x48``."""
        return ", ".join(f"{name}={spell(shape)}" for name, shape in self._inputs.items())

    def constant(self, name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> onnx_ir.Value:
        """Make a constant that is structure: a scalar or a shape."""
        tensor = onnx_ir.tensor(array, name=self._unique(name, self._values))
        value = self._initializer(tensor)
        self._constants[str(value.name)] = onnx_ir.serde.serialize_tensor(tensor)
        return value

    def parameter(self, parameter: Parameter, shape: tuple[int, ...], *, ones: bool = False) -> onnx_ir.Value:
        """Make ``parameter`` a value of ``shape``, once however often it is used; all ones if told so."""
        key = (parameter.name, shape, ones)
        if key not in self._materialised:
            taken = parameter.name in self.initializers
            name = self._unique(parameter.name, self._values) if taken else parameter.name
            tensor = _ones(name, shape) if ones else parameter.stored.tensor(name, shape)
            self._materialised[key] = self._initializer(tensor)
        return self._materialised[key]

    def node(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value],
        attributes: dict[str, Attr],
        *,
        name: str,
        outputs: Sequence[str],
        shape: Shape | None = None,
    ) -> list[onnx_ir.Value]:
        """Append a node and infer the type of its outputs.

        Raises:
            onnx.shape_inference.InferenceError: The inputs do not fit the operator.
        """
        unique = [self._unique(output, self._values) for output in outputs]
        proto = onnx.helper.make_node(op, [str(value.name) for value in inputs], unique)
        proto.attribute.extend(onnx.helper.make_attribute(key, value) for key, value in attributes.items())
        types = self._infer(proto)
        if shape is not None:
            types = {unique[0]: onnx.helper.make_tensor_type_proto(_FLOAT, shape)}
        values = [self._typed(output, types[output]) for output in unique]
        node = onnx_ir.node(op, inputs, dict(attributes), outputs=values, name=self._unique(name, self._nodes))
        self.nodes.append(node)
        return values

    def _infer(self, proto: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        inferred: dict[str, onnx.TypeProto] = onnx.shape_inference.infer_node_outputs(
            onnx.defs.get_schema(proto.op_type, ir.OPSET, ""),
            proto,
            {name: self._types[name] for name in proto.input},
            {name: self._constants[name] for name in proto.input if name in self._constants},
            opset_imports=_OPSETS,
            ir_version=ir.IR_VERSION,
        )
        return inferred

    def _initializer(self, tensor: onnx_ir.TensorProtocol) -> onnx_ir.Value:
        dtype = onnx_ir.DataType(tensor.dtype)
        value = self._typed(
            str(tensor.name), onnx.helper.make_tensor_type_proto(int(dtype), [int(d) for d in tensor.shape.numpy()])
        )
        value.const_value = tensor
        self.initializers[str(tensor.name)] = value
        return value

    def _typed(self, name: str, kind: onnx.TypeProto) -> onnx_ir.Value:
        self._types[name] = kind
        return onnx_ir.Value(
            name=name,
            type=onnx_ir.serde.deserialize_type_proto_for_type(kind),
            shape=onnx_ir.serde.deserialize_type_proto_for_shape(kind),
        )

    @staticmethod
    def _unique(name: str, taken: set[str]) -> str:
        candidate, count = name, 1
        while candidate in taken or not candidate:
            count += 1
            candidate = f"{name}/{count}"
        taken.add(candidate)
        return candidate


class Scope:
    """What an operator's function works with: the MXNet node at hand, and the graph that grows.

    Attributes:
        node: The MXNet node.
    """

    def __init__(self, builder: Builder, node: SymbolNode) -> None:
        self._builder = builder
        self.node = node

    def emit(
        self,
        op: str,
        *inputs: onnx_ir.Value,
        role: str = "",
        output: str = "output",
        shape: Shape | None = None,
        **attributes: Attr,
    ) -> onnx_ir.Value:
        """Append an ONNX node with one output and return that.

        Args:
            op: The ONNX operator.
            *inputs: Its inputs.
            role: What a helper is for; empty for the node that bears the MXNet node's own name.
            output: MXNet's name for the output.
            shape: The output's shape, where ONNX's inference cannot find it.
            **attributes: ONNX's attributes.

        Raises:
            BadInput: The inputs' shapes do not fit.
        """
        name = f"{self.node.name}/{role}" if role else self.node.name
        outputs = [_joined(name, "output" if role else output)]
        return self._emit(op, inputs, attributes, name=name, outputs=outputs, shape=shape)[0]

    def emit_many(
        self, op: str, *inputs: onnx_ir.Value, outputs: Sequence[str], role: str = "", **attributes: Attr
    ) -> list[onnx_ir.Value]:
        """Append an ONNX node with several ``outputs`` and return them; otherwise as :meth:`emit`."""
        name = f"{self.node.name}/{role}" if role else self.node.name
        return self._emit(op, inputs, attributes, name=name, outputs=[_joined(name, output) for output in outputs])

    def scalar(self, role: str, value: float) -> onnx_ir.Value:
        """Make a float32 scalar that is structure."""
        return self._builder.constant(f"{self.node.name}/{role}", np.array(value, np.float32))

    def ints(self, role: str, values: Sequence[int]) -> onnx_ir.Value:
        """Make a one-dimensional int64 constant."""
        return self._builder.constant(f"{self.node.name}/{role}", np.array(values, np.int64))

    def parameter(
        self, parameter: Parameter, shape: Sequence[Dim], *, ones: bool = False, view: tuple[int, ...] | None = None
    ) -> onnx_ir.Value:
        """Make a trained array a value, having checked that it has the ``shape`` that this node needs.

        Args:
            parameter: The array.
            shape: What it must be.
            ones: Whether its values are disregarded and taken as 1.
            view: Shape of the value, if it is not ``shape``: as many elements in the same order.

        Raises:
            BadInput: The array has another shape.
            Unsupported: The array holds no floating point numbers, or depends on the batch.
        """
        stored = parameter.stored
        if not stored.is_float:
            raise Unsupported(f"parameter {parameter.name!r} is {stored.dtype.name}; only floating point can be read")
        needed = tuple(dim for dim in shape if isinstance(dim, int))
        if stored.shape != tuple(shape):
            raise BadInput(
                f"parameter {parameter.name!r} is {spell(stored.shape)} in the file,"
                f" but {self.node.op} {self.node.name!r} needs {spell(tuple(shape))}",
                fix=f"give its own params file, or the input shape of its training, not {self._builder.given}",
            )
        return self._builder.parameter(parameter, needed if view is None else view, ones=ones)

    def value(self, parameter: Parameter) -> onnx_ir.Value:
        """Make a trained array a value of the shape it is stored in."""
        return self.parameter(parameter, parameter.stored.shape)

    def refuse(self, what: str) -> Unsupported:
        """The error that this node asks for ``what``, which cannot be expressed."""
        return Unsupported(f"{self.node.op} {self.node.name!r}: {what}")

    def misfit(self, what: str) -> BadInput:
        """The error that this node's input has a shape it cannot take."""
        return BadInput(
            f"{self.node.op} {self.node.name!r}: {what}",
            fix=f"give the input shape of its training, not {self._builder.given}",
        )

    def _emit(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value],
        attributes: dict[str, Attr],
        *,
        name: str,
        outputs: Sequence[str],
        shape: Shape | None = None,
    ) -> list[onnx_ir.Value]:
        try:
            values = self._builder.node(op, inputs, attributes, name=name, outputs=outputs, shape=shape)
        except onnx.shape_inference.InferenceError as error:
            shapes = ", ".join(spell(ir.dims(value)) for value in inputs)
            raise self.misfit(f"its inputs {shapes} do not fit each other") from error
        for value in values:
            self._check(ir.dims(value))
        return values

    def _check(self, shape: Shape) -> None:
        numbers = [dim for dim in shape if isinstance(dim, int)]
        if any(dim < 1 for dim in numbers) or math.prod(numbers) > MAX_ELEMENTS:
            raise self.misfit(f"its output would be {spell(shape)}")


def spell(shape: Shape) -> str:
    """A shape as people write it: ``batch x 3 x 48 x 48``."""
    return "x".join(map(str, shape)) or "a scalar"


def _joined(name: str, output: str) -> str:
    return f"{name}_{output}" if name else output


def _ones(name: str, shape: tuple[int, ...]) -> onnx_ir.LazyTensor:
    return onnx_ir.LazyTensor(
        lambda: onnx_ir.Tensor(np.ones(shape, np.float32)), onnx_ir.DataType.FLOAT, onnx_ir.Shape(shape), name=name
    )
