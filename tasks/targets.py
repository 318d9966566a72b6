"""The target frameworks: one line each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A framework that models are converted to.

    Attributes:
        toolchain: The image, a folder below ``images/``, that holds ``checkpoint.py`` and ``run.py``.
        title: What a person calls it.
        forms: What else ``run.py`` runs and writes the answers of, each to ``<form>.npz``: other files that the
            checkpoint holds, for runtimes of their own.
        prefix: Of these two scripts' names, where several targets live in one image.
    """

    toolchain: str
    title: str
    forms: tuple[str, ...] = ()
    prefix: str = ""


TARGETS = {
    "caffe": Target("caffe-ssd", "Caffe"),
    "cntk": Target("cntk", "CNTK"),
    "coreml": Target("coreml", "Core ML"),
    "keras": Target("tensorflow", "Keras", prefix="keras_"),
    "mxnet": Target("mxnet", "MXNet"),
    "ncnn": Target("ncnn", "ncnn"),
    "onnx": Target("onnx", "ONNX"),
    "pytorch": Target("pytorch", "PyTorch"),
    "tensorflow": Target("tensorflow", "TensorFlow", forms=("tflite",)),
}
"""By the name used in tasks and in ``build/``."""

SOURCES = {"mxnet": "mxnet"}
"""The toolchain that answers for a model, by source framework."""

IR_TOOLCHAIN = "onnx"
"""The toolchain that runs the IR itself."""
