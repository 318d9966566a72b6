"""ExampleNet in ONNX Script.

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

from collections.abc import Mapping

import numpy as np
import onnx
from onnxscript import FLOAT, script
from onnxscript import opset21 as op


@script(default_opset=op)
def ExampleNet(
    data: FLOAT["batch", 3, 18, 24],
    conv1_weight: FLOAT[8, 3, 3, 5],
    bn1_gamma: FLOAT[8],
    bn1_beta: FLOAT[8],
    bn1_mean: FLOAT[8],
    bn1_var: FLOAT[8],
    prelu1_gamma: FLOAT[8, 1, 1],
    conv2_weight: FLOAT[8, 4, 1, 1],
    conv2_bias: FLOAT[8],
    fc1_weight: FLOAT[16, 384],
    fc1_bias: FLOAT[16],
    fc2_weight: FLOAT[2, 16],
    fc2_bias: FLOAT[2],
    fc3_weight: FLOAT[4, 16],
) -> tuple[FLOAT["batch", 2], FLOAT["batch", 4]]:
    minusscalar0 = data - 127.5
    mulscalar0 = minusscalar0 * 0.0078125
    conv1 = op.Conv(mulscalar0, conv1_weight, pads=[1, 2, 1, 2], strides=[1, 2], dilations=[2, 1])
    bn1 = op.BatchNormalization(conv1, bn1_gamma, bn1_beta, bn1_mean, bn1_var, epsilon=0.001)
    prelu1 = op.PRelu(bn1, prelu1_gamma)
    pool1 = op.MaxPool(prelu1, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    slice1_output0, slice1_output1 = op.Split(pool1, axis=1, num_outputs=2)
    concat1 = op.Concat(slice1_output1, slice1_output0, axis=1)
    conv2 = op.Conv(concat1, conv2_weight, conv2_bias, group=2)
    plus1 = conv2 + concat1
    plus1_act = op.LeakyRelu(plus1, alpha=0.1)
    fc1_flatten = op.Flatten(plus1_act)
    fc1 = op.Gemm(fc1_flatten, fc1_weight, fc1_bias, transB=1)
    drop1 = op.Dropout(fc1, 0.25)
    fc2 = op.Gemm(drop1, fc2_weight, fc2_bias, transB=1)
    fc3 = op.Gemm(drop1, fc3_weight, transB=1)
    prob1 = op.Softmax(fc2, axis=1)
    return prob1, fc3


def build(weights: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """The model with those of the parameters inside it that ``weights`` has, by name; others stay inputs.

    An ``.onnx`` that was built of an earlier version of this file has them:
    ``{tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}``.
    """
    model = ExampleNet.to_model_proto(ir_version=10)
    for value in list(model.graph.input):
        array = weights.get(value.name)
        if array is not None:
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
            model.graph.input.remove(value)
    onnx.checker.check_model(model, full_check=True)
    return model
