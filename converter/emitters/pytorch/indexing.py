"""Reading and writing elements at indices."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant, is_parameter
from converter.emitters.operand import array, is_nonnegative, static
from converter.emitters.python import Code
from converter.emitters.pytorch.operand import line, state
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, dims

_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@emits("pytorch", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Statement]:
    """An index; of the rows of a parameter ``nn.Embedding``, if no index can be negative."""
    rank = len(dims(data))
    axis %= rank
    if is_parameter(data) and rank == 2 and axis == 0 and not is_constant(indices) and is_nonnegative(indices):
        count, width = static(data)
        module = Submodule("nn.Embedding", (count, width), {}, {"weight": state(data)})
        return [line(node, "{module}({0})", indices, module=module)]
    before = Code(":, " * axis)
    if is_constant(indices) and dims(indices) == ():
        return [line(node, "{0}[{before}{index}]", data, before=before, index=int(array(indices)))]
    return [line(node, "{0}[{before}{1}]", data, indices, roles=("table", "index"), before=before)]


@emits("pytorch", "GatherElements")
def gather_elements(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0
) -> list[Statement]:
    """``gather``."""
    _same_sizes(data, indices, axis)
    text = f"{{0}}.gather({{dim}}, {_wrapped(indices)})"
    library = [] if is_nonnegative(indices) else ["wrapped"]
    return [line(node, text, data, indices, roles=("table", "index"), library=library, dim=axis)]


@emits("pytorch", "ScatterElements")
def scatter_elements(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> list[Statement]:
    """``scatter`` and ``scatter_reduce``."""
    library = [] if is_nonnegative(indices) else ["wrapped"]
    operands = f"{{dim}}, {_wrapped(indices)}, {{2}}"
    text = f"{{0}}.scatter({operands})" if reduction == "none" else f"{{0}}.scatter_reduce({operands}, {{reduce}})"
    reduce = _REDUCTIONS.get(reduction, "")
    roles = ("table", "index", "source")
    return [line(node, text, data, indices, updates, roles=roles, library=library, dim=axis, reduce=reduce)]


@emits("pytorch", "GatherND")
def gather_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0
) -> list[Statement]:
    """An index of as many tensors as there are axes."""
    roles = ("table", "index")
    if batch_dims:
        text = "gather_nd({0}, {1}, {batch_dims})"
        return [line(node, text, data, indices, roles=roles, library=["gather_nd"], batch_dims=batch_dims)]
    return [line(node, "{0}[{1}.unbind(-1)]", data, indices, roles=roles)]


@emits("pytorch", "ScatterND")
def scatter_nd(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    indices: onnx_ir.Value,
    updates: onnx_ir.Value,
    *,
    reduction: str = "none",
) -> list[Statement]:
    """``index_put``, which replaces or adds."""
    if reduction not in {"none", "add"}:
        raise Refused(f"reduction {reduction}")
    more = ", accumulate=True" if reduction == "add" else ""
    text = f"{{0}}.index_put({{1}}.unbind(-1), {{2}}{more})"
    return [line(node, text, data, indices, updates, roles=("table", "index", "source"))]


@emits("pytorch", "ReverseSequence")
def reverse_sequence(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value,
    *,
    batch_axis: int = 1,
    time_axis: int = 0,
) -> list[Statement]:
    """A function that gathers each row from its end."""
    text = "reverse_sequence({0}, {1}, {time}, {batch})"
    library = ["reverse_sequence"]
    return [line(node, text, data, lengths, roles=("", "lengths"), library=library, time=time_axis, batch=batch_axis)]


@emits("pytorch", "TopK")
def top_k(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    count: onnx_ir.Value,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,  # noqa: A002 - ONNX's name
) -> list[Statement]:
    """A function that sorts stably: ``torch.topk`` does not promise which of equal elements comes first.

    Of an open batch it can take two rows, or all; torch.export cannot leave it open otherwise.
    """
    del sorted  # always
    text = "top_k({0}, {k}, dim={dim}, largest={largest})"
    settings: dict[str, Any] = {"dim": axis, "largest": bool(largest)}
    library = ["top_k"]
    if dims(data)[axis] == BATCH and not _within_batch(data, count, axis % len(dims(data))):
        raise Refused("it takes some of an open batch; give the batch a number")
    if is_constant(count):
        return [line(node, text, data, library=library, k=int(array(count).reshape(-1)[0]), **settings)]
    (size,) = static(count)
    place = "{1}[0]" if size == 1 else "{1}"
    return [line(node, text.replace("{k}", place), data, count, as_sizes=True, library=library, **settings)]


def _within_batch(data: onnx_ir.Value, count: onnx_ir.Value, axis: int) -> bool:
    """Whether there are ``count`` rows in any batch: all there are, or two, which torch.export takes as given."""
    node = count.producer()
    if node is None or node.op_type != "Shape":
        return is_constant(count) and bool((array(count) <= 2).all())
    start = node.attributes.get("start")
    return node.inputs[0] is data and (0 if start is None else int(start.value)) % len(dims(data)) == axis


def _wrapped(indices: onnx_ir.Value) -> str:
    return "{1}" if is_nonnegative(indices) else "wrapped({1}, {0}.shape[{dim}])"


def _same_sizes(data: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> None:
    """Check that but for ``axis`` both have the same shape, or the indices a smaller one, as torch wants it."""
    for number, (size, count) in enumerate(zip(dims(data), dims(indices), strict=True)):
        if number != axis % len(dims(data)) and isinstance(size, int) and isinstance(count, int) and count > size:
            raise Refused(f"{count} indices along axis {number}, which has {size} elements")
