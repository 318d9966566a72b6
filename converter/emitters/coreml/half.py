"""Which operations compute with 16 bits where that is asked for, and what else it takes.

Layers do, and what joins them. Everything else keeps 32: sums over many elements, normalizations with statistics of
the data at hand, functions, and whatever counts, compares or points at something, with what leads from a layer to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import onnx_ir

from converter import plan
from converter.emitters.python import literal
from converter.emitters.statement import State, Statement

_LAYERS = frozenset({"batch_norm", "conv", "conv_transpose", "linear", "sigmoid", "sigmoid_hard", "tanh"})
_JOINTS = frozenset(
    {
        *("avg_pool", "clip", "elu", "gelu", "leaky_relu", "max_pool", "prelu", "relu", "relu6", "softmax"),
        *("add", "matmul", "maximum", "minimum", "mul", "select", "sub", "upsample_nearest_neighbor"),
        *("concat", "expand_dims", "identity", "pad", "reshape", "slice_by_index", "split", "squeeze", "stack"),
        "transpose",
    }
)
_POINTERS = frozenset(
    {
        *("cast", "ceil", "floor", "floor_div", "mod", "range_1d", "resample", "topk"),
        *("equal", "greater", "greater_equal", "less", "less_equal", "not_equal"),
    }
)
"""What counts, compares, or reads where its operand says."""
_WIDE = frozenset(
    {
        *("cosh", "cumsum", "exp", "pow", "real_div", "scatter_along_axis", "scatter_nd", "sinh", "square", "tan"),
        *("reduce_l1_norm", "reduce_l2_norm", "reduce_prod", "reduce_sum", "reduce_sum_square"),
    }
)
"""What makes numbers beyond the range of 16 bits of those within it."""
_OPERATION = re.compile(r"mb\.(\w+)\(")

LINES = (
    "def is_half(op):",
    '    """Whether ``op`` computes with 16 bits: it is of a kind that does, and they hold its constants."""',
    '    constants = [var.val for var in op.inputs.values() if getattr(var, "val", None) is not None]',
    "    return op.op_type in HALF and op.name not in SINGLE and all(map(fits, constants))",
    "",
    "",
    "def fits(value):",
    '    """Whether 16 bits hold ``value``, but for what is small beside the rest."""',
    '    sizes = np.abs(value) if np.asarray(value).dtype.kind == "f" else np.zeros(1)',
    "    largest = np.max(sizes, where=np.isfinite(sizes), initial=0.0)",
    "    return largest == 0 or 2.0**-14 <= largest <= 65504",
)
"""Functions of the generated file, which read ``HALF`` and ``SINGLE``."""


def kinds(statements: Iterable[Statement]) -> list[str]:
    """The operations among those of ``statements`` that may compute with 16 bits, sorted."""
    return sorted({_operation(item) for item in statements} & (_LAYERS | _JOINTS))


def single(statements: Sequence[Statement]) -> list[bool]:
    """Of each statement whether it keeps 32 bits though others of its kind do not.

    These are the joints on the way from a layer to what counts or points, and from this, or from what makes large
    numbers, to the next layer.
    """
    before, behind = set[onnx_ir.Value](), set[onnx_ir.Value]()
    for item in statements:
        if _operation(item) in _POINTERS | _WIDE or (not _is_layer(item) and behind.intersection(item.inputs)):
            behind.update(item.outputs)
    for item in reversed(statements):
        if _operation(item) in _POINTERS or (not _is_layer(item) and before.intersection(item.outputs)):
            before.update(item.inputs)
    kept = before | behind
    return [_operation(item) in _JOINTS and bool(kept.intersection(item.outputs)) for item in statements]


def folded(statements: Iterable[Statement]) -> list[Statement]:
    """``statements``, the batch normalizations among them without statistics, whose squares 16 bits may not hold."""
    return [_folded(item) if _operation(item) == "batch_norm" else item for item in statements]


def _folded(item: Statement) -> Statement:
    """A batch normalization by a mean of 0 and a variance of 1."""
    tensors = item.tensors
    mean, variance, gamma, beta = (tensors[role] for role in ("mean", "variance", "gamma", "beta"))
    epsilon = float(item.arguments.get("epsilon", 1e-5))
    scale = plan.mul(gamma.value, plan.rsqrt(variance.value, epsilon))
    shift = plan.sub(beta.value, plan.mul(mean.value, scale))
    plain = {
        "mean": State(mean.shape, plan.full(0.0, mean.shape), trained=False),
        "variance": State(variance.shape, plan.full(1.0, variance.shape), trained=False),
        "gamma": replace(gamma, value=scale),
        "beta": replace(beta, value=shift),
    }
    text = item.expression.replace("epsilon={epsilon}, ", "").replace("name=", "epsilon={epsilon}, name=")
    return replace(item, expression=text, arguments={**item.arguments, "epsilon": 0.0}, tensors=plain)


def lines(statements: Sequence[Statement], layers: Sequence[str]) -> list[str]:
    """The part of the generated file that says which operations compute with 16 bits.

    Args:
        statements: The program.
        layers: What its operations are called.
    """
    kept = [layer for layer, keeps in zip(layers, single(statements), strict=True) if keeps]
    return [*_names("HALF", kinds(statements)), *_names("SINGLE", sorted(set(kept))), "", "", *LINES]


def _names(variable: str, names: Sequence[str]) -> list[str]:
    if not names:
        return [f"{variable} = set()"]
    return [f"{variable} = {{", *(f"    {literal(name)}," for name in names), "}"]


def _operation(item: Statement) -> str:
    found = _OPERATION.match(item.expression)
    return found[1] if found else ""


def _is_layer(item: Statement) -> bool:
    return _operation(item) in _LAYERS
