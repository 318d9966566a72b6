"""The text of a ``.param`` file, as ncnn's own tools lay it out.

The format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. Fields are separated by blanks, names
are at most 255 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from converter.emitters.ncnn.layer import Params, Scalar
from converter.emitters.ncnn.literal import number
from converter.emitters.ncnn.net import Net, Placed

MAGIC = 7767517


def render(net: Net) -> bytes:
    """Return ``net`` as text."""
    blobs = sum(len(layer.tops) for layer in net.layers)
    lines = [str(MAGIC), f"{len(net.layers)} {blobs}", *map(_line, net.layers)]
    return ("\n".join(lines) + "\n").encode()


def _line(layer: Placed) -> str:
    head = f"{layer.type:<24} {layer.name:<24} {len(layer.bottoms)} {len(layer.tops)}"
    return " ".join([head, *layer.bottoms, *layer.tops, *_params(layer.params)])


def _params(params: Params) -> Iterator[str]:
    for key, value in sorted(params.items()):
        if isinstance(value, tuple):
            yield f"{-23300 - key}={','.join([str(len(value)), *_numbers(value)])}"
        else:
            yield f"{key}={number(value)}"


def _numbers(values: Iterable[Scalar]) -> Iterator[str]:
    return (number(value) for value in values)
