"""Do what ``python -m converter ir`` does, and take the time without Python's start and imports.

``read_and_save.py SYMBOL PARAMS FOLDER`` writes ``/out/seconds.json``: what the command took,
all modules being loaded. onnx loads its own table of operators when it is first asked for one.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does before it imports NumPy

import onnx

from converter import __main__ as command
from converter import ir
from converter.parsers import mxnet
from converter.parsers.mxnet.registry import operators

loaded = (ir, mxnet, operators(), onnx.defs.get_schema("Conv"))
symbol, params, folder = sys.argv[1:]
sys.argv[1:] = ["ir", "--graph", symbol, "--weights", params, "--input", "data:1,3,224,224", "-o", folder]
begin = time.perf_counter()
status = command.main()
seconds = time.perf_counter() - begin
with open("/out/seconds.json", "w") as file:
    json.dump(seconds, file)
sys.exit(status)
