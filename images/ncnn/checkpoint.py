"""Build the model's two files: the network as it was generated, and its weights as ncnn reads them.

Reads ``in/code/model.param``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes
``out/model.param`` and ``out/model.bin``, which ncnn then has to load, all of it, and beside them the examples of how
to run both.

ncnn has no program that writes a ``.bin`` from anything but another converter's files. The format is that of
``ModelBin``: a layer's weights one after the other, in the order in which its ``load_model`` asks for them. Some have
a tag before them that says how they are stored; the others are float32. Numbers are little-endian.
"""

from __future__ import annotations

import ctypes
import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import cases
import ncnn
import numpy
import weights

FLOAT32, FLOAT16 = 0, 0x01306B47
LARGEST_FLOAT16 = 65504
CHUNK = 1 << 22


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    tensors = weights.Weights("in/ir/weights.safetensors")
    for name in ("model.param", "example.cpp", "example.py"):
        shutil.copyfile(f"in/code/{name}", f"out/{name}")
    with open("out/model.bin", "wb") as out:
        for row in plan["parameters"]:
            write(out, row, value_of(row, tensors), plan["storage"])
    load("out/model.param", "out/model.bin")


def value_of(row: Mapping[str, Any], tensors: Mapping[str, numpy.ndarray]) -> numpy.ndarray:
    """The numbers of the plan's ``row``, which has to say their shape; refuse those that ncnn cannot compute with."""
    name = label(row)
    with numpy.errstate(all="ignore"):  # what becomes infinite or NaN is refused here
        value = weights.evaluate(row["value"], tensors)
    if row["shape"] != list(value.shape):
        raise ValueError(f"{name} has the shape {row['shape']} in the plan, and its value has {list(value.shape)}")
    if not numpy.isfinite(value).all():
        refuse_infinite(row, tensors)
    if "eps" in row and not (value + numpy.float32(row["eps"]) > 0).all():
        refuse(
            f"The layer {row['name'][0]} divides by the root of a variance that is not positive",
            f"{made_of(row)}, to which {row['eps']:g} is added",
            "Correct the variance in the source model, or give its normalization a larger eps.",
        )
    return value


def refuse_infinite(row: Mapping[str, Any], tensors: Mapping[str, numpy.ndarray]) -> None:
    """Refuse ``row``: for the first of its parameters that is not finite itself, else for what becomes of them."""
    for source in sources(row["value"]):
        if count := tensors[source].size - int(numpy.isfinite(tensors[source]).sum()):
            refuse(
                f"The parameter {source} holds NaN or infinity, with which ncnn does not compute",
                f"{source}, {count} of {tensors[source].size} numbers; it is in the weight {label(row)}",
                "Correct the parameter in the source model, or use a target that keeps such numbers, as onnx does.",
            )
    refuse(
        f"The weight {label(row)} would be NaN or infinite: there is a division by zero, or a number beyond float32",
        made_of(row),
        "Correct these parameters in the source model, or use a target that keeps such numbers, as onnx does.",
    )


def refuse(what: str, where: str, fix: str) -> None:
    """End the step, saying ``what`` is wrong, ``where``, and what to do."""
    cases.refuse(f"{what}\n  where: {where}\n  to do: {fix}")


def label(row: Mapping[str, Any]) -> str:
    """A weight as messages name it: the layer, and which of its weights."""
    layer, index = row["name"]
    return f"{layer}[{index}]"


def made_of(row: Mapping[str, Any]) -> str:
    """The parameters of the source model that are in a weight."""
    return ", ".join(dict.fromkeys(sources(row["value"])))


def sources(expression: Mapping[str, Any]) -> Iterator[str]:
    """The names of the tensors in an ``expression`` of the plan."""
    for key, part in expression.items():
        if key == "tensor":
            yield part
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict):
                yield from sources(each)


def write(out: BinaryIO, row: Mapping[str, Any], value: numpy.ndarray, storage: str) -> None:
    """Append the ``value`` of the plan's ``row``, exactly; half precision has to be able to hold it, if it is to."""
    half = storage == "fp16" and row.get("tagged", False)
    if half and numpy.abs(value).max(initial=0) > LARGEST_FLOAT16:
        refuse(
            f"The weight {label(row)} has numbers beyond {LARGEST_FLOAT16}, which fp16 cannot hold",
            made_of(row),
            "Use storage fp32.",
        )
    if row.get("tagged", False):
        out.write((FLOAT16 if half else FLOAT32).to_bytes(4, "little"))
    out.write(numpy.ascontiguousarray(value, "<f2" if half else "<f4").data)
    out.write(bytes(-out.tell() % 4))


class Reader(ncnn.DataReader):
    """Hands a file to ncnn and counts what it takes."""

    def __init__(self, path: str) -> None:
        """Open ``path``."""
        super().__init__()
        self.file = open(path, "rb")  # noqa: SIM115 - read by ncnn, as long as this object is

    def read(self, buffer: object, size: int) -> int:
        """Copy the next ``size`` bytes to ``buffer``, a pointer; return how many there were."""
        address, done = POINTER(buffer, None), 0
        while done < size and (data := self.file.read(min(CHUNK, size - done))):
            ctypes.memmove(address + done, data, len(data))
            done += len(data)
        return done


POINTER = ctypes.pythonapi.PyCapsule_GetPointer
POINTER.restype, POINTER.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)


def load(network: str, parameters: str) -> None:
    """Fail unless ncnn loads both files, and takes all of the ``parameters``."""
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    if net.load_param(network) != 0:
        raise ValueError("ncnn does not load model.param")
    reader = Reader(parameters)
    if net.load_model(reader) != 0:
        raise ValueError("ncnn does not load model.bin")
    if rest := len(reader.file.read()):
        raise ValueError(f"ncnn leaves {rest} bytes of model.bin unread")


if __name__ == "__main__":
    main()
