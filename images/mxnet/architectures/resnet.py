"""ResNet with pre-activation (He et al. 2016, arXiv:1603.05027), as MXNet's classic models were trained.

Names are those of the published checkpoints: ``stage1_unit1_conv1``.
"""

from __future__ import annotations

import mxnet as mx
from residual import begin, convolution, end, norm, relu

UNITS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Residual units a stage, by the number of layers."""

BOTTLENECKS = 50
"""From so many layers on, a unit is a bottleneck of three convolutions."""


def network(layers: int, classes: int) -> mx.sym.Symbol:
    """ResNet of 18, 34, 50, 101 or 152 layers; NCHW pixels ``data`` to ``softmax_output``."""
    deep = layers >= BOTTLENECKS
    widths = (256, 512, 1024, 2048) if deep else (64, 128, 256, 512)
    body = begin()
    for stage, (units, width) in enumerate(zip(UNITS[layers], widths), start=1):  # noqa: B905 - Python 3.9
        for unit in range(1, units + 1):
            stride = 2 if stage > 1 and unit == 1 else 1
            body = residual(body, f"stage{stage}_unit{unit}", width, stride, project=unit == 1, deep=deep)
    return end(relu(norm(body, "bn1"), "relu1"), classes)


def residual(body: mx.sym.Symbol, name: str, width: int, stride: int, *, project: bool, deep: bool) -> mx.sym.Symbol:
    """A unit: its convolutions, each after BatchNorm and ReLU, added to what came in.

    With ``project`` the shortcut is a 1x1 convolution, of what the first activation leaves.
    """
    kernels = (1, 3, 1) if deep else (3, 3)
    widths = (width // 4, width // 4, width) if deep else (width, width)
    strides = (1, stride, 1) if deep else (stride, 1)
    shortcut, branch = body, body
    for number, (kernel, filters, step) in enumerate(zip(kernels, widths, strides), start=1):  # noqa: B905
        branch = relu(norm(branch, f"{name}_bn{number}"), f"{name}_relu{number}")
        if project and number == 1:
            shortcut = convolution(branch, f"{name}_sc", width, kernel=1, stride=stride)
        branch = convolution(branch, f"{name}_conv{number}", filters, kernel=kernel, stride=step)
    return mx.sym.elemwise_add(branch, shortcut, name=f"{name}_plus")
