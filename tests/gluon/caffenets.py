"""Runs in Caffe what ``nets.py`` converted. A step for the image ``caffe-ssd``.

Reads below ``in/nets`` what that step wrote; writes ``out/<case>.npz``, ``<number>/<place of the output>``,
and ``out/schema.json``.
"""

from __future__ import annotations

import glob
import json
import os
from typing import Any

import numpy
import run

import caffe  # isort: skip - after run, which keeps it quiet
from caffe.proto import caffe_pb2  # isort: skip

TABLE = {"keep": 100, "scale": [512, 512], "outputs": {"0": [0, 1], "1": [1, 2], "2": [2, 6]}}
"""Of the detector."""


def schema() -> dict[str, dict[str, list[Any]]]:
    """Caffe's own messages, field by field."""
    kinds = caffe_pb2.DESCRIPTOR.message_types_by_name
    return {name: {field.name: described(field) for field in kind.fields} for name, kind in kinds.items()}


def described(field: Any) -> list[Any]:
    """What ``test_convert_container.py`` says of our field likewise."""
    of = field.message_type or field.enum_type
    values = {value.name: value.number for value in field.enum_type.values} if field.enum_type else {}
    default = None if field.message_type or field.label == field.LABEL_REPEATED else field.default_value
    packed = field.GetOptions().packed
    return [
        field.number,
        field.type,
        field.label == field.LABEL_REPEATED,
        of and of.full_name,
        values,
        default,
        packed,
    ]


def main() -> None:
    """Run the step in the working folder."""
    with open("out/schema.json", "w") as file:
        json.dump(schema(), file, default=repr)
    for folder in sorted(glob.glob("in/nets/*/")):
        case = os.path.basename(folder.rstrip("/"))
        paths = [os.path.join(folder, name) for name in ("net.prototxt", "net.caffemodel")]
        net = caffe.Net(paths[0], caffe.TEST, weights=paths[1])
        given = numpy.load(os.path.join(folder, "answers.npz"))
        with open(os.path.join(folder, "more.json")) as file:
            blobs = [*json.load(file), *net.outputs]
        kept = {}
        for number in range(4):
            data = given[f"{number}/data"]
            net.blobs["data"].data[...] = data[:, ::-1] if case.startswith("bgr") else data
            net.forward()
            found = {str(place): net.blobs[blob].data.copy() for place, blob in enumerate(blobs)}
            if case == "detector":
                found = run.detections(found["0"], TABLE, 1)
            kept.update({f"{number}/{place}": value for place, value in found.items()})
        numpy.savez(os.path.join("out", case + ".npz"), **kept)


main()
