"""What an MXNet symbol, and its params file, say of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from converter.description import Description
from converter.parsers.mxnet.build import prepared
from converter.parsers.mxnet.params import Stored, read_params
from converter.parsers.mxnet.symbol import OLDEST, VARIABLE, Edge, Symbol, read_symbol
from converter.parsers.mxnet.variables import variables


def describe(*, graph: Path | None = None, weights: Path | None = None) -> Description:
    """Describe the model of these files; see :class:`~converter.description.Description`.

    Args:
        graph: Symbol JSON. Without it, there are only parameters to describe.
        weights: Its params file. Without it, inputs are those variables that no operator takes for a trained array.

    Raises:
        BadInput: A file is malformed.
    """
    if graph is None:
        arrays = {} if weights is None else read_params(weights)
        return Description("mxnet", "", {}, (), {}, (), _told(arrays))
    symbol, known = prepared(read_symbol(graph))
    found = variables(symbol, known)
    stored = None if weights is None else found.matched(read_params(weights), {})
    free = found.free(stored)
    if stored is None:
        shapes: dict[str, Stored | None] = dict.fromkeys(name for name in found.needed if name not in free)
    else:
        shapes = {name: value for name in found.needed if (value := stored.get(name))}
    return Description(
        framework="mxnet",
        written_by=_era(symbol.version),
        operators=dict(Counter(node.op for node in symbol.nodes if node.op != VARIABLE).most_common()),
        unknown=tuple(sorted({node.op for node in symbol.nodes} - {VARIABLE, *known})),
        inputs={name: found.hints.get(name) for name in free},
        outputs=tuple(_output(symbol, edge) for edge in dict.fromkeys(symbol.heads)),
        parameters=_told(shapes),
        labels=found.labels,
    )


def _told(arrays: Mapping[str, Stored | None]) -> dict[str, tuple[tuple[int, ...], str] | None]:
    return {name: None if value is None else (value.shape, value.dtype.name) for name, value in arrays.items()}


def _era(version: int) -> str:
    """The version as people write it; the file does not say it before 0.9."""
    if version <= OLDEST:
        return "MXNet 0.8 or older"
    return f"MXNet {version // 10000}.{version // 100 % 100}.{version % 100}"


def _output(symbol: Symbol, edge: Edge) -> str:
    name = symbol.nodes[edge.node].name
    return f"{name}[{edge.output}]" if edge.output else name
