"""What the tests need of a model that was really converted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Built:
    """The folders of one model's steps.

    Attributes:
        ir: ``model.onnx`` and ``weights.safetensors``.
        reference: ``inputs.npz``, and ``outputs.npz`` as the source framework answered them.
        caffe: ``outputs.npz`` as Caffe answered the same inputs.
    """

    ir: Path
    reference: Path
    caffe: Path
