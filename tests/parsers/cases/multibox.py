"""MXNet's own SSD: anchors, and what is detected at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, constant, noise, variants
from tests.parsers.cases.box import corners
from tests.parsers.files import Array, Net

PRIOR = "_contrib_MultiBoxPrior"
DETECTION = "_contrib_MultiBoxDetection"


def cases() -> Iterator[Case]:
    """One case of each variant."""
    yield from _priors()
    yield from _detections()


def _priors() -> Iterator[Case]:
    sizes = {"sizes": "(0.2, 0.35,0.9)"}
    yield replace(
        variants(
            "multibox-prior",
            PRIOR,
            [noise("prior", 2, 1, 3, 7)],
            {
                "default": {},
                "sizes": {**sizes, "ratios": "[1, 2, 0.5]"},
                "first-ratio": {**sizes, "ratios": "(2,3)"},
                "clipped": {**sizes, "clip": "True"},
                "steps": {"sizes": "0.3", "steps": "(0.11, 0.07)", "offsets": "(0.25,1)"},
                "one-step": {"steps": "(0.3, 0)"},
            },
        ),
        reason="the anchors have to be MXNet's own to the last bit",
    )
    net = Net("0.8")
    data = net.input("data", noise("prior", 2, 1, 3, 3))
    net.node("MultiBoxPrior", "node", [data], sizes="(0.2,0.3)", ratios="(1.0,2.0,0.5)", clip="True")
    yield replace(case("multibox-prior-0.8", net), records="V0", runs_as={"MultiBoxPrior": PRIOR})


def _likely(name: str, pictures: int, classes: int, anchors: int) -> Array:
    """Scores, many of them alike; the first picture shows nothing, the first anchor less than that."""
    rounded = np.floor(noise(name, pictures, classes, anchors, low=0, high=1) * 8) / 8
    rounded[0, 1:] = 0
    rounded[:, :, 0] = -1.5
    return rounded


def _detections() -> Iterator[Case]:
    rows = {
        "default": {},
        "forced": {"force_suppress": "True", "nms_threshold": "0.3"},
        "open": {"clip": "False", "variances": "(0.1,0.2,0.3,0.4)", "background_id": "1"},
        "likely": {"threshold": "0.75"},
        "certain": {"threshold": "1.5"},
        "any": {"threshold": "-2", "nms_threshold": "1"},
        "few": {"nms_topk": "5", "nms_threshold": "0.2"},
        "few-forced": {"nms_topk": "5", "nms_threshold": "0.2", "force_suppress": "1"},
        "few-likely": {"nms_topk": "5", "threshold": "0.9"},
        "all": {"nms_topk": "400"},
        "unlimited": {"nms_topk": "0"},
        "kept": {"nms_threshold": "0", "nms_topk": "5"},
        "kept-too": {"nms_threshold": "1.01"},
    }
    net = Net()
    edges = _inputs(net, 3, 4, 12)
    yield case("multibox-detection", net, *(net.node(DETECTION, name, edges, **row) for name, row in rows.items()))
    net = Net()
    net.node(DETECTION, "node", _inputs(net, 2, 2, 6))
    yield case("multibox-detection-one-class", net)
    yield _half()
    net = Net("0.8")
    net.node("MultiBoxDetection", "node", _inputs(net, 2, 3, 6), nms_threshold="0.5", variances="(0.1,0.1,0.2,0.2)")
    yield replace(
        case("multibox-detection-0.8", net, fixed=True), records="V0", runs_as={"MultiBoxDetection": DETECTION}
    )


def _half() -> Case:
    """Boxes that overlap by just the threshold."""
    net = Net()
    inputs = [
        net.input("cls_prob", np.array([[[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]]], np.float32)),
        net.input("loc_pred", np.zeros((1, 12), np.float32)),
        constant(net, "anchor", np.array([[[0, 0, 1, 1], [0, 0.5, 1, 1], [0, 0, 0.25, 1]]], np.float32)),
    ]
    net.node(DETECTION, "node", inputs, nms_threshold="0.5")
    return case("multibox-detection-limit", net)


def _inputs(net: Net, pictures: int, classes: int, anchors: int) -> list[tuple[int, int]]:
    boxes = corners("detection-anchors", 1, anchors)
    return [
        net.input("cls_prob", _likely("detection", pictures, classes, anchors)),
        net.input("loc_pred", noise("detection-loc", pictures, 4 * anchors)),
        constant(net, "anchor", boxes) if net.era == "1.x" else net.input("anchor", boxes),
    ]
