"""Batch normalization."""

from __future__ import annotations

import onnx_ir

from converter import plan
from converter.emitters import Refused, emits, only_output
from converter.emitters.caffe.layer import Blob, Layer, omit, parameter
from converter.ir import dims


@emits("caffe", "BatchNormalization")
def batch_normalization(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    scale: onnx_ir.Value,
    bias: onnx_ir.Value,
    mean: onnx_ir.Value,
    var: onnx_ir.Value,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,  # noqa: ARG001 - the statistics stay as they are
    training_mode: int = 0,
) -> list[Layer]:
    """``BatchNorm``, which only normalizes, and ``Scale``.

    Caffe keeps sums rather than means: its third blob is the number by which the first two are divided, here 1.

    Raises:
        Refused: The node is in training mode.
    """
    if training_mode:
        raise Refused("training_mode is set")
    channels = dims(data)[1]
    if not isinstance(channels, int):
        raise Refused("the number of channels is open")
    each = (channels,)
    normalized = onnx_ir.Value(name=str(node.name))
    params = {
        "use_global_stats": True,
        **omit(1e-5, eps=epsilon),
    }
    statistics = (parameter(mean, each), parameter(var, each), Blob((1,), plan.full(1.0, (1,))))
    return [
        Layer(
            str(node.name),
            "BatchNorm",
            (data,),
            (normalized,),
            {"batch_norm_param": params},
            statistics,
            in_place=True,
        ),
        Layer(
            f"{node.name}/scale",
            "Scale",
            (normalized,),
            (only_output(node),),
            {"scale_param": {"bias_term": True}},
            (parameter(scale, each), parameter(bias, each)),
            in_place=True,
        ),
    ]
