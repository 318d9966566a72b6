"""What each target makes of one net that has something of everything, kept to be read and to show changes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import onnx_ir as ir

from converter.ir import PREPROCESS
from tests.emitters.cases.common import batch_norm
from tests.emitters.models import Builder

FOLDER = Path(__file__).parent
UPDATE = "TRANSSHIP_UPDATE_GOLDEN"


def compare_with_golden(folder: str, files: Mapping[str, bytes]) -> None:
    """Compare ``files`` with those of ``folder``, all of them.

    Set the variable that UPDATE names to write them anew, and read the difference before you commit it.
    """
    place = FOLDER / folder
    if os.environ.get(UPDATE):
        place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    assert sorted(files) == sorted(path.name for path in place.iterdir())
    for name, content in files.items():
        assert content.decode() == (place / name).read_text(encoding="utf-8")


def representative() -> ir.Model:
    """A net with something of everything that is laid out in a way of its own."""
    net = Builder("ExampleNet")
    data = net.input("data", ("batch", 3, 18, 24))
    value = net.node("Sub", "_minusscalar0", data, net.constant("_minusscalar0/scalar", 127.5))
    value = net.node("Mul", "_mulscalar0", value, net.constant("_mulscalar0/scalar", 0.0078125))
    value = net.node(
        "Conv",
        "conv1",
        value,
        net.parameter("conv1_weight", (8, 3, 3, 5)),
        pads=(1, 2, 1, 2),
        strides=(1, 2),
        dilations=(2, 1),
        kernel_shape=(3, 5),
    )
    value = net.node("PRelu", "prelu1", batch_norm(net, value, "bn1", 8), net.parameter("prelu1_gamma", (8, 1, 1)))
    value = net.node("MaxPool", "pool1", value, kernel_shape=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))
    left, right = net.nodes(
        "Split", "slice1", value, outputs=["slice1_output0", "slice1_output1"], axis=1, num_outputs=2
    )
    value = net.node("Concat", "concat1", right, left, axis=1)
    branch = net.node("Conv", "conv2", value, *_conv_parameters(net, "conv2", (8, 4, 1, 1)), group=2)
    value = net.node("LeakyRelu", "plus1/act", net.node("Add", "plus1", branch, value), alpha=0.1)
    flat = net.node("Flatten", "fc1/flatten", value, axis=1)
    value = net.node("Gemm", "fc1", flat, *_conv_parameters(net, "fc1", (16, 8 * 8 * 6)), transB=1)
    value = net.node("Dropout", "drop1", value, net.constant("drop1/ratio", 0.25))
    first = net.node("Gemm", "fc2", value, *_conv_parameters(net, "fc2", (2, 16)), transB=1)
    second = net.node("Gemm", "fc3", value, net.parameter("fc3_weight", (4, 16)), transB=1)
    preprocess = {"data": {"channels": "BGR", "mean": 127.5, "scale": 0.0078125}}
    return net.model(
        net.node("Softmax", "prob1", first, axis=1), second, metadata={PREPROCESS: json.dumps(preprocess)}
    )


def _conv_parameters(net: Builder, name: str, shape: tuple[int, ...]) -> tuple[ir.Value, ir.Value]:
    return net.parameter(f"{name}_weight", shape), net.parameter(f"{name}_bias", shape[:1])
