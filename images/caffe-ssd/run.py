"""Run the checkpoint in Caffe, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/deploy.prototxt`` with ``weights.caffemodel`` beside it,
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes
``out/outputs.npz`` (keyed ``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` every
value of the IR that the network computes is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "2")
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one order of summation, on however many cores

import caffe
import cases
import numpy


def main() -> None:
    """Run the step in the working folder."""
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    net = caffe.Net("in/checkpoint/deploy.prototxt", caffe.TEST, weights="in/checkpoint/weights.caffemodel")
    results = {}
    for case, inputs in cases.read().items():
        set_inputs(net, {plan["inputs"][name]: value for name, value in inputs.items()})
        values = forward(net, plan["trace"] if trace else {})
        values.update({name: net.blobs[blob].data.copy() for name, blob in plan["outputs"].items()})
        results.update({f"{case}/{name}": value for name, value in values.items()})
    cases.write(results, "caffe", caffe=caffe.__version__)


def set_inputs(net: caffe.Net, inputs: Mapping[str, numpy.ndarray]) -> None:
    """Give the input blobs the shapes and values of ``inputs``, which must be all of them."""
    if set(inputs) != set(net.inputs):
        raise ValueError(f"inputs are given for {sorted(inputs)}, the network has {sorted(net.inputs)}")
    for blob, value in inputs.items():
        net.blobs[blob].reshape(*value.shape)
    net.reshape()
    for blob, value in inputs.items():
        net.blobs[blob].data[...] = value


def forward(net: caffe.Net, places: Mapping[str, Any]) -> dict[str, numpy.ndarray]:
    """Run layer after layer; copy the values that ``places`` says a layer leaves, before a later one overwrites them.

    A place is a layer of one top, or ``[layer, number of the top]``.
    """
    left: dict[str, list[tuple[str, int]]] = {}
    for value, place in places.items():
        layer, top = place if isinstance(place, list) else (place, 0)
        left.setdefault(layer, []).append((value, top))
    values = {}
    for index, layer in enumerate(net._layer_names):
        net._forward(index, index)
        for value, top in left.get(layer, ()):
            values[value] = net.blobs[net.top_names[layer][top]].data.copy()
    return values


if __name__ == "__main__":
    main()
