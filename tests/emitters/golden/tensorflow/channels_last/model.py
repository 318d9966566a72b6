"""ExampleNet

Input "data": batch x 18 x 24 x 3, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

import tensorflow as tf


class ExampleNet(tf.Module):
    """ExampleNet.

    Takes and returns:
      Input "data": batch x 18 x 24 x 3, float32.
      Output "prob1_output": batch x 2, float32.
      Output "fc3_output": batch x 4, float32.
    """

    def __init__(self):
        super().__init__()
        self.conv1_weight = tf.Variable(tf.zeros([3, 5, 3, 8]), name="conv1_weight")
        self.bn1_mean = tf.Variable(tf.zeros([8]), trainable=False, name="bn1_mean")
        self.bn1_var = tf.Variable(tf.zeros([8]), trainable=False, name="bn1_var")
        self.bn1_beta = tf.Variable(tf.zeros([8]), name="bn1_beta")
        self.bn1_gamma = tf.Variable(tf.zeros([8]), name="bn1_gamma")
        self.prelu1_gamma = tf.Variable(tf.zeros([8]), name="prelu1_gamma")
        self.conv2_weight = tf.Variable(tf.zeros([1, 1, 4, 8]), name="conv2_weight")
        self.conv2_bias = tf.Variable(tf.zeros([8]), name="conv2_bias")
        self.fc1_weight = tf.Variable(tf.zeros([384, 16]), name="fc1_weight")
        self.fc1_bias = tf.Variable(tf.zeros([16]), name="fc1_bias")
        self.fc2_weight = tf.Variable(tf.zeros([16, 2]), name="fc2_weight")
        self.fc2_bias = tf.Variable(tf.zeros([2]), name="fc2_bias")
        self.fc3_weight = tf.Variable(tf.zeros([16, 4]), name="fc3_weight")

    @tf.function(input_signature=[tf.TensorSpec([None, 18, 24, 3], tf.float32, name="data")])
    def __call__(self, data):
        minusscalar0 = data - 127.5
        mulscalar0 = minusscalar0 * 0.0078125
        conv1 = tf.nn.conv2d(
            mulscalar0,
            self.conv1_weight,
            [1, 2],
            [[0, 0], [1, 1], [2, 2], [0, 0]],
            dilations=[2, 1],
        )
        bn1 = tf.nn.batch_normalization(
            conv1, self.bn1_mean, self.bn1_var, self.bn1_beta, self.bn1_gamma, 0.001
        )
        prelu1 = tf.where(bn1 < 0.0, self.prelu1_gamma * bn1, bn1)
        pool1_padded = tf.pad(
            prelu1, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=float("-inf")
        )
        pool1 = tf.nn.max_pool2d(pool1_padded, 3, 2, "VALID")
        slice1_output0, slice1_output1 = tf.split(pool1, 2, axis=3)
        concat1 = tf.concat([slice1_output1, slice1_output0], axis=3)
        conv2_product = tf.nn.conv2d(concat1, self.conv2_weight, 1, "VALID")
        conv2 = tf.nn.bias_add(conv2_product, self.conv2_bias)
        plus1 = conv2 + concat1
        plus1_act = tf.nn.leaky_relu(plus1, 0.1)
        fc1_flatten = tf.reshape(plus1_act, [-1, 384])
        fc1 = tf.nn.bias_add(tf.matmul(fc1_flatten, self.fc1_weight), self.fc1_bias)
        drop1 = fc1
        fc2 = tf.nn.bias_add(tf.matmul(drop1, self.fc2_weight), self.fc2_bias)
        fc3 = tf.matmul(drop1, self.fc3_weight)
        prob1 = tf.nn.softmax(fc2)
        return {"prob1_output": prob1, "fc3_output": fc3}


def load(path):
    """The network with the variables of the SavedModel in the folder ``path``."""
    network = ExampleNet()
    checkpoint = tf.train.Checkpoint(network)
    checkpoint.read(f"{path}/variables/variables").assert_existing_objects_matched()
    return network
