"""Convolutions, pooling, resizing and states where Keras's own layers do something else, or nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case, unary
from tests.emitters.cases.ncnn_layers import conv
from tests.emitters.models import Builder


def resized(
    shape: tuple[int, ...], sizes: tuple[int, ...], mode: str, coordinates: str, **attributes: Any
) -> ir.Model:
    """``shape`` resized to ``sizes``, both without the batch, which is 2."""
    net = Builder()
    wanted = net.constant("sizes", [2, *sizes])
    attributes |= {"mode": mode, "coordinate_transformation_mode": coordinates}
    return net.model(net.node("Resize", "resize", net.input("data", (2, *shape)), None, None, wanted, **attributes))


def lstm(place: int) -> ir.Model:
    """A layer in both directions with one of its states, the other of which is zeros."""
    net = Builder()
    weights = net.parameter("w", (2, 16, 3)), net.parameter("r", (2, 16, 4)), net.parameter("b", (2, 32))
    states: list[ir.Value | None] = [None, None]
    states[place] = net.input("state", (2, 2, 4))
    values = (net.input("data", (5, 2, 3)), *weights, None, *states)
    return net.model(net.node("LSTM", "rnn", *values, hidden_size=4, direction="bidirectional"))


SHORT = {"transposed": True, "strides": (3, 2)}
HOLES = {"kernel_shape": (2, 3), "dilations": (2, 2), "pads": (1, 1, 0, 1), "strides": (2, 1)}

CASES = (
    Case("keras-deconv-short", partial(conv, (3, 4, 5), (2, 1), **SHORT)),
    Case("keras-deconv-short-pads", partial(conv, (3, 4, 5), (2, 2), pads=(1, 0, 0, 1), **SHORT)),
    Case("keras-deconv-short-longer", partial(conv, (3, 4, 5), (2, 1), output_padding=(1, 1), **SHORT)),
    Case("keras-deconv-short-group", partial(conv, (4, 4, 5), (2, 1), group=2, **SHORT)),
    Case("keras-deconv-short-holes", partial(conv, (4, 4, 5), (2, 1), group=4, dilations=(2, 3), **SHORT)),
    Case("keras-deconv-wide", partial(conv, (3, 4, 3), (2, 2), filters=4, transposed=True, strides=(1, 1))),
    Case("keras-conv-wide", partial(conv, (3, 6, 4), (3, 3), filters=4, pads=(1, 1, 1, 1))),
    Case("keras-conv-wide-line", partial(conv, (3, 4), (3,), filters=4, pads=(1, 1))),
    Case("keras-conv-wide-volume", partial(conv, (2, 3, 5, 4), (1, 1, 1), filters=4)),
    Case("keras-conv-wide-depth", partial(conv, (4, 5, 6), (3, 3), filters=4, group=4)),
    Case("keras-max-pool-holes", partial(unary, "MaxPool", (2, 7, 8), **HOLES)),
    Case("keras-average-pool-holes-padded", partial(unary, "AveragePool", (2, 7, 8), count_include_pad=1, **HOLES)),
    Case("keras-lp-pool-holes", partial(unary, "LpPool", (2, 7, 8), p=2, **HOLES)),
    Case("keras-resize-cubic-down", partial(resized, (3, 9, 8), (3, 4, 5), "cubic", "align_corners")),
    Case("keras-resize-cubic-asymmetric", partial(resized, (3, 4, 5), (3, 7, 9), "cubic", "asymmetric")),
    Case("keras-resize-linear-asymmetric", partial(resized, (3, 4, 5), (3, 7, 9), "linear", "asymmetric")),
    Case("keras-resize-nearest-many", partial(resized, (2, 3, 50), (2, 5, 101), "nearest", "half_pixel")),
    Case(
        "keras-resize-cubic-inside",
        partial(resized, (3, 4, 5), (3, 7, 9), "cubic", "half_pixel", exclude_outside=1, cubic_coeff_a=-0.5),
    ),
    Case(
        "keras-resize-nearest-ceil",
        partial(resized, (3, 4, 5), (3, 7, 9), "nearest", "asymmetric", nearest_mode="ceil"),
    ),
    Case("keras-lstm-hidden-alone", partial(lstm, 0)),
    Case("keras-lstm-cell-alone", partial(lstm, 1)),
)
