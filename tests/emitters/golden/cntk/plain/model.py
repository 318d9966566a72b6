"""ExampleNet

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

from __future__ import division

import cntk as C


def dilated(kernel, dilations):
    """A kernel, out x in x sizes, with zeros between its elements, which CNTK's CPU needs."""
    for axis, step in enumerate(dilations, 2):
        size = kernel.shape[axis]
        if step > 1 and size > 1:
            shape = kernel.shape
            spread = C.reshape(kernel, shape[:axis] + (size, 1) + shape[axis + 1 :])
            spread = C.pad(spread, [(0, 0)] * (axis + 1) + [(0, step - 1)] + [(0, 0)] * (len(shape) - axis - 1))
            kernel = C.reshape(spread, shape[:axis] + (size * step,) + shape[axis + 1 :])
            kernel = C.slice(kernel, axis, 0, (size - 1) * step + 1)
    return kernel


def create_model():
    """The network, its parameters not trained."""
    data = C.input_variable((3, 18, 24), name="data")
    minusscalar0 = data - 127.5
    mulscalar0 = minusscalar0 * 0.0078125
    conv1_padded = C.pad(mulscalar0, [(0, 0), (1, 1), (2, 1)])
    conv1_weight = C.Parameter((8, 3, 3, 5), init=0, name="conv1_weight")
    conv1 = C.convolution(
        dilated(conv1_weight, (2, 1)), conv1_padded, strides=(1, 2), auto_padding=[False]
    )
    bn1 = C.layers.BatchNormalization(map_rank=1, epsilon=0.001, name="bn1")(conv1)
    prelu1_gamma = C.Parameter((8, 1, 1), init=0, name="prelu1_gamma")
    prelu1 = C.param_relu(prelu1_gamma, bn1)
    pool1 = C.layers.MaxPooling((3, 3), strides=2, pad=True, name="pool1")(prelu1)
    slice1 = pool1[:4]
    slice1_2 = pool1[4:]
    concat1 = C.splice(slice1_2, slice1, axis=0)
    conv2_weight = C.Parameter((8, 4, 1, 1), init=0, name="conv2_weight")
    conv2_product = C.convolution(conv2_weight, concat1, auto_padding=[False], groups=2)
    conv2_bias = C.Parameter((8, 1, 1), init=0, name="conv2_bias")
    conv2 = conv2_product + conv2_bias
    plus1 = conv2 + concat1
    plus1_act = C.leaky_relu(plus1, 0.1)
    fc1_flatten = C.reshape(plus1_act, (384,))
    fc1 = C.layers.Dense(16, name="fc1")(fc1_flatten)
    drop1 = C.layers.Dropout(0.25, name="drop1")(fc1)
    fc2 = C.layers.Dense(2, name="fc2")(drop1)
    fc3 = C.layers.Dense(4, bias=False, name="fc3")(drop1)
    prob1 = C.softmax(fc2, axis=0)
    return C.combine([C.alias(prob1, name="prob1_output"), C.alias(fc3, name="fc3_output")])


def load(path):
    """The network with the parameters of the checkpoint ``path``."""
    model = create_model()
    model.restore(path)
    return model
