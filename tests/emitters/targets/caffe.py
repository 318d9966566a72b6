"""What caffe needs beyond what its cases allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOLERANCES: Mapping[str, tuple[float, str]] = {
    "mxnet-special-powers": (1e-7, "onnxruntime's logarithm is not rounded as the C library's is"),
    "mxnet-clip": (1e-7, "6 - relu(6 - x) in stock Caffe: one rounding of a number up to 6"),
}
VARIANTS: Mapping[str, Mapping[str, Any]] = {"bvlc": {"profile": "bvlc"}}
PEERS_TOLERANCE = 3e-6
"""Relative to the largest value: stock Caffe and OpenCV round differently."""
NOT_IN_OPENCV: Mapping[str, str] = {
    "ArgMax": "OpenCV has no such layer",
    "BatchReindex": "OpenCV has no such layer",
    "Bias": "OpenCV has no such layer",
    "Embed": "OpenCV has no such layer",
    "Pad": "OpenCV has no such layer",
    "Parameter": "OpenCV has no such layer",
    "Reduction": "OpenCV's importer of Caffe's files has no such layer",
    "Threshold": "OpenCV has no such layer",
    "Tile": "OpenCV's importer of Caffe's files does not read the parameters",
}
"""Types of layers that OpenCV's importer does not read, with the reason."""
_WINDOWS = "OpenCV leaves out a window beyond the data by the padding of its own dimension, Caffe by that of either"
_DILATION = "OpenCV's deconvolution is never dilated"
_VOLUME = "OpenCV takes kernels of three dimensions for such of two"
NOT_LIKE_OPENCV: Mapping[str, str] = {
    "mxnet-Pooling-*": _WINDOWS,
    "mxnet-Pooling_v1-avg-*": _WINDOWS,
    "mxnet-pooling-sum-*": _WINDOWS,
    "mxnet-pooling-lp-*": _WINDOWS,
    "mxnet-pooling-v1-sum": _WINDOWS,
    "caffe-normal-lrn-bias": "OpenCV does not read the k of LRN",
    "ncnn-lrn": "OpenCV does not read the k of LRN",
    "mxnet-lrn": "OpenCV does not read the k of LRN",
    "mxnet-lrn-1": "OpenCV does not read the k of LRN",
    "caffe-deconv-beyond-dilated": _DILATION,
    "keras-deconv-short-holes": _DILATION,
    "mxnet-found-deconv-dilated*": _DILATION,
    "mxnet-deconvolution-dilate": _DILATION,
    "mxnet-deconvolution-3d": _VOLUME,
    "ncnn-deconv-3d": _VOLUME,
    "keras-conv-wide-volume": _VOLUME,
    "ncnn-conv-3d-group": _VOLUME,
    "ncnn-conv-norm-3d": _VOLUME,
    "ncnn-deconv-norm-group": "OpenCV folds batch normalization into a deconvolution as if that had one group",
    "mxnet-scalar-rdiv": "the inverse of -0 is positive in OpenCV",
}
"""Patterns of cases that OpenCV reads, if at all, as something else, with the reason."""
