"""Build the .caffemodel: Caffe loads the generated network, every parameter is set, Caffe saves it.

Reads ``in/code/deploy.prototxt``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes
``out/deploy.prototxt`` and ``out/weights.caffemodel``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "2")

import caffe
import cases
import numpy
import weights


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        parameters = json.load(file)["parameters"]
    tensors = weights.Weights("in/ir/weights.safetensors")
    net = caffe.Net("in/code/deploy.prototxt", caffe.TEST)
    check_coverage({(layer, blob) for layer, blob in (row["name"] for row in parameters)}, net)
    for row in parameters:
        set_blob(net, row, weights.evaluate(row["value"], tensors))
    shutil.copyfile("in/code/deploy.prototxt", "out/deploy.prototxt")
    net.save("out/weights.caffemodel")


def check_coverage(planned: set[tuple[str, int]], net: caffe.Net) -> None:
    """Fail unless ``planned``, the plan's pairs of layer and blob number, are the parameters that ``net`` has."""
    present = {(name, index) for name, blobs in net.params.items() for index in range(len(blobs))}
    for title, difference in (
        ("parameters of the network that the plan does not set", present - planned),
        ("parameters of the plan that the network does not have", planned - present),
    ):
        if difference:
            listed = ", ".join(f"{layer}[{index}]" for layer, index in sorted(difference))
            raise ValueError(f"{title}: {listed}")


def set_blob(net: caffe.Net, row: Mapping[str, Any], value: numpy.ndarray) -> None:
    """Set the blob that the plan's ``row`` names to ``value``, whose shape has to be the blob's, exactly."""
    layer, index = row["name"]
    blob = net.params[layer][index]
    name, shape = f"{layer}[{index}]", list(blob.data.shape)
    if not shape == row["shape"] == list(value.shape):
        raise ValueError(
            f"{name} has the shape {shape} in the network, {row['shape']} in the plan,"
            f" and its value has {list(value.shape)}"
        )
    if not numpy.isfinite(value).all():
        read = f"it is made of {json.dumps(row['value'])[:200]}"
        fix = "check the source's parameters: what is NaN or infinite there cannot be trained weights"
        cases.refuse(f"{name} would hold a number that is not finite\n  where: {read}\n  to do: {fix}")
    blob.data[...] = value


if __name__ == "__main__":
    main()
