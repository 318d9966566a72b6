"""Run the checkpoint in Caffe, on every case.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/deploy.prototxt`` with ``weights.caffemodel`` beside it,
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes
``out/outputs.npz`` (keyed ``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` every
value of the IR that the network computes is written. The cases are of the IR; what the plan has under ``bgr`` is
given with its channels reversed, and what it has under ``softmax`` has to be the softmax of the output. What it has
under ``detections`` is a table that the IR's outputs are columns of: which, how many rows those have, and what the
boxes, parts of the image in Caffe, are multiplied by.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
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
    dtypes = plan.get("dtypes", {})
    results = {}
    for case, inputs in cases.read().items():
        given = {**inputs, **{name: inputs[name][:, ::-1] for name in plan.get("bgr", ())}}
        set_inputs(net, {plan["inputs"][name]: value for name, value in given.items()})
        values = forward(net, plan["trace"] if trace else {})
        if "softmax" in plan:
            (scores,) = plan["outputs"].values()
            check_softmax(net.blobs[plan["softmax"]].data, net.blobs[scores].data)
        values.update({name: net.blobs[blob].data.copy() for name, blob in plan["outputs"].items()})
        for table in plan.get("detections", ()):
            count = images(net, plan["outputs"][table["table"]])
            values.update(detections(values.pop(table["table"]), table, count))
        results.update({f"{case}/{name}": typed(value, dtypes.get(name)) for name, value in values.items()})
    cases.write(results, "caffe", caffe=caffe.__version__)


def typed(value: numpy.ndarray, dtype: str | None) -> numpy.ndarray:
    """What a blob holds as the type that the IR has for it; all numbers of that have to be whole."""
    found = value if dtype is None else value.astype(dtype)
    if not numpy.array_equal(found, value, equal_nan=dtype is None):
        raise ValueError(f"numbers that are no {dtype}")
    return found


def set_inputs(net: caffe.Net, inputs: Mapping[str, numpy.ndarray]) -> None:
    """Give the input blobs the shapes and values of ``inputs``, which must be all of them."""
    if set(inputs) != set(net.inputs):
        raise ValueError(f"inputs are given for {sorted(inputs)}, the network has {sorted(net.inputs)}")
    for blob, value in inputs.items():
        net.blobs[blob].reshape(*value.shape)
    net.reshape()
    for blob, value in inputs.items():
        net.blobs[blob].data[...] = value


def images(net: caffe.Net, table: str) -> int:
    """How many images the layer that computes the blob ``table`` looks at."""
    (layer,) = (layer for layer, tops in net.top_names.items() if table in tops)
    return int(net.blobs[net.bottom_names[layer][0]].data.shape[0])


def detections(found: numpy.ndarray, table: Mapping[str, Any], count: int) -> dict[str, numpy.ndarray]:
    """The IR's outputs that are columns of ``table``, for ``count`` images.

    Args:
        found: Rows of image, class, score, and corners as parts of the image, class by class; of an image and -1
            where there is nothing.
        table: What the plan says of it.
        count: The number of images.
    """
    rows = found.reshape(-1, 7)
    rows = rows[rows[:, 1] >= 0]
    each = [best(rows[rows[:, 0] == image, 1:], table["keep"], table["scale"]) for image in range(count)]
    return {name: numpy.stack(each)[..., start:end] for name, (start, end) in table["outputs"].items()}


def best(found: numpy.ndarray, keep: int, scale: Sequence[float]) -> numpy.ndarray:
    """Rows as the IR has them, ``keep x 6``: classes without the background, the best score first, -1 at the end."""
    ranked = found[numpy.argsort(-found[:, 1], kind="stable")][:keep]
    rows = numpy.full((keep, 6), -1, numpy.float32)
    boxes = ranked[:, 2:] * numpy.float32([*scale, *scale])
    rows[: len(ranked)] = numpy.concatenate([ranked[:, :1] - 1, ranked[:, 1:2], boxes], axis=1)
    return rows


def check_softmax(found: numpy.ndarray, scores: numpy.ndarray) -> None:
    """Fail unless ``found`` is the softmax of ``scores`` along the second dimension."""
    exponentials = numpy.exp(scores.astype(numpy.float64) - scores.max(axis=1, keepdims=True))
    wanted = exponentials / exponentials.sum(axis=1, keepdims=True)
    if not numpy.allclose(found, wanted, rtol=1e-4, atol=1e-6):
        raise ValueError(f"the softmax is off by {numpy.abs(found - wanted).max():g}")


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
