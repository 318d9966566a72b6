"""The layers that one node becomes, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir

from converter.emitters import only_output
from converter.emitters.caffe.layer import Blob, Fields, Layer, Token, omit, stored
from converter.ir.spec import Dim


class Steps:
    """Composes a node of several layers.

    Each layer but the last is named by its role: the layers of ``clip`` are ``clip/flip``, ``clip/limit`` and, for
    what computes the node's own value, ``clip``.

    Args:
        node: Whose only output the last layer computes.

    Raises:
        Refused: Another of the node's outputs is used.
    """

    def __init__(self, node: onnx_ir.Node) -> None:
        self.output = only_output(node)
        self.layers: list[Layer] = []
        self.name = str(node.name)

    def add(
        self,
        kind: str,
        *bottoms: onnx_ir.Value,
        role: str = "",
        params: Mapping[str, Fields] | None = None,
        blobs: Sequence[Blob] = (),
        shape: Sequence[Dim] | None = None,
        in_place: bool = False,
        shares: bool = False,
    ) -> onnx_ir.Value:
        """Append a layer of one top, and return the value that it computes.

        Args:
            kind: Caffe's layer type.
            bottoms: What it reads.
            role: What it is within the node; none for the last layer, which computes the node's output.
            params: Its parameter messages by field name; empty ones are left out.
            blobs: Its parameters.
            shape: The shape of its value, for those that ask; that of the first bottom if not given.
            in_place: Whether Caffe's implementation may write its top over its bottom.
            shares: Whether Caffe's implementation makes the top another view of the bottom's memory.
        """
        name = f"{self.name}/{role}" if role else self.name
        top = self._value(name, bottoms, shape) if role else self.output
        written = {field: message for field, message in (params or {}).items() if message}
        self.layers.append(
            Layer(name, kind, tuple(bottoms), (top,), written, tuple(blobs), in_place=in_place, shares=shares)
        )
        return top

    def stored(self, value: onnx_ir.Value, *, role: str, shape: Sequence[int] | None = None) -> onnx_ir.Value:
        """``Parameter``: a parameter or constant of the IR as a blob that other layers can read.

        Args:
            value: What it holds.
            role: What it is within the node.
            shape: The shape that the blob has, with as many elements; that of ``value`` if not given.

        Raises:
            Refused: The value is computed at run time.
        """
        blob = stored(value, shape)
        params = {"parameter_param": {"shape": {"dim": list(blob.shape)}}}
        return self.add("Parameter", role=role, params=params, blobs=[blob], shape=blob.shape)

    def power(
        self, data: onnx_ir.Value, *, role: str = "", scale: float = 1.0, shift: float = 0.0, power: float = 1.0
    ) -> onnx_ir.Value:
        """``Power``: ``(shift + scale * data) ^ power``."""
        fields = {**omit(1.0, power=power, scale=scale), **omit(0.0, shift=shift)}
        return self.add("Power", data, role=role, params={"power_param": fields}, in_place=True)

    def relu(self, data: onnx_ir.Value, *, role: str = "") -> onnx_ir.Value:
        """``ReLU``."""
        return self.add("ReLU", data, role=role, in_place=True)

    def eltwise(
        self, operation: str, *operands: onnx_ir.Value, role: str = "", coeff: Sequence[float] = ()
    ) -> onnx_ir.Value:
        """``Eltwise``: ``SUM`` (with coefficients), ``PROD`` or ``MAX`` of operands of one shape."""
        fields: dict[str, Any] = {} if operation == "SUM" else {"operation": Token(operation)}
        fields |= {"coeff": tuple(coeff)} if any(factor != 1 for factor in coeff) else {}
        return self.add("Eltwise", *operands, role=role, params={"eltwise_param": fields})

    def reshape(self, data: onnx_ir.Value, shape: Sequence[Dim], *, role: str = "") -> onnx_ir.Value:
        """``Reshape`` to ``shape``, in which at most one dimension is open."""
        wanted = [int(dim) if isinstance(dim, int) else -1 for dim in shape]
        return self.add(
            "Reshape",
            data,
            role=role,
            params={"reshape_param": {"shape": {"dim": wanted}}},
            shape=shape,
            shares=True,
        )

    @staticmethod
    def _value(name: str, bottoms: Sequence[onnx_ir.Value], shape: Sequence[Dim] | None) -> onnx_ir.Value:
        found = onnx_ir.Shape(shape) if shape is not None else bottoms[0].shape if bottoms else None
        return onnx_ir.Value(name=name, shape=found, type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT))
