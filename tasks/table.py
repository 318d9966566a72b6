"""The table: the classic MXNet models that MMdnn's README lists, to every target."""

from __future__ import annotations

MODELS = (
    "vgg19",
    "imagenet1k-inception-bn",
    "imagenet1k-resnet-18",
    "imagenet1k-resnet-152",
    "imagenet1k-resnext-50",
    "imagenet1k-resnext-101",
    "squeezenet_v1.0",
    "squeezenet_v1.1",
)
"""The rows, by the names of their manifests."""
