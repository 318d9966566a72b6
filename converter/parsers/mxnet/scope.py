"""Emit ONNX nodes on behalf of one MXNet node, with names and shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import onnx
import onnx_ir

from converter import ir
from converter.errors import BadInput
from converter.ir import Dim
from converter.parsers.mxnet.builder import Array, Attr, Builder, Shape, formal_names, spell
from converter.parsers.mxnet.problems import Refused
from converter.parsers.mxnet.registry import Parameter
from converter.parsers.mxnet.symbol import SymbolNode

__all__ = ["Scope", "Shape", "spell"]

MAX_ELEMENTS = 1 << 40
"""No activation of a real network comes near this size; beyond it ONNX's own arithmetic may overflow."""


class Scope:
    """What an operator's function works with: the MXNet node at hand, and the graph that grows.

    Attributes:
        node: The MXNet node.
    """

    def __init__(self, builder: Builder, node: SymbolNode, prefix: str | None = None) -> None:
        self._builder = builder
        self._prefix = node.name if prefix is None else prefix
        self.node = node

    @property
    def inputs(self) -> Sequence[onnx_ir.Value]:
        """The graph's inputs."""
        return self._builder.inputs

    def emit(
        self,
        op: str,
        *inputs: onnx_ir.Value | None,
        role: str = "",
        output: str = "output",
        shape: Shape | None = None,
        **attributes: Attr,
    ) -> onnx_ir.Value:
        """Append an ONNX node with one output and return that.

        A node of integers that are all known here, such as arithmetic on a static shape, is computed instead.

        Args:
            op: The ONNX operator.
            *inputs: Its inputs; None for an optional one that is left out.
            role: What a helper is for; empty for the node that bears the MXNet node's own name.
            output: MXNet's name for the output.
            shape: The output's shape, where ONNX's inference cannot find it.
            **attributes: ONNX's attributes.

        Raises:
            BadInput: The inputs' shapes do not fit.
            Unsupported: The output's shape depends on the open batch in a way that the IR cannot express.
        """
        shapes = None if shape is None else [shape]
        outputs = ["output" if role else output]
        return self.emit_many(op, *inputs, outputs=outputs, role=role, shapes=shapes, **attributes)[0]

    def emit_many(
        self,
        op: str,
        *inputs: onnx_ir.Value | None,
        outputs: Sequence[str],
        role: str = "",
        shapes: Sequence[Shape] | None = None,
        **attributes: Attr,
    ) -> list[onnx_ir.Value]:
        """Append an ONNX node with several ``outputs`` and return them; otherwise as :meth:`emit`."""
        name = self._named(role)
        names = [_joined(name, output) for output in outputs]
        try:
            values = self._builder.node(op, inputs, attributes, name=name, outputs=names, shapes=shapes)
        except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
            spelled = ", ".join(spell(ir.dims(value)) for value in inputs if value is not None)
            raise self.misfit(f"its inputs {spelled} do not fit each other") from error
        for value in values:
            self._check(value)
        return values

    def call(
        self,
        function: str,
        *inputs: onnx_ir.Value,
        body: Callable[..., onnx_ir.Value | Sequence[onnx_ir.Value]],
        outputs: Sequence[str] = ("output",),
        role: str = "",
        **attributes: Attr,
    ) -> list[onnx_ir.Value]:
        """Append a call of a function of the domain ``transship``, for what standard ONNX has no single operator for.

        ``body(scope, *inputs)`` builds the function out of standard ONNX, through a scope of its own in which roles
        are names; it is called once for each combination of attributes and input types. Emitters know the function
        by its name and attributes; all others, and onnxruntime, use the body.

        Args:
            function: The function's name, as a noun: ``BoxNms``.
            *inputs: What it is called with.
            body: Builds it. Its parameters' names become those of the function's inputs.
            outputs: MXNet's names for the outputs.
            role: As in :meth:`emit`.
            **attributes: All that a native implementation would have to know.
        """

        def build(builder: Builder, formal: Sequence[onnx_ir.Value]) -> Sequence[onnx_ir.Value]:
            made = body(Scope(builder, self.node, ""), *formal)
            return [made] if isinstance(made, onnx_ir.Value) else made

        name = self._named(role)
        return self._builder.call(
            function,
            inputs,
            attributes,
            build,
            formal=formal_names(body)[: len(inputs)],
            name=name,
            outputs=[_joined(name, output) for output in outputs],
        )

    def loop(
        self,
        rounds: onnx_ir.Value,
        *carried: onnx_ir.Value,
        body: Callable[..., onnx_ir.Value | Sequence[onnx_ir.Value]],
        role: str,
    ) -> list[onnx_ir.Value]:
        """Append a loop of ``rounds`` (an int64 scalar) rounds; return the ``carried`` values after the last.

        ``body(scope, round, *carried)`` returns the next carried values, of the same types and shapes. It may use any
        value from outside.
        """

        def build(builder: Builder, formal: Sequence[onnx_ir.Value]) -> Sequence[onnx_ir.Value]:
            made = body(Scope(builder, self.node, self._named(role)), *formal)
            return [made] if isinstance(made, onnx_ir.Value) else made

        return self._builder.loop(rounds, carried, build, name=self._named(role))

    def scalar(self, role: str, value: float, like: onnx_ir.Value | None = None) -> onnx_ir.Value:
        """Make a scalar that is structure, float32 or of the element type of ``like``."""
        return self.array(role, np.array(value, np.float32 if like is None else dtype_of(like).numpy()))

    def ints(self, role: str, values: Sequence[int]) -> onnx_ir.Value:
        """Make a one-dimensional int64 constant.

        Raises:
            BadInput: A number takes more than 64 bits.
        """
        try:
            return self.array(role, np.array(values, np.int64))
        except OverflowError as error:
            raise self.misfit(f"{max(map(abs, values))} elements are too many") from error

    def array(self, role: str, values: Array) -> onnx_ir.Value:
        """Make a constant of any shape and element type."""
        return self._builder.constant(self._named(role), values)

    def parameter(
        self, parameter: Parameter, shape: Sequence[Dim], *, ones: bool = False, view: tuple[int, ...] | None = None
    ) -> onnx_ir.Value:
        """Make a trained array a value, having checked that it has the ``shape`` that this node needs.

        An array that the network itself computes is taken as it is. In a network without weights the ``shape`` is
        what the parameter's is inferred from.

        Args:
            parameter: The array.
            shape: What it must be.
            ones: Whether its values are disregarded and taken as 1.
            view: Shape of the value, if it is not ``shape``: as many elements in the same order.

        Raises:
            BadInput: The array has another shape.
            Unsupported: It depends on the batch.
        """
        needed = tuple(dim for dim in shape if isinstance(dim, int))
        if len(needed) < len(shape):
            raise self.refuse(f"its {parameter.name!r} would have the open batch dimension; give the batch a number")
        found = parameter.shape
        if found is not None and found != needed:
            kind = "in the file" if parameter.stored else "in the graph"
            raise BadInput(
                f"parameter {parameter.name!r} is {spell(found)} {kind},"
                f" but {self.node.op} {self.node.name!r} needs {spell(needed)}",
                fix=f"give its own params file, or the input shape of its training, not {self._builder.given}",
            )
        if math.prod(needed) > MAX_ELEMENTS:
            raise self.misfit(f"its {parameter.name!r} would be {spell(needed)}")
        if parameter.value is None:
            return self._builder.parameter(parameter, needed if view is None else view, ones=ones)
        if ones:
            return self.array(f"{parameter.name}/ones", np.ones(needed if view is None else view, np.float32))
        if view is None or view == needed:
            return parameter.value
        return self.emit("Reshape", parameter.value, self.ints("view", view), role="as-view")

    def part(self, role: str) -> Scope:
        """A scope for a step of this node: what it emits for itself is a helper called ``role`` here."""
        return Scope(self._builder, self.node, self._named(role))

    def value(self, parameter: Parameter) -> onnx_ir.Value:
        """Make a trained array a value of the shape it is stored in.

        Raises:
            Unsupported: There are no weights, and the graph does not tell the shape either.
        """
        if parameter.value is not None:
            return parameter.value
        if parameter.shape is None:
            fix = "give the params file, or its shape if it is an input"
            raise self.refuse(f"the shape of {parameter.name!r} cannot be inferred; {fix}")
        return self.parameter(parameter, parameter.shape)

    def refuse(self, what: str) -> Refused:
        """The error that this node asks for ``what``, which cannot be expressed."""
        return Refused(self.node, what)

    def misfit(self, what: str) -> BadInput:
        """The error that this node's input has a shape it cannot take."""
        return BadInput(
            f"{self.node.op} {self.node.name!r}: {what}",
            fix=f"give the input shape of its training, not {self._builder.given}",
        )

    def _named(self, role: str) -> str:
        return "/".join(part for part in (self._prefix, role) if part)

    def _check(self, value: onnx_ir.Value) -> None:
        try:
            shape = ir.dims(value)
        except BadInput as error:
            raise self.refuse("its output's shape depends on the open batch; give the batch a number") from error
        numbers = [dim for dim in shape if isinstance(dim, int)]
        if any(dim < 1 for dim in numbers) or math.prod(numbers) > MAX_ELEMENTS:
            raise self.misfit(f"its output would be {spell(shape)}")


def dtype_of(value: onnx_ir.Value) -> onnx_ir.DataType:
    """The element type of ``value``."""
    if value.dtype is None:
        raise AssertionError(f"{value.name} has no element type")
    return value.dtype


def _joined(name: str, output: str) -> str:
    return f"{name}_{output}" if name else output
