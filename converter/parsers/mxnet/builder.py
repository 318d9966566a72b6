"""A graph that grows node by node, each with a name of its own and its type inferred as it is added."""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnx_ir

from converter import ir
from converter.ir import Dim
from converter.parsers.mxnet.registry import Parameter

Shape: TypeAlias = tuple[Dim, ...]
Attr: TypeAlias = int | float | str | Sequence[int] | Sequence[float] | onnx.TensorProto
Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]
Body: TypeAlias = Callable[["Builder", Sequence[onnx_ir.Value]], Sequence[onnx_ir.Value]]

FOLDED = 4096
"""The most elements of a constant that is computed here rather than by the model."""

_OPSETS = [onnx.helper.make_opsetid("", ir.OPSET)]
_ITERATION = onnx.helper.make_tensor_type_proto(onnx.TensorProto.INT64, ())
_CONDITION = onnx.helper.make_tensor_type_proto(onnx.TensorProto.BOOL, ())


@dataclass(frozen=True)
class Called:
    """A function of the domain ``transship`` as it is called: its overload and the types of its outputs."""

    overload: str
    outputs: tuple[onnx.TypeProto, ...]


class Builder:
    """A graph that grows: its nodes, values, constants and the functions that it calls.

    Attributes:
        nodes: In topological order.
        initializers: Constants and parameters by name.
        functions: By name and overload.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.nodes: list[onnx_ir.Node] = []
        self.initializers: dict[str, onnx_ir.Value] = {}
        self.functions: dict[tuple[str, str], onnx_ir.Function] = {}
        self._values = set(reserved)
        self._nodes: set[str] = set()
        self._types: ChainMap[str, onnx.TypeProto] = ChainMap()
        self._constants: ChainMap[str, onnx.TensorProto] = ChainMap()
        self._inputs: dict[str, Shape] = {}
        self._materialised: dict[tuple[str, tuple[int, ...], bool], onnx_ir.Value] = {}
        self._called: dict[tuple[object, ...], Called] = {}

    def input(self, name: str, shape: Shape, dtype: onnx_ir.DataType = onnx_ir.DataType.FLOAT) -> onnx_ir.Value:
        """Make a graph input."""
        self._inputs[name] = shape
        return self._typed(name, onnx.helper.make_tensor_type_proto(int(dtype), shape))

    @property
    def given(self) -> str:
        """The graph's inputs as the caller gave them: ``data=batchx3x48x48``."""
        return ", ".join(f"{name}={spell(shape)}" for name, shape in self._inputs.items())

    def constant(self, name: str, array: Array) -> onnx_ir.Value:
        """Make ``array`` a constant: structure, such as an added number, a shape, a table of the operator's own."""
        tensor = onnx_ir.tensor(array, name=self._unique(name, self._values))
        value = self._initializer(tensor)
        self._remember(tensor)
        return value

    def parameter(self, parameter: Parameter, shape: tuple[int, ...], *, ones: bool = False) -> onnx_ir.Value:
        """Make ``parameter`` a value of ``shape``, once however often it is used; all ones if told so."""
        key = (parameter.name, shape, ones)
        if key not in self._materialised:
            taken = parameter.name in self.initializers
            name = self._unique(parameter.name, self._values) if taken else parameter.name
            tensor = _ones(name, shape) if ones and parameter.stored else parameter.tensor(name, shape)
            self._materialised[key] = self._initializer(tensor)
        return self._materialised[key]

    def node(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value | None],
        attributes: dict[str, Attr],
        *,
        name: str,
        outputs: Sequence[str],
        shapes: Sequence[Shape] | None = None,
    ) -> list[onnx_ir.Value]:
        """Append a node and infer the type of its outputs, or compute it where all that it needs is known here.

        Args:
            op: The ONNX operator.
            inputs: Its inputs; None for one that is left out.
            attributes: ONNX's attributes.
            name: The node's name, made unique if need be.
            outputs: The values' names, likewise.
            shapes: The outputs' shapes, where ONNX's inference cannot find them.

        Raises:
            onnx.shape_inference.InferenceError: The inputs do not fit the operator.
        """
        unique = [self._unique(output, self._values) for output in outputs]
        proto = onnx.helper.make_node(op, ["" if value is None else str(value.name) for value in inputs], unique)
        proto.attribute.extend(onnx.helper.make_attribute(key, value) for key, value in attributes.items())
        types = self._infer(proto)
        if shapes is not None:
            elements = [types[output].tensor_type.elem_type for output in unique]
            types = {
                output: onnx.helper.make_tensor_type_proto(element, shape)
                for output, element, shape in zip(unique, elements, shapes, strict=True)
            }
        if self._foldable(proto, types):
            return self._folded(proto, unique)
        return self._append(op, inputs, dict(attributes), name=name, outputs=unique, types=[types[o] for o in unique])

    def call(
        self,
        function: str,
        inputs: Sequence[onnx_ir.Value],
        attributes: dict[str, Attr],
        body: Body,
        *,
        formal: Sequence[str],
        name: str,
        outputs: Sequence[str],
    ) -> list[onnx_ir.Value]:
        """Append a call of a function of the domain ``transship`` that ``body`` builds out of standard ONNX.

        The attributes are for emitters that know the function by name: the body is built for their values and for the
        types of the inputs, as an overload of its own where a function is called with several.

        Args:
            function: Its name.
            inputs: What it is called with.
            attributes: What it is called with besides.
            body: Given a builder and the formal inputs, appends the nodes and returns the outputs.
            formal: Names of the formal inputs.
            name: The calling node's name.
            outputs: Names of the values that it returns.
        """
        types = [self._types[str(value.name)] for value in inputs]
        spelled = tuple(sorted((key, str(value)) for key, value in attributes.items()))
        key = (function, spelled, tuple(kind.SerializeToString(deterministic=True) for kind in types))
        if key not in self._called:
            self._called[key] = self._define(function, attributes, body, list(zip(formal, types, strict=True)))
        called = self._called[key]
        unique = [self._unique(output, self._values) for output in outputs]
        return self._append(
            function,
            inputs,
            dict(attributes),
            name=name,
            outputs=unique,
            types=called.outputs,
            domain=ir.DOMAIN,
            overload=called.overload,
        )

    def loop(
        self, count: onnx_ir.Value, carried: Sequence[onnx_ir.Value], body: Body, *, name: str
    ) -> list[onnx_ir.Value]:
        """Append a loop of ``count`` rounds over the ``carried`` values, whose types stay the same.

        Args:
            count: An int64 scalar.
            carried: The values before the first round.
            body: Given a builder, the round (an int64 scalar) and the carried values, returns the next ones. It may
                use any value of this builder.
            name: The node's name.

        Returns:
            The values after the last round.
        """
        types = [self._types[str(value.name)] for value in carried]
        inner = _Inner(self)
        formal = [
            inner._typed(inner._unique(f"{name}/{role}", self._values), kind)
            for role, kind in zip(
                ("round", "condition", *(str(value.name) for value in carried)),
                (_ITERATION, _CONDITION, *types),
                strict=True,
            )
        ]
        results = body(inner, (formal[0], *formal[2:]))
        kept = inner.node("Identity", [formal[1]], {}, name=f"{name}/kept", outputs=[f"{name}/kept"])
        graph = onnx_ir.Graph(formal, [*kept, *results], nodes=inner.nodes, name=name)
        true = self.constant(f"{name}/true", np.array(True))
        outputs = [self._unique(f"{name}_{value.name}", self._values) for value in carried]
        return self._append("Loop", [count, true, *carried], {"body": graph}, name=name, outputs=outputs, types=types)

    def _define(
        self, function: str, attributes: dict[str, Attr], body: Body, formal: list[tuple[str, onnx.TypeProto]]
    ) -> Called:
        """Build a function, or another overload of it."""
        inner = _Inner(self, closed=True)
        inputs = [inner._typed(inner._unique(name, inner._values), kind) for name, kind in formal]
        results = [_own(inner, value) for value in body(inner, inputs)]
        count = sum(name == function for name, _ in self.functions)
        overload = str(count + 1) if count else ""
        graph = onnx_ir.Graph(inputs, results, nodes=inner.nodes, opset_imports={"": ir.OPSET, ir.DOMAIN: 1})
        declared = [onnx_ir.Attr(key, onnx_ir.AttributeType.UNDEFINED, None) for key in attributes]
        self.functions[function, overload] = onnx_ir.Function(
            ir.DOMAIN, function, overload, graph=graph, attributes=declared
        )
        return Called(overload, tuple(inner._types[str(value.name)] for value in results))

    def _append(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value | None],
        attributes: dict[str, Any],
        *,
        name: str,
        outputs: Sequence[str],
        types: Sequence[onnx.TypeProto],
        domain: str = "",
        overload: str = "",
    ) -> list[onnx_ir.Value]:
        values = [self._typed(output, kind) for output, kind in zip(outputs, types, strict=True)]
        node = onnx_ir.node(
            op,
            inputs,
            {key: _attribute(key, value) for key, value in attributes.items()},
            domain=domain,
            overload=overload,
            outputs=values,
            name=self._unique(name, self._nodes),
        )
        self.nodes.append(node)
        return values

    def _infer(self, proto: onnx.NodeProto) -> dict[str, onnx.TypeProto]:
        inferred: dict[str, onnx.TypeProto] = onnx.shape_inference.infer_node_outputs(
            onnx.defs.get_schema(proto.op_type, ir.OPSET, ""),
            proto,
            {name: self._types[name] for name in proto.input if name},
            {name: self._constants[name] for name in proto.input if name in self._constants},
            opset_imports=_OPSETS,
            ir_version=ir.IR_VERSION,
        )
        return inferred

    def _foldable(self, proto: onnx.NodeProto, types: dict[str, onnx.TypeProto]) -> bool:
        """Whether a node is shape arithmetic: integers made of constants, or the shape of a value that has one."""
        known = all(name in self._constants for name in proto.input)
        static = proto.op_type in ("Shape", "Size") and _is_static(self._types[proto.input[0]])
        return (static or (known and bool(proto.input))) and all(_is_structure(kind) for kind in types.values())

    def _folded(self, proto: onnx.NodeProto, names: Sequence[str]) -> list[onnx_ir.Value]:
        """Compute a node of constants."""
        arrays: list[Any]
        if proto.op_type in ("Shape", "Size"):
            dims = [dim.dim_value for dim in self._types[proto.input[0]].tensor_type.shape.dim]
            ends = {attribute.name: attribute.i for attribute in proto.attribute}
            whole = dims[ends.get("start") : ends.get("end")]
            arrays = [np.array(whole if proto.op_type == "Shape" else np.prod(whole, dtype=np.int64), np.int64)]
        else:
            from onnx.reference import ReferenceEvaluator

            feeds = {name: onnx.numpy_helper.to_array(self._constants[name]) for name in proto.input}
            arrays = list(ReferenceEvaluator(proto).run(None, feeds))
        self._values.difference_update(names)
        return [self.constant(name, np.asarray(array)) for name, array in zip(names, arrays, strict=True)]

    def _remember(self, tensor: onnx_ir.TensorProtocol) -> None:
        if tensor.size <= FOLDED:
            self._constants[str(tensor.name)] = onnx_ir.serde.serialize_tensor(tensor)

    def _initializer(self, tensor: onnx_ir.TensorProtocol) -> onnx_ir.Value:
        value = self._typed(str(tensor.name), _type_of(tensor))
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


class _Inner(Builder):
    """The body of a function or of a loop: constants are nodes, for neither has initializers of its own."""

    def __init__(self, outer: Builder, *, closed: bool = False) -> None:
        super().__init__()
        self.functions = outer.functions
        self._called = outer._called
        self._inputs = outer._inputs
        if not closed:
            self._values, self._nodes = outer._values, outer._nodes
            self._types, self._constants = outer._types.new_child(), outer._constants.new_child()

    def constant(self, name: str, array: Array) -> onnx_ir.Value:
        """Append a node that yields ``array``."""
        tensor = onnx_ir.tensor(array, name=self._unique(name, self._values))
        attributes = {"value": onnx_ir.serde.serialize_tensor(tensor)}
        names = [str(tensor.name)]
        (value,) = self._append("Constant", [], attributes, name=name, outputs=names, types=[_type_of(tensor)])
        self._remember(tensor)
        return value


def formal_names(body: Callable[..., object]) -> list[str]:
    """The names of a function body's parameters after the first, its scope."""
    return list(inspect.signature(body).parameters)[1:]


def spell(shape: Shape) -> str:
    """A shape as people write it: ``batch x 3 x 48 x 48``."""
    return "x".join(map(str, shape)) or "a scalar"


def _own(builder: Builder, value: onnx_ir.Value) -> onnx_ir.Value:
    """A function's output must be computed by it: an input that is returned passes through a node."""
    if value.producer() is not None:
        return value
    return builder.node("Identity", [value], {}, name="output", outputs=["output"])[0]


def _attribute(key: str, value: Any) -> Any:
    if isinstance(value, onnx_ir.Graph):
        return onnx_ir.AttrGraph(key, value)
    return (
        onnx_ir.AttrTensor(key, onnx_ir.serde.deserialize_tensor(value))
        if isinstance(value, onnx.TensorProto)
        else value
    )


def _type_of(tensor: onnx_ir.TensorProtocol) -> onnx.TypeProto:
    dims = [int(dim) for dim in tensor.shape.numpy()]
    return onnx.helper.make_tensor_type_proto(int(onnx_ir.DataType(tensor.dtype)), dims)


def _is_static(kind: onnx.TypeProto) -> bool:
    return kind.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.tensor_type.shape.dim)


def _is_structure(kind: onnx.TypeProto) -> bool:
    """Whether a value of this type, were it a constant, would be structure: few integers or truth values."""
    dims = [dim.dim_value for dim in kind.tensor_type.shape.dim]
    floating = onnx_ir.DataType(kind.tensor_type.elem_type).is_floating_point()
    return _is_static(kind) and not (floating and dims) and int(np.prod(dims)) <= FOLDED


def _ones(name: str, shape: tuple[int, ...]) -> onnx_ir.LazyTensor:
    return onnx_ir.LazyTensor(
        lambda: onnx_ir.Tensor(np.ones(shape, np.float32)), onnx_ir.DataType.FLOAT, onnx_ir.Shape(shape), name=name
    )
