"""net in ONNX Script.

Input "data": batch x 3, float32.
Output "halved4": batch x 3, float32.
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnxscript import BOOL, FLOAT, INT64, graph, script
from onnxscript import opset21 as op
from onnxscript.values import Opset

transship = Opset("transship", 1)


@script(transship, default_opset=op)
def MultiBoxPrior(data: FLOAT["batch", 3]) -> FLOAT["batch", 3]:
    """MultiBoxPrior with sizes=(0.5, 1.0), clip=1, for which its body is made."""

    @graph()
    def again(round_2: INT64, going: BOOL, before: FLOAT["batch", 3]):
        halve = before * 0.5
        go_on = op.Identity(going)
        return go_on, halve

    all_2 = op.Loop(1, True, data, body=again)
    return all_2


@script(transship, default_opset=op)
def MultiBoxPrior_2(data: FLOAT["batch", 3]) -> FLOAT["batch", 3]:
    """MultiBoxPrior with sizes=(0.5, 4.0), clip=1, for which its body is made."""

    @graph()
    def again(round_2: INT64, going: BOOL, before: FLOAT["batch", 3]):
        halve = before * 0.5
        go_on = op.Identity(going)
        return go_on, halve

    all_2 = op.Loop(4, True, data, body=again)
    return all_2


@script(default_opset=op)
def net(data: FLOAT["batch", 3]) -> FLOAT["batch", 3]:
    call1 = MultiBoxPrior(data)
    call4 = MultiBoxPrior_2(call1)
    return call4


def build(weights: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The model with those of the parameters inside it that ``weights`` has, by name; others stay inputs.

    An ``.onnx`` that was built of an earlier version of this file has them:
    ``{tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}``.
    """
    model = net.to_model_proto(ir_version=10)
    for value in list(model.graph.input):
        array = weights.get(value.name)
        if array is not None:
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
            model.graph.input.remove(value)
    onnx.checker.check_model(model, full_check=True)
    return model
