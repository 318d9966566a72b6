"""Inception with BatchNorm (Ioffe and Szegedy 2015, arXiv:1502.03167), as MXNet's classic model was trained.

Names are those of the published checkpoint: ``conv_3a_3x3_reduce``, ``bn_3a_3x3_reduce``. BatchNorms have MXNet's own
defaults: epsilon 1e-3, and gamma fixed at 1 whatever the checkpoint holds.
"""

from __future__ import annotations

import mxnet as mx

SAME = {
    "3a": (64, (64, 64), (64, 96), "avg", 32),
    "3b": (64, (64, 96), (64, 96), "avg", 64),
    "4a": (224, (64, 96), (96, 128), "avg", 128),
    "4b": (192, (96, 128), (96, 128), "avg", 128),
    "4c": (160, (128, 160), (128, 160), "avg", 128),
    "4d": (96, (128, 192), (160, 192), "avg", 128),
    "5a": (352, (192, 320), (160, 224), "avg", 128),
    "5b": (352, (192, 320), (192, 224), "max", 128),
}
"""Blocks that keep the size: 1x1; 3x3 reduced and full; double 3x3 likewise; kind and width of the pool branch."""

HALF = {"3c": ((128, 160), (64, 96)), "4e": ((128, 192), (192, 256))}
"""Blocks that halve it: 3x3 and double 3x3, reduced and full."""


def network(classes: int) -> mx.sym.Symbol:
    """The network; NCHW pixels ``data`` to ``softmax_output``."""
    body = unit(mx.sym.Variable("data"), "1", 64, kernel=7, stride=2)
    body = pool(body, "pool_1", "max", stride=2, pad=0)
    body = unit(unit(body, "2_red", 64), "2", 192, kernel=3)
    body = pool(body, "pool_2", "max", stride=2, pad=0)
    for name in sorted({**SAME, **HALF}):
        body = same(body, name) if name in SAME else half(body, name)
    body = mx.sym.Pooling(body, kernel=(7, 7), pool_type="avg", global_pool=True, name="global_pool")
    body = mx.sym.Flatten(body, name="flatten")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(body, num_hidden=classes, name="fc1"), name="softmax")


def same(body: mx.sym.Symbol, name: str) -> mx.sym.Symbol:
    """A block of ``SAME``."""
    single, three, double, kind, projected = SAME[name]
    branches = [
        unit(body, f"{name}_1x1", single),
        unit(unit(body, f"{name}_3x3_reduce", three[0]), f"{name}_3x3", three[1], kernel=3),
        twice(body, name, double, stride=1),
        unit(pool(body, f"{kind}_pool_{name}_pool", kind, stride=1, pad=1), f"{name}_proj", projected),
    ]
    return mx.sym.Concat(*branches, name=f"ch_concat_{name}_chconcat")


def half(body: mx.sym.Symbol, name: str) -> mx.sym.Symbol:
    """A block of ``HALF``."""
    three, double = HALF[name]
    branches = [
        unit(unit(body, f"{name}_3x3_reduce", three[0]), f"{name}_3x3", three[1], kernel=3, stride=2),
        twice(body, name, double, stride=2),
        pool(body, f"max_pool_{name}_pool", "max", stride=2, pad=1),
    ]
    return mx.sym.Concat(*branches, name=f"ch_concat_{name}_chconcat")


def twice(body: mx.sym.Symbol, name: str, widths: tuple[int, int], *, stride: int) -> mx.sym.Symbol:
    """The branch of two 3x3 convolutions, the second with the stride."""
    body = unit(body, f"{name}_double_3x3_reduce", widths[0])
    body = unit(body, f"{name}_double_3x3_0", widths[1], kernel=3)
    return unit(body, f"{name}_double_3x3_1", widths[1], kernel=3, stride=stride)


def unit(body: mx.sym.Symbol, name: str, filters: int, *, kernel: int = 1, stride: int = 1) -> mx.sym.Symbol:
    """A convolution with bias that keeps the size but for its stride, BatchNorm and ReLU."""
    body = mx.sym.Convolution(
        body,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        name=f"conv_{name}",
    )
    return mx.sym.Activation(mx.sym.BatchNorm(body, name=f"bn_{name}"), act_type="relu", name=f"relu_{name}")


def pool(body: mx.sym.Symbol, name: str, kind: str, *, stride: int, pad: int) -> mx.sym.Symbol:
    """A pooling of 3x3."""
    return mx.sym.Pooling(body, kernel=(3, 3), stride=(stride, stride), pad=(pad, pad), pool_type=kind, name=name)
