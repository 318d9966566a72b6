"""Detection: boxes, anchors, regions."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits
from converter.emitters.mxnet.call import Call, Chain, call
from converter.ir import dims


@emits("mxnet", "transship::BoxNms")
def box_nms(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    overlap_thresh: float,
    valid_thresh: float,
    topk: int,
    coord_start: int,
    score_index: int,
    id_index: int,
    background_id: int,
    force_suppress: int,
    in_format: str,
    out_format: str,
) -> list[Call]:
    """``contrib.box_nms``."""
    return call(
        node,
        "contrib.box_nms",
        data,
        suffixes=("output0",),
        overlap_thresh=overlap_thresh,
        valid_thresh=valid_thresh,
        topk=topk,
        coord_start=coord_start,
        score_index=score_index,
        id_index=id_index,
        background_id=background_id,
        force_suppress=bool(force_suppress),
        in_format=in_format,
        out_format=out_format,
    )


@emits("mxnet", "transship::BoxIou")
def box_iou(node: onnx_ir.Node, left: onnx_ir.Value, right: onnx_ir.Value, *, format: str) -> list[Call]:  # noqa: A002
    """``contrib.box_iou``."""
    return call(node, "contrib.box_iou", left, right, format=format)


@emits("mxnet", "transship::BoxDecode")
def box_decode(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    anchors: onnx_ir.Value,
    *,
    std0: float,
    std1: float,
    std2: float,
    std3: float,
    clip: float,
    format: str,  # noqa: A002
) -> list[Call]:
    """``contrib.box_decode``."""
    attributes = {"std0": std0, "std1": std1, "std2": std2, "std3": std3, "clip": clip, "format": format}
    return call(node, "contrib.box_decode", data, anchors, **attributes)


@emits("mxnet", "transship::BoxEncode")
def box_encode(node: onnx_ir.Node, *values: onnx_ir.Value) -> list[Call]:
    """``contrib.box_encode``."""
    pair = {"outputs": tuple(node.outputs), "suffixes": ("output0", "output1")}
    return call(node, "contrib.box_encode", *values, **pair)


@emits("mxnet", "transship::MultiBoxPrior")
def multibox_prior(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    *,
    sizes: tuple[float, ...],
    ratios: tuple[float, ...],
    clip: int,
    steps: tuple[float, ...],
    offsets: tuple[float, ...],
) -> list[Call]:
    """``contrib.MultiBoxPrior``."""
    attributes = {"sizes": sizes, "ratios": ratios, "clip": bool(clip), "steps": steps, "offsets": offsets}
    return call(node, "contrib.MultiBoxPrior", data, **attributes)


@emits("mxnet", "transship::MultiBoxDetection")
def multibox_detection(
    node: onnx_ir.Node,
    scores: onnx_ir.Value,
    codes: onnx_ir.Value,
    anchors: onnx_ir.Value,
    *,
    clip: int,
    threshold: float,
    nms_threshold: float,
    force_suppress: int,
    variances: tuple[float, ...],
    nms_topk: int,
) -> list[Call]:
    """``contrib.MultiBoxDetection``."""
    return call(
        node,
        "contrib.MultiBoxDetection",
        scores,
        codes,
        anchors,
        clip=bool(clip),
        threshold=threshold,
        nms_threshold=nms_threshold,
        force_suppress=bool(force_suppress),
        variances=variances,
        nms_topk=nms_topk,
    )


@emits("mxnet", "transship::Proposal")
def proposal(
    node: onnx_ir.Node,
    scores: onnx_ir.Value,
    codes: onnx_ir.Value,
    extent: onnx_ir.Value,
    *,
    rpn_pre_nms_top_n: int,
    rpn_post_nms_top_n: int,
    threshold: float,
    rpn_min_size: int,
    scales: tuple[float, ...],
    ratios: tuple[float, ...],
    feature_stride: int,
    output_score: int,
    iou_loss: int,
) -> list[Call]:
    """``contrib.MultiProposal``."""
    pair: dict[str, Any] = {}
    if len(node.outputs) > 1:
        pair = {"outputs": tuple(node.outputs), "suffixes": ("output", "score")}
    return call(
        node,
        "contrib.MultiProposal",
        scores,
        codes,
        extent,
        **pair,
        rpn_pre_nms_top_n=rpn_pre_nms_top_n,
        rpn_post_nms_top_n=rpn_post_nms_top_n,
        threshold=threshold,
        rpn_min_size=rpn_min_size,
        scales=scales,
        ratios=ratios,
        feature_stride=feature_stride,
        output_score=bool(output_score),
        iou_loss=bool(iou_loss),
    )


@emits("mxnet", "transship::Correlation")
def correlation(
    node: onnx_ir.Node,
    left: onnx_ir.Value,
    right: onnx_ir.Value,
    *,
    kernel_size: int,
    max_displacement: int,
    stride1: int,
    stride2: int,
    pad_size: int,
    is_multiply: int,
) -> list[Call]:
    """``Correlation``."""
    return call(
        node,
        "Correlation",
        left,
        right,
        kernel_size=kernel_size,
        max_displacement=max_displacement,
        stride1=stride1,
        stride2=stride2,
        pad_size=pad_size,
        is_multiply=bool(is_multiply),
    )


@emits("mxnet", "transship::PsRoiPooling")
def psroi_pooling(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    spatial_scale: float,
    output_dim: int,
    pooled_size: int,
    group_size: int,
) -> list[Call]:
    """``contrib.PSROIPooling``."""
    return call(
        node,
        "contrib.PSROIPooling",
        data,
        rois,
        spatial_scale=spatial_scale,
        output_dim=output_dim,
        pooled_size=pooled_size,
        group_size=group_size,
    )


@emits("mxnet", "transship::DeformablePsRoiPooling")
def deformable_psroi_pooling(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    trans: onnx_ir.Value | None = None,
    *,
    no_trans: int,
    spatial_scale: float,
    output_dim: int,
    group_size: int,
    pooled_size: int,
    part_size: int,
    sample_per_part: int,
    trans_std: float,
) -> list[Call]:
    """``contrib.DeformablePSROIPooling``."""
    return call(
        node,
        "contrib.DeformablePSROIPooling",
        data=data,
        rois=rois,
        trans=trans,
        spatial_scale=spatial_scale,
        output_dim=output_dim,
        group_size=group_size,
        pooled_size=pooled_size,
        part_size=part_size,
        sample_per_part=sample_per_part,
        trans_std=trans_std,
        no_trans=bool(no_trans),
    )


def _check_scale(scale: float) -> None:
    """Refuse a scale that MXNet's operators do not take."""
    if not 0 <= scale <= 1:
        raise Refused(f"spatial_scale is {scale:g}, and MXNet takes 0 to 1")


@emits("mxnet", "MaxRoiPool")
def roi_pooling(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    rois: onnx_ir.Value,
    *,
    pooled_shape: tuple[int, ...],
    spatial_scale: float = 1.0,
) -> list[Call]:
    """``ROIPooling``.

    Raises:
        Refused: The scale enlarges.
    """
    _check_scale(spatial_scale)
    return call(node, "ROIPooling", data, rois, pooled_size=tuple(pooled_shape), spatial_scale=spatial_scale)


@emits("mxnet", "RoiAlign")
def roi_align(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    boxes: onnx_ir.Value,
    images: onnx_ir.Value,
    *,
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
) -> list[Call]:
    """``contrib.ROIAlign`` of regions that the numbers of their images are put before.

    Raises:
        Refused: It takes the maximum of the samples, or the scale enlarges.
    """
    _check_scale(spatial_scale)
    if mode != "avg":
        raise Refused(f"mode is {mode}")
    if len(dims(boxes)) != 2:
        raise Refused(f"{boxes.name} is no table")
    chain = Chain(node)
    numbers = chain.step("image", "cast", images, dtype="float32")
    rois = chain.step("rois", "concat", chain.step("column", "expand_dims", numbers, axis=1), boxes, dim=1)
    return chain.last(
        "contrib.ROIAlign",
        data,
        rois,
        pooled_size=(output_height, output_width),
        spatial_scale=spatial_scale,
        sample_ratio=sampling_ratio if sampling_ratio > 0 else -1,
        aligned=coordinate_transformation_mode == "half_pixel",
    )
