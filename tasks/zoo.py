"""Models without a manifest: all networks of Gluon's own model zoo, ``gluon-<network>``, and all SSD of GluonCV's."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.manifest import PRETRAINED, Gluon, Input, Manifest

PREFIX = "gluon"

_BEGINNINGS = (f"{PREFIX}-", "ssd_")

_NAMES = """
alexnet densenet121 densenet161 densenet169 densenet201 inceptionv3 mobilenet0.25 mobilenet0.5 mobilenet0.75
mobilenet1.0 mobilenetv2_0.25 mobilenetv2_0.5 mobilenetv2_0.75 mobilenetv2_1.0 resnet101_v1 resnet101_v2 resnet152_v1
resnet152_v2 resnet18_v1 resnet18_v2 resnet34_v1 resnet34_v2 resnet50_v1 resnet50_v2 squeezenet1.0 squeezenet1.1 vgg11
vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn
"""

NETWORKS = tuple(_NAMES.split())
"""All of ``mxnet.gluon.model_zoo.vision``, MXNet 1.9.1."""

_DETECTORS = """
ssd_300_mobilenet0.25_coco ssd_300_mobilenet0.25_voc ssd_300_mobilenet1.0_lite_coco ssd_300_resnet34_v1b_coco
ssd_300_resnet34_v1b_voc ssd_300_vgg16_atrous_coco ssd_300_vgg16_atrous_voc ssd_512_mobilenet1.0_coco
ssd_512_mobilenet1.0_voc ssd_512_resnet101_v2_voc ssd_512_resnet152_v2_voc ssd_512_resnet18_v1_coco
ssd_512_resnet18_v1_voc ssd_512_resnet50_v1_coco ssd_512_resnet50_v1_voc ssd_512_vgg16_atrous_coco
ssd_512_vgg16_atrous_voc
"""

DETECTORS = {name: int(name.split("_")[1]) for name in _DETECTORS.split()}
"""The height and width of the image for each SSD of ``gluoncv.model_zoo`` 0.10.5 that names its classes."""

SIDES = {"inceptionv3": 299}
"""Height and width of the image, where they are not 224."""

MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)
"""Of ImageNet's pixels, RGB, 0..255: what the zoo's networks were trained with."""


def models() -> dict[str, Manifest]:
    """All of them and their seeded variants, by name."""
    written = [_network(name) for name in NETWORKS] + [_detector(*each) for each in DETECTORS.items()]
    return {model.name: model for one in written for model in (one, one.variant()) if model}


def wanted(words: Iterable[str]) -> bool:
    """Whether any of the ``words`` on a command line may name such a model: ``convert:gluon-resnet18_v1-caffe``."""
    return any(word.rpartition(":")[2].startswith(_BEGINNINGS) or word.startswith(f"{PREFIX}:") for word in words)


def _network(name: str) -> Manifest:
    return Manifest(
        name=f"{PREFIX}-{name}",
        title=f"{name} of Gluon's model zoo",
        framework="mxnet",
        licence="Apache-2.0",
        source=Gluon(name, PRETRAINED),
        inputs={"data": _photograph(SIDES.get(name, 224))},
        reference="https://mxnet.apache.org/versions/1.9.1/api/python/docs/api/gluon/model_zoo/index.html",
    )


def _detector(name: str, side: int) -> Manifest:
    return Manifest(
        name=name,
        title=f"{name} of GluonCV's model zoo",
        framework="mxnet",
        licence="Apache-2.0",
        source=Gluon(name, PRETRAINED, zoo="gluoncv"),
        inputs={"data": _photograph(side)},
        reference="https://cv.gluon.ai/model_zoo/detection.html",
    )


def _photograph(side: int) -> Input:
    """What both zoos' networks are given: a photograph less ``MEAN``, in units of ``DEVIATION``."""
    scale = [1 / deviation for deviation in DEVIATION]
    low = min(-mean * each for mean, each in zip(MEAN, scale, strict=True))
    high = max((255 - mean) * each for mean, each in zip(MEAN, scale, strict=True))
    return Input(("batch", 3, side, side), (low, high), {"channels": "RGB", "mean": list(MEAN), "scale": scale})
