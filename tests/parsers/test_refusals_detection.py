"""What the frontend refuses of object detection, and how it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import converter
from converter.errors import BadInput, Unsupported
from tests.parsers.files import Net, write

Inputs = dict[str, tuple[int | str, ...]]

PRIOR, DETECTION = "_contrib_MultiBoxPrior", "_contrib_MultiBoxDetection"
PROPOSAL = "_contrib_Proposal"
BOXES = {"data": ("batch", 7, 6)}
MAP = {"data": ("batch", 1, 3, 4)}
SQUARE = {"data": ("batch", 1, 3, 3)}
SEEN: Inputs = {"cls_prob": ("batch", 3, 5), "loc_pred": ("batch", 20), "anchor": (1, 5, 4)}
ONE = {"scales": "(8,)", "ratios": "(1,)"}
OPEN = "is the open batch dimension; give the batch a number"


def regions(pictures: int | str) -> Inputs:
    """Inputs of Proposal with one anchor."""
    return {"cls_prob": (pictures, 2, 3, 4), "bbox_pred": (pictures, 4, 3, 4), "im_info": (pictures, 3)}


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "said"),
    [
        ("_contrib_box_nms", {"data": (6,)}, {}, "its input is not rows of boxes"),
        ("_contrib_box_nms", {"data": ("batch", 6)}, {}, f"its axis -2 {OPEN}"),
        ("_contrib_box_nms", BOXES, {"coord_start": "3"}, "rows of 6 lack its coordinates, score or class"),
        ("_contrib_box_nms", BOXES, {"score_index": "-1"}, "rows of 6 lack its coordinates, score or class"),
        ("_contrib_box_nms", BOXES, {"id_index": "6"}, "rows of 6 lack its coordinates, score or class"),
        ("_contrib_box_nms", BOXES, {"in_format": "polar"}, "in_format='polar'; supported: only corner, center"),
        ("_contrib_box_iou", {"lhs": (3, 4), "rhs": (4,)}, {}, "its inputs are not rows of four coordinates"),
        ("_contrib_box_iou", {"lhs": (3, 4), "rhs": (3, 5)}, {}, "its inputs are not rows of four coordinates"),
        (
            "_contrib_box_decode",
            {"data": ("batch", 7, 4), "anchors": (1, 6, 4)},
            {},
            "its anchors are 1x6x4, not one",
        ),
        ("_contrib_box_decode", {"data": ("batch", 7, 5), "anchors": (1, 7, 4)}, {}, "each box of four coordinates"),
        (PRIOR, MAP, {"sizes": "(a, 1)"}, "sizes='(a, 1)'; supported: numbers such as (0.5, 1)"),
        (PRIOR, MAP, {"sizes": "()"}, "needs positive sizes and ratios, two steps and two offsets"),
        (PRIOR, MAP, {"ratios": "(1,0)"}, "needs positive sizes and ratios, two steps and two offsets"),
        (PRIOR, MAP, {"steps": "(1,)"}, "needs positive sizes and ratios, two steps and two offsets"),
        ("MultiBoxPrior", MAP, {}, "a feature map that is not square, or a first ratio other than 1"),
        ("MultiBoxPrior", SQUARE, {"ratios": "(2, 1)"}, "a feature map that is not square, or a first ratio"),
        ("MultiBoxPrior", SQUARE, {"steps": "(1, 1)"}, "unknown attribute MultiBoxPrior.steps"),
        (DETECTION, SEEN, {"variances": "(0.1, 0.2)"}, "has 2 variances; it needs 4"),
        (DETECTION, {**SEEN, "anchor": (1, 4, 4)}, {}, "do not tell a box and two classes or more for each anchor"),
        (DETECTION, {**SEEN, "cls_prob": ("batch", 1, 5)}, {}, "do not tell a box and two classes or more"),
        (PROPOSAL, regions("batch"), ONE, f"its axis 0 {OPEN}"),
        (PROPOSAL, regions(1), {}, "not two scores and a box for 12 anchors, and a picture's size and scale"),
        (PROPOSAL, regions(1), {**ONE, "feature_stride": "0"}, "has feature_stride=0; the least is 1"),
        (PROPOSAL, regions(1), {**ONE, "rpn_post_nms_top_n": "0"}, "has rpn_post_nms_top_n=0; the least is 1"),
        (PROPOSAL, regions(1), {**ONE, "scales": "(-1,)"}, "has a scale or a ratio that is not positive"),
        (
            "_contrib_bipartite_matching",
            BOXES,
            {"threshold": "1"},
            "it assigns a training picture's boxes to anchors",
        ),
        ("_contrib_MultiBoxTarget", BOXES, {}, "it makes the targets of training"),
        ("MultiBoxTarget", BOXES, {}, "it makes the targets of training"),
        ("_contrib_mrcnn_mask_target", BOXES, {}, "it makes the targets of training"),
    ],
)
def test_says_what_it_cannot_read(
    op: str, inputs: Inputs, attributes: dict[str, str], said: str, tmp_path: Path
) -> None:
    net = Net()
    net.node(op, "node", [net.input(name, np.zeros(0, np.float32)) for name in inputs], **attributes)
    graph, weights = write(tmp_path, net.symbol(), {})
    with pytest.raises((Unsupported, BadInput)) as caught:
        converter.parse("mxnet", graph=graph, weights=weights, inputs=inputs)
    assert said in str(caught.value)
