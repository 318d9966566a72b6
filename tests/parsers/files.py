"""Write MXNet's files by hand: symbols of every era, params records of every version."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = {"float32": 0, "float64": 1, "float16": 2, "uint8": 3, "int32": 4, "int8": 5, "int64": 6, "bool": 7}
MAGICS = {"V1": 0xF993FAC8, "V2": 0xF993FAC9, "V3": 0xF993FACA}
ERAS = ("0.8", "0.9", "1.x")
KEYS = {"0.8": "param", "0.9": "attr", "1.x": "attrs"}
VERSIONS = {"0.9": 905, "1.x": 10901}

Array = np.ndarray[Any, np.dtype[Any]]
Edge = tuple[int, int]


def record(array: Array | None, era: str = "V2") -> bytes:
    """One NDArray as MXNet of that era saves it; None is an array without a value."""
    shape: Sequence[int] = () if array is None else array.shape
    rank = -1 if array is None and era == "V3" else len(shape)
    head = b""
    if era != "V0":
        head += struct.pack("<I", MAGICS[era])
    if era in ("V2", "V3"):
        head += struct.pack("<i", 0)
    head += struct.pack("<i", rank) + struct.pack(f"<{len(shape)}{'I' if era == 'V0' else 'q'}", *shape)
    if array is None:
        return head
    flag = 12 if array.dtype.name == "bfloat16" else FLAGS[array.dtype.name]
    return head + struct.pack("<iii", 1, 0, flag) + np.ascontiguousarray(array).tobytes()


def container(records: Sequence[bytes], names: Sequence[str]) -> bytes:
    """A params file of finished records."""
    texts = b"".join(struct.pack("<Q", len(name.encode())) + name.encode() for name in names)
    counts = struct.pack("<Q", len(records)), struct.pack("<Q", len(names))
    return struct.pack("<QQ", 0x112, 0) + counts[0] + b"".join(records) + counts[1] + texts


def params_file(arrays: Mapping[str, Array | None], era: str = "V2") -> bytes:
    """A params file of ``arrays`` under their full names (``arg:conv_weight``)."""
    return container([record(array, era) for array in arrays.values()], list(arrays))


class Net:
    """A symbol as it grows: each method adds a node and returns the edge to its first output."""

    def __init__(self, era: str = "1.x") -> None:
        self.era = era
        self.nodes: list[dict[str, Any]] = []
        self.params: dict[str, Array] = {}
        self.inputs: dict[str, Array] = {}

    def node(self, op: str, name: str, inputs: Sequence[Edge] = (), **attributes: str) -> Edge:
        """Add any node."""
        row: dict[str, Any] = {"op": op, "name": name, "inputs": [[*edge, 0] for edge in inputs]}
        if self.era == "0.8":
            row["inputs"] = [list(edge) for edge in inputs]
            row["backward_source_id"] = -1
        if attributes or self.era == "0.8":
            row[KEYS[self.era]] = attributes
        self.nodes.append(row)
        return len(self.nodes) - 1, 0

    def variable(self, name: str, **attributes: str) -> Edge:
        """Add a variable without a value: a label."""
        return self.node("null", name, **attributes)

    def input(self, name: str, value: Array) -> Edge:
        """Add an input and what to feed it."""
        self.inputs[name] = value
        return self._typed(name, value)

    def arg(self, name: str, value: Array) -> Edge:
        """Add a trained parameter."""
        self.params[f"arg:{name}"] = value
        return self._typed(name, value)

    def _typed(self, name: str, value: Array) -> Edge:
        """Add a variable whose element type the symbol records, as Gluon does, where it is one of whole numbers."""
        whole = value.dtype.kind in "iub"
        return self.variable(name, **({"__dtype__": str(FLAGS[value.dtype.name])} if whole else {}))

    def aux(self, name: str, value: Array) -> Edge:
        """Add an auxiliary state; a file of 0.8 holds its value, but its symbol no node."""
        self.params[f"aux:{name}"] = value
        return self.variable(name) if self.era != "0.8" else (-1, 0)

    def symbol(self, *heads: Edge) -> dict[str, Any]:
        """The finished symbol; its output is the last node where no heads are given."""
        ends = heads or ((len(self.nodes) - 1, 0),)
        variables = [index for index, node in enumerate(self.nodes) if node["op"] == "null"]
        table: dict[str, Any] = {"nodes": self.nodes, "arg_nodes": variables}
        if self.era == "0.8":
            return table | {"heads": [list(edge) for edge in ends]}
        rows = list(range(len(self.nodes) + 1))
        version = {"mxnet_version": ["int", VERSIONS[self.era]]}
        return table | {"node_row_ptr": rows, "heads": [[*edge, 0] for edge in ends], "attrs": version}


def write(folder: Path, symbol: object, params: Mapping[str, Array | None], era: str = "V2") -> tuple[Path, Path]:
    """Write both files and return their paths."""
    graph, weights = folder / "net-symbol.json", folder / "net-0000.params"
    graph.write_text(json.dumps(symbol, indent=2))
    weights.write_bytes(params_file(params, era))
    return graph, weights
