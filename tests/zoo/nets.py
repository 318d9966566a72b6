"""Which networks there are, what goes in, and what cannot be exact, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.zoo import NETWORKS

LIMIT = 1e-5
"""Largest error relative to the output's largest value; float32 sums in another order, a hundred layers deep."""

CLASSIFIERS = """
darknet53 dla34 googlenet hrnet_w18_c hrnet_w18_small_v1_c hrnet_w18_small_v2_c hrnet_w30_c hrnet_w32_c hrnet_w40_c
hrnet_w44_c hrnet_w48_c hrnet_w64_c mobilenetv3_large mobilenetv3_small nasnet_4_1056 nasnet_5_1538 nasnet_6_4032
nasnet_7_1920 residualattentionnet128 residualattentionnet164 residualattentionnet200 residualattentionnet236
residualattentionnet452 residualattentionnet56 residualattentionnet92 resnest101 resnest14 resnest200 resnest26
resnest269 resnest50 resnet101_v1b resnet101_v1c resnet101_v1d resnet101_v1d_0.73 resnet101_v1d_0.76
resnet101_v1e resnet101_v1s resnet152_v1b resnet152_v1c resnet152_v1d resnet152_v1e resnet152_v1s resnet18_v1b
resnet18_v1b_0.89 resnet34_v1b resnet50_v1b resnet50_v1c resnet50_v1d resnet50_v1d_0.11
resnet50_v1d_0.37 resnet50_v1d_0.48 resnet50_v1d_0.86 resnet50_v1e resnet50_v1s resnext101_32x4d resnext101_64x4d
resnext101e_64x4d resnext50_32x4d se_resnet101_v1 se_resnet101_v2 se_resnet152_v1 se_resnet152_v2 se_resnet18_v1
se_resnet18_v2 se_resnet34_v1 se_resnet34_v2 se_resnet50_v1 se_resnet50_v2 se_resnext101_32x4d se_resnext101_64x4d
se_resnext101e_64x4d se_resnext50_32x4d senet_154 senet_154e shufflenet_v1 shufflenet_v2 xception xception71
"""
"""GluonCV's classifiers of ImageNet beyond those that it shares with Gluon."""
CIFAR = """
cifar_residualattentionnet452 cifar_residualattentionnet56 cifar_residualattentionnet92 cifar_resnet110_v1
cifar_resnet110_v2 cifar_resnet20_v1 cifar_resnet20_v2 cifar_resnet56_v1 cifar_resnet56_v2 cifar_resnext29_16x64d
cifar_resnext29_32x4d cifar_wideresnet16_10 cifar_wideresnet28_10 cifar_wideresnet40_8
"""
SSD = """
ssd_300_mobilenet0.25_coco ssd_300_mobilenet0.25_custom ssd_300_mobilenet0.25_voc ssd_300_mobilenet1.0_lite_coco
ssd_300_resnet34_v1b_coco ssd_300_resnet34_v1b_custom ssd_300_resnet34_v1b_voc ssd_300_vgg16_atrous_coco
ssd_300_vgg16_atrous_custom ssd_300_vgg16_atrous_voc ssd_512_mobilenet1.0_coco ssd_512_mobilenet1.0_custom
ssd_512_mobilenet1.0_voc ssd_512_resnet101_v2_voc ssd_512_resnet152_v2_voc ssd_512_resnet18_v1_coco
ssd_512_resnet18_v1_voc ssd_512_resnet50_v1_coco ssd_512_resnet50_v1_custom ssd_512_resnet50_v1_voc
ssd_512_vgg16_atrous_coco ssd_512_vgg16_atrous_custom ssd_512_vgg16_atrous_voc
"""
YOLO = """
yolo3_darknet53_coco yolo3_darknet53_custom yolo3_darknet53_voc yolo3_mobilenet0.25_coco yolo3_mobilenet0.25_custom
yolo3_mobilenet0.25_voc yolo3_mobilenet1.0_coco yolo3_mobilenet1.0_custom yolo3_mobilenet1.0_voc
"""
_QUANTIZED = """
ssd_300_vgg16_atrous_voc_int8 ssd_512_mobilenet1.0_voc_int8 ssd_512_resnet50_v1_voc_int8 ssd_512_vgg16_atrous_voc_int8
"""
NOT_BUILT: Mapping[str, str] = {
    **dict.fromkeys(
        _QUANTIZED.split(), "quantized: published as a finished symbol file only, whose operators are refused by name"
    ),
    **dict.fromkeys(
        ("resnet50_v1b_gn", "resnet101_v1b_gn"),
        "MXNet 1.9.1 itself cannot run it as a graph: GluonCV's GroupNorm mistakes the order of Reshape's arguments",
    ),
}
"""Those of the families above that cannot be measured."""
NOT_EXACT: Mapping[str, str] = {}
"""Nets beyond :data:`LIMIT`, each with the measured reason. One that comes within it fails the tests."""


@dataclass(frozen=True)
class Net:
    """One network of a zoo.

    Attributes:
        name: What ``get_model`` knows it by, after ``gluoncv.`` where Gluon has one of that name as well.
        group: The heading that it stands under.
        size: Height and width of its input.
        detector: Whether its outputs are rows of class, score and box, by score.
        gain: Of its seeded kernels; None for the usual one.
        options: What its constructor has to be given.
    """

    name: str
    group: str
    size: int
    detector: bool = False
    gain: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def export(self) -> dict[str, Any]:
        """The parameters of the step ``export``, but for the inputs."""
        zoo, dot, model = self.name.partition("gluoncv.")
        chosen = {"name": model, "zoo": "gluoncv"} if dot and not zoo else {"name": self.name}
        gain = {} if self.gain is None else {"gain": self.gain}
        return {**chosen, **gain, "weights": "seeded", "options": dict(self.options)}


def nets() -> Iterator[Net]:
    """All of them."""
    for name in NETWORKS:
        yield Net(name, "Gluon, vision", 299 if name == "inceptionv3" else 224)
    for name in CLASSIFIERS.split():
        yield Net(name, "GluonCV, classification", _SIZES.get(name, 224), gain=_gain(name))
    for name in NETWORKS:
        size = 299 if name == "inceptionv3" else 224
        yield Net(f"gluoncv.{name}", "GluonCV, classification, of the same names as Gluon's", size)
    for name in CIFAR.split():
        yield Net(name, "GluonCV, CIFAR-10", 32, gain=_gain(name))
    for name in SSD.split():
        yield Net(name, "GluonCV, SSD", int(name.split("_")[1]), True, _DETECTOR, _classes(name))
    for name in YOLO.split():
        yield Net(name, "GluonCV, YOLO3", 416, True, _DETECTOR, _classes(name))


_DETECTOR = 0.9
"""The gain of all detectors; see :func:`_gain`."""
_SIZES = {"nasnet_5_1538": 331, "nasnet_6_4032": 331, "nasnet_7_1920": 331, "xception": 299, "xception71": 299}


def _gain(name: str) -> float | None:
    """What keeps a deep residual network without trained scales in range where an exponential or a gate reads it.

    With the usual gain the box sizes of detectors overflow, and the gates of squeeze-and-excitation see numbers in
    the hundreds, where the last digit of a float32 decides; each of dozens of attention modules makes that worse.
    """
    if "residualattention" in name:
        return 0.2
    if name.startswith("resnest"):
        return 0.5
    return 1.0 if name.startswith("se") else None


def _classes(name: str) -> dict[str, Any]:
    """A detector for classes of the user's own has to be told which."""
    return {"classes": ["bottle", "box", "crate"]} if name.endswith("_custom") else {}
