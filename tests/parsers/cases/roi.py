"""Pooling of regions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.parsers.case import Case, case, noise
from tests.parsers.files import Net

REGIONS = np.array(
    [
        [0, 0, 0, 4, 4],
        [1, 1.4, 2.5, 9.6, 6.5],
        [0.9, 3, 3, 3, 3],
        [1, -5, -3, 4, 14],
        [0, 8, 6, 2, 1],
        [1, -9, -9, -4, -5],
        [0, 9, 7, 30, 30],
    ],
    np.float32,
)
"""Inside, on halves, of one point and an image that is rounded down, beyond the borders, back to front, outside."""
NO_IMAGE = np.array([[-1, 0, 0, 4, 4], [-1, -1, -1, -1, -1]], np.float32)
"""As box_nms writes them. Only ROIPooling answers: MXNet's other kernels read memory that is not theirs."""


def cases() -> Iterator[Case]:
    """Sizes, scales, sampling; regions in, across and outside of the feature map."""
    for size, scale in (
        ("(2, 2)", "1.0"),
        ("(3, 2)", "0.5"),
        ("(7, 7)", "0.0625"),
        ("(1, 1)", "1.0"),
        ("(4, 6)", "1"),
    ):
        yield regions(f"{size}-{scale}", "ROIPooling", {"pooled_size": size, "spatial_scale": scale})
    yield regions("0.8", "ROIPooling", {"pooled_size": "(2,3)", "spatial_scale": "0.5"}, era="0.8")
    align = {
        "default": {},
        "once": {"sample_ratio": "1"},
        "twice": {"sample_ratio": "2", "spatial_scale": "0.25"},
        "zero": {"sample_ratio": "0", "pooled_size": "(7, 7)"},
        "sensitive": {"position_sensitive": "True", "sample_ratio": "2"},
        "sensitive-uneven": {"position_sensitive": "True", "pooled_size": "(3, 2)"},
        "centred": {"aligned": "True"},
        "centred-twice": {"aligned": "True", "sample_ratio": "2", "spatial_scale": "0.5"},
    }
    for name, attributes in align.items():
        given = {"pooled_size": "(2, 2)", "spatial_scale": "1.0"} | attributes
        yield regions(name, "_contrib_ROIAlign", given)
    yield from position_sensitive()


def position_sensitive() -> Iterator[Case]:
    """R-FCN's pooling, plain and deformable, with as many groups as parts, fewer, and one."""
    plain = {"spatial_scale": "0.5", "output_dim": "3", "pooled_size": "2"}
    for name, attributes in (
        ("own", {}),
        ("scale", {"spatial_scale": "1"}),
        ("uneven", {"pooled_size": "5", "group_size": "2"}),
    ):
        yield regions(name, "_contrib_PSROIPooling", plain | attributes)
    deformed = plain | {"group_size": "2", "trans_std": "0.3", "sample_per_part": "3"}
    for name, attributes, channels in (
        ("own", {}, 2),
        ("once", {"spatial_scale": "1", "sample_per_part": "1"}, 2),
        ("classes", {"pooled_size": "4"}, 6),
        ("parts", {"pooled_size": "7", "part_size": "3"}, 2),
        ("one-group", {"group_size": "1", "output_dim": "12", "pooled_size": "3"}, 2),
        ("still", {"no_trans": "True"}, 0),
    ):
        yield regions(name, "_contrib_DeformablePSROIPooling", deformed | attributes, trans=channels)


def regions(name: str, op: str, attributes: dict[str, str], era: str = "1.x", trans: int = 0) -> Case:
    """Two feature maps and regions of them; where MXNet insists, none that is back to front."""
    net, identity = Net(era), f"{op.removeprefix('_contrib_').lower()}-{name}"
    forward = (REGIONS[:, 3:] > REGIONS[:, 1:3]).all(axis=1)
    rois = REGIONS[forward] if attributes.get("aligned") == "True" else REGIONS
    if op == "ROIPooling":
        rois = np.concatenate([rois, NO_IMAGE])
    channels = (
        2 if op == "ROIPooling" or (op == "_contrib_ROIAlign" and "position_sensitive" not in attributes) else 12
    )
    edges = [net.input("data", noise(identity, 2, channels, 8, 10)), net.input("rois", rois)]
    if trans:
        parts = int(attributes.get("part_size", attributes["pooled_size"]))
        edges.append(net.input("trans", noise(f"{identity}-trans", len(rois), trans, parts, parts)))
    net.node(op, "pooling", edges, **attributes)
    return case(identity, net, fixed=True)
