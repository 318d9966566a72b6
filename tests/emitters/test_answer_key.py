"""The MTCNN networks, converted from MXNet, against the Caffe networks that they were once made from."""

from __future__ import annotations

from pathlib import Path

import pytest

import converter
from tests.emitters.answer_key import CaffeNet, differences
from tests.emitters.models import noise
from tests.support.containers import run_step, stage_scripts

TOLERANCE = 7e-6
NETWORKS = {
    "det1": ((3, 12, 12), {"prob1": "prob1", "conv4_2": "conv4-2"}),
    "det2": ((3, 24, 24), {"prob1": "prob1", "conv5_2": "conv5-2"}),
    "det3": ((3, 48, 48), {"prob1": "prob1", "conv6_2": "conv6-2", "conv6_3": "conv6-3"}),
    "det4": ((15, 24, 24), {f"fc5_{number}": f"fc5_{number}" for number in range(1, 6)}),
}
"""Shape of the input, and our outputs' blobs to the original's."""

pytestmark = pytest.mark.container


@pytest.mark.parametrize("name", NETWORKS)
def test_the_original_computes_the_same(name: str, codemao: Path, tmp_path: Path) -> None:
    mtcnn = codemao / "mtcnn-model"
    shape, blobs = NETWORKS[name]
    ours = convert(mtcnn, name, shape, tmp_path)
    key = CaffeNet(mtcnn / f"{name}.prototxt", mtcnn / f"{name}.caffemodel")
    inputs = noise(name, (1, *shape))
    found = differences(ours, key, inputs, blobs, tmp_path)
    assert all(difference <= TOLERANCE for difference in found.values()), found


def convert(source: Path, name: str, shape: tuple[int, ...], folder: Path) -> CaffeNet:
    """Convert one of the networks by the library and the checkpoint step."""
    model = converter.parse(
        "mxnet",
        graph=source / f"{name}-symbol.json",
        weights=source / f"{name}-0001.params",
        inputs={"data": ("batch", *shape)},
    )
    inputs, made = folder / "convert", folder / "made"
    for path in (inputs / "code", inputs / "step", made):
        path.mkdir(parents=True)
    converter.save(model, inputs / "ir")
    for file, content in converter.emit(model, "caffe").items():
        (inputs / "code" / file).write_bytes(content)
    stage_scripts(inputs / "step", "images/caffe-ssd/checkpoint.py")
    run_step("caffe-ssd", ["python3", "in/step/checkpoint.py"], inputs, made)
    return CaffeNet(made / "deploy.prototxt", made / "weights.caffemodel")
