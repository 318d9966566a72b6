"""Build small IR models by hand."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from converter.ir import IR_VERSION, OPSET

Array = npt.NDArray[np.float32]


def noise(name: str, shape: Sequence[int], low: float = -1.0, high: float = 1.0) -> Array:
    """Uniform numbers that depend on ``name`` and ``shape`` only."""
    generator = np.random.default_rng(zlib.crc32(repr((name, tuple(shape))).encode()))
    return generator.uniform(low, high, tuple(shape)).astype(np.float32)


class Builder:
    """A graph under construction, with nodes and values named as the IR names them."""

    def __init__(self, name: str = "net") -> None:
        self.name = name
        self._inputs: list[ir.Value] = []
        self._initializers: list[ir.Value] = []
        self._nodes: list[ir.Node] = []

    def input(self, name: str, shape: Sequence[int | str]) -> ir.Value:
        """A float32 graph input."""
        value = ir.val(name, ir.DataType.FLOAT, shape)
        self._inputs.append(value)
        return value

    def parameter(self, name: str, shape: Sequence[int] = (), *, value: Any = None, low: float = -1.0) -> ir.Value:
        """A parameter of the model: noise in [low, 1], or ``value``."""
        array = noise(name, shape, low) if value is None else np.asarray(value, np.float32)
        return self._initializer(name, array)

    def constant(self, name: str, value: Any) -> ir.Value:
        """A scalar or an array of integers: structure."""
        array = np.asarray(value)
        return self._initializer(name, array.astype(np.float32 if array.dtype.kind == "f" else np.int64))

    def node(self, op: str, name: str, *inputs: ir.Value | None, **attributes: Any) -> ir.Value:
        """A node with one output, ``<name>_output``."""
        return self.nodes(op, name, *inputs, outputs=[f"{name}_output"], **attributes)[0]

    def nodes(
        self, op: str, name: str, *inputs: ir.Value | None, outputs: Sequence[str], **attributes: Any
    ) -> list[ir.Value]:
        """A node with ``outputs``."""
        values = [ir.val(output, ir.DataType.FLOAT) for output in outputs]
        self._nodes.append(ir.node(op, inputs, attributes, name=name, outputs=values))
        return values

    def model(self, *outputs: ir.Value, metadata: Mapping[str, str] | None = None) -> ir.Model:
        """The model that computes ``outputs``, with the shape of every value inferred."""
        graph = ir.Graph(
            self._inputs,
            outputs,
            nodes=self._nodes,
            initializers=self._initializers,
            opset_imports={"": OPSET},
            name=self.name,
        )
        model = ir.Model(graph, ir_version=IR_VERSION, metadata_props=dict(metadata or {}))
        proto = onnx.shape_inference.infer_shapes(ir.to_proto(model), strict_mode=True, data_prop=True)
        inferred = ir.from_proto(proto)
        for node in inferred.graph:
            for value in node.outputs:
                value.shape = _with_batch(value)
        return inferred

    def _initializer(self, name: str, array: npt.NDArray[Any]) -> ir.Value:
        tensor = ir.tensor(array, name=name)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        self._initializers.append(value)
        return value


def _with_batch(value: ir.Value) -> ir.Shape:
    """The shape of ``value``, whose only open dimension can be the batch, whatever ONNX calls it."""
    assert value.shape is not None, value.name
    return ir.Shape([dim if isinstance(dim, int) else "batch" for dim in value.shape])
