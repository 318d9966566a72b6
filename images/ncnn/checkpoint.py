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
from collections.abc import Mapping
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
            write(out, row, weights.evaluate(row["value"], tensors), plan["storage"])
    load("out/model.param", "out/model.bin")


def write(out: BinaryIO, row: Mapping[str, Any], value: numpy.ndarray, storage: str) -> None:
    """Append the plan's ``row``, whose value has to have the row's shape, exactly."""
    layer, index = row["name"]
    name = f"{layer}[{index}]"
    if row["shape"] != list(value.shape):
        raise ValueError(f"{name} has the shape {row['shape']} in the plan, and its value has {list(value.shape)}")
    if not numpy.isfinite(value).all():
        raise ValueError(f"{name} would hold a number that is not finite")
    half = storage == "fp16" and row.get("tagged", False)
    if half and numpy.abs(value).max(initial=0) > LARGEST_FLOAT16:
        cases.refuse(f"weight {name} has numbers beyond {LARGEST_FLOAT16}, which fp16 cannot hold: use storage fp32")
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
