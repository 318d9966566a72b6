"""Reading elements at indices."""

from __future__ import annotations

from typing import Any

import onnx_ir

from converter.emitters import Refused, emits, is_constant
from converter.emitters.operand import array, is_nonnegative, is_stored
from converter.emitters.python import Code
from converter.emitters.statement import Statement
from converter.emitters.tensorflow.operand import dtype, line
from converter.ir import dims


@emits("tensorflow", "Gather")
def gather(node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0) -> list[Statement]:
    """``tf.gather``, behind a function if an index may be negative; at a constant index Python's own."""
    axis %= len(dims(data))
    if is_constant(indices) and dims(indices) == ():
        return [line(node, "{0}[{before}{index}]", data, before=Code(":, " * axis), index=int(array(indices)))]
    index, library = wrapped(data, indices, axis)
    text = f"tf.gather({{0}}, {index}, axis={{axis}})" if axis else f"tf.gather({{0}}, {index})"
    return [line(node, text, data, indices, roles=("table", "index"), library=library, axis=axis)]


@emits("tensorflow", "GatherElements")
def gather_elements(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, axis: int = 0
) -> list[Statement]:
    """``tf.gather`` in each row, along the last axis; else ``tf.gather_nd`` at the places that a function makes."""
    rank = len(dims(data))
    axis %= rank
    index, library = wrapped(data, indices, axis)
    roles = ("table", "index")
    if axis == rank - 1 and dims(data)[:-1] == dims(indices)[:-1]:
        text = (
            f"tf.gather({{0}}, {index}, axis={{axis}}, batch_dims={{axis}})" if axis else f"tf.gather({{0}}, {index})"
        )
        return [line(node, text, data, indices, roles=roles, library=library, axis=axis)]
    text = f"tf.gather_nd({_tensor(data)}, places({index}, axis={{axis}}))"
    return [line(node, text, data, indices, roles=roles, library=[*library, "places"], axis=axis)]


@emits("tensorflow", "GatherND")
def gather_nd(
    node: onnx_ir.Node, data: onnx_ir.Value, indices: onnx_ir.Value, *, batch_dims: int = 0
) -> list[Statement]:
    """``tf.gather_nd``, behind a function if an index may be negative."""
    index, library = wrapped_tuples(data, indices, batch_dims)
    more = ", batch_dims={batch_dims}" if batch_dims else ""
    text = f"tf.gather_nd({_tensor(data)}, {index}{more})"
    return [line(node, text, data, indices, roles=("table", "index"), library=library, batch_dims=batch_dims)]


@emits("tensorflow", "OneHot")
def one_hot(
    node: onnx_ir.Node, indices: onnx_ir.Value, depth: onnx_ir.Value, values: onnx_ir.Value, *, axis: int = -1
) -> list[Statement]:
    """``tf.one_hot``, behind a function if an index may be negative."""
    if not is_constant(depth):
        raise Refused("its depth is computed")
    if indices.dtype not in {onnx_ir.DataType.INT32, onnx_ir.DataType.INT64}:
        raise Refused(f"indices are {indices.dtype}")
    library = [] if is_nonnegative(indices) else ["wrapped"]
    index = "wrapped({0}, {depth})" if library else "{0}"
    settings: dict[str, Any] = {"depth": int(array(depth).reshape(-1)[0]), "axis": axis, "dtype": dtype(values)}
    if not is_constant(values):
        text = f"tf.one_hot({index}, {{depth}}, {{1}}[1], {{1}}[0], axis={{axis}})"
        return [line(node, text, indices, values, roles=("index", "values"), library=library, **settings)]
    off, on = array(values).tolist()
    text = f"tf.one_hot({index}, {{depth}}, {{on}}, {{off}}, axis={{axis}}, dtype={{dtype}})"
    return [line(node, text, indices, roles=("index",), library=library, on=on, off=off, **settings)]


@emits("tensorflow", "ReverseSequence")
def reverse_sequence(
    node: onnx_ir.Node,
    data: onnx_ir.Value,
    lengths: onnx_ir.Value,
    *,
    batch_axis: int = 1,
    time_axis: int = 0,
) -> list[Statement]:
    """``tf.reverse_sequence``."""
    text = "tf.reverse_sequence({0}, {1}, seq_axis={time}, batch_axis={batch})"
    return [line(node, text, data, lengths, roles=("", "lengths"), time=time_axis, batch=batch_axis)]


def _tensor(data: onnx_ir.Value) -> str:
    """The first operand as a tensor: what ``tf.gather_nd`` takes of a variable, TensorFlow Lite does not."""
    return "tf.identity({0})" if is_stored(data) else "{0}"


def wrapped(data: onnx_ir.Value, indices: onnx_ir.Value, axis: int) -> tuple[str, list[str]]:
    """The indices, the second operand, into the first one's ``axis`` as TensorFlow takes them: none is negative."""
    if is_nonnegative(indices):
        return "{1}", []
    size = dims(data)[axis]
    count = str(size) if isinstance(size, int) else f"tf.shape({{0}}, out_type={{1}}.dtype)[{axis}]"
    return f"wrapped({{1}}, {count})", ["wrapped"]


def wrapped_tuples(data: onnx_ir.Value, indices: onnx_ir.Value, first: int = 0) -> tuple[str, list[str]]:
    """The same of tuples of indices into the axes of the first operand from the ``first`` one on."""
    if is_nonnegative(indices):
        return "{1}", []
    sizes = dims(data)[first : first + int(dims(indices)[-1])]
    if all(isinstance(size, int) for size in sizes):
        return f"wrapped({{1}}, {list(sizes)})", ["wrapped"]
    return f"wrapped({{1}}, tf.shape({{0}}, out_type={{1}}.dtype)[{first}:{first + len(sizes)}])", ["wrapped"]
