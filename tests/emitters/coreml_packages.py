"""Packages as ``images/coreml/run.py`` finds them, good ones and broken ones, and what it makes of them.

A program for the image of Core ML's tools:

    python3 in/step/coreml_packages.py

writes for each, below ``out/packages/<case>``, what the step writes, and what it says as ``said.txt``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

SCALE, BIAS = 0.5, (-1.0, -2.0, -3.0)
DATA = np.random.RandomState(5).randn(1, 3, 4, 4).astype(np.float32)
WEIGHT = np.random.RandomState(6).randn(2, 3, 3, 3).astype(np.float32)
PLAN: Mapping[str, Any] = {"inputs": {"data": "data"}, "outputs": {"out": "soft"}, "trace": {"mid": "mean"}}
IMAGE = {"scale": SCALE, "bias": list(BIAS)}

Change = Callable[[Any, Path], None]


def save(path: Path, *, image: str = "", half: bool = False, classes: bool = False, odd: bool = False) -> None:
    """Save a small network.

    Args:
        path: The package.
        image: The order of the channels of the image that it takes, if it takes one.
        half: Whether in float16.
        classes: Whether it is a classifier.
        odd: Whether it has operations that are not read back.
    """
    import coremltools as ct
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 3, 4, 4))], opset_version=ct.target.iOS17)
    def program(data: Any) -> Any:
        hidden = Builder.conv(x=data, weight=WEIGHT, pad_type="valid", name="conv")
        if odd:
            hidden = Builder.random_normal(shape=[1, 2, 2, 2], name="noise")
            hidden = Builder.resize_nearest_neighbor(x=hidden, target_size_height=3, target_size_width=3, name="big")
        hidden = Builder.reduce_mean(x=hidden, axes=[2, 3], keep_dims=False, name="mean")
        return Builder.softmax(x=hidden, axis=-1, name="soft")

    options = {"scale": SCALE, "bias": list(BIAS), "color_layout": image}
    array = ct.TensorType(name="data", shape=(1, 3, 4, 4))
    model = ct.convert(
        program,
        inputs=[ct.ImageType(name="data", shape=(1, 3, 4, 4), **options) if image else array],
        classifier_config=ct.ClassifierConfig(["no", "yes"]) if classes else None,
        compute_precision=ct.precision.FLOAT16 if half else ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.iOS17,
        skip_model_load=True,
    )
    model.save(str(path))


def changed(path: Path, change: Change) -> None:
    """Do something to a saved package: to its specification, or to its files."""
    from coremltools.proto import Model_pb2

    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    spec = Model_pb2.Model()
    spec.ParseFromString(file.read_bytes())
    change(spec, path)
    if file.exists():
        file.write_bytes(spec.SerializeToString())


def operations(spec: Any) -> Any:
    """Those of the program."""
    (block,) = spec.mlProgram.functions["main"].block_specializations.values()
    return block.operations


def stored(spec: Any) -> Any:
    """The constant that lies in the file of weights."""
    values = [one.attributes["val"] for one in operations(spec) if one.type == "const"]
    return next(value for value in values if value.WhichOneof("value") == "blobFileValue")


def elsewhere(spec: Any, path: Path) -> None:
    """The weights are taken from outside of the package."""
    del path
    stored(spec).blobFileValue.fileName = "@model_path/../../../../../../../../etc/passwd"


def absolute(spec: Any, path: Path) -> None:
    """The weights are taken from a place of this machine."""
    del path
    stored(spec).blobFileValue.fileName = "/etc/passwd"


def beyond(spec: Any, path: Path) -> None:
    """The record lies beyond the file's end."""
    del path
    stored(spec).blobFileValue.offset = 2**60


def overlong(spec: Any, path: Path) -> None:
    """The record says that its data end beyond the file's end."""
    del spec
    file = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    content = bytearray(file.read_bytes())
    struct.pack_into("<Q", content, 64 + 16, len(content) - 8)
    file.write_bytes(content)


def larger(spec: Any, path: Path) -> None:
    """The constant says that it has more elements than there are."""
    del path
    stored(spec).type.tensorType.dimensions[0].constant.size = 4000


def linked(spec: Any, path: Path) -> None:
    """The specification is a link to a file outside of the package."""
    del spec
    file = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    file.rename(path.parent / "model.mlmodel")
    file.symlink_to(path.parent / "model.mlmodel")


def garbled(spec: Any, path: Path) -> None:
    """The manifest names no model."""
    del spec
    (path / "Manifest.json").write_text('{"itemInfoEntries": []}')


def misshapen(spec: Any, path: Path) -> None:
    """The program says that its result is of another shape than it is."""
    del path
    operations(spec)[-1].outputs[0].type.tensorType.dimensions[1].constant.size = 3


def unheard(spec: Any, path: Path) -> None:
    """The program has operations that nobody knows."""
    del path
    for operation in operations(spec):
        if operation.type in {"conv", "softmax"}:
            operation.type = f"new_{operation.type}"


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], Change | None]] = {
    "plain": ({}, {}, None),
    "half": ({"half": True}, {}, None),
    "classifier": ({"classes": True}, {}, None),
    "image": ({"image": "BGR"}, {"images": {"data": IMAGE}}, None),
    "image-turned": (
        {"image": "BGR"},
        {"images": {"data": {**IMAGE, "scale": [SCALE] * 3, "channels": "RGB"}}},
        None,
    ),
    "not-an-image": ({}, {"images": {"data": IMAGE}}, None),
    "no-such-output": ({}, {"outputs": {"out": "mean"}}, None),
    "odd": ({"odd": True}, {}, None),
    "elsewhere": ({}, {}, elsewhere),
    "absolute": ({}, {}, absolute),
    "beyond": ({}, {}, beyond),
    "overlong": ({}, {}, overlong),
    "larger": ({}, {}, larger),
    "linked": ({}, {}, linked),
    "garbled": ({}, {}, garbled),
    "misshapen": ({}, {}, misshapen),
    "unheard": ({}, {}, unheard),
}
"""What is saved, what the plan says besides, and what is done to the package afterwards."""


def main() -> None:
    """Run the step on all cases."""
    import run

    results = Path("out/packages").resolve()
    for name, (options, said, change) in CASES.items():
        work = Path("/tmp", name)
        for folder in ("in/code", "in/checkpoint"):
            (work / folder).mkdir(parents=True)
        (results / name).mkdir(parents=True)
        (work / "out").symlink_to(results / name)
        package = work / "in" / "checkpoint" / "model.mlpackage"
        save(package, **options)
        if change:
            changed(package, change)
        (work / "in" / "params.json").write_text('{"trace": true}')
        (work / "in" / "code" / "weights.plan.json").write_text(json.dumps({**PLAN, **said}))
        np.savez(work / "in" / "inputs.npz", **{"case/data": DATA})
        os.chdir(work)
        error = io.StringIO()
        with contextlib.redirect_stderr(error):
            try:
                run.main()
            except SystemExit as end:
                error.write(f"exit {end.code}")
        (results / name / "said.txt").write_text(error.getvalue())


if __name__ == "__main__":
    main()
