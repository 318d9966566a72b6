"""Boxes: suppression, overlap, codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tests.parsers.case import Case, case, constant, noise, variants
from tests.parsers.files import Array, Net


def corners(name: str, *shape: int) -> Array:
    """Boxes around each other, some of them with a negative first coordinate."""
    first = noise(name, *shape, 2, low=-0.1, high=0.5)
    return np.concatenate([first, first + noise(name + "size", *shape, 2, low=0.2, high=0.6)], axis=-1)


def scored(name: str, *shape: int) -> Array:
    """Rows of class, score and corners; some classes are no whole numbers, and some scores alike."""
    kinds = np.floor(noise(name + "class", *shape, 1, low=-1, high=3) * 2) / 2
    scores = np.floor(noise(name + "score", *shape, 1, low=-0.2, high=1) * 16) / 16
    return np.concatenate([kinds, scores, corners(name, *shape)], axis=-1)


def cases() -> Iterator[Case]:
    """One case of each variant."""
    yield from _suppression()
    yield from _overlap()
    yield from _decoding()
    yield _encoding()


def _suppression() -> Iterator[Case]:
    classes = {"id_index": "0", "valid_thresh": "-1"}
    yield variants(
        "box-nms",
        "_contrib_box_nms",
        [scored("box-nms", 2, 14)],
        {
            "default": {},
            "strict": {"overlap_thresh": "0.1"},
            "loose": {"overlap_thresh": "0.7", "valid_thresh": "0.4"},
            "none-valid": {"valid_thresh": "1"},
            "few": {"topk": "4"},
            "many": {"topk": "400"},
            "unlimited": {"topk": "0", "out_format": "center"},
            "classes": classes,
            "background": {**classes, "background_id": "1", "overlap_thresh": "0.3"},
            "forced": {**classes, "force_suppress": "True"},
            "all": {**classes, "force_suppress": "1", "background_id": "0", "topk": "5", "overlap_thresh": "0.2"},
        },
    )
    formats = {
        f"{a}-{b}": {"in_format": a, "out_format": b} for a in ("corner", "center") for b in ("corner", "center")
    }
    yield replace(
        variants("box-nms-formats", "_contrib_box_nms", [scored("box-nms-formats", 2, 10)], formats),
        tolerance=1e-6,
        reason="the same steps, as far as compilers round alike",
    )
    halves = np.array([[[0, 0.9, 0, 0, 1, 1], [0, 0.8, 0, 0.5, 1, 1], [0, 0.7, 0, 0, 0.25, 1]]], np.float32)
    yield variants("box-nms-limit", "_contrib_box_nms", [halves], {"node": {"overlap_thresh": "0.5"}})
    one = scored("box-nms-empty", 2, 6)
    one[0, :, 1] = -1
    yield variants("box-nms-empty", "_contrib_box_nms", [one], {"node": {}})
    rows = scored("box-nms-columns", 2, 8)
    wide = np.concatenate([rows[..., 2:], noise("box-nms-columns", 2, 8, 2), rows[..., 1:2], rows[..., :1]], axis=-1)
    given = {"coord_start": "0", "score_index": "6", "id_index": "7", "topk": "6"}
    between = {"coord_start": "1", "score_index": "0", "id_index": "6", "valid_thresh": "-1"}
    yield variants(
        "box-nms-columns",
        "_contrib_box_non_maximum_suppression",
        [wide],
        {"first": {**given, "out_format": "center"}, "between": {**between, "out_format": "center"}},
    )
    yield variants("box-nms-2d", "_contrib_box_nms", [scored("box-nms-2d", 9)], {"node": {"topk": "7"}}, fixed=True)
    yield variants("box-nms-4d", "_contrib_box_nms", [scored("box-nms-4d", 2, 2, 5)], {"node": {"topk": "4"}})


def _overlap() -> Iterator[Case]:
    for ranks, left, right in (("", (3,), (4,)), ("-batches", (2, 3), (2, 2)), ("-high", (1, 2, 2), (3,))):
        net = Net()
        both = corners("lhs", *left), corners("rhs", *right)
        for boxes in both:
            boxes[..., 0, :] = 0  # a point, which has no area
        edges = [net.input("lhs", both[0]), constant(net, "rhs", both[1])]
        heads = [net.node("_contrib_box_iou", form, edges, format=form) for form in ("corner", "center")]
        yield case(f"box-iou{ranks}", net, *heads, net.node("_contrib_box_iou", "default", edges))


def _decoding() -> Iterator[Case]:
    anchors = corners("anchors", 1, 5)
    stds = {"std0": "0.1", "std1": "0.2", "std2": "0.3", "std3": "0.4"}
    rows = {
        "default": {},
        "corner": {"format": "corner"},
        "scaled": {**stds, "format": "center"},
        "clipped": {**stds, "format": "corner", "clip": "0.1"},
        "unclipped": {"clip": "0"},
    }
    net = Net()
    edges = [net.input("data", noise("box-decode", 2, 5, 4)), constant(net, "anchors", anchors)]
    yield case(
        "box-decode", net, *(net.node("_contrib_box_decode", name, edges, **row) for name, row in rows.items())
    )
    net = Net()
    net.node("_contrib_box_decode", "node", [net.input("data", noise("box", 3, 5, 4)), net.input("anchors", anchors)])
    yield case("box-decode-fixed", net, fixed=True)


def _encoding() -> Case:
    net = Net()
    inputs = [
        net.input("samples", np.array([[1, 0, -1, 1], [1, 1, 0, 0.6]], np.float32)),
        net.input("matches", np.array([[2, 4, -1, 1], [0, 1, 1, 2]], np.float32)),
        net.input("anchors", corners("encode-anchors", 2, 4)),
        net.input("refs", corners("encode-refs", 2, 3)),
        constant(net, "means", noise("encode-means", 4)),
        constant(net, "stds", noise("encode-stds", 4, low=0.1, high=0.5)),
    ]
    node, first = net.node("_contrib_box_encode", "node", inputs)
    return case("box-encode", net, (node, first), (node, 1))
