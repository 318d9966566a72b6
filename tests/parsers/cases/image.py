"""Preprocessing inside the network."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Array, Net

CHW = {"one": (1, 4, 5), "three": (3, 4, 5), "batch": (2, 3, 4, 5)}
HWC = {"picture": (4, 6, 3), "batch": (2, 4, 6, 3)}


def cases() -> Iterator[Case]:
    """Pictures alone and in a batch, of bytes and of floating point numbers."""
    for name, shape in HWC.items():
        values = noise(name, *shape, low=0, high=255)
        for kind in (np.float32, np.uint8, np.int32):
            yield single(f"tensor-{name}-{kind.__name__}", "_image_to_tensor", values.astype(kind), {})
        for other, attributes in (
            ("larger", {"size": "(9, 7)"}),
            ("smaller", {"size": "[2, 3]", "interp": "1"}),
            ("square", {"size": "5"}),
            ("short", {"size": "(5,)", "keep_ratio": "True"}),
            ("both", {"size": "(4, 6)", "keep_ratio": "True"}),
        ):
            yield single(f"resize-{name}-{other}", "_image_resize", values, attributes)
        for kind in (np.float32, np.uint8):
            window = {"x": "1", "y": "2", "width": "3", "height": "2"}
            yield single(f"crop-{name}-{kind.__name__}", "_image_crop", values.astype(kind), window)
    tall = noise("tall", 6, 4, 3)
    yield single("resize-tall", "_image_resize", tall, {"size": "3", "keep_ratio": "True"})
    for side in ("left_right", "top_bottom"):
        yield single(f"flip-{side}", f"_image_flip_{side}", tall, {})
    for name, shape in CHW.items():
        own = {"mean": "(0.485, 0.456, 0.406)", "std": "(0.229, 0.224, 0.225)"} if name != "one" else {}
        for other, attributes in (("own", own), ("shared", {"mean": "0.5", "std": "(0.25,)"})):
            given = {"mean": "(0.1,)", "std": "(2,)"} | attributes
            yield single(f"normalize-{name}-{other}", "_image_normalize", noise(name, *shape), given)
    yield pipeline()


def single(identity: str, op: str, values: Array, attributes: dict[str, str]) -> Case:
    """A network of one operator; a picture alone has no batch to leave open."""
    net = Net()
    net.node(op, "node", [net.input("data", values)], **attributes)
    return case(f"image-{identity}", net, fixed=values.ndim == 3)


def pipeline() -> Case:
    """What Gluon's ToTensor and Normalize make of a batch of bytes."""
    net = Net()
    tensor = net.node(
        "_image_to_tensor", "tensor", [net.input("data", noise("pipe", 2, 4, 5, 3, high=255).astype("u1"))]
    )
    net.node("_image_normalize", "normalize", [tensor], mean="(0.485, 0.456, 0.406)", std="(0.229, 0.224, 0.225)")
    return case("image-pipeline", net)
