"""Runs the README's examples for live nets, one after the other as a reader would. A step for the image ``gluon``.

Reads ``in/examples.json``, a list of code, ``in/converter``, the library; the examples find the files of parameters
that they name, and write below ``out``.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.abspath("in"))

import mxnet as mx
import seeded
from gluoncv import model_zoo
from mxnet.gluon.model_zoo import vision


def parameters(net: mx.gluon.HybridBlock, size: int, path: str) -> None:
    """Write a file of parameters, as someone who trained ``net`` has one."""
    net.initialize()
    net(mx.nd.zeros((1, 3, size, size)))
    for one in net.collect_params().values():
        values = None if isinstance(one, mx.gluon.Constant) else seeded.draw(one.name[len(net.prefix) :], one.shape)
        if values is not None:
            one.set_data(mx.nd.array(values))
    net.save_parameters(path)


def main() -> None:
    """Run the step in the working folder."""
    with open("in/examples.json") as file:
        examples = json.load(file)
    os.chdir("out")
    parameters(vision.resnet18_v1(), 224, "resnet18_v1.params")
    detector = "ssd_512_mobilenet1.0_voc"
    parameters(model_zoo.get_model(detector, pretrained_base=False), 512, f"{detector}.params")
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)  # the README's own code


main()
