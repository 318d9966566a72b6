"""Read the checkpoint with OpenCV's importer of Caffe's files and run it on every case. Runs in the image caffe-bvlc.

Reads ``in/params.json`` (``{"inputs": {IR's name: blob}, "outputs": {IR's name: [layer, top]}}``), ``in/checkpoint/``
and ``in/inputs.npz`` (keyed ``<case>/<input name>``); writes ``out/outputs.npz`` (keyed ``<case>/<output name>``).
"""

from __future__ import annotations

import json

import cases
import cv2
import numpy


def main() -> None:
    """Run the step in the working folder."""
    cv2.setNumThreads(1)
    with open("in/params.json") as file:
        wiring = json.load(file)
    net = cv2.dnn.readNetFromCaffe("in/checkpoint/deploy.prototxt", "in/checkpoint/weights.caffemodel")
    layers = sorted({layer for layer, _ in wiring["outputs"].values()})
    results = {}
    for case, inputs in cases.read().items():
        for name, value in inputs.items():
            net.setInput(value, wiring["inputs"][name])
        answers = net.forwardAndRetrieve(layers)
        for name, (layer, top) in wiring["outputs"].items():
            results[f"{case}/{name}"] = numpy.array(answers[layers.index(layer)][top])
    numpy.savez("out/outputs.npz", **results)


if __name__ == "__main__":
    main()
