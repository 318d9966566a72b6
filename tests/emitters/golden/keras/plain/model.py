"""ExampleNet

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

import keras
from keras import layers, ops


def network() -> keras.Model:
    """The network, untrained."""
    data = keras.Input((18, 24, 3), name="data")
    minusscalar0 = data - 127.5
    mulscalar0 = minusscalar0 * 0.0078125
    conv1_padded = layers.ZeroPadding2D((1, 2), name="conv1_padded")(mulscalar0)
    conv1_dense = layers.Conv2D(
        8, (3, 5), dilation_rate=(2, 1), use_bias=False, name="conv1_dense"
    )(conv1_padded)
    conv1 = conv1_dense[:, :, ::2]
    bn1 = layers.BatchNormalization(momentum=0.9, name="bn1")(conv1)
    prelu1 = layers.PReLU(shared_axes=[1, 2], name="prelu1")(bn1)
    pool1_padded = ops.pad(prelu1, ((0, 0), (1, 0), (1, 0), (0, 0)), constant_values=float("-inf"))
    pool1 = layers.MaxPooling2D(3, strides=2, name="pool1")(pool1_padded)
    slice1_output0, slice1_output1 = ops.split(pool1, 2, axis=3)
    concat1 = layers.Concatenate(axis=3, name="concat1")([slice1_output1, slice1_output0])
    conv2 = layers.Conv2D(8, 1, groups=2, name="conv2")(concat1)
    plus1 = layers.Add(name="plus1")([conv2, concat1])
    plus1_act = layers.LeakyReLU(0.1, name="plus1_act")(plus1)
    fc1_flatten = layers.Reshape((384,), name="fc1_flatten")(plus1_act)
    fc1 = layers.Dense(16, name="fc1")(fc1_flatten)
    drop1 = layers.Dropout(0.25, name="drop1")(fc1)
    fc2 = layers.Dense(2, name="fc2")(drop1)
    fc3 = layers.Dense(4, use_bias=False, name="fc3")(drop1)
    prob1 = layers.Softmax(name="prob1")(fc2)
    return keras.Model(data, [prob1, fc3], name="ExampleNet")


def load(path: str) -> keras.Model:
    """The network with the weights of a .weights.h5 file, or a .keras file as a whole."""
    if str(path).endswith(".keras"):
        return keras.saving.load_model(path)
    model = network()
    model.load_weights(path)
    return model
