"""What a symbol's variables are: inputs, parameters, or labels that only training needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import onnx_ir

from converter.errors import BadInput
from converter.parsers.mxnet.attributes import convert
from converter.parsers.mxnet.builder import Shape
from converter.parsers.mxnet.params import DTYPES, Stored
from converter.parsers.mxnet.registry import Label, Operator, Parameter
from converter.parsers.mxnet.symbol import VARIABLE, Symbol, SymbolNode

Argument: TypeAlias = onnx_ir.Value | Parameter | Label


@dataclass(frozen=True)
class Variables:
    """A symbol's variables by name.

    Attributes:
        labels: Those that are only a loss's label.
        needed: All others, in order.
        weights: Those of ``needed`` that an operator takes as a trained array.
        dtypes: Element types, float32 where the symbol does not record a type of whole numbers.
        hints: Shapes that the symbol records.
    """

    labels: tuple[str, ...]
    needed: tuple[str, ...]
    weights: frozenset[str]
    dtypes: Mapping[str, onnx_ir.DataType]
    hints: Mapping[str, tuple[int, ...]]

    def matched(
        self, params: Mapping[str, Stored | None] | None, inputs: Mapping[str, Shape]
    ) -> Mapping[str, Stored | None] | None:
        """Give the trained arrays of a Gluon block their names in the symbol.

        ``Block.save_params`` leaves out the block's own prefix, which its symbol has: ``conv0_weight`` is
        ``resnetv10_conv0_weight``. A prefix counts only if it explains every variable that has no array.
        """
        missing = (
            [] if params is None else [name for name in self.needed if name not in params and name not in inputs]
        )
        if params is None or not missing:
            return params
        parts = missing[0].split("_")
        for count in range(len(parts) - 1, 0, -1):
            prefix = "_".join(parts[:count]) + "_"
            if all(name.startswith(prefix) and name.removeprefix(prefix) in params for name in missing):
                return {**params, **{name: params[name.removeprefix(prefix)] for name in missing}}
        return params

    def check(self, params: Mapping[str, Stored | None] | None, inputs: Mapping[str, Shape]) -> dict[str, Shape]:
        """Return the shapes of all inputs: those given, and those that the symbol records.

        Raises:
            BadInput: An input is none, or a variable has neither a shape nor a value.
        """
        free = self.free(params)
        wrong = [name for name in inputs if name not in self.needed]
        if wrong:
            labels = [name for name in wrong if name in self.labels]
            why = "training needs it, the network does not" if labels else f"the inputs are: {_some(free)}"
            raise BadInput(f"the network has no input {_some(labels or wrong)}", fix=why)
        both = [name for name in inputs if name not in free]
        if both:
            raise BadInput(f"{_some(both)} is a parameter, not an input", fix=f"the inputs are: {_some(free)}")
        missing = [name for name in free if name not in inputs and name not in self.hints]
        if missing and params is not None:
            what = "value" if len(missing) == 1 else "values"
            raise BadInput(
                f"no {what} for {len(missing)} of the network's variables: {_some(missing)}", fix=_found_in(params)
            )
        if missing and not inputs:
            raise BadInput(
                f"no shape for the inputs {_some(missing)}", fix="give the shape of each input by its name"
            )
        recorded = {} if params is None and inputs else {key: self.hints[key] for key in free if key in self.hints}
        return dict(inputs) | {name: shape for name, shape in recorded.items() if name not in inputs}

    def arguments(
        self, params: Mapping[str, Stored | None] | None, given: Mapping[str, onnx_ir.Value]
    ) -> dict[str, Argument]:
        """What each variable is to the operators that read it."""
        found: dict[str, Argument] = {name: Label(name) for name in self.labels}
        for name in self.needed:
            stored = None if params is None else params.get(name)
            found[name] = Parameter(name, stored, self.hints.get(name), self.dtypes[name])
        found.update(given)
        return found

    def free(self, params: Mapping[str, Stored | None] | None) -> list[str]:
        """The variables that have no value and so have to be inputs; without weights, those that may be."""
        if params is None:
            return [name for name in self.needed if name not in self.weights]
        return [name for name in self.needed if params.get(name) is None]


def variables(symbol: Symbol, known: Mapping[str, Operator]) -> Variables:
    """Tell what the variables of ``symbol`` are from the operators that read them, never from their names."""
    nodes = {node.name: node for node in symbol.nodes if node.op == VARIABLE}
    used, weights = {symbol.nodes[edge.node].name for edge in symbol.heads}, set()
    for node in symbol.nodes:
        for index, edge in enumerate(node.inputs):
            declared = known[node.op].input_at(index) if node.op in known else None
            name = symbol.nodes[edge.node].name
            if declared is None or declared.kind is not Label:
                used.add(name)
            if declared is not None and declared.kind is Parameter:
                weights.add(name)
    hints = {name: hint for name, node in nodes.items() if (hint := _hint(node)) is not None}
    return Variables(
        labels=tuple(name for name in nodes if name not in used),
        needed=tuple(name for name in nodes if name in used),
        weights=frozenset(weights),
        dtypes={name: _dtype(node) for name, node in nodes.items()},
        hints=hints,
    )


def _hint(node: SymbolNode) -> tuple[int, ...] | None:
    """The shape that the symbol records for a variable; None if a dimension of it is unknown (0 or -1)."""
    recorded = node.attributes.get("__shape__")
    if recorded is None:
        return None
    try:
        shape = convert(recorded.strip(), tuple[int, ...])
    except ValueError:
        return None
    return shape if shape and min(shape) > 0 else None


def _dtype(node: SymbolNode) -> onnx_ir.DataType:
    """The element type that the symbol records for a variable.

    Floating point of any width is float32 in the IR, as are values of unknown type (-1), which is what MXNet assumes.
    """
    text = node.attributes.get("__dtype__", "")
    dtype = DTYPES.get(int(text)) if text.isdecimal() and len(text) < 4 else None
    if dtype is None or dtype.name in ("float64", "float16", "bfloat16"):
        return onnx_ir.DataType.FLOAT
    return onnx_ir.DataType.from_numpy(dtype)


def _found_in(params: Mapping[str, Stored | None]) -> str:
    """What to do about variables without a value."""
    structural = [name for name in params if "." in name]
    if len(structural) > len(params) // 2:
        return (
            f"the params file has names such as {structural[0]!r}, by save_parameters, which no symbol has:"
            " save both with HybridBlock.export"
        )
    return "give the shapes of those that are inputs, and the params file that holds the others"


def _some(names: Sequence[str], limit: int = 10) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(map(repr, names[:limit])) or "none") + rest
