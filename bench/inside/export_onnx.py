"""MXNet's own exporter, as its documentation calls it: ``export_onnx.py SYMBOL PARAMS OUTPUT``."""

from __future__ import annotations

import sys

import mxnet
import numpy

symbol, params, output = sys.argv[1:]
mxnet.onnx.export_model(symbol, params, [(1, 3, 224, 224)], numpy.float32, output)
