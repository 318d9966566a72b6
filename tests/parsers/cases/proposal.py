"""Region proposals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Net


def cases() -> Iterator[Case]:
    """One case of each variant."""
    small = {"scales": "(1, 2.5)", "ratios": "(0.5, 1,2)", "feature_stride": "8", "rpn_min_size": "4"}
    yield _case(
        "proposal",
        1,
        6,
        {
            "few": {**small, "rpn_post_nms_top_n": "6"},
            "scored": {**small, "rpn_post_nms_top_n": "9", "output_score": "True", "threshold": "0.4"},
            "repeated": {**small, "rpn_pre_nms_top_n": "7", "rpn_post_nms_top_n": "12", "threshold": "0.2"},
            "pixels": {**small, "rpn_post_nms_top_n": "8", "rpn_min_size": "0", "rpn_pre_nms_top_n": "0"},
            "corners": {**small, "rpn_post_nms_top_n": "8", "iou_loss": "True"},
        },
    )
    yield _case("proposal-default", 1, 12, {"node": {"output_score": "False"}})
    yield _case(
        "multi-proposal",
        2,
        6,
        {
            "few": {**small, "rpn_post_nms_top_n": "6", "output_score": "1"},
            "repeated": {**small, "rpn_pre_nms_top_n": "7", "rpn_post_nms_top_n": "12", "threshold": "0.2"},
        },
    )


def _case(identity: str, pictures: int, anchors: int, rows: dict[str, dict[str, str]]) -> Case:
    """Pictures of 3 x 4 cells, the last row of which is padding."""
    net = Net()
    scores = np.floor(noise(identity, pictures, 2 * anchors, 3, 4, low=0, high=1) * 64) / 64
    info = np.array([[19, 32, 1], [23, 30, 1.5]], np.float32)[:pictures]
    inputs = [
        net.input("cls_prob", scores),
        net.input("bbox_pred", noise(identity + "codes", pictures, 4 * anchors, 3, 4, low=-0.5, high=0.5)),
        net.input("im_info", info),
    ]
    op = "_contrib_Proposal" if pictures == 1 else "_contrib_MultiProposal"
    heads = []
    for name, row in rows.items():
        node, first = net.node(op, name, inputs, **row)
        heads += [(node, first)] + [(node, 1)] * (row.get("output_score") in ("True", "1"))
    return case(identity, net, *heads, fixed=True)
