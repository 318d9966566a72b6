"""What the residual networks among MXNet's classic models are made of; epsilon is 2e-5, convolutions have no bias."""

from __future__ import annotations

import mxnet as mx

EPSILON = 2e-5


def norm(body: mx.sym.Symbol, name: str, *, fix_gamma: bool = False) -> mx.sym.Symbol:
    """BatchNorm."""
    return mx.sym.BatchNorm(body, fix_gamma=fix_gamma, eps=EPSILON, momentum=0.9, name=name)


def relu(body: mx.sym.Symbol, name: str) -> mx.sym.Symbol:
    """ReLU."""
    return mx.sym.Activation(body, act_type="relu", name=name)


def convolution(
    body: mx.sym.Symbol, name: str, filters: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> mx.sym.Symbol:
    """A convolution without bias that keeps the size but for its stride."""
    return mx.sym.Convolution(
        body,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        num_group=groups,
        no_bias=True,
        name=name,
    )


def begin() -> mx.sym.Symbol:
    """From NCHW pixels ``data`` to a quarter of their height and width; before everything stands a BatchNorm."""
    body = norm(mx.sym.Variable("data"), "bn_data", fix_gamma=True)
    body = relu(norm(convolution(body, "conv0", 64, kernel=7, stride=2), "bn0"), "relu0")
    return mx.sym.Pooling(body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name="pooling0")


def end(body: mx.sym.Symbol, classes: int) -> mx.sym.Symbol:
    """The mean over all places, and the classes' probabilities."""
    body = mx.sym.Pooling(body, kernel=(7, 7), pool_type="avg", global_pool=True, name="pool1")
    body = mx.sym.Flatten(body, name="flatten0")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(body, num_hidden=classes, name="fc1"), name="softmax")
