"""Run the checkpoint in ncnn, on every case, a row of the batch at a time.

Reads ``in/params.json`` (``{"trace"}``), ``in/checkpoint/model.param`` with ``model.bin`` beside it,
``in/code/weights.plan.json`` and ``in/inputs.npz`` (keyed ``<case>/<input name>``, float32). Writes
``out/outputs.npz`` (keyed ``<case>/<value name>``, by the IR's names) and ``out/runtime.json``. With ``trace`` every
value of the IR that the network computes is written.

The plan says for each value the blob that holds it and its shape, where ``batch`` is the dimension that ncnn has not.
Of a table of detections it says which of its columns are which of the source's outputs, how many rows those have, and
what the boxes, parts of the image in ncnn, are multiplied by.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import cases
import ncnn
import numpy

BATCH = "batch"
Place = tuple[str, Sequence[Any]]


def main() -> None:
    """Run the step in the working folder."""
    os.dup2(2, 1)  # ncnn says things where programs expect answers
    trace = cases.params()["trace"]
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    net = load("in/checkpoint/model.param", "in/checkpoint/model.bin")
    places = {**(plan["trace"] if trace else {}), **plan["outputs"]}
    tables = {each["table"]: each for each in plan.get("detections", [])}
    results = {}
    for case, inputs in cases.read().items():
        values = forward(net, inputs, plan["inputs"], places, tables)
        results.update({f"{case}/{name}": value for name, value in values.items()})
    cases.write(results, "ncnn", ncnn=ncnn.__version__)


def load(network: str, parameters: str) -> ncnn.Net:
    """Load both files for the most exact arithmetic that ncnn has: float32 everywhere, one thread, no shortcuts.

    Packing, which is exact, stays: without it ncnn crashes on dilated convolutions whose output is small.
    """
    net = ncnn.Net()
    for name in dir(net.opt):
        if name.startswith("use_"):
            setattr(net.opt, name, name == "use_packing_layout")
    net.opt.num_threads = 1
    net.opt.lightmode = False  # blobs stay, so that all of them can be had
    if net.load_param(network) != 0 or net.load_model(parameters) != 0:
        raise ValueError("ncnn does not load the checkpoint")
    return net


def forward(
    net: ncnn.Net,
    inputs: Mapping[str, numpy.ndarray],
    known: Mapping[str, Place],
    places: Mapping[str, Place],
    tables: Mapping[str, Mapping[str, Any]],
) -> dict[str, numpy.ndarray]:
    """Every value of ``places`` for ``inputs``, all that are ``known``; of ``tables`` outputs."""
    if set(inputs) != set(known):
        cases.refuse(
            f"A case feeds {', '.join(sorted(inputs))}, the network needs {', '.join(sorted(known))}\n"
            "  to do: Give each case all of the inputs."
        )
    split = {known[name][0]: rows(value, known[name][1]) for name, value in inputs.items()}
    counts = {value.shape[known[name][1].index(BATCH)] for name, value in inputs.items() if BATCH in known[name][1]}
    if len(counts) > 1:
        said = ", ".join(f"{name} {list(value.shape)}" for name, value in sorted(inputs.items()))
        cases.refuse(
            f"The inputs of one case have different numbers of rows\n  where: {said}\n"
            "  to do: Give all inputs the same batch."
        )
    count = max(counts, default=1)
    single = [{blob: found[index % len(found)] for blob, found in split.items()} for index in range(count)]
    answers = [row(net, each, places) for each in single]
    plain = {name: shape for name, (_, shape) in places.items() if name not in tables}
    values = {name: joined([answer[name] for answer in answers], shape) for name, shape in plain.items()}
    for name, table in tables.items():
        values |= outputs([answer[name] for answer in answers], table)
    return values


def outputs(found: Sequence[numpy.ndarray], table: Mapping[str, Any]) -> dict[str, numpy.ndarray]:
    """The source's outputs that are columns of a ``table``, of which ncnn has ``found`` these rows for each image."""
    whole = numpy.stack([detections(rows, table["keep"], table["scale"]) for rows in found])
    return {name: whole[..., start:end] for name, (start, end) in table["outputs"].items()}


def detections(found: numpy.ndarray, keep: int, scale: Sequence[float]) -> numpy.ndarray:
    """Rows as the source has them, ``keep x 6``: classes without the background, the best score first, -1 at the end.

    Args:
        found: ncnn's rows of class, score, and corners as parts of the image; none where it finds nothing.
        keep: The number of rows.
        scale: What the x and the y of the corners are multiplied by.
    """
    best = found.reshape(-1, 6)
    best = best[numpy.argsort(-best[:, 1], kind="stable")][:keep]
    rows = numpy.full((keep, 6), -1, numpy.float32)
    rows[: len(best)] = numpy.concatenate(
        [best[:, :1] - 1, best[:, 1:2], best[:, 2:] * numpy.float32([*scale, *scale])], axis=1
    )
    return rows


def rows(value: numpy.ndarray, shape: Sequence[Any]) -> list[numpy.ndarray]:
    """The rows of ``value`` along the batch; the whole where it has none."""
    return list(numpy.moveaxis(value, shape.index(BATCH), 0)) if BATCH in shape else [value]


def joined(found: Sequence[numpy.ndarray], shape: Sequence[Any]) -> numpy.ndarray:
    """The value of ``shape`` that has the rows ``found``; where it has no batch, all of them are the same."""
    if BATCH not in shape:
        return found[0].reshape(shape)
    size = [dim for dim in shape if dim != BATCH]
    return numpy.stack([mat.reshape(size) for mat in found], axis=shape.index(BATCH))


def row(net: ncnn.Net, inputs: Mapping[str, numpy.ndarray], places: Mapping[str, Place]) -> dict[str, numpy.ndarray]:
    """What the blobs of ``places`` hold for one row."""
    extractor = net.create_extractor()
    for blob, value in inputs.items():
        mat = ncnn.Mat(numpy.ascontiguousarray(value.reshape(value.shape or (1,)))).clone()
        if extractor.input(blob, mat) != 0:
            raise ValueError(f"ncnn does not take the input {blob}")
    return {name: extracted(extractor, blob) for name, (blob, _) in places.items()}


def extracted(extractor: ncnn.Extractor, blob: str) -> numpy.ndarray:
    """A copy of what ``blob`` holds: nothing where that is a table of detections, and there are none.

    Raises:
        ValueError: ncnn has failed.
    """
    code, mat = extractor.extract(blob)
    if code != 0:
        raise ValueError(f"ncnn does not compute the blob {blob}: code {code}")
    return numpy.zeros(0, numpy.float32) if mat.empty() else numpy.array(mat)


if __name__ == "__main__":
    main()
