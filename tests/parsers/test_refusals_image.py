"""What the frontend refuses of resizing, sampling and the pooling of regions, and how it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parsers.files import Array, Net
from tests.parsers.refusal import refusal

Inputs = dict[str, tuple[int | str, ...]]

IMAGE = ("batch", 3, 4, 5)
AFFINE = {"transform_type": "affine", "target_shape": "(3, 4)"}
RESIZE = "_contrib_BilinearResize2D"
ROIS = {"data": (2, 12, 8, 9), "rois": (5, 5)}
POOL = {"pooled_size": "(2, 2)", "spatial_scale": "1.0"}
PS = {"output_dim": "3", "pooled_size": "2", "spatial_scale": "1.0", "group_size": "2"}
FLOWS = {"data1": IMAGE, "data2": IMAGE}


def said_of(
    folder: Path, op: str, inputs: Inputs, attributes: dict[str, str], params: dict[str, Array] | None = None
) -> str:
    """What the parser says of a network of one operator."""
    net = Net()
    edges = [net.input(name, np.zeros(0, np.float32)) for name in inputs]
    edges += [net.arg(name, value) for name, value in (params or {}).items()]
    net.node(op, "node", edges, **attributes)
    return refusal(folder, net, inputs)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "said"),
    [
        (
            "UpSampling",
            {"data": ("batch", 3, 4)},
            {"scale": "2", "sample_type": "nearest"},
            "an input of 3 dimensions",
        ),
        ("UpSampling", {"data": IMAGE}, {"scale": "0", "sample_type": "nearest"}, "has scale=0; the least is 1"),
        ("UpSampling", {"data": IMAGE}, {"scale": "2", "sample_type": "cubic"}, "sample_type='cubic'"),
        ("UpSampling", {"data": IMAGE}, {"scale": "2", "sample_type": "bilinear", "num_filter": "3"}, "a weight"),
        (
            "UpSampling",
            {"a": IMAGE, "b": ("batch", 3, 8, 9)},
            {"scale": "4", "sample_type": "nearest"},
            "not divide 16x20",
        ),
        (RESIZE, {"data": IMAGE}, {"scale_height": "2"}, "needs both scale_height and scale_width"),
        (RESIZE, {"data": IMAGE}, {"mode": "like"}, "has 1 inputs with mode=like"),
        (RESIZE, {"data": IMAGE, "like": IMAGE}, {"height": "2"}, "has 2 inputs with mode=size"),
        (RESIZE, {"data": IMAGE}, {"height": "0"}, "has height=0; the least is 1"),
        (RESIZE, {"data": ("batch", 3, 1, 5)}, {"mode": "to_even_down"}, "its output would be batchx3x0x4"),
        ("GridGenerator", {"data": ("batch", 9)}, AFFINE, "they must be batchx6"),
        ("GridGenerator", {"data": ("batch", 6)}, AFFINE | {"target_shape": "(1, 4)"}, "MXNet divides by zero"),
        ("GridGenerator", {"data": ("batch", 6)}, {"transform_type": "affine"}, "the least is 1"),
        ("GridGenerator", {"data": ("batch", 2, 5, 1)}, {"transform_type": "warp"}, "MXNet divides by zero"),
        ("GridGenerator", {"data": ("batch", 3, 5, 4)}, {"transform_type": "warp"}, "it must have 2 channels"),
        ("BilinearSampler", {"data": IMAGE, "grid": ("batch", 3, 4, 5)}, {}, "does not fit an input batchx3x4x5"),
        ("SpatialTransformer", {"data": IMAGE, "loc": (3, 6)}, AFFINE | {"sampler_type": "bilinear"}, "3x6 matrices"),
        ("Correlation", FLOWS, {"kernel_size": "2"}, "MXNet takes odd ones only"),
        ("Correlation", FLOWS, {"max_displacement": "2"}, "need 4 of padded 4x5"),
        ("Correlation", FLOWS | {"data2": ("batch", 3, 4, 6)}, {}, "they must be alike"),
        ("Correlation", FLOWS, {"max_displacement": "9999", "pad_size": "9999"}, "a table of displacements"),
        ("ROIPooling", ROIS | {"rois": (5, 4)}, POOL, "they must be [image, x1, y1, x2, y2]"),
        ("ROIPooling", ROIS, POOL | {"pooled_size": "(2,)"}, "has pooled_size=(2,)"),
        ("_contrib_ROIAlign", ROIS, POOL | {"pooled_size": "(5, 2)", "position_sensitive": "True"}, "into 10 parts"),
        ("_contrib_PSROIPooling", ROIS, PS | {"group_size": "3"}, "12 channels; 3 outputs of 3x3 groups"),
        ("_contrib_PSROIPooling", ROIS | {"data": ("batch", 12, 8, 9)}, PS, "give the batch a number"),
        ("_contrib_PSROIPooling", ROIS, PS | {"pooled_size": "99999"}, "a table of parts"),
        ("_contrib_DeformablePSROIPooling", ROIS, PS, "it has no input trans although no_trans is False"),
        (
            "_contrib_DeformablePSROIPooling",
            ROIS | {"t": (5, 4, 2, 2)},
            PS,
            "its trans 5x4x2x2 does not fit 3 outputs",
        ),
        (
            "_image_resize",
            {"data": (4, 5, 3)},
            {"size": "(2, 2)", "interp": "2"},
            "interp=2; supported: 1 (bilinear)",
        ),
        ("_image_resize", {"data": (4, 5, 3)}, {}, "it must be a width and a height, or one number"),
        ("_image_resize", {"data": ("batch", 5, 3)}, {"size": "2"}, "its axis 0 is the open batch dimension"),
        (
            "_image_crop",
            {"data": (4, 5, 3)},
            {"x": "3", "y": "0", "width": "3", "height": "1"},
            "ends at 1x6 of a picture",
        ),
        ("_image_normalize", {"data": (3, 4, 5)}, {"mean": "(1, 2)"}, "has mean=(1.0, 2.0) for 3 channels"),
        ("_image_normalize", {"data": (3, 4, 5)}, {"mean": "0", "std": "(1, 0, 1)"}, "std=(1.0, 0.0, 1.0)"),
        ("_image_normalize", {"data": (4, 4, 5)}, {"mean": "0", "std": "1"}, "4 channels; MXNet takes 1 or 3"),
        (
            "_image_random_hue",
            {"data": (4, 5, 3)},
            {"min_factor": "1", "max_factor": "1"},
            "changes pictures at random",
        ),
    ],
)
def test_says_what_cannot_be_read(
    op: str, inputs: Inputs, attributes: dict[str, str], said: str, tmp_path: Path
) -> None:
    assert said in said_of(tmp_path, op, inputs, attributes)


@pytest.mark.parametrize(
    ("attributes", "offset", "said"),
    [
        ({}, ("batch", 18, 3, 3), "its offset is batchx18x3x3, but it needs batchx18x2x3"),
        ({"num_deformable_group": "2"}, ("batch", 18, 2, 3), "3 channels cannot be split into 2 groups"),
        ({"num_group": "2"}, ("batch", 18, 2, 3), "3 input and 6 output channels cannot be split into 2 groups"),
        ({"layout": "NCDHW"}, ("batch", 18, 2, 3), "layout='NCDHW'"),
        ({"kernel": "(3, 3, 3)"}, ("batch", 18, 2, 3), "has kernel=(3, 3, 3)"),
    ],
)
def test_a_deformable_convolution_needs_offsets_that_fit(
    attributes: dict[str, str], offset: tuple[int | str, ...], said: str, tmp_path: Path
) -> None:
    given = {"kernel": "(3, 3)", "num_filter": "6", "no_bias": "True"} | attributes
    weights = {"w": np.zeros((6, 3, 3, 3), np.float32)}
    op = "_contrib_DeformableConvolution"
    assert said in said_of(tmp_path, op, {"data": IMAGE, "offset": offset}, given, weights)


def test_bytes_are_not_resized(tmp_path: Path) -> None:
    net = Net()
    net.node("_image_resize", "node", [net.input("data", np.zeros((4, 5, 3), np.uint8))], size="2")
    assert "pictures of uint8; supported: float32" in refusal(tmp_path, net, {"data": (4, 5, 3)})
