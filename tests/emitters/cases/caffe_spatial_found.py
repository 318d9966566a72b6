"""Windows and shapes where Caffe's layers differ from ONNX: edges that are unlike, dilation, ranks, moved batches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import onnx_ir as ir

from tests.emitters.cases.common import Case, unary
from tests.emitters.cases.ncnn_layers import conv, pool
from tests.emitters.cases.ncnn_shapes import with_constants
from tests.emitters.models import Builder


def resized(shape: Sequence[int], sizes: Sequence[int], **attributes: Any) -> ir.Model:
    """An image, or something of more or fewer dimensions, of another size."""
    net = Builder()
    data = net.input("data", ("batch", *shape))
    axes = list(range(2, 2 + len(sizes)))
    size = net.constant("sizes", list(sizes))
    return net.model(net.node("Resize", "resize", data, None, None, size, axes=axes, **attributes))


def chosen_rows(axis: int) -> ir.Model:
    """Elements of computed data at computed places, some of which count from the end."""
    net = Builder()
    data, where = net.input("data", (4, 3, 5)), net.input("where", (2, 3))
    places = net.node("Cast", "places", net.node("Mul", "scaled", where, net.constant("range", 2.9)), to=7)
    places.dtype = ir.DataType.INT64
    return net.model(net.node("Gather", "op", data, places, axis=axis))


CASES = (
    Case("caffe-conv-uneven-strides", partial(conv, (3, 8, 9), (3, 3), pads=(0, 2, 1, 1), strides=(2, 3))),
    Case("caffe-conv-uneven-volume", partial(conv, (2, 4, 5, 6), (2, 3, 2), pads=(1, 0, 0, 0, 2, 1))),
    Case("caffe-conv-uneven-line", partial(conv, (4, 9), (3,), pads=(0, 3), strides=(2,), group=4, dilations=(2,))),
    Case(
        "caffe-deconv-beyond",
        partial(conv, (4, 3, 4), (2, 3), transposed=True, strides=(3, 2), output_padding=(2, 1)),
    ),
    Case(
        "caffe-deconv-beyond-dilated",
        partial(conv, (2, 3, 4), (2, 2), transposed=True, strides=(3, 2), dilations=(1, 3), output_padding=(2, 1)),
    ),
    Case(
        "caffe-max-pool-uneven",
        partial(pool, "MaxPool", (2, 7, 8), kernel_shape=(3, 4), strides=(2, 3), pads=(0, 2, 2, 1)),
    ),
    Case(
        "caffe-max-pool-dilated",
        partial(pool, "MaxPool", (2, 9, 8), kernel_shape=(3, 2), strides=(2, 1), pads=(2, 1, 0, 1), dilations=(2, 3)),
    ),
    Case(
        "caffe-average-pool-volume",
        partial(
            pool, "AveragePool", (2, 5, 6, 7), kernel_shape=(2, 3, 3), strides=(2, 1, 2), pads=(1, 1, 0, 0, 2, 1)
        ),
    ),
    Case(
        "caffe-average-pool-uneven-counted",
        partial(
            pool,
            "AveragePool",
            (2, 7, 8),
            kernel_shape=(3, 4),
            strides=(2, 3),
            pads=(0, 2, 2, 1),
            count_include_pad=1,
        ),
    ),
    Case("caffe-transpose-far", partial(unary, "Transpose", (2, 3, 4, 5), perm=(4, 2, 0, 3, 1))),
    Case(
        "caffe-pad-between",
        partial(with_constants, "Pad", ("batch", 3, 4, 5, 2), [0, 1, 0, -1, 2, 0, 2, 0, 3, 0], 1.5),
    ),
    Case("caffe-resize-bilinear", partial(resized, (3, 4, 5), (12, 10), mode="linear")),
    Case("caffe-resize-bilinear-one", partial(resized, (3, 1, 5), (4, 25), mode="linear")),
    Case("caffe-resize-linear-volume", partial(resized, (2, 3, 4, 2), (5, 4, 3), mode="linear")),
    Case("caffe-slice-strides", partial(with_constants, "Slice", ("batch", 7, 8), [5, 1], [0, 8], [1, 2], [-2, 3])),
    Case("caffe-gather-both", partial(chosen_rows, 0)),
    Case("caffe-gather-both-last", partial(chosen_rows, 2)),
)
