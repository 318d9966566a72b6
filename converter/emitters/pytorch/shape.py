"""Shapes: what only moves elements, what only looks at shapes, and tensors made of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.operand import array, integers, number, static
from converter.emitters.python import Code
from converter.emitters.pytorch.operand import dtype, dtype_code, is_sizes, line
from converter.emitters.statement import Statement, Submodule
from converter.ir import BATCH, Dim, dims


@emits("pytorch", "Shape")
def shape(node: onnx_ir.Node, data: onnx_ir.Value, *, start: int = 0, end: int | None = None) -> list[Statement]:
    """``shape``, a tuple, or where the network returns it a tensor."""
    rank = len(dims(data))
    first, last = (slice(start, end).indices(rank))[:2]
    text = "{0}.shape" if (first, last) == (0, rank) else "{0}.shape[{first}:{last}]"
    return [_sizes(node, text, data, first=first, last=last)]


@emits("pytorch", "Size")
def size(node: onnx_ir.Node, data: onnx_ir.Value) -> list[Statement]:
    """``numel``."""
    return [_sizes(node, "{0}.numel()", data)]


def _sizes(node: onnx_ir.Node, text: str, *operands: onnx_ir.Value, **arguments: Any) -> Statement:
    """A tuple or an int, or a tensor of it where that is what the IR has."""
    text = text if is_sizes(node.outputs[0]) else f"torch.tensor({text}, device={{device}})"
    return line(node, text, *operands, as_sizes=True, **arguments)


@emits("pytorch", "Reshape")
def reshape(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value, *, allowzero: int = 0) -> list[Statement]:
    """``reshape``; an open batch may be joined with other axes, not be made a number of them."""
    del allowzero  # the result's shape is known
    if is_sizes(data):
        return [_sizes_of_rank(node, data)]
    return [_reshaped(node, data, sizes)]


def _reshaped(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value | None = None) -> Statement:
    wanted = dims(node.outputs[0])
    if BATCH in dims(data) and BATCH not in wanted:
        raise Refused(f"it makes {list(wanted)} of {list(dims(data))}; give the batch a number")
    open_axes = [axis for axis, dim in enumerate(wanted) if not isinstance(dim, int)]
    if len(open_axes) <= 1 and not (open_axes and 0 in wanted):
        target = tuple(dim if isinstance(dim, int) else -1 for dim in wanted)
        return line(node, "{0}.reshape({shape})", data, shape=target)
    if sizes is not None and is_sizes(sizes):
        return line(node, "{0}.reshape({1})", data, sizes, as_sizes=True)
    raise Refused(f"its result {list(wanted)} has several open dimensions")


@emits("pytorch", "Flatten")
def flatten(node: onnx_ir.Node, data: onnx_ir.Value, *, axis: int = 1) -> list[Statement]:
    """``nn.Flatten`` from the second axis on, else ``reshape``."""
    if axis == 1 and len(dims(data)) > 1:
        return [line(node, "{module}({0})", data, module=Submodule("nn.Flatten"))]
    return [_reshaped(node, data)]


@emits("pytorch", "Transpose")
def transpose(node: onnx_ir.Node, data: onnx_ir.Value, *, perm: Sequence[int] = ()) -> list[Statement]:
    """``permute``."""
    order = tuple(perm) or tuple(reversed(range(len(dims(data)))))
    return [line(node, "{0}.permute({dims})", data, dims=order)]


@emits("pytorch", "Squeeze")
def squeeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value | None = None) -> list[Statement]:
    """``squeeze``."""
    if is_sizes(data):
        return [_sizes_of_rank(node, data)]
    rank = len(dims(data))
    chosen = integers(axes)
    if chosen is None:
        chosen = tuple(axis for axis, dim in enumerate(dims(data)) if dim == 1)
    gone = tuple(sorted(axis % rank for axis in chosen))
    return [line(node, "{0}.squeeze({dim})", data, dim=gone[0] if len(gone) == 1 else gone)]


@emits("pytorch", "Unsqueeze")
def unsqueeze(node: onnx_ir.Node, data: onnx_ir.Value, axes: onnx_ir.Value) -> list[Statement]:
    """``unsqueeze``; several axes at once an index with ``None``."""
    if is_sizes(data):
        return [_sizes_of_rank(node, data)]
    rank = len(dims(node.outputs[0]))
    new = sorted(axis % rank for axis in integers(axes) or ())
    if len(new) == 1:
        return [line(node, "{0}.unsqueeze({dim})", data, dim=new[0])]
    index = ", ".join("None" if axis in new else ":" for axis in range(new[-1] + 1))
    return [line(node, "{0}[{index}]", data, index=Code(index))]


def _sizes_of_rank(node: onnx_ir.Node, data: onnx_ir.Value) -> Statement:
    """An int of a tuple of one, or the other way round."""
    if len(dims(node.outputs[0])) > 1:
        text = "torch.tensor({0}, device={device}).reshape({shape})"
        return line(node, text, data, as_sizes=True, shape=static(node.outputs[0]))
    before, after = len(dims(data)), len(dims(node.outputs[0]))
    text = {(1, 0): "{0}[0]", (0, 1): "({0},)"}.get((before, after), "{0}")
    return _sizes(node, text, data)


@emits("pytorch", "Expand")
def expand(node: onnx_ir.Node, data: onnx_ir.Value, sizes: onnx_ir.Value) -> list[Statement]:
    """``expand``, to sizes that are constant or computed of shapes."""
    wanted, given = dims(node.outputs[0]), dims(data)
    aligned: tuple[Dim, ...] = (1,) * (len(wanted) - len(given)) + given
    if all(isinstance(dim, int) or dim == own for dim, own in zip(wanted, aligned, strict=True)):
        target = tuple(dim if isinstance(dim, int) else -1 for dim in wanted)
        return [line(node, "{0}.expand({shape})", data, shape=target)]
    if not is_sizes(sizes):
        raise Refused(f"its result {list(wanted)} depends on a shape that is computed")
    first = len(wanted) - int(static(sizes)[0])
    parts = [
        str(dim) if isinstance(dim, int) else "-1" if dim == own else f"{{1}}[{axis - first}]"
        for axis, (dim, own) in enumerate(zip(wanted, aligned, strict=True))
    ]
    return [line(node, f"{{0}}.expand({', '.join(parts)})", data, sizes, as_sizes=True)]


@emits("pytorch", "Concat")
def concat(node: onnx_ir.Node, *values: onnx_ir.Value, axis: int) -> list[Statement]:
    """``torch.cat``; of shapes a tuple."""
    if is_sizes(node.outputs[0]):
        return [_joined_sizes(node, values)]
    operands = ", ".join(f"{{{number}}}" for number in range(len(values)))
    return [line(node, f"torch.cat([{operands}], dim={{dim}})", *values, dim=axis)]


def _joined_sizes(node: onnx_ir.Node, values: Sequence[onnx_ir.Value]) -> Statement:
    parts: list[str] = []
    inputs: list[onnx_ir.Value] = []
    for value in values:
        if is_constant(value):
            parts += [str(element) for element in integers(value) or ()]
            continue
        inputs += [] if value in inputs else [value]
        parts.append(f"*{{{inputs.index(value)}}}")
    text = f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return Statement(str(node.name), tuple(inputs), tuple(node.outputs), text)


@emits("pytorch", "Split")
def split(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    sizes: onnx_ir.Value | None = None,
    *,
    axis: int = 0,
    num_outputs: int = 0,
) -> list[Statement]:
    """``split``, along any axis but an open batch."""
    del num_outputs
    if len(node.outputs) == 1:
        return [line(node, "{0}", data)]
    if not isinstance(dims(data)[axis], int):
        raise Refused(f"it splits the open batch into {len(node.outputs)}; give the batch a number")
    chunks = integers(sizes) or tuple(static(value, axis)[0] for value in node.outputs)
    whole = chunks[0] if len(set(chunks[:-1])) == 1 and chunks[-1] == chunks[0] else list(chunks)
    return [line(node, "{0}.split({sizes}, dim={dim})", data, sizes=whole, dim=axis)]


@emits("pytorch", "Slice")
def slice_(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    starts: onnx_ir.Value,
    ends: onnx_ir.Value,
    axes: onnx_ir.Value | None = None,
    steps: onnx_ir.Value | None = None,
) -> list[Statement]:
    """Python's slices; behind ``flip`` where one goes backwards."""
    given, rank = dims(data), len(dims(data))
    first, last = integers(starts) or (), integers(ends) or ()
    where = integers(axes) or tuple(range(len(first)))
    strides = integers(steps) or (1,) * len(first)
    parts, flipped = [":"] * rank, []
    for start, end, axis, step in zip(first, last, (axis % rank for axis in where), strides, strict=True):
        if step < 0:
            flipped.append(axis)
        parts[axis] = _slice(given[axis], start, end, step)
    used = max((axis for axis in range(rank) if parts[axis] != ":"), default=-1)
    index = Code(", ".join(parts[: used + 1]))
    text = ("{0}.flip({flipped})" if flipped else "{0}") + ("[{index}]" if used >= 0 else "")
    return [line(node, text, data, index=index, flipped=tuple(flipped))]


def _slice(size: Dim, start: int, end: int, step: int) -> str:
    """One axis' slice as Python writes it, of the flipped axis where ``step`` is negative."""
    if isinstance(size, int):
        # backwards ONNX begins at the first element where Python begins before it, with none
        kept = range(size)[max(start, -size) if step < 0 else start : end : step]
        if step < 0:
            kept = range(size)[size - 1 - kept.start : size - 1 - kept.stop : -step] if len(kept) else range(0)
        start, end, step = kept.start, kept.stop, kept.step
        return _spelled(start, None if end >= size else end, step)
    if step > 0:
        return _spelled(start, None if end >= (1 << 31) - 1 else end, step)
    if start not in {-1} and start < (1 << 31) - 1:
        raise Refused("it goes backwards through part of an open dimension")
    if end > -(1 << 31) + 1:
        raise Refused("it goes backwards through part of an open dimension")
    return _spelled(0, None, -step)


def _spelled(start: int, end: int | None, step: int) -> str:
    text = f"{start or ''}:{'' if end is None else end}"
    return text if step == 1 else f"{text}:{step}"


@emits("pytorch", "Tile")
def tile(node: onnx_ir.Node, data: onnx_ir.Value, repeats: onnx_ir.Value) -> list[Statement]:
    """``repeat``."""
    return [line(node, "{0}.repeat({repeats})", data, repeats=integers(repeats))]


@emits("pytorch", "Pad")
def pad(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    pads: onnx_ir.Value,
    value: onnx_ir.Value | None = None,
    axes: onnx_ir.Value | None = None,
    *,
    mode: str = "constant",
) -> list[Statement]:
    """``F.pad``; other than with a constant only of the axes behind the first two, of which there may be three."""
    rank = len(dims(data))
    given = integers(pads) or ()
    chosen = [axis % rank for axis in integers(axes) or range(rank)]
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(chosen):
        before[axis], after[axis] = given[place], given[place + len(chosen)]
    first = next((axis for axis in range(rank) if before[axis] or after[axis]), rank - 1)
    if mode == "constant":
        filler = {} if value is None or array(value) == 0 else {"value": number(value)}
        text = "F.pad({0}, {padding}, value={value})" if filler else "F.pad({0}, {padding})"
    else:
        filler = {"mode": {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}[mode]}
        text = "F.pad({0}, {padding}, mode={mode})"
        if rank - first > rank - 2 or rank not in {3, 4, 5}:
            raise Refused(f"mode {mode} of axis {first} of {rank}")
        first = 2
    around = tuple(side for axis in reversed(range(first, rank)) for side in (before[axis], after[axis]))
    return [line(node, text, data, padding=around, **filler)]


@emits("pytorch", "ConstantOfShape")
def constant_of_shape(
    node: onnx_ir.Node, sizes: onnx_ir.Value, *, value: onnx_ir.TensorProtocol | None = None
) -> list[Statement]:
    """``torch.full``, of a constant shape or one that is computed of shapes."""
    kind = dtype(node.outputs[0])
    filler = 0.0 if value is None else value.numpy().reshape(-1)[0].item()
    text = "torch.full({shape}, {value}, dtype={dtype}, device={device})"
    if is_constant(sizes):
        return [line(node, text, shape=integers(sizes) or (), value=filler, dtype=kind)]
    if not is_sizes(sizes):
        raise Refused("its shape is computed of more than shapes")
    return [line(node, text.replace("{shape}", "{0}"), sizes, as_sizes=True, value=filler, dtype=kind)]


@emits("pytorch", "Range")
def range_(node: onnx_ir.Node, start: onnx_ir.Value, limit: onnx_ir.Value, delta: onnx_ir.Value) -> list[Statement]:
    """``torch.arange``, of integers that are constant or computed of shapes."""
    if not all(is_constant(value) or is_sizes(value) for value in (start, limit, delta)):
        raise Refused("its limits are computed of more than shapes")
    kind = dtype(node.outputs[0])
    if start.dtype not in {onnx_ir.DataType.INT64, onnx_ir.DataType.INT32}:
        raise Refused(f"a range of {start.dtype}")
    step = "" if is_constant(delta) and number(delta) == 1 else ", {2}"
    begin = "" if is_constant(start) and number(start) == 0 and not step else "{0}, "
    roles = ("start", "end", "step")
    text = f"torch.arange({begin}{{1}}{step}, dtype={{dtype}}, device={{device}})"
    text = text.replace(", dtype={dtype}", "") if kind == "torch.int64" else text
    return [line(node, text, start, limit, delta, scalars=True, roles=roles, dtype=kind)]


@emits("pytorch", "EyeLike")
def eye_like(node: onnx_ir.Node, data: onnx_ir.Value, *, dtype: int | None = None, k: int = 0) -> list[Statement]:
    """Ones of the same shape, of which but one diagonal is kept."""
    kind = dtype_code(data.dtype if dtype is None else onnx_ir.DataType(dtype))
    return [line(node, "torch.ones_like({0}, dtype={dtype}).triu({k}).tril({k})", data, dtype=kind, k=k)]


@emits("pytorch", "Trilu")
def trilu(
    node: onnx_ir.Node, data: onnx_ir.Value, k: onnx_ir.Value | None = None, *, upper: int = 1
) -> list[Statement]:
    """``triu`` and ``tril``."""
    (diagonal,) = (0,) if k is None else integers(k) or (0,)
    text = f"{{0}}.{'triu' if upper else 'tril'}({'{k}' if diagonal else ''})"
    return [line(node, text, data, k=diagonal)]
