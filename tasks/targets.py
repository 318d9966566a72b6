"""The target frameworks: one line each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A framework that models are converted to.

    Attributes:
        toolchain: The image, a folder below ``images/``, that holds ``checkpoint.py`` and ``run.py``.
        title: What a person calls it.
        code: Files that the emitter ``converter.emitters.<target>`` writes.
        checkpoint: Files that the framework writes.
    """

    toolchain: str
    title: str
    code: tuple[str, ...]
    checkpoint: tuple[str, ...]


TARGETS = {
    "caffe": Target(
        "caffe-ssd",
        "Caffe",
        code=("deploy.prototxt", "weights.plan.json"),
        checkpoint=("deploy.prototxt", "weights.caffemodel"),
    ),
}
"""By the name used in tasks and in ``build/``."""

SOURCES = {"mxnet": "mxnet"}
"""The toolchain that answers for a model, by source framework."""

IR_TOOLCHAIN = "onnx"
"""The toolchain that runs the IR itself."""
