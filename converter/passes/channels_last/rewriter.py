"""Where each value of the graph is stored, and in which order of axes; transposes where it is wanted in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter import plan
from converter.ir import BATCH, Dim, dims
from converter.passes.channels_last.layout import Mixed, Perm, between, identity, inverse, stored, wide
from converter.passes.fold import Derived, expression_of, is_constant, is_parameter

_RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
"""What changes nothing but the shape."""


@dataclass(frozen=True)
class Place:
    """Where a value of the IR is.

    Attributes:
        value: Of the rewritten graph.
        perm: Which of the IR's axes each of its axes is.
        mixed: The axis whose elements are in another order than the IR's, if there is one.
    """

    value: onnx_ir.Value
    perm: Perm
    mixed: Mixed | None = None

    @property
    def plain(self) -> bool:
        """Whether all is as in the IR."""
        return self.mixed is None and self.perm == identity(len(self.perm))


class Rewriter:
    """A graph under rewriting, node by node in its own order.

    Args:
        graph: Is changed.
        operators: What the target has, as operators are named in a registry.

    Attributes:
        node: The node that is rewritten now; what is new comes before it.
        perms: The layout of each value that is in another one than the IR's, by the IR's name.
    """

    def __init__(self, graph: onnx_ir.Graph, operators: Collection[str]) -> None:
        self.graph = graph
        self.operators = operators
        self.node: onnx_ir.Node | None = None
        self._places: dict[onnx_ir.Value, Place] = {}
        self._moved: dict[tuple[onnx_ir.Value, tuple[Dim, ...], Perm], onnx_ir.Value] = {}
        self._shapes: dict[onnx_ir.Value, tuple[Dim, ...]] = {}
        self._names = {str(value.name) for value in _values(graph)}
        self.perms: dict[str, Perm] = {}

    def shape(self, value: onnx_ir.Value) -> tuple[Dim, ...]:
        """The shape of ``value`` in the IR, wherever it is stored."""
        return self._shapes.get(value) or dims(value)

    def place(self, value: onnx_ir.Value) -> Place:
        """Where ``value`` of the IR is."""
        return self._places.get(value) or Place(value, identity(len(self.shape(value))))

    def knows(self, value: onnx_ir.Value) -> bool:
        """Whether ``value`` is not where the IR has it, or not as the IR has it."""
        return value in self._places

    def is_moved(self, value: onnx_ir.Value) -> bool:
        """Whether ``value`` is stored in another order than the IR's, but for a flattened axis."""
        place = self.place(value)
        return place.mixed is None and not place.plain

    def put(self, value: onnx_ir.Value, perm: Perm, *, mixed: Mixed | None = None) -> None:
        """Say that ``value`` itself is now stored in the order ``perm``."""
        self._shapes[value] = self.shape(value)
        value.shape = onnx_ir.Shape(stored(self._shapes[value], perm))
        self._places[value] = Place(value, perm, mixed)
        if mixed is not None:
            value.name = self.name(f"{value.name}/channels_last")
        elif perm != identity(len(perm)):
            self.perms[str(value.name)] = perm

    def alias(self, value: onnx_ir.Value, place: Place) -> None:
        """Say that ``value`` is what is at ``place``, and so nothing has to compute it."""
        self._shapes[value] = self.shape(value)
        self._places[value] = place

    def plain(self, value: onnx_ir.Value) -> onnx_ir.Value:
        """``value`` as it is in the IR."""
        return self.stored(value, identity(len(self.shape(value))))

    def stored(self, value: onnx_ir.Value, perm: Perm) -> onnx_ir.Value:
        """``value`` stored in the order ``perm``, moved to it where it is in another one."""
        place = self.place(value)
        if place.mixed is not None:
            place = self._sorted(value, place, place.mixed)
        if place.perm == perm:
            return place.value
        key = (value, self.shape(value), perm)
        if key not in self._moved:
            self._moved[key] = self._move(value, place, perm)
        return self._moved[key]

    def ranked(self, value: onnx_ir.Value, rank: int, perm: Perm) -> onnx_ir.Value:
        """``value``, broadcast to ``rank`` axes by axes of size 1 before its own, in the order ``perm``.

        What is broadcast along all its axes is left as it is.
        """
        shape = self.shape(value)
        if not wide(shape, range(len(shape))):
            return self.plain(value)
        if len(shape) == rank:
            return self.stored(value, perm)
        padded = (1,) * (rank - len(shape)) + tuple(shape)
        if is_parameter(value) or is_constant(value):
            moved = stored(padded, perm)
            first = next(axis for axis, size in enumerate(moved) if size != 1)
            return self._stored(value, padded, perm, moved[first:])
        return self.stored(self.reshaped(self.plain(value), padded), perm)

    def mixed_parameter(self, value: onnx_ir.Value, axis: int, mixed: Mixed) -> onnx_ir.Value:
        """A parameter or constant with the elements of ``axis`` in the order of ``mixed``."""
        shape = self.shape(value)
        sizes = (*shape[:axis], *mixed.sizes, *shape[axis + 1 :])
        order = [*range(axis), *(axis + place for place in mixed.order), *range(axis + len(mixed.sizes), len(sizes))]
        return self._stored(value, sizes, tuple(order), shape)

    def reshaped(self, value: onnx_ir.Value, shape: Sequence[Dim]) -> onnx_ir.Value:
        """What ``value`` holds, in the same order, as ``shape``, in which at most one size is open."""
        while (source := _only_reshaped(value)) is not None:
            value = source
        if dims(value) == tuple(shape):
            return value
        return self.insert("Reshape", [value, self.sizes(shape)], shape, f"{value.name}/reshaped")

    def sizes(self, shape: Sequence[Dim]) -> onnx_ir.Value:
        """``shape``, in which at most one size is open, as a reshape is given it."""
        return self.constant([size if isinstance(size, int) else -1 for size in shape])

    def insert(
        self, op: str, inputs: Sequence[onnx_ir.Value], shape: Sequence[Dim], name: str, **attributes: Any
    ) -> onnx_ir.Value:
        """A new node before the one that is rewritten now; its output, of the type of its first input."""
        name = self.name(name)
        output = onnx_ir.Value(name=name, shape=onnx_ir.Shape(shape), type=inputs[0].type)
        self._insert(onnx_ir.node(op, inputs, attributes, outputs=[output], name=name))
        return output

    def constant(self, content: Any) -> onnx_ir.Value:
        """A new constant: whole numbers, or an array."""
        array = np.asarray(content) if isinstance(content, np.ndarray) else np.asarray(content, np.int64)
        name = self.name("constant")
        tensor = onnx_ir.tensor(array, name=name)
        value = onnx_ir.Value(
            name=name, shape=onnx_ir.Shape(array.shape), type=onnx_ir.TensorType(tensor.dtype), const_value=tensor
        )
        self._insert(onnx_ir.node("Constant", [], {"value": tensor}, outputs=[value], name=name))
        return value

    def name(self, wanted: str) -> str:
        """``wanted``, or what is like it and no value's name yet."""
        name, number = wanted, 2
        while name in self._names:
            name, number = f"{wanted}{number}", number + 1
        self._names.add(name)
        return name

    def _insert(self, node: onnx_ir.Node) -> None:
        if self.node is None:
            self.graph.append(node)
        else:
            self.graph.insert_before(self.node, node)

    def _move(self, value: onnx_ir.Value, place: Place, perm: Perm) -> onnx_ir.Value:
        shape = self.shape(value)
        if is_parameter(value) or is_constant(value):
            return self._stored(value, shape, perm, stored(shape, perm))
        if wide(shape, place.perm) == wide(shape, perm) and shape.count(BATCH) <= 1:
            return self.reshaped(place.value, stored(shape, perm))
        name = f"{value.name}/transposed" if place.value is value else self._taken_over(value, perm)
        order = between(place.perm, perm)
        return self.insert("Transpose", [place.value], stored(shape, perm), name, perm=order)

    def _taken_over(self, value: onnx_ir.Value, perm: Perm) -> str:
        """The name of ``value``, which nothing has computed so far, for what now does."""
        name = str(value.name)
        value.name = self.name(f"{name}/absorbed")
        self._names.discard(name)
        if perm != identity(len(perm)):
            self.perms[name] = perm
        return name

    def _sorted(self, value: onnx_ir.Value, place: Place, mixed: Mixed) -> Place:
        """``place`` with the elements of its mixed axis in the IR's order."""
        shape, axis = dims(place.value), mixed.axis
        moved = [mixed.sizes[each] for each in mixed.order]
        apart = (*shape[:axis], *moved, *shape[axis + 1 :])
        whole = self.reshaped(place.value, apart)
        back = inverse(mixed.order)
        order = [*range(axis), *(axis + each for each in back), *range(axis + len(moved), len(apart))]
        sorted_shape = [apart[each] for each in order]
        turned = self.insert("Transpose", [whole], sorted_shape, f"{value.name}/sorted", perm=order)
        return replace(place, value=self.reshaped(turned, shape), mixed=None)

    def _stored(self, value: onnx_ir.Value, shape: Sequence[Dim], perm: Perm, made: Sequence[Dim]) -> onnx_ir.Value:
        """A parameter or constant taken as ``shape``, transposed by ``perm``, and taken as ``made``."""
        key = (value, (*shape, "as", *made), perm)
        if key not in self._moved:
            sizes, final = [int(size) for size in shape], [int(size) for size in made]
            if is_constant(value):
                array = _array(value).reshape(sizes).transpose(perm).reshape(final)
                self._moved[key] = self.constant(array)
            else:
                self._moved[key] = self._parameter(value, sizes, perm, final)
        return self._moved[key]

    def _parameter(self, value: onnx_ir.Value, shape: list[int], perm: Perm, made: list[int]) -> onnx_ir.Value:
        expression = expression_of(value)
        if shape != list(self.shape(value)):
            expression = plan.reshape(expression, shape)
        if wide(shape, perm) != wide(shape, range(len(shape))):
            expression = plan.transpose(expression, perm)
            shape = [shape[axis] for axis in perm]
        if made != shape:
            expression = plan.reshape(expression, made)
        dtype = value.dtype or onnx_ir.DataType.FLOAT
        name = self.name(f"{value.name}/channels_last")
        tensor = Derived(name, dtype, tuple(made), expression)
        moved = onnx_ir.Value(
            name=name, shape=onnx_ir.Shape(made), type=onnx_ir.TensorType(dtype), const_value=tensor
        )
        self.graph.register_initializer(moved)
        return moved


def _values(graph: onnx_ir.Graph) -> Iterable[onnx_ir.Value]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph.all_nodes():
        yield from node.outputs


def _only_reshaped(value: onnx_ir.Value) -> onnx_ir.Value | None:
    """What ``value`` is in another shape."""
    node = value.producer()
    if node is None or node.domain != "" or node.op_type not in _RESHAPES or value.is_graph_output():
        return None
    return node.inputs[0]


def _array(value: onnx_ir.Value) -> npt.NDArray[Any]:
    tensor = onnx_ir.convenience.get_const_tensor(value)
    if tensor is None:
        raise AssertionError(f"{value.name} is no constant")
    return np.asarray(tensor.numpy())
