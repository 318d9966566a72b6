"""Compare a converted network with an original Caffe network that has the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.emitters.models import Array
from tests.support.containers import run_step, stage_scripts


@dataclass(frozen=True)
class CaffeNet:
    """The two files of a Caffe network."""

    prototxt: Path
    caffemodel: Path


def outputs(net: CaffeNet, inputs: Array, blobs: list[str], folder: Path) -> dict[str, Array]:
    """What ``net`` leaves in ``blobs`` for ``inputs`` in its one input, the blob ``data``."""
    for name in ("in/step", "in/checkpoint", "in/code", "out"):
        (folder / name).mkdir(parents=True)
    stage_scripts(folder / "in/step", "images/caffe-ssd/run.py")
    shutil.copy(net.prototxt, folder / "in/checkpoint/deploy.prototxt")
    shutil.copy(net.caffemodel, folder / "in/checkpoint/weights.caffemodel")
    plan = {"inputs": {"data": "data"}, "outputs": {blob: blob for blob in blobs}, "trace": {}}
    (folder / "in/code/weights.plan.json").write_text(json.dumps(plan))
    (folder / "in/params.json").write_text('{"trace": false}')
    np.savez(folder / "in/inputs.npz", **{"case/data": inputs})
    run_step("caffe-ssd", ["python3", "in/step/run.py"], folder / "in", folder / "out")
    with np.load(folder / "out/outputs.npz", allow_pickle=False) as arrays:
        return {key.removeprefix("case/"): arrays[key] for key in arrays.files}


def differences(
    ours: CaffeNet, key: CaffeNet, inputs: Array, blobs: Mapping[str, str], folder: Path
) -> dict[str, float]:
    """Largest difference of each output between ``ours`` and ``key``.

    The MTCNN networks for MXNet were made from those for Caffe: kernels transposed, and the channels
    of each image among the channels reversed: for one image ``ours(x) == key(x[:, ::-1].transpose(0, 1, 3, 2))``.
    Feature maps come out transposed.

    Args:
        ours: The converted network.
        key: The original.
        inputs: ``x``, for the input called ``data`` in both.
        blobs: Our output blobs to the original's.
        folder: Where to work.
    """
    rows, channels, height, width = inputs.shape
    images = inputs.reshape(rows, channels // 3, 3, height, width)
    theirs = np.ascontiguousarray(images[:, :, ::-1].transpose(0, 1, 2, 4, 3)).reshape(rows, channels, width, height)
    got = outputs(ours, inputs, list(blobs), folder / "ours")
    wanted = outputs(key, theirs, list(blobs.values()), folder / "key")
    return {name: float(np.abs(got[name] - _upright(wanted[other])).max()) for name, other in blobs.items()}


def _upright(array: Array) -> Array:
    return array.transpose(0, 1, 3, 2) if array.ndim == 4 else array
