"""Read the IR's weights and apply a weight plan. Needs numpy only; runs on Python 2.7 and on any Python 3.

A weights file is a safetensors file (https://github.com/huggingface/safetensors#format): the length of the header
as a little-endian 64-bit number, the header (JSON: name to dtype, shape and range of bytes), the tensors.

A plan's expression is one of:

    {"tensor": NAME}                     the tensor, as it is
    {"full": VALUE, "shape": [...]}      VALUE everywhere
    {"reshape": EXPR, "shape": [...]}    the same elements in the same order
    {"literal": [...]}                   numbers of the structure, as nested lists
    {"transpose": EXPR, "perm": [...]}   numpy.transpose
    {"slice": EXPR, "axis": N, "start": N, "end": N}
                                         the elements from start to end along an axis
    {"take": EXPR, "axis": N, "indices": [...]}
                                         these elements along an axis, in that order
    {"concat": [EXPR, ...], "axis": N}   one after the other along an axis
    {"add" | "sub" | "mul" | "div": [A, B]}
                                         element by element, broadcast as numpy does
    {"rsqrt": A, "eps": EPS}             1 / sqrt(A + EPS)

Arithmetic is done in float64 and the result rounded once; what is only moved keeps its bits.
"""

# ruff: noqa: ANN001, ANN201, ANN202, ANN204, B904, RUF005, UP004, UP031

import json
import os
import struct

import numpy as np

HEADER_LIMIT = 100 * 1000 * 1000
DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I8": "|i1", "I32": "<i4", "I64": "<i8", "U8": "|u1"}


class Weights(object):
    """The tensors of a safetensors file by name, mapped into memory: read when used, and never copied.

    A malformed file raises ValueError.
    """

    def __init__(self, path):
        size = os.path.getsize(path)
        with open(path, "rb") as stream:
            start = _header_length(stream.read(8), size) + 8
            self._entries = _header(stream.read(start - 8))
        self._data = np.memmap(path, dtype=np.uint8, mode="r")[start:] if size > start else np.zeros(0, np.uint8)
        for name, entry in self._entries.items():
            _check(name, entry, size - start)

    def __iter__(self):
        return iter(sorted(self._entries))

    def __getitem__(self, name):
        if name not in self._entries:
            raise ValueError("there is no tensor %r among the weights" % name)
        entry = self._entries[name]
        first, last = entry["data_offsets"]
        return self._data[first:last].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])


def evaluate(expression, weights, dtype="float32"):
    """The array of `dtype` that `expression` describes, of `weights`, which maps names to arrays.

    What is not finite in it is the caller's to refuse.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_evaluate(expression, weights), dtype=dtype)


def _evaluate(expression, weights):
    kind = _kind(expression)
    operand = expression[kind]
    if kind == "tensor":
        return weights[operand]
    if kind in STRUCTURE:
        return STRUCTURE[kind](expression)
    if isinstance(operand, list):
        operands = [_evaluate(part, weights) for part in operand]
        return COMBINING[kind](expression, operands)
    return MOVING[kind](expression, _evaluate(operand, weights))


def _slice(expression, operand):
    return operand[(slice(None),) * expression["axis"] + (slice(expression["start"], expression["end"]),)]


def _rsqrt(expression, operand):
    return 1.0 / np.sqrt(operand.astype(np.float64) + expression["eps"])


def _arithmetic(function):
    return lambda _, operands: function(operands[0].astype(np.float64), operands[1].astype(np.float64))


STRUCTURE = {
    "full": lambda expression: np.full(tuple(expression["shape"]), expression["full"], dtype=np.float64),
    "literal": lambda expression: np.array(expression["literal"]),
}
MOVING = {
    "reshape": lambda expression, operand: operand.reshape(tuple(expression["shape"])),
    "transpose": lambda expression, operand: operand.transpose(expression["perm"]),
    "slice": _slice,
    "take": lambda expression, operand: np.take(operand, expression["indices"], axis=expression["axis"]),
    "rsqrt": _rsqrt,
}
COMBINING = {
    "concat": lambda expression, operands: np.concatenate(operands, axis=expression["axis"]),
    "add": _arithmetic(np.add),
    "sub": _arithmetic(np.subtract),
    "mul": _arithmetic(np.multiply),
    "div": _arithmetic(np.divide),
}
KINDS = {
    "tensor": {"tensor"},
    "full": {"full", "shape"},
    "reshape": {"reshape", "shape"},
    "transpose": {"transpose", "perm"},
    "literal": {"literal"},
    "slice": {"slice", "axis", "start", "end"},
    "take": {"take", "axis", "indices"},
    "concat": {"concat", "axis"},
    "rsqrt": {"rsqrt", "eps"},
    "add": {"add"},
    "sub": {"sub"},
    "mul": {"mul"},
    "div": {"div"},
}


def _kind(expression):
    for kind, keys in KINDS.items():
        if kind in expression and set(expression) == keys:
            return kind
    raise ValueError("not an expression of a weight plan: %s" % json.dumps(expression, sort_keys=True)[:200])


def _header_length(data, size):
    if len(data) < 8:
        raise ValueError("a weights file of %d bytes has no header" % size)
    (length,) = struct.unpack("<Q", data)
    if length > min(HEADER_LIMIT, size - 8):
        raise ValueError("the weights file claims a header of %d bytes, of %d in all" % (length, size))
    return length


def _header(data):
    entries = json.loads(data.decode("utf-8"), object_pairs_hook=_without_duplicates)
    if not isinstance(entries, dict):
        raise ValueError("the header of the weights file is no JSON object")
    entries.pop("__metadata__", None)
    return entries


def _without_duplicates(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the header of the weights file names something twice")
    return found


def _check(name, entry, size):
    try:
        shape, (first, last) = [int(dim) for dim in entry["shape"]], entry["data_offsets"]
        itemsize = np.dtype(DTYPES[entry["dtype"]]).itemsize
    except (KeyError, TypeError, ValueError):
        raise ValueError("the header of the weights file does not describe %r" % name)
    count = 1
    for dim in shape:
        count *= dim
    if min([0] + shape) < 0 or not 0 <= first <= last <= size or last - first != count * itemsize:
        raise ValueError("tensor %r of the weights file does not lie within the file as it says" % name)
