"""A network of each family, built by MXNet and read into the IR, computes what MXNet computes."""

from __future__ import annotations

import pytest

from tests.zoo.measure import Result, measure
from tests.zoo.nets import LIMIT, nets

FAMILIES = (
    "alexnet",
    "cifar_wideresnet16_10",
    "densenet121",
    "googlenet",
    "mobilenetv2_0.25",
    "mobilenetv3_small",
    "resnest14",
    "resnet18_v1b_0.89",
    "resnet18_v2",
    "se_resnext50_32x4d",
    "shufflenet_v1",
    "squeezenet1.1",
    "ssd_300_mobilenet0.25_voc",
    "yolo3_mobilenet0.25_voc",
)

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    chosen = [net for net in nets() if net.name in FAMILIES]
    return {result.name: result for result in measure(chosen)}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_ir_of_a_zoo_s_network_is_exact(name: str, results: dict[str, Result]) -> None:
    result = results[name]
    assert result.error == ""
    assert result.max_rel is not None
    assert result.max_rel <= LIMIT
