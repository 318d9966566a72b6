"""ExampleNet in MXNet's symbol API.

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
Trained parameters: mx.model.load_checkpoint("ExampleNet", 0).
"""

import mxnet as mx


def symbol() -> mx.sym.Symbol:
    """Return the network, a group of its outputs."""
    data = mx.sym.Variable("data")
    minusscalar0 = mx.sym._internal._minus_scalar(data, name="_minusscalar0", scalar=127.5)
    mulscalar0 = mx.sym._internal._mul_scalar(minusscalar0, name="_mulscalar0", scalar=0.0078125)
    conv1 = mx.sym.Convolution(
        data=mulscalar0,
        name="conv1",
        num_filter=8,
        kernel=(3, 5),
        stride=(1, 2),
        dilate=(2, 1),
        pad=(1, 2),
        no_bias=True,
    )
    bn1_mean = mx.sym.Variable("bn1_mean", shape=(8,))
    bn1_var = mx.sym.Variable("bn1_var", shape=(8,))
    bn1 = mx.sym.BatchNorm(
        data=conv1,
        moving_mean=bn1_mean,
        moving_var=bn1_var,
        name="bn1",
        eps=0.001,
        momentum=0.9,
        fix_gamma=False,
    )
    prelu1 = mx.sym.LeakyReLU(data=bn1, name="prelu1", act_type="prelu")
    pool1 = mx.sym.Pooling(
        data=prelu1, name="pool1", kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max"
    )
    slice1 = mx.sym.SliceChannel(pool1, name="slice1", num_outputs=2, axis=1)
    concat1 = mx.sym.concat(slice1[1], slice1[0], name="concat1", dim=1)
    conv2 = mx.sym.Convolution(data=concat1, name="conv2", num_filter=8, kernel=(1, 1), num_group=2)
    plus1 = mx.sym.elemwise_add(conv2, concat1, name="plus1")
    plus1_act = mx.sym.LeakyReLU(data=plus1, name="plus1/act", act_type="leaky", slope=0.1)
    fc1 = mx.sym.FullyConnected(data=plus1_act, name="fc1", num_hidden=16)
    drop1 = mx.sym.Dropout(data=fc1, name="drop1", p=0.25)
    fc2 = mx.sym.FullyConnected(data=drop1, name="fc2", num_hidden=2)
    fc3 = mx.sym.FullyConnected(data=drop1, name="fc3", num_hidden=4, no_bias=True)
    prob1 = mx.sym.softmax(data=fc2, name="prob1", axis=1)
    return mx.sym.Group([prob1, fc3])
