"""Operators that no family can read, and why. An asterisk stands for any ending."""

from __future__ import annotations

from converter.parsers.mxnet.registry import refuses

refuses(
    "Custom",
    "_CustomFunction",
    "_Native",
    "_NDArray",
    because="its code is the user's own Python or C++, which no file holds; rewrite it with MXNet's own operators",
)
refuses(
    "_foreach",
    "_while_loop",
    "_cond",
    because="control flow over subgraphs; unroll the loop, or export each branch as a network of its own",
)
refuses(
    "_CachedOp",
    "_CachedOpThreadSafe",
    "_FusedOp",
    "_sg_*",
    "_contrib_tvm_*",
    "_TensorRT",
    "_subgraph_op_*",
    because="written by a pass that fuses operators; save the symbol before optimize_for or get_backend_symbol",
)
refuses(
    "_contrib_quantize*",
    "_contrib_quantized_*",
    "_contrib_dequantize",
    "_contrib_requantize",
    "_contrib_calibrate_entropy",
    "_contrib_intgemm_*",
    because="a quantized network; convert the float32 network that it was made from",
)
refuses(
    "_random_*",
    "_sample_*",
    "random_*",
    "sample_*",
    "_shuffle",
    "shuffle",
    "normal",
    "uniform",
    because="its output is random: two frameworks never give the same numbers",
)
refuses(
    "_npi_*",
    "_np_*",
    "_npx_*",
    because="an operator of MXNet's NumPy interface; export the network without npx.set_np()",
)
refuses(
    "CTCLoss",
    "ctc_loss",
    "_contrib_CTCLoss",
    "_contrib_ctc_loss",
    "softmax_cross_entropy",
    because="a loss whose value only training uses; export the network without it",
)
refuses(
    "cast_storage",
    "_contrib_getnnz",
    "_contrib_edge_id",
    "_contrib_dgl_*",
    "_sparse_*",
    "_square_sum",
    because="sparse storage, which the IR does not have",
)
refuses(
    "_slice_assign*",
    "_crop_assign*",
    "_scatter_*",
    "_set_value",
    "_onehot_encode",
    "_copyto",
    "_CrossDeviceCopy",
    "fill_element_0index",
    "reset_arrays",
    "*_update",
    because="it changes an array in place or moves it between devices; an exported network has none",
)
refuses(
    "_imdecode",
    "_cvimdecode",
    "_cvimread",
    "_cvimresize",
    "_cvcopyMakeBorder",
    because="it reads or writes picture files; feed the network decoded pictures",
)
refuses(
    "_linalg_potrf",
    "_linalg_potri",
    "_linalg_trsm",
    "_linalg_gelqf",
    "_linalg_syevd",
    "_linalg_inverse",
    "_linalg_slogdet",
    because="standard ONNX cannot factorize matrices",
)
refuses(
    "_contrib_fft",
    "_contrib_ifft",
    "_contrib_count_sketch",
    "_contrib_hawkesll",
    "_contrib_RROIAlign",
    "_histogram",
    because="not one of the operators that published networks use; there is no exact mapping yet",
)
