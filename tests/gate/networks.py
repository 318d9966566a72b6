"""Small convolutional networks that really compute, and photographs to try them on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import parser
from onnx.reference import ReferenceEvaluator
from PIL import Image

from converter.inputs import build_cases, read_inputs

Array = npt.NDArray[Any]
Cases = dict[str, dict[str, Array]]

EPSILON = 1e-3
INPUTS = {
    "data": {
        "shape": ["batch", 3, 24, 24],
        "range": [-1, 1],
        "preprocess": {"channels": "BGR", "mean": 127.5, "scale": 0.0078125},
    }
}
TEXT = """
<ir_version: 10, opset_import: ["" : 21]>
net (float[n,3,24,24] data) => (float[n,10] prob, float[n,10] score, float[n,16,10,10] relu2) {
    conv1 = Conv<kernel_shape=[3,3]>(data, conv1_weight)
    bn1 = BatchNormalization<epsilon=EPSILON>(conv1, bn1_gamma, bn1_beta, bn1_mean, bn1_var)
    relu1 = Relu(bn1)
    pool1 = MaxPool<kernel_shape=[2,2], strides=[2,2]>(relu1)
    conv2 = Conv<kernel_shape=[3,3], pads=[1,1,0,0]>(pool1, conv2_weight)
    bn2 = BatchNormalization<epsilon=EPSILON>(conv2, bn2_gamma, bn2_beta, bn2_mean, bn2_var)
    relu2 = Relu(bn2)
    pool2 = MaxPool<kernel_shape=[2,2], strides=[2,2]>(relu2)
    flat = Flatten(pool2)
    score = Gemm<transB=1>(flat, fc_weight, fc_bias)
    prob = Softmax(score)
}
"""
ORDER = ("conv1", "bn1", "relu1", "pool1", "conv2", "bn2", "relu2", "pool2", "flat", "score", "prob")


def random_weights(seed: int = 0) -> dict[str, Array]:
    """He-scaled kernels and plausible BatchNorm statistics: a network that was never trained."""
    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {
        "conv1_weight": rng.normal(0, np.sqrt(2 / 27), (8, 3, 3, 3)),
        "conv2_weight": rng.normal(0, np.sqrt(2 / 72), (16, 8, 3, 3)),
        "fc_weight": rng.normal(0, np.sqrt(1 / 400), (10, 400)),
        "fc_bias": rng.normal(0, 0.05, 10),
    }
    for name, count in (("bn1", 8), ("bn2", 16)):
        weights[f"{name}_gamma"] = rng.uniform(0.8, 1.2, count)
        weights[f"{name}_beta"] = rng.normal(0, 0.1, count)
        weights[f"{name}_mean"] = rng.normal(0, 0.1, count)
        weights[f"{name}_var"] = rng.uniform(0.5, 1.5, count)
    return _float32(weights)


@functools.cache
def trained_weights(seed: int = 0) -> dict[str, Array]:
    """Weights fitted to data: BatchNorm holds real statistics, and the classifier tells ten gratings apart."""
    weights = random_weights(seed)
    weights["conv1_weight"] *= 0.2
    images, labels = _gratings(np.random.default_rng(seed), 20)
    for name in ("1", "2"):
        features = run(weights, {"train": {"data": images}}, (f"conv{name}",))["train"][f"conv{name}"]
        weights[f"bn{name}_mean"] = features.mean((0, 2, 3))
        weights[f"bn{name}_var"] = features.var((0, 2, 3))
    flat = run(weights, {"train": {"data": images}}, ("flat",))["train"]["flat"].astype(np.float64)
    design = np.hstack([flat, np.ones((len(flat), 1))])
    targets = 8 * np.eye(10)[labels] - 0.8
    fit = np.linalg.solve(design.T @ design + np.eye(design.shape[1]), design.T @ targets)
    return _float32({**weights, "fc_weight": fit[:-1].T, "fc_bias": fit[-1]})


def run(
    weights: Mapping[str, Array],
    inputs: Mapping[str, Mapping[str, Array]],
    outputs: tuple[str, ...] = ("prob",),
    *,
    epsilon: float = EPSILON,
) -> Cases:
    """Run the network in onnx's reference implementation: ``{case: {output: array}}``, float32."""
    model = parser.parse_model(TEXT.replace("EPSILON", f"{epsilon:.8f}"))
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in weights.items())
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    network = ReferenceEvaluator(model)
    return {case: dict(zip(outputs, network.run(None, dict(arrays)), strict=True)) for case, arrays in inputs.items()}


def accuracy(weights: Mapping[str, Array]) -> float:
    """The share of fresh gratings that the classifier names rightly."""
    images, labels = _gratings(np.random.default_rng(99), 10)
    prob = run(weights, {"test": {"data": images}})["test"]["prob"]
    return float(np.mean(prob.argmax(1) == labels))


def write_photographs(folder: Path) -> list[Path]:
    """Draw two pictures with edges, gradients, colours and fine texture; 8-bit RGB, PNG."""
    paths = []
    for seed, name in enumerate(("harbour", "portrait")):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0:120, 0:160] / 120.0
        picture = np.stack([x, y, 1 - x * y], axis=-1) * rng.uniform(80, 200, 3)
        for _ in range(12):
            cy, cx, radius = rng.uniform(0, 1), rng.uniform(0, 1.3), rng.uniform(0.05, 0.25)
            picture[np.hypot(y - cy, x - cx) < radius] = rng.uniform(0, 255, 3)
        picture += 25 * np.sin(40 * (x + (seed + 1) * y))[..., None] + rng.normal(0, 6, picture.shape)
        paths.append(folder / f"{name}.png")
        Image.fromarray(picture.clip(0, 255).astype(np.uint8), "RGB").save(paths[-1])
    return paths


def cases(folder: Path) -> Cases:
    """The four cases of the gate for these networks."""
    return build_cases(read_inputs(INPUTS), write_photographs(folder))


def _gratings(rng: np.random.Generator, count: int) -> tuple[Array, npt.NDArray[np.int64]]:
    labels = np.repeat(np.arange(10), count)
    y, x = np.mgrid[0:24, 0:24]
    angle, phase = labels * np.pi / 10, rng.uniform(0, 2 * np.pi, len(labels))
    along = x * np.cos(angle)[:, None, None] + y * np.sin(angle)[:, None, None]
    waves = np.sin(along * 0.9 + phase[:, None, None])[:, None] * rng.uniform(0.2, 1, (len(labels), 3, 1, 1))
    return (waves + rng.normal(0, 0.1, waves.shape)).clip(-1, 1).astype(np.float32), labels


def _float32(weights: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.astype(np.float32) for name, array in weights.items()}
