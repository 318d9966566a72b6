"""Small single shot detectors as MXNet symbols: as GluonCV exports them, and as MXNet's own example writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.parsers.case import noise
from tests.parsers.files import Array, Edge, Net


@dataclass(frozen=True)
class Detector:
    """What a detector is made of.

    Attributes:
        height: Of the image, in pixels, a multiple of 8.
        width: Of the image.
        classes: Without the background.
        sizes: Of the anchors of each map, in pixels: as of MXNet, the least and the root of least times greatest.
        ratios: Of the anchors of each map.
        top_k: How many boxes take part; -1: all.
        kept: The rows of the outputs.
        overlap: That suppresses.
    """

    height: int = 48
    width: int = 64
    classes: int = 3
    sizes: Sequence[tuple[float, float]] = ((8.0, 12.0), (20.0, 28.284271))
    ratios: Sequence[tuple[float, ...]] = ((1, 2, 0.5), (1, 2, 0.5, 3, 1 / 3))
    top_k: int = 40
    kept: int = 20
    overlap: float = 0.45
    threshold: float = 0.01

    @property
    def steps(self) -> tuple[int, int]:
        """Pixels of the image to a pixel of each map."""
        return 4, 8


def anchors(detector: Detector, number: int) -> Array:
    """The table of GluonCV's SSDAnchorGenerator for a map, twice as large as needed, ``1 x 1 x H x W x 4A``."""
    step, (least, second), ratios = detector.steps[number], detector.sizes[number], detector.ratios[number]
    height, width = 2 * detector.height // step, 2 * detector.width // step
    boxes = [(least, least), (second, second)]
    boxes += [(least * np.sqrt(ratio), least / np.sqrt(ratio)) for ratio in ratios[1:]]
    table = np.empty((height, width, len(boxes), 4))
    table[..., 0] = ((np.arange(width) + 0.5) * step)[None, :, None]
    table[..., 1] = ((np.arange(height) + 0.5) * step)[:, None, None]
    table[..., 2:] = boxes
    return table.reshape(1, 1, height, width, -1).astype(np.float32)


def gluon(detector: Detector, tables: Sequence[Array] | None = None) -> tuple[Net, list[Edge]]:
    """A detector with GluonCV's ending, and its heads: ids, scores, boxes. ``tables`` are other anchors."""
    net = Net()
    maps = _features(net, detector)
    scores = _predicted(net, maps, "class", [len(r) + 1 for r in detector.ratios], detector.classes + 1)
    codes = _predicted(net, maps, "box", [len(r) + 1 for r in detector.ratios], 4)
    conf = net.node("softmax", "softmax", [_table(net, scores, "scores", detector.classes + 1)], axis="-1")
    given = [anchors(detector, number) for number in range(2)] if tables is None else tables
    boxes = net.node(
        "_contrib_box_decode",
        "decode",
        [_table(net, codes, "codes", 4), _anchors(net, maps, given)],
        std0="0.1",
        std1="0.1",
        std2="0.2",
        std3="0.2",
        clip="-1.0",
        format="center",
    )
    return net, _suppressed(net, detector, _rows(net, detector, conf, boxes))


def multibox(detector: Detector, **attributes: str) -> tuple[Net, list[Edge]]:
    """A detector with MXNet's own operators, with other ``attributes`` of MultiBoxDetection."""
    net = Net()
    maps = _features(net, detector)
    scores = _predicted(net, maps, "class", [len(r) + 1 for r in detector.ratios], detector.classes + 1)
    codes = _predicted(net, maps, "box", [len(r) + 1 for r in detector.ratios], 4)
    table = net.node("Reshape", "scores", [scores], shape=f"(0, -1, {detector.classes + 1})")
    turned = net.node("transpose", "turned", [table], axes="(0, 2, 1)")
    conf = net.node("SoftmaxActivation", "softmax", [turned], mode="channel")
    side = detector.height
    priors = [
        net.node(
            "_contrib_MultiBoxPrior",
            f"anchors{number}",
            [each],
            sizes=str(tuple(size / side for size in detector.sizes[number])),
            ratios=str(detector.ratios[number]),
            clip=attributes.get("clip_priors", "False"),
        )
        for number, each in enumerate(maps)
    ]
    flat = [net.node("Flatten", f"flat{number}", [each]) for number, each in enumerate(priors)]
    joined = net.node("Concat", "anchors", flat, dim="1", num_args="2")
    corners = net.node("Reshape", "corners", [joined], shape="(0, -1, 4)")
    given = {"nms_threshold": str(detector.overlap), "nms_topk": str(detector.top_k), "threshold": "0.01"}
    given |= {name: value for name, value in attributes.items() if name != "clip_priors"}
    return net, [net.node("_contrib_MultiBoxDetection", "detection", [conf, codes, corners], **given)]


def _features(net: Net, detector: Detector) -> list[Edge]:
    data = net.input("data", noise("ssd", 2, 3, detector.height, detector.width))
    first = _convolution(net, "body0", data, 3, 8, stride=4)
    return [first, _convolution(net, "body1", first, 8, 8, stride=2)]


def _convolution(net: Net, name: str, data: Edge, inputs: int, outputs: int, *, stride: int = 1) -> Edge:
    kernel = noise(f"{name}-weight", outputs, inputs, 3, 3, low=-0.5, high=0.5)
    edges = [data, net.arg(f"{name}_weight", kernel), net.arg(f"{name}_bias", noise(f"{name}-bias", outputs))]
    options = {"kernel": "(3, 3)", "pad": "(1, 1)", "stride": f"({stride}, {stride})", "num_filter": str(outputs)}
    return net.node("Convolution", name, edges, **options)


def _predicted(net: Net, maps: Sequence[Edge], name: str, boxes: Sequence[int], numbers: int) -> Edge:
    flat = []
    for number, (each, count) in enumerate(zip(maps, boxes, strict=True)):
        found = _convolution(net, f"{name}{number}", each, 8, count * numbers)
        last = net.node("transpose", f"{name}{number}_last", [found], axes="(0, 2, 3, 1)")
        flat.append(net.node("Flatten", f"{name}{number}_flat", [last]))
    return net.node("Concat", f"{name}_all", flat, dim="1", num_args=str(len(flat)))


def _table(net: Net, flat: Edge, name: str, columns: int) -> Edge:
    return net.node("Reshape", name, [flat], shape=f"(0, -1, {columns})")


def _anchors(net: Net, maps: Sequence[Edge], tables: Sequence[Array]) -> Edge:
    flat = []
    for number, (each, table) in enumerate(zip(maps, tables, strict=True)):
        edge = net.arg(f"anchor_{number}", table)
        like = net.node("_mul_scalar", f"generator{number}_zero", [each], scalar="0")
        used = net.node("slice_like", f"generator{number}_slice", [edge, like], axes="(2, 3)")
        boxes = net.node("Reshape", f"generator{number}_boxes", [used], shape="(1, -1, 4)")
        flat.append(net.node("Reshape", f"generator{number}_flat", [boxes], shape="(1, -1)"))
    joined = net.node("Concat", "anchors", flat, dim="1", num_args=str(len(flat)))
    return net.node("Reshape", "anchor_table", [joined], shape="(1, -1, 4)")


def _rows(net: Net, detector: Detector, conf: Edge, boxes: Edge) -> Edge:
    """GluonCV's MultiPerClassDecoder, and a table of class, score and box for each class, one below the other."""
    objects = net.node("slice_axis", "objects", [conf], axis="-1", begin="1", end="None")
    good = net.node("_greater_scalar", "good", [objects], scalar=str(detector.threshold))
    background = net.node("slice_axis", "background", [conf], axis="-1", begin="0", end="1")
    zeros = net.node("zeros_like", "zeros", [background])
    numbers = net.node("_arange", "numbers", start=str(detector.classes), stop="None", dtype="float32")
    shaped = net.node("Reshape", "number_row", [numbers], shape=f"(1, 1, {detector.classes})")
    kinds = net.node("broadcast_add", "kinds", [zeros, shaped])
    none = net.node("_mul_scalar", "none", [net.node("ones_like", "ones", [kinds])], scalar="-1")
    ids = net.node("where", "good_kinds", [good, kinds, none])
    scores = net.node("where", "good_scores", [good, objects, net.node("zeros_like", "no_scores", [objects])])
    tables = []
    for number in range(detector.classes):
        columns = [
            net.node("slice_axis", f"{name}{number}", [edge], axis="-1", begin=str(number), end=str(number + 1))
            for name, edge in (("id", ids), ("score", scores))
        ]
        tables.append(net.node("Concat", f"rows{number}", [*columns, boxes], dim="-1", num_args="3"))
    return net.node("Concat", "rows", tables, dim="1", num_args=str(len(tables)))


def _suppressed(net: Net, detector: Detector, rows: Edge) -> list[Edge]:
    nms = net.node(
        "_contrib_box_nms",
        "nms",
        [rows],
        overlap_thresh=str(detector.overlap),
        topk=str(detector.top_k),
        valid_thresh=str(detector.threshold),
        id_index="0",
        score_index="1",
        coord_start="2",
        force_suppress="False",
    )
    kept = net.node("slice_axis", "kept", [nms], axis="1", begin="0", end=str(detector.kept))
    ends = (("ids", 0, 1), ("found_scores", 1, 2), ("found_boxes", 2, 6))
    return [
        net.node("slice_axis", name, [kept], axis="2", begin=str(first), end=str(end)) for name, first, end in ends
    ]
