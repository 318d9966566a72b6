"""The toolchain of the steps that need no framework: this Python and the libraries it is locked to."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from functools import cache
from importlib.metadata import version

from tasks.action import Image

_LIBRARIES = ("ml-dtypes", "numpy", "onnx", "onnx-ir", "pillow", "protobuf")


@cache
def image() -> Image:
    """The host as an image: Python's minor version, the processor, and every library that a step may import."""
    contents = {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "machine": platform.machine(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return Image("host", hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest())
