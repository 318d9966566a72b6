"""VGG (Simonyan and Zisserman 2015, arXiv:1409.1556), as MXNet's classic models: converted from Caffe."""

from __future__ import annotations

import mxnet as mx

CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions a block, by the number of layers."""

WIDTHS = (64, 128, 256, 512, 512)
"""Channels of the blocks."""


def network(layers: int, classes: int) -> mx.sym.Symbol:
    """VGG of 16 or 19 layers; NCHW pixels ``data`` to ``prob_output``."""
    body = mx.sym.Variable("data")
    for block, (count, width) in enumerate(zip(CONVOLUTIONS[layers], WIDTHS), start=1):  # noqa: B905 - Python 3.9
        for number in range(1, count + 1):
            name = f"{block}_{number}"
            body = mx.sym.Convolution(body, num_filter=width, kernel=(3, 3), pad=(1, 1), name=f"conv{name}")
            body = mx.sym.Activation(body, act_type="relu", name=f"relu{name}")
        body = mx.sym.Pooling(body, kernel=(2, 2), stride=(2, 2), pool_type="max", name=f"pool{block}")
    body = mx.sym.Flatten(body, name="flatten_0")
    for number in (6, 7):
        body = mx.sym.FullyConnected(body, num_hidden=4096, name=f"fc{number}")
        body = mx.sym.Activation(body, act_type="relu", name=f"relu{number}")
        body = mx.sym.Dropout(body, p=0.5, name=f"drop{number}")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(body, num_hidden=classes, name="fc8"), name="prob")
