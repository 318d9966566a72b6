"""Protocol buffers' text format, as Caffe users lay it out.

The grammar: https://protobuf.dev/reference/protobuf/textformat-spec/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import onnx_ir

from converter.emitters.about import about
from converter.emitters.caffe.layer import Fields, Token
from converter.emitters.caffe.net import Net

_ON_ONE_LINE = ("shape",)


def render(net: Net, model: onnx_ir.Model, notes: Iterable[str] = ()) -> bytes:
    """Return ``net`` as a prototxt, headed by what its inputs have to be and by ``notes``, each on a line."""
    lines = [*_header(model), *(f"# {note}" for note in notes), f"name: {_scalar(str(model.graph.name or 'net'))}"]
    for layer in net.layers:
        fields = {
            "name": layer.name,
            "type": layer.type,
            "bottom": layer.bottoms,
            "top": layer.tops,
            **layer.params,
        }
        lines += ["layer {", *_message(fields, "  "), "}"]
    return ("\n".join(lines) + "\n").encode()


def _header(model: onnx_ir.Model) -> Iterator[str]:
    yield "# Written by transship."
    yield from (f"# {line}" for line in about(model))


def _message(fields: Fields, indent: str) -> Iterator[str]:
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else (value,):
            if not isinstance(item, dict):
                yield f"{indent}{name}: {_scalar(item)}"
            elif name in _ON_ONE_LINE:
                yield f"{indent}{name} {{ {' '.join(_message(item, ''))} }}"
            else:
                yield f"{indent}{name} {{"
                yield from _message(item, indent + "  ")
                yield f"{indent}}}"


def _scalar(value: Any) -> str:
    if isinstance(value, Token):
        return value
    if isinstance(value, str):
        return '"' + "".join(_escaped(byte) for byte in value.encode()) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return decimal(value)
    return str(value)


def decimal(value: float) -> str:
    """The shortest decimal that is ``value`` as a float32, which is what Caffe keeps."""
    return str(np.float32(value)).removesuffix(".0")


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
