"""From calls wired by values to a program: which are needed, and what everything is called."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir

from converter import plan
from converter.emitters import is_parameter
from converter.emitters.mxnet.call import Call, shape_of
from converter.emitters.names import Names, identifier
from converter.errors import Unsupported
from converter.ir import dims
from converter.passes.fold import Derived, expression_of

_RESERVED = ("mx", "symbol")


@dataclass(frozen=True)
class Network:
    """Everything that is written.

    Attributes:
        calls: In the order in which they are made, under their final names.
        inputs: The graph's inputs.
        names: MXNet's name of each input.
        parameters: The parameters, in the order in which they are read first.
        implicit: Names of those that MXNet makes itself, for the layer that reads them.
        leaves: The parameter that each value is which is no call's output.
        outputs: The value and MXNet's name of each output, by its name in the IR.
        trace: MXNet's name of each of the IR's values that are computed.
        variables: The Python variable of each call, input or explicit parameter, by its name.
        places: Each computed value's call, and the number of the output.
    """

    calls: tuple[Call, ...]
    inputs: tuple[onnx_ir.Value, ...]
    names: Mapping[str, str]
    parameters: tuple[plan.Parameter, ...]
    implicit: frozenset[str]
    leaves: Mapping[onnx_ir.Value, str]
    outputs: Mapping[str, tuple[onnx_ir.Value, str]]
    trace: Mapping[str, str]
    variables: Mapping[str, str]
    places: Mapping[onnx_ir.Value, tuple[Call, int]]


def assemble(calls: Sequence[Call], graph: onnx_ir.Graph) -> Network:
    """Name what ``graph``'s outputs depend on.

    Raises:
        Unsupported: An input or an output is a number without dimensions.
    """
    _check_borders(graph)
    inputs, calls = _with_inputs(calls, graph.inputs)
    calls, heads = _with_heads(calls, graph.outputs)
    calls = _live(calls, heads.values())
    names = Names()
    given = {str(value.name): names.take(_clean(value.name)) for value in inputs}
    leaves, parameters = _parameters(calls, inputs, names)
    calls = _named(calls, names, {str(value.name) for value in graph.outputs})
    places = {value: (call, index) for call in calls for index, value in enumerate(call.outputs) if value is not None}
    implicit = _implicit(calls, leaves)
    explicit = [str(row.name) for row in parameters if row.name not in implicit]
    return Network(
        calls,
        inputs,
        given,
        parameters,
        implicit,
        leaves,
        {name: (value, _output_name(*places[value])) for name, value in heads.items()},
        _trace(places, set(graph.outputs)),
        _variables([*given.values(), *explicit, *(call.name for call in calls)]),
        places,
    )


def _check_borders(graph: onnx_ir.Graph) -> None:
    scalars = [str(value.name) for value in (*graph.inputs, *graph.outputs) if not dims(value)]
    if scalars:
        raise Unsupported(
            "mxnet has no numbers without dimensions",
            where=", ".join(scalars),
            fix="give these inputs and outputs of the model a dimension of 1",
        )


def _with_inputs(
    calls: Sequence[Call], inputs: Sequence[onnx_ir.Value]
) -> tuple[tuple[onnx_ir.Value, ...], list[Call]]:
    """The inputs, and the calls with those before them that make float32 of truth values."""
    given, casts = [], []
    for value in inputs:
        if value.dtype == onnx_ir.DataType.BOOL:
            truth = onnx_ir.Value(name=value.name, shape=value.shape, type=value.type)
            casts.append(Call("cast", f"{value.name}/float", (truth,), (value,), attributes={"dtype": "float32"}))
            given.append(truth)
        else:
            given.append(value)
    return tuple(given), [*casts, *calls]


def _with_heads(
    calls: Sequence[Call], outputs: Sequence[onnx_ir.Value]
) -> tuple[list[Call], dict[str, onnx_ir.Value]]:
    """The calls and, by name, the values that are the network's outputs: truth values cast, all of them computed."""
    computed = {value for call in calls for value in call.outputs}
    made, heads = list(calls), {}
    for value in outputs:
        name, head = str(value.name), value
        if value.dtype == onnx_ir.DataType.BOOL:
            head = onnx_ir.Value(name=name)
            made.append(Call("cast", f"{name}/bool", (value,), (head,), attributes={"dtype": "bool"}))
        elif value not in computed:
            head = onnx_ir.Value(name=name)
            made.append(Call("identity", name.removesuffix("_output"), (value,), (head,)))
        heads[name] = head
    return made, heads


def _live(calls: Sequence[Call], heads: Iterable[onnx_ir.Value]) -> tuple[Call, ...]:
    """The calls that the ``heads`` depend on."""
    wanted = set(heads)
    kept = []
    for call in reversed(calls):
        if any(value in wanted for value in call.outputs):
            wanted.update(call.reads)
            kept.append(call)
    return tuple(reversed(kept))


def _parameters(
    calls: Sequence[Call], inputs: Sequence[onnx_ir.Value], names: Names
) -> tuple[dict[onnx_ir.Value, str], tuple[plan.Parameter, ...]]:
    """What is read and neither computed nor given: the parameter it is, and all of these. None is there twice."""
    known: set[onnx_ir.Value | None] = {*inputs, *(value for call in calls for value in call.outputs)}
    leaves: dict[onnx_ir.Value, str] = {}
    rows: dict[str, plan.Parameter] = {}
    for value in (value for call in calls for value in call.reads if value not in known):
        if value not in leaves:
            row = _row(value)
            key = json.dumps([row.value, row.shape, row.dtype])
            rows[key] = rows.get(key) or replace(row, name=names.take(_clean(row.name)))
            leaves[value] = str(rows[key].name)
    return leaves, tuple(rows.values())


def _row(value: onnx_ir.Value) -> plan.Parameter:
    shape = tuple(int(dim) for dim in shape_of(dims(value)))
    dtype = onnx_ir.DataType.FLOAT if value.dtype in (None, onnx_ir.DataType.BOOL) else value.dtype
    expression = _expression(value)
    if shape != dims(value):
        expression = plan.reshape(expression, shape)
    return plan.Parameter(str(value.name), shape, expression, str(np.dtype(dtype.numpy()).name))


def _expression(value: onnx_ir.Value) -> plan.Expression:
    if is_parameter(value) or isinstance(value.const_value, Derived):
        return expression_of(value)
    tensor = onnx_ir.convenience.get_const_tensor(value)
    if tensor is None:
        raise AssertionError(f"{value.name} is neither computed nor a constant")
    array = tensor.numpy()
    return plan.literal(array.tolist()) if array.ndim else plan.full(array.item(), ())


def _named(calls: Sequence[Call], names: Names, outputs: set[str]) -> tuple[Call, ...]:
    """The calls with a name of its own for each; those that compute the network's outputs come first."""
    found: dict[int, str] = {}
    for first in (True, False):
        for index, call in enumerate(calls):
            head = any(value is not None and value.name in outputs for value in call.outputs)
            if head is first:
                found[index] = names.take(_clean(call.name))
    return tuple(replace(call, name=found[index]) for index, call in enumerate(calls))


def _implicit(calls: Sequence[Call], leaves: Mapping[onnx_ir.Value, str]) -> frozenset[str]:
    """The parameters that are called as MXNet calls them by default, and are read once."""
    uses = Counter(leaves[value] for call in calls for value in call.reads if value in leaves)
    return frozenset(
        name
        for call in calls
        for keyword, value in call.keywords.items()
        if (name := leaves.get(value, "")) == f"{call.name}_{keyword}" and uses[name] == 1
    )


def _trace(places: Mapping[onnx_ir.Value, tuple[Call, int]], outputs: set[onnx_ir.Value]) -> dict[str, str]:
    """MXNet's name of each value that is the IR's in shape and type, the outputs left out."""
    return {
        str(value.name): _output_name(*place)
        for value, place in places.items()
        if value.producer() is not None
        and value not in outputs
        and value.dtype != onnx_ir.DataType.BOOL
        and value.shape is not None
        and dims(value)
    }


def _output_name(call: Call, index: int) -> str:
    return f"{call.name}_{call.suffixes[index]}"


def _clean(name: object) -> str:
    """``name`` as MXNet's files can hold it: of characters that are printed."""
    return "".join(char if char.isprintable() else "_" for char in str(name)) or "node"


def _variables(texts: Sequence[str]) -> dict[str, str]:
    names = Names(*_RESERVED)
    return {text: names.take(identifier(text)) for text in dict.fromkeys(texts)}
