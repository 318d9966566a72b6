"""Builds nets of Gluon, converts them with the library in this very process, and keeps the nets' own answers.

A step for the image ``gluon``; ``in/converter`` is the library. Writes for each net ``out/<case>/net.prototxt`` and
``net.caffemodel`` as ``save_model`` does, ``answers.npz`` (``<number>/data`` and ``<number>/<place of the output>``)
and ``changed.json``, what of the net the conversion has changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, "in")

import export
import mxnet as mx
import numpy as np
import seeded
from gluoncv import model_zoo
from mxnet.gluon import nn
from mxnet.gluon.model_zoo import vision

from converter import BadInput, convert_model, convert_ssd_model, save_model


def zoo(name: str) -> Any:
    """A net of a zoo that never ran, with weights that MXNet draws."""
    detector = name.startswith("ssd")
    net = model_zoo.get_model(name, pretrained_base=False) if detector else vision.get_model(name)
    net.initialize()
    return net


def drawn(net: Any, shape: tuple[int, ...]) -> Any:
    """The ``net`` with seeded weights, a detector with such that detect something.

    That it can be converted before it ran is tried on the way.
    """
    convert_model(net, input_shape=shape, target="onnx")
    for parameter in net.collect_params().values():
        values = seeded.draw(parameter.name[len(net.prefix) :], parameter.shape)
        if values is not None and not isinstance(parameter, mx.gluon.Constant) and trained(parameter):
            parameter.set_data(mx.nd.array(values))
    export.calibrate(net, {"inputs": {"data": shape}, "ranges": {"data": (-2, 2)}})
    return net


def trained(parameter: Any) -> bool:
    """Whether the parameter is not one that a net fixes, such as the gamma of a BatchNorm without scale."""
    return parameter.grad_req != "null" or parameter.name.endswith(
        ("running_mean", "running_var", "moving_mean", "moving_var")
    )


def stack(*blocks: Any) -> Any:
    """A net of ``blocks`` that never ran; a ``gamma`` is anything, whether it counts or not."""
    net = nn.HybridSequential()
    net.add(*blocks)
    net.initialize(mx.init.Normal(0.5))
    for parameter in net.collect_params(".*gamma|.*running_var").values():
        parameter.initialize(mx.init.Uniform(1.0), force_reinit=True)
        parameter.shape = (8,)
        parameter._finish_deferred_init()
        parameter.set_data(parameter.data().abs() + 0.5)
    return net


def classifier(name: str) -> Callable[[], tuple[Any, dict[str, Any]]]:
    """A net of the zoo as it is, and as it is most often converted."""
    return lambda: (drawn(zoo(name), (1, 3, 224, 224)), {})


def several() -> tuple[Any, dict[str, Any]]:
    """Outputs that are no outputs of the net."""
    net = drawn(zoo("mobilenet0.25"), (1, 3, 64, 64))
    inside = net.features[:30](mx.sym.var("data"))
    INSIDE.append(inside.name)
    return net, {"syms": (inside, net.output(net.features[30:](inside))), "input_shape": (1, 3, 64, 64)}


INSIDE: list[str] = []
"""What the layer is called that computes the first of ``several``."""
SMALL = {"input_shape": (1, 3, 16, 16)}
CASES: dict[str, Callable[[], tuple[Any, dict[str, Any]]]] = {
    "mobilenet1.0": classifier("mobilenet1.0"),
    "mobilenetv2_1.0": classifier("mobilenetv2_1.0"),
    "resnet18_v1": classifier("resnet18_v1"),
    "resnet18_v2": classifier("resnet18_v2"),
    "squeezenet1.1": classifier("squeezenet1.1"),
    "without scale": lambda: (stack(nn.Conv2D(8, 3), nn.BatchNorm(scale=False), nn.Dense(5)), SMALL),
    "without scale, apart": lambda: (
        stack(nn.Conv2D(8, 3), nn.BatchNorm(scale=False), nn.Dense(5)),
        SMALL | {"merge_bn": False},
    ),
    "relu before norm": lambda: (stack(nn.Conv2D(8, 3, activation="relu"), nn.BatchNorm(epsilon=1e-3)), SMALL),
    "bgr": lambda: (drawn(zoo("mobilenet0.25"), (1, 3, 64, 64)), {"input_shape": (1, 3, 64, 64), "to_bgr": True}),
    "bgr of a norm": lambda: (
        drawn(zoo("resnet18_v2"), (1, 3, 64, 64)),
        {"input_shape": (1, 3, 64, 64), "to_bgr": True},
    ),
    "softmax": lambda: (stack(nn.Conv2D(8, 3, activation="relu"), nn.Dense(5)), SMALL | {"softmax": True}),
    "several": several,
    "batch of 2": lambda: (drawn(zoo("mobilenet0.25"), (2, 3, 64, 64)), {"input_shape": (2, 3, 64, 64)}),
    "detector": lambda: (drawn(zoo("ssd_512_mobilenet1.0_voc"), (1, 3, 512, 512)), {}),
}


class Two(nn.HybridBlock):
    """A net of two inputs."""

    def hybrid_forward(self, F: Any, data: Any) -> Any:  # noqa: N803 - Gluon's own name
        """The sum of both."""
        return data + F.var("mask")


class Plain(mx.gluon.Block):
    """A net that is no graph."""

    def forward(self, data: Any) -> Any:
        """Something that depends on the numbers."""
        return data if data.asnumpy().any() else -data


def refusal(net: Any, **options: Any) -> str:
    """What the conversion says of a net that it refuses."""
    try:
        convert_model(net, **SMALL | options)
    except BadInput as error:
        return str(error)
    raise AssertionError(f"{net} was converted")


def refusals() -> dict[str, str]:
    """Each of what is no net that can be converted."""
    empty, wide = nn.HybridSequential(), nn.HybridSequential()
    empty.add(nn.Dense(3))
    wide.add(nn.Conv2D(4, 3, in_channels=5))
    wide.initialize()
    plain, two = Plain(), Two()
    return {
        "never initialised": refusal(empty),
        "another shape": refusal(wide),
        "no graph": refusal(plain),
        "two inputs": refusal(two),
        "no symbols": refusal(wide, syms="data"),
        "another net's": refusal(two, syms=mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3)),
    }


def state(net: Any) -> dict[str, Any]:
    """All of a net that its user could see change."""
    parameters = net.collect_params()
    return {
        "parameters": {name: one.data().asnumpy().tobytes() for name, one in parameters.items() if one._data},
        "grad_req": {name: one.grad_req for name, one in parameters.items()},
        "variables": {name: one._var for name, one in parameters.items()},
        "hybridized": net._active,
        "graph": len(net._cached_graph),
        "children": list(net._children),
        "names": dict(mx.name.NameManager._current.value._counter),
        "scopes": dict(net._scope._counter),
        "training": mx.autograd.is_training(),
    }


def inputs(shape: tuple[int, ...]) -> list[Any]:
    """Two of noise, two of even parts with noise."""
    random = np.random.default_rng(3)
    parts = [
        np.kron(random.uniform(-2, 2, (*shape[:2], 4, 4)), np.ones((shape[2] // 4, shape[3] // 4))) for _ in "12"
    ]
    noise = [random.uniform(-1, 1, shape) for _ in range(4)]
    return [each.astype("float32") for each in (*noise[:2], parts[0] + noise[2] / 9, parts[1] + noise[3] / 9)]


def answers(net: Any, given: Any, symbols: Any) -> list[Any]:
    """What the net itself computes; of ``symbols``, in a block made of them."""
    if symbols is not None:
        block = mx.gluon.SymbolBlock(list(symbols), mx.sym.var("data"), params=net.collect_params())
        return [each.asnumpy() for each in block(mx.nd.array(given))]
    found = net(mx.nd.array(given))
    return [each.asnumpy() for each in (found if isinstance(found, list | tuple) else [found])]


def main() -> None:
    """Run the step in the working folder."""
    Path("out/refusals.json").write_text(json.dumps(refusals()))
    for case, make in CASES.items():
        np.random.seed(5)
        mx.random.seed(5)
        net, options = make()
        folder = Path("out", case)
        before = state(net)
        convert = convert_ssd_model if case == "detector" else convert_model
        text, weights = convert(net, **options)
        after = state(net)
        known = before["parameters"]
        after["parameters"] = {name: after["parameters"][name] for name in known}
        save_model(text, weights, folder / "net")
        (folder / "changed.json").write_text(json.dumps([key for key in before if before[key] != after[key]]))
        shape = options.get("input_shape", (1, 3, 512, 512) if case == "detector" else (1, 3, 224, 224))
        kept = {}
        for number, given in enumerate(inputs(shape)):
            kept[f"{number}/data"] = given
            found = answers(net, given, options.get("syms"))
            kept |= {f"{number}/{place}": value for place, value in enumerate(found)}
        if case == "softmax":
            kept |= {name: mx.nd.softmax(mx.nd.array(kept[name])).asnumpy() for name in kept if name.endswith("/0")}
        np.savez(folder / "answers.npz", **kept)
        blobs = [layer.top[0] for layer in text.layer if layer.name in INSIDE] if case == "several" else []
        (folder / "more.json").write_text(json.dumps(blobs))


main()
