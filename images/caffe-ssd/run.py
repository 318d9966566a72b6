"""Run the checkpoint in Caffe, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/deploy.prototxt`` with ``weights.caffemodel`` beside it,
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes
``out/outputs.npz`` (keyed ``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` every
value of the IR that the network computes is written.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "2")
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one order of summation, on however many cores

import caffe
import numpy


def main() -> None:
    """Run the step in the working folder."""
    with open("in/params.json") as file:
        trace = json.load(file)["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    net = caffe.Net("in/checkpoint/deploy.prototxt", caffe.TEST, weights="in/checkpoint/weights.caffemodel")
    results = {}
    for case, inputs in read_cases("in/inputs.npz").items():
        set_inputs(net, {plan["inputs"][name]: value for name, value in inputs.items()})
        values = forward(net, plan["trace"] if trace else {})
        values.update({name: net.blobs[blob].data.copy() for name, blob in plan["outputs"].items()})
        results.update({f"{case}/{name}": value for name, value in values.items()})
    numpy.savez("out/outputs.npz", **results)
    versions = {"caffe": caffe.__version__, "numpy": numpy.__version__, "python": platform.python_version()}
    with open("out/runtime.json", "w") as file:
        json.dump({"framework": "caffe", "versions": versions}, file, indent=2, sort_keys=True)


def read_cases(path: str) -> dict[str, dict[str, numpy.ndarray]]:
    """Read ``{case: {name: array}}`` from an npz that is keyed ``<case>/<name>``."""
    cases: dict[str, dict[str, numpy.ndarray]] = {}
    with numpy.load(path, allow_pickle=False) as archive:
        for key in archive.files:
            case, name = key.split("/", 1)
            cases.setdefault(case, {})[name] = archive[key]
    return cases


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
