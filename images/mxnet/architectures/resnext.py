"""ResNeXt (Xie et al. 2017, arXiv:1611.05431), as MXNet's classic models were trained.

Names are those of the published checkpoints: ``stage1_unit1_conv1``.
"""

from __future__ import annotations

import mxnet as mx
from residual import begin, convolution, end, norm, relu

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual units a stage, by the number of layers."""

WIDTHS = (256, 512, 1024, 2048)
"""Channels that the units of a stage leave."""


def network(layers: int, groups: int, group_width: int, classes: int) -> mx.sym.Symbol:
    """ResNeXt of 50 or 101 layers; NCHW pixels ``data`` to ``softmax_output``.

    Args:
        layers: How many.
        groups: Of the 3x3 convolutions: the cardinality.
        group_width: Channels a group has in the first stage, twice as many in each further one.
        classes: How many.
    """
    body = begin()
    for stage, (units, width) in enumerate(zip(UNITS[layers], WIDTHS), start=1):  # noqa: B905 - Python 3.9
        inner = groups * group_width * width // WIDTHS[0]
        for unit in range(1, units + 1):
            stride = 2 if stage > 1 and unit == 1 else 1
            body = residual(body, f"stage{stage}_unit{unit}", (inner, width), groups, stride, project=unit == 1)
    return end(body, classes)


def residual(
    body: mx.sym.Symbol, name: str, widths: tuple[int, int], groups: int, stride: int, *, project: bool
) -> mx.sym.Symbol:
    """A unit: 1x1, grouped 3x3 and 1x1 convolution, added to what came in; ``widths`` are those inside and out."""
    inner, width = widths
    branch = relu(norm(convolution(body, f"{name}_conv1", inner, kernel=1), f"{name}_bn1"), f"{name}_relu1")
    branch = convolution(branch, f"{name}_conv2", inner, kernel=3, stride=stride, groups=groups)
    branch = relu(norm(branch, f"{name}_bn2"), f"{name}_relu2")
    branch = norm(convolution(branch, f"{name}_conv3", width, kernel=1), f"{name}_bn3")
    shortcut = body
    if project:
        shortcut = norm(convolution(body, f"{name}_sc", width, kernel=1, stride=stride), f"{name}_sc_bn")
    return relu(mx.sym.elemwise_add(branch, shortcut, name=f"{name}_plus"), f"{name}_relu")
