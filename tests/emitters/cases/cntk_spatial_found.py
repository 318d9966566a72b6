"""Windows and axes whose corners CNTK's emitter was found to miss."""

from __future__ import annotations

from functools import partial

import onnx_ir as ir

from tests.emitters.cases.common import Case, unary
from tests.emitters.cases.ncnn_layers import conv
from tests.emitters.models import Builder


def expanded() -> ir.Model:
    """Axes that grow between axes that do not: five loops beside the batch."""
    net = Builder()
    sizes = net.constant("sizes", [1, 2, 3, 2, 2, 3])
    return net.model(net.node("Expand", "op", net.input("data", ("batch", 2, 1, 2, 1, 3)), sizes))


SHIFTED = {"strides": (2, 2), "pads": (0, 1, 0, 0), "output_padding": (0, 1)}
LAST = {"kernel_shape": (3, 1), "dilations": (2, 1), "pads": (0, 0, 2, 0), "strides": (2, 1)}

CASES = (
    Case("cntk-deconv-as-large-as-whole", partial(conv, (1, 4, 6), (1, 2), transposed=True, **SHIFTED)),
    Case("cntk-max-pool-holes-one-window", partial(unary, "MaxPool", (2, 3, 4), **LAST)),
    Case("cntk-transpose-many", partial(unary, "Transpose", (2, 3, 2, 3, 2), perm=(0, 5, 4, 3, 2, 1))),
    Case("cntk-expand-many", expanded),
)
