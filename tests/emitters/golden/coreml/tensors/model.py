"""ExampleNet

Input "data": batch x 3 x 18 x 24, float32.
Output "prob1_output": batch x 2, float32.
Output "fc3_output": batch x 4, float32.
Preprocessing of "data":
  channels: "BGR"
  mean: 127.5
  scale: 0.0078125
"""

import coremltools as ct
import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol, types

PASSES = [
    "common::add_fp16_cast",
    "common::cast_optimization",
    "common::const_elimination",
    "common::dedup_op_and_var_names",
    "common::dead_code_elimination",
]
HALF = {
    "add",
    "batch_norm",
    "concat",
    "conv",
    "identity",
    "leaky_relu",
    "linear",
    "max_pool",
    "mul",
    "prelu",
    "reshape",
    "softmax",
    "split",
    "sub",
}
SINGLE = set()


def is_half(op):
    """Whether ``op`` computes with 16 bits: it is of a kind that does, and they hold its constants."""
    constants = [var.val for var in op.inputs.values() if getattr(var, "val", None) is not None]
    return op.op_type in HALF and op.name not in SINGLE and all(map(fits, constants))


def fits(value):
    """Whether 16 bits hold ``value``, but for what is small beside the rest."""
    sizes = np.abs(value) if np.asarray(value).dtype.kind == "f" else np.zeros(1)
    largest = np.max(sizes, where=np.isfinite(sizes), initial=0.0)
    return largest == 0 or 2.0**-14 <= largest <= 65504


def network(weights, data):
    """The operations of the network."""
    minusscalar0 = mb.sub(x=data, y=127.5, name="minusscalar0")
    mulscalar0 = mb.mul(x=minusscalar0, y=0.0078125, name="mulscalar0")
    conv1 = mb.conv(
        x=mulscalar0,
        weight=weights["conv1_weight"],
        strides=[1, 2],
        dilations=[2, 1],
        pad_type="custom",
        pad=[1, 1, 2, 2],
        name="conv1",
    )
    bn1 = mb.batch_norm(
        x=conv1,
        mean=weights["bn1_mean"],
        variance=weights["bn1_variance"],
        gamma=weights["bn1_gamma"],
        beta=weights["bn1_beta"],
        epsilon=0.0,
        name="bn1",
    )
    prelu1 = mb.prelu(x=bn1, alpha=weights["prelu1_gamma"], name="prelu1")
    pool1 = mb.max_pool(
        x=prelu1,
        kernel_sizes=[3, 3],
        strides=[2, 2],
        pad_type="custom",
        pad=[1, 1, 1, 1],
        name="pool1",
    )
    slice1_output0, slice1_output1 = mb.split(x=pool1, num_splits=2, axis=1, name="slice1")
    concat1 = mb.concat(values=[slice1_output1, slice1_output0], axis=1, name="concat1")
    conv2 = mb.conv(
        x=concat1,
        weight=weights["conv2_weight"],
        bias=weights["conv2_bias"],
        groups=2,
        pad_type="valid",
        name="conv2",
    )
    plus1 = mb.add(x=conv2, y=concat1, name="plus1")
    plus1_act = mb.leaky_relu(x=plus1, alpha=0.1, name="plus1_act")
    fc1_flatten = mb.reshape(x=plus1_act, shape=[-1, 384], name="fc1_flatten")
    fc1 = mb.linear(
        x=fc1_flatten, weight=weights["fc1_weight"], bias=weights["fc1_bias"], name="fc1"
    )
    drop1 = mb.identity(x=fc1, name="drop1")
    fc2 = mb.linear(x=drop1, weight=weights["fc2_weight"], bias=weights["fc2_bias"], name="fc2")
    fc3 = mb.linear(x=drop1, weight=weights["fc3_weight"], name="fc3")
    prob1 = mb.softmax(x=fc2, axis=1, name="prob1")
    return prob1, fc3


def program(weights):
    """The network as an ML program; ``weights`` has a numpy array for each name."""
    batch = get_new_symbol()
    inputs = [
        mb.TensorSpec([batch, 3, 18, 24], types.fp32),
    ]
    build = mb.program(input_specs=inputs, opset_version=ct.target.iOS17)
    return build(lambda data: network(weights, data))


def convert(weights):
    """The network as a Core ML model; ``weights`` has a numpy array for each name."""
    inputs = [
        ct.TensorType("data", shape=ct.Shape((ct.RangeDim(1, 64), 3, 18, 24))),
    ]
    model = ct.convert(
        program(weights),
        convert_to="mlprogram",
        inputs=inputs,
        compute_precision=ct.transform.FP16ComputePrecision(is_half),
        minimum_deployment_target=ct.target.iOS17,
        pass_pipeline=ct.PassPipeline(PASSES),
        skip_model_load=True,
    )
    model.short_description = "ExampleNet"
    model.input_description["data"] = "data: batch x 3 x 18 x 24"
    model.output_description["prob1"] = "prob1_output: batch x 2"
    model.output_description["fc3"] = "fc3_output: batch x 4"
    return model
