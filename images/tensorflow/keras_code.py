"""The generated module: loads it, makes its network, and finds the tensors that its variables hold.

Keras computes with the backend that ``KERAS_BACKEND`` names, TensorFlow if none, in one thread.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from collections.abc import Mapping
from types import ModuleType
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("KERAS_HOME", "/tmp/keras")  # noqa: S108 - a container's own
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    VERSIONS = {"keras": keras.__version__, "tensorflow": tensorflow.__version__}
else:
    import torch

    torch.set_num_threads(1)
    torch.backends.mkldnn.enabled = False
    VERSIONS = {"keras": keras.__version__, "torch": torch.__version__}


def load_code(path: str) -> ModuleType:
    """The generated module, which registers its layers."""
    spec = importlib.util.spec_from_file_location("model", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def network(code: ModuleType) -> tuple[keras.Model, Mapping[str, Any]]:
    """What ``network()`` returns, and its variables when it does."""
    found: dict[str, Any] = {}

    def profile(frame: types.FrameType, event: str, _argument: Any) -> None:
        if event == "return" and frame.f_code is code.network.__code__:
            found.update(frame.f_locals)

    sys.setprofile(profile)
    try:
        model = code.network()
    finally:
        sys.setprofile(None)
    return model, found
