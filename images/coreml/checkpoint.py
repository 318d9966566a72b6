"""Build the checkpoint: coremltools makes a model of the generated program and the weights, and saves it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes
``out/model.mlpackage`` and ``out/model.py``.
"""

# coremltools reads the environment and logs while it is imported
# ruff: noqa: E402

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["TQDM_DISABLE"] = "1"
logging.getLogger("coremltools").addFilter(lambda record: record.levelno >= logging.ERROR)

import coremltools
import numpy
import weights

DATE = "com.github.apple.coremltools.conversion_date"
PACKAGE = "out/model.mlpackage"
SPEC = f"{PACKAGE}/Data/com.apple.CoreML/model.mlmodel"


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    tensors = weights.Weights("in/ir/weights.safetensors")
    code = load_code("in/code/model.py")
    # as large as the weights, and /tmp is small
    tempfile.tempdir = os.path.abspath("out/tmp")
    os.mkdir(tempfile.tempdir)
    model = code.convert(arrays(plan["parameters"], tensors))
    check_names({*plan["outputs"].values(), *plan["trace"].values()}, model.get_spec())
    save(model)
    shutil.rmtree(tempfile.tempdir)
    shutil.copyfile("in/code/model.py", "out/model.py")


def load_code(path: str) -> ModuleType:
    """The generated module."""
    spec = importlib.util.spec_from_file_location("model", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def arrays(rows: Iterable[Mapping[str, Any]], tensors: weights.Weights) -> dict[str, numpy.ndarray]:
    """The plan's ``rows`` as arrays by name, of the shapes that it says."""
    found = {}
    for row in rows:
        array = numpy.array(weights.evaluate(row["value"], tensors, wide(row)), order="C")
        if list(array.shape) != row["shape"]:
            raise ValueError(f"{row['name']} is {row['shape']} in the plan, and its value {list(array.shape)}")
        narrow = array.astype(row.get("dtype", "float32"))
        if array.dtype.kind == "i" and (narrow != array).any():
            raise ValueError(f"{row['name']} has integers that need more than 32 bits")
        found[row["name"]] = narrow
    return found


def wide(row: Mapping[str, Any]) -> str:
    """The type that a row's value is computed as: integers with all of their bits."""
    dtype: str = row.get("dtype", "float32")
    return "int64" if dtype == "int32" else dtype


def check_names(planned: set[str], spec: Any) -> None:
    """Fail unless the program of ``spec`` has values of all ``planned`` names: coremltools may change some."""
    function = spec.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    found = {value.name for operation in block.operations for value in operation.outputs}
    if planned - found:
        raise ValueError(f"values that the program does not have: {', '.join(sorted(planned - found))}")


def save(model: coremltools.models.MLModel) -> None:
    """Save ``model``; the same model as the same bytes, without the date and with identifiers that are not random."""
    model.user_defined_metadata.pop(DATE, None)
    model.save(PACKAGE)
    Path(SPEC).write_bytes(model.get_spec().SerializeToString(deterministic=True))
    path = Path(PACKAGE) / "Manifest.json"
    manifest = json.loads(path.read_text())
    items = {
        old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])) for old, item in manifest["itemInfoEntries"].items()
    }
    entries = {items[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = dict(sorted(entries.items()))
    manifest["rootModelIdentifier"] = items[manifest["rootModelIdentifier"]]
    path.write_text(json.dumps(manifest, indent=4) + "\n")


if __name__ == "__main__":
    main()
