"""What the steps of TensorFlow's targets have in common: its exact mode, and the generated code as a module.

Importing this imports TensorFlow, and starts nothing of its runtime.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from types import ModuleType
from typing import Any

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "1"}
warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*", category=UserWarning)

import tensorflow  # noqa: E402


def set_exact() -> None:
    """One thread, and every operator computed as it is written."""
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def interpreter(**model: Any) -> Any:
    """TensorFlow Lite's interpreter of ``model``, by path or content, on one thread and without delegates."""
    resolver = tensorflow.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return tensorflow.lite.Interpreter(**model, num_threads=1, experimental_op_resolver_type=resolver)


def load_code(path: str) -> ModuleType:
    """The generated module."""
    spec = importlib.util.spec_from_file_location("model", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    return module
