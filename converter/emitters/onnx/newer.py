"""What newer opsets need beyond what ONNX's converter does: onnxruntime does not run all that is in them.

ONNX 22 renewed these operators for another element type, and onnxruntime 1.31 kept to what they were before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir

from converter.emitters import Refused
from converter.emitters.onnx.older import Maker, Rule
from converter.ir import dims


def global_lp_pool(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """``GlobalLpPool`` from 22 on: the norm over the axes of the picture."""
    data = node.inputs[0]
    power = int(node.attributes["p"].value) if "p" in node.attributes else 2
    if data is None:
        raise Refused("it has no input")
    axes = make.ints("axes", range(2, len(dims(data))))
    if power in (1, 2):
        return [make.op(f"ReduceL{power}", data, axes)]
    size = make.op("Abs", data, role="size")
    powers = make.op("Pow", size, make.array("power", np.array(power, np.float32)), role="powers")
    total = make.op("ReduceSum", powers, axes, role="sum")
    return [make.op("Pow", total, make.array("root", np.array(1 / power, np.float32)))]


def not_run(node: onnx_ir.Node, make: Maker) -> Sequence[onnx_ir.Value]:
    """What is refused, as nothing verifies it.

    Raises:
        Refused: Always.
    """
    raise Refused(f"onnxruntime does not run the {node.op_type} of opset 22, nor of {make.opset}")


RULES: Mapping[str, Rule] = {
    "GlobalLpPool": global_lp_pool,
    "MaxRoiPool": not_run,
    "RoiAlign": not_run,
}
"""By operator; called where the operator has changed since the IR's opset."""
