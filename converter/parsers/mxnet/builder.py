"""A graph that grows node by node, each with a name of its own and its type inferred as it is added."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

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
_PLAIN = {
    int: onnx_ir.AttributeType.INT,
    float: onnx_ir.AttributeType.FLOAT,
    str: onnx_ir.AttributeType.STRING,
}


class Kind(NamedTuple):
    """The type of a value: element type and shape.

    A dimension that ONNX's inference cannot tell is None, and so is a shape of which it does not even know the rank.
    """

    dtype: onnx_ir.DataType
    shape: tuple[Dim | None, ...] | None


_ITERATION = Kind(onnx_ir.DataType.INT64, ())
_CONDITION = Kind(onnx_ir.DataType.BOOL, ())


@dataclass(frozen=True)
class Called:
    """A function of the domain ``transship`` as it is called: its overload and the types of its outputs."""

    overload: str
    outputs: Sequence[Kind]


class Builder:
    """A graph that grows: its nodes, values, constants and the functions that it calls.

    Attributes:
        nodes: In topological order.
        initializers: Constants and parameters by name.
        functions: By name and overload.
        inputs: The graph's inputs.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.nodes: list[onnx_ir.Node] = []
        self.initializers: dict[str, onnx_ir.Value] = {}
        self.functions: dict[tuple[str, str], onnx_ir.Function] = {}
        self.inputs: list[onnx_ir.Value] = []
        self._values = set(reserved)
        self._nodes: set[str] = set()
        self._kinds: dict[str, Kind] = {}
        self._constants: dict[str, onnx.TensorProto] = {}
        self._materialised: dict[tuple[str, tuple[int, ...], bool], onnx_ir.Value] = {}
        self._called: dict[tuple[object, ...], Called] = {}
        self._inferred: dict[tuple[object, ...], tuple[Kind, ...]] = {}

    def input(self, name: str, shape: Shape, dtype: onnx_ir.DataType = onnx_ir.DataType.FLOAT) -> onnx_ir.Value:
        """Make a graph input."""
        self.inputs.append(self._typed(name, Kind(dtype, shape)))
        return self.inputs[-1]

    @property
    def given(self) -> str:
        """The graph's inputs as the caller gave them: ``data=batchx3x48x48``."""
        return ", ".join(f"{value.name}={spell(ir.dims(value))}" for value in self.inputs)

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
        given = [_attribute(key, value) for key, value in attributes.items()]
        kinds = self._infer(op, inputs, given, unique)
        if shapes is not None:
            kinds = [Kind(kind.dtype, shape) for kind, shape in zip(kinds, shapes, strict=True)]
        if self._foldable(op, inputs, kinds):
            return self._folded(_proto(op, inputs, given, unique))
        return self._append(op, inputs, given, name=name, outputs=unique, kinds=kinds)

    def output(self, value: onnx_ir.Value, name: str) -> onnx_ir.Value:
        """Return ``value`` as an output of the graph: a constant passes through a node, ``name``, to keep its own."""
        if value.producer() is not None:
            return value
        output = str(value.name)
        value.name = self._unique(f"{output}/constant", self._values)
        self.initializers[value.name] = self.initializers.pop(output)
        self._kinds[value.name] = self._kinds[output]
        return self._append("Identity", [value], [], name=name, outputs=[output], kinds=[self._kinds[output]])[0]

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
        kinds = [self._kinds[str(value.name)] for value in inputs]
        spelled = tuple(sorted((key, str(value)) for key, value in attributes.items()))
        key = (function, spelled, tuple(kinds))
        if key not in self._called:
            self._called[key] = self._define(function, attributes, body, list(zip(formal, kinds, strict=True)))
        called = self._called[key]
        unique = [self._unique(output, self._values) for output in outputs]
        return self._append(
            function,
            inputs,
            [_attribute(key, value) for key, value in attributes.items()],
            name=name,
            outputs=unique,
            kinds=called.outputs,
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
        kinds = [self._kinds[str(value.name)] for value in carried]
        inner = _Inner(self)
        formal = [
            inner._typed(inner._unique(f"{name}/{role}", self._values), kind)
            for role, kind in zip(
                ("round", "condition", *(str(value.name) for value in carried)),
                (_ITERATION, _CONDITION, *kinds),
                strict=True,
            )
        ]
        results = body(inner, (formal[0], *formal[2:]))
        kept = inner.node("Identity", [formal[1]], {}, name=f"{name}/kept", outputs=[f"{name}/kept"])
        graph = onnx_ir.Graph(formal, [*kept, *results], nodes=inner.nodes, name=name)
        true = self.constant(f"{name}/true", np.array(True))
        outputs = [self._unique(f"{name}_{value.name}", self._values) for value in carried]
        attributes = [onnx_ir.AttrGraph("body", graph)]
        return self._append("Loop", [count, true, *carried], attributes, name=name, outputs=outputs, kinds=kinds)

    def _define(
        self, function: str, attributes: dict[str, Attr], body: Body, formal: list[tuple[str, Kind]]
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
        return Called(overload, [inner._kinds[str(value.name)] for value in results])

    def _append(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value | None],
        attributes: Sequence[onnx_ir.Attr],
        *,
        name: str,
        outputs: Sequence[str],
        kinds: Sequence[Kind],
        domain: str = "",
        overload: str = "",
    ) -> list[onnx_ir.Value]:
        values = [self._typed(output, kind) for output, kind in zip(outputs, kinds, strict=True)]
        unique = self._unique(name, self._nodes)
        self.nodes.append(
            onnx_ir.Node(domain, op, inputs, attributes, overload=overload, outputs=values, name=unique)
        )
        return values

    def _infer(
        self,
        op: str,
        inputs: Sequence[onnx_ir.Value | None],
        attributes: Sequence[onnx_ir.Attr],
        names: Sequence[str],
    ) -> Sequence[Kind]:
        """Infer the types of a node's outputs: once for all nodes alike, unless they depend on a constant's value."""
        known = {str(value.name): self._kinds[str(value.name)] for value in inputs if value is not None}
        constants = {name: self._constants[name] for name in known if name in self._constants}
        if constants:
            return _inferred(_proto(op, inputs, attributes, names), known, constants)
        key = (
            op,
            len(names),
            tuple(None if value is None else known[str(value.name)] for value in inputs),
            tuple((attribute.name, attribute.type, attribute.value) for attribute in attributes),
        )
        if key not in self._inferred:
            self._inferred[key] = _inferred(_proto(op, inputs, attributes, names), known, constants)
        return self._inferred[key]

    def _foldable(self, op: str, inputs: Sequence[onnx_ir.Value | None], kinds: Sequence[Kind]) -> bool:
        """Whether a node is shape arithmetic: integers made of constants, or the shape of a value that has one."""
        names = ["" if value is None else str(value.name) for value in inputs]
        if op in ("Shape", "Size"):
            known = _static(self._kinds[names[0]]) is not None
        else:
            known = bool(names) and all(name in self._constants for name in names)
        return known and all(_is_structure(kind) for kind in kinds)

    def _folded(self, proto: onnx.NodeProto) -> list[onnx_ir.Value]:
        """Compute a node of constants."""
        arrays: list[Any]
        shape = _static(self._kinds[proto.input[0]])
        if proto.op_type in ("Shape", "Size") and shape is not None:
            ends = {attribute.name: attribute.i for attribute in proto.attribute}
            whole = shape[ends.get("start") : ends.get("end")]
            arrays = [np.array(whole if proto.op_type == "Shape" else np.prod(whole, dtype=np.int64), np.int64)]
        else:
            from onnx.reference import ReferenceEvaluator

            feeds = {name: onnx.numpy_helper.to_array(self._constants[name]) for name in proto.input}
            arrays = list(ReferenceEvaluator(proto).run(None, feeds))
        self._values.difference_update(proto.output)
        return [self.constant(name, np.asarray(array)) for name, array in zip(proto.output, arrays, strict=True)]

    def _remember(self, tensor: onnx_ir.TensorProtocol) -> None:
        if tensor.size <= FOLDED:
            self._constants[str(tensor.name)] = onnx_ir.serde.serialize_tensor(tensor)

    def _initializer(self, tensor: onnx_ir.TensorProtocol) -> onnx_ir.Value:
        name, kind = str(tensor.name), _kind_of(tensor)
        shape = cast(onnx_ir.Shape, tensor.shape)
        value = onnx_ir.Value(name=name, type=onnx_ir.TensorType(kind.dtype), shape=shape, const_value=tensor)
        self._kinds[name] = kind
        self.initializers[name] = value
        return value

    def _typed(self, name: str, kind: Kind) -> onnx_ir.Value:
        self._kinds[name] = kind
        shape = None if kind.shape is None else onnx_ir.Shape(kind.shape)
        return onnx_ir.Value(name=name, type=onnx_ir.TensorType(kind.dtype), shape=shape)

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
        self._inferred = outer._inferred
        self.inputs = outer.inputs
        if not closed:
            self._values, self._nodes = outer._values, outer._nodes
            self._kinds, self._constants = outer._kinds, outer._constants

    def constant(self, name: str, array: Array) -> onnx_ir.Value:
        """Append a node that yields ``array``."""
        tensor = onnx_ir.tensor(array, name=self._unique(name, self._values))
        attributes = [onnx_ir.AttrTensor("value", tensor)]
        names = [str(tensor.name)]
        (value,) = self._append("Constant", [], attributes, name=name, outputs=names, kinds=[_kind_of(tensor)])
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


def _attribute(key: str, value: Attr) -> onnx_ir.Attr:
    if type(value) in _PLAIN:
        return onnx_ir.Attr(key, _PLAIN[type(value)], value)
    if isinstance(value, tuple | list) and value and all(type(item) is int for item in value):
        return onnx_ir.AttrInt64s(key, value)
    return onnx_ir.convenience.convert_attribute(key, value)


def _proto(
    op: str, inputs: Sequence[onnx_ir.Value | None], attributes: Sequence[onnx_ir.Attr], outputs: Sequence[str]
) -> onnx.NodeProto:
    proto = onnx.NodeProto(op_type=op, output=outputs)
    proto.input.extend("" if value is None else str(value.name) for value in inputs)
    proto.attribute.extend(map(onnx_ir.serde.serialize_attribute, attributes))
    return proto


def _inferred(
    proto: onnx.NodeProto, kinds: Mapping[str, Kind], constants: Mapping[str, onnx.TensorProto]
) -> tuple[Kind, ...]:
    """The types of a node's outputs, from ONNX's own inference."""
    found = onnx.shape_inference.infer_node_outputs(
        onnx.defs.get_schema(proto.op_type, ir.OPSET, ""),
        proto,
        {name: onnx.helper.make_tensor_type_proto(int(kind.dtype), kind.shape) for name, kind in kinds.items()},
        dict(constants),
        opset_imports=_OPSETS,
        ir_version=ir.IR_VERSION,
    )
    return tuple(_kind(found[name].tensor_type) for name in proto.output)


def _kind(proto: onnx.TypeProto.Tensor) -> Kind:
    known = proto.HasField("shape")
    dims = (dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in proto.shape.dim)
    return Kind(onnx_ir.DataType(proto.elem_type), tuple(dims) if known else None)


def _kind_of(tensor: onnx_ir.TensorProtocol) -> Kind:
    return Kind(onnx_ir.DataType(tensor.dtype), tuple(map(int, tensor.shape.numpy())))


def _static(kind: Kind) -> tuple[int, ...] | None:
    """The shape, if every dimension is a number."""
    known = tuple(dim for dim in kind.shape or () if isinstance(dim, int))
    return known if kind.shape is not None and len(known) == len(kind.shape) else None


def _is_structure(kind: Kind) -> bool:
    """Whether a value of this type, were it a constant, would be structure: few integers or truth values."""
    shape = _static(kind)
    return shape is not None and not (kind.dtype.is_floating_point() and shape) and math.prod(shape) <= FOLDED


def _ones(name: str, shape: tuple[int, ...]) -> onnx_ir.LazyTensor:
    return onnx_ir.LazyTensor(
        lambda: onnx_ir.Tensor(np.ones(shape, np.float32)), onnx_ir.DataType.FLOAT, onnx_ir.Shape(shape), name=name
    )
