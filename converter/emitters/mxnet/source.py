"""The program: a function that makes the symbol, in the manner of MXNet's own examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx_ir

from converter.emitters.about import about
from converter.emitters.mxnet.call import Call
from converter.emitters.mxnet.network import Network
from converter.emitters.names import file_stem
from converter.emitters.python import docstring, literal, statement

_INDENT = 4


def render(network: Network, model: onnx_ir.Model) -> bytes:
    """Return ``network`` as a module."""
    title = f"{model.graph.name or 'A network'} in MXNet's symbol API."
    lines = [
        docstring([title, "\n".join([*about(model), *_files(model)])]),
        "",
        "import mxnet as mx",
        "",
        "",
        "def symbol() -> mx.sym.Symbol:",
        docstring([_summary(network)], indent=_INDENT),
        *_body(network),
    ]
    return ("\n".join(lines) + "\n").encode()


def _files(model: onnx_ir.Model) -> list[str]:
    stem = file_stem(model.graph.name)
    return [f'Trained parameters: mx.model.load_checkpoint("{stem}", 0).']


def _summary(network: Network) -> str:
    if len(network.outputs) == 1:
        return "Return the network."
    return "Return the network, a group of its outputs."


def _body(network: Network) -> Iterator[str]:
    for value in network.inputs:
        kind = np.dtype("float32") if value.dtype is None else np.dtype(value.dtype.numpy())
        yield _variable(
            network, network.names[str(value.name)], [] if kind == np.float32 else [f'dtype="{kind.name}"']
        )
    written = set(network.implicit)
    rows = {str(row.name): row for row in network.parameters}
    for call in network.calls:
        for value in call.reads:
            name = network.leaves.get(value)
            if name is not None and name not in written:
                written.add(name)
                row = rows[name]
                more = [] if row.dtype == "float32" else [f'dtype="{row.dtype}"']
                yield _variable(network, name, [f"shape={literal(row.shape)}", *more])
        yield _call(network, call)
    yield _return(network)


def _variable(network: Network, name: str, more: list[str]) -> str:
    return statement(network.variables[name], "mx.sym.Variable", [literal(name), *more], indent=_INDENT)


def _call(network: Network, call: Call) -> str:
    given = [_reference(network, value) for value in call.inputs]
    named = [
        f"{keyword}={_reference(network, value)}"
        for keyword, value in call.keywords.items()
        if network.leaves.get(value) not in network.implicit
    ]
    attributes = [f"{key}={literal(value)}" for key, value in call.attributes.items()]
    arguments = [*given, *named, f"name={literal(call.name)}", *attributes]
    return statement(network.variables[call.name], f"mx.sym.{call.op}", arguments, indent=_INDENT)


def _reference(network: Network, value: onnx_ir.Value) -> str:
    if value in network.places:
        call, index = network.places[value]
        variable = network.variables[call.name]
        return variable if len(call.suffixes) == 1 else f"{variable}[{index}]"
    return network.variables[network.leaves.get(value) or network.names[str(value.name)]]


def _return(network: Network) -> str:
    heads = [_reference(network, value) for value, _ in network.outputs.values()]
    if len(heads) == 1:
        return f"{' ' * _INDENT}return {heads[0]}"
    return statement("", "return mx.sym.Group", [f"[{', '.join(heads)}]"], indent=_INDENT)
