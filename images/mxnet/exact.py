"""How MXNet is run to answer for a model: operator after operator. Import it before numpy and mxnet."""

from __future__ import annotations

import os

ENVIRONMENT = {
    # Without these, mxnet 1.9 rewrites the graph when it is bound (convolution, BatchNorm and activation become one
    # oneDNN primitive) and oneDNN picks kernels by processor and shape, Winograd among them. The reference has to be
    # the operators as they stand in the symbol, with the weights as they stand in the checkpoint.
    "MXNET_SUBGRAPH_BACKEND": "NONE",
    "MXNET_MKLDNN_ENABLED": "0",
    # The operator RNN asks for this one alone when it makes its state: without it, it takes oneDNN's for its own.
    "MXNET_USE_MKLDNN_RNN": "0",
    # One operator after the other, on one thread: sums are added up in one order, on any number of processors.
    "MXNET_ENGINE_TYPE": "NaiveEngine",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # The operators of the bound graph, unfused, nothing in place and no memory shared between them: where it was
    # shared, a feature pyramid (GluonCV's faster_rcnn_fpn) answered differently than with all its values kept.
    "MXNET_EXEC_ENABLE_INPLACE": "0",
    "NNVM_EXEC_MATCH_RANGE": "0",
    "MXNET_USE_FUSION": "0",
    # Says nothing about numbers: keeps a note for every operator off stderr.
    "MXNET_STORAGE_FALLBACK_LOG_VERBOSE": "0",
}
os.environ.update(ENVIRONMENT)
