"""SqueezeNet (Iandola et al. 2016, arXiv:1602.07360), as MXNet's classic models: converted from Caffe.

Names are Caffe's, and so are the poolings: an incomplete window at the end counts (``full``).
"""

from __future__ import annotations

import mxnet as mx

FIRST = {"1.0": (96, 7), "1.1": (64, 3)}
"""Width and kernel of the first convolution, by version."""

POOLED = {"1.0": (1, 4, 8), "1.1": (1, 3, 5)}
"""The layers that a pooling comes after."""

SQUEEZED = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}
"""Channels that a fire module squeezes to; each of its two branches expands them fourfold."""


def network(version: str, classes: int) -> mx.sym.Symbol:
    """SqueezeNet of version 1.0 or 1.1; NCHW pixels ``data`` to ``prob_output``."""
    filters, kernel = FIRST[version]
    body = convolution(mx.sym.Variable("data"), "conv1", "relu_conv1", filters, kernel=kernel, stride=2)
    for layer in range(1, 10):
        body = body if layer == 1 else fire(body, f"fire{layer}", SQUEEZED[layer])
        if layer in POOLED[version]:
            body = mx.sym.Pooling(
                body,
                kernel=(3, 3),
                stride=(2, 2),
                pool_type="max",
                pooling_convention="full",
                name=f"pool{layer}",
            )
    body = mx.sym.Dropout(body, p=0.5, name="drop9")
    body = convolution(body, "conv10", "relu_conv10", classes)
    body = mx.sym.Pooling(body, kernel=(1, 1), pool_type="avg", global_pool=True, name="pool10")
    return mx.sym.SoftmaxOutput(mx.sym.Flatten(body, name="flatten_0"), name="prob")


def fire(body: mx.sym.Symbol, name: str, squeezed: int) -> mx.sym.Symbol:
    """A fire module: 1x1 to few channels, of these 1x1 and 3x3 side by side."""
    body = convolution(body, f"{name}_squeeze1x1", f"{name}_relu_squeeze1x1", squeezed)
    single = convolution(body, f"{name}_expand1x1", f"{name}_relu_expand1x1", 4 * squeezed)
    three = convolution(body, f"{name}_expand3x3", f"{name}_relu_expand3x3", 4 * squeezed, kernel=3, pad=1)
    return mx.sym.Concat(single, three, name=f"{name}_concat")


def convolution(
    body: mx.sym.Symbol, name: str, relu: str, filters: int, *, kernel: int = 1, stride: int = 1, pad: int = 0
) -> mx.sym.Symbol:
    """A convolution with bias, and ReLU, which has a name of its own."""
    body = mx.sym.Convolution(
        body, num_filter=filters, kernel=(kernel, kernel), stride=(stride, stride), pad=(pad, pad), name=name
    )
    return mx.sym.Activation(body, act_type="relu", name=relu)
