"""Build the checkpoint: the generated network is made, its variables are set, and Keras saves it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes ``out/model.py``,
``out/<name>.keras`` and ``out/<name>.weights.h5``, which have the same bytes whenever they are built.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import keras_code
import numpy
import weights
from keras_code import keras

EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Run the step in the working folder."""
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    tensors = weights.Weights("in/ir/weights.safetensors")
    keras.utils.set_random_seed(0)  # what dropout starts from is saved too
    model = keras_code.load_code("in/code/model.py").network()
    set_variables(model, plan["parameters"], tensors)
    shutil.copyfile("in/code/model.py", "out/model.py")
    model.save_weights(f"out/{plan['file']}.weights.h5")
    with tempfile.TemporaryDirectory(dir="out") as folder:  # as large as the weights, and /tmp is small
        model.save(f"{folder}/dated.keras")
        undate(f"{folder}/dated.keras", f"out/{plan['file']}.keras")


def set_variables(model: keras.Model, rows: Iterable[Mapping[str, Any]], tensors: weights.Weights) -> None:
    """Set each variable of ``model`` as the plan's ``rows`` say.

    Raises:
        ValueError: The variables are not those of the plan, or have other shapes or types.
    """
    variables = {variable.path: variable for variable in model.weights}
    planned = {row["name"]: row for row in rows}
    if len(variables) != len(model.weights):
        raise ValueError("several variables of the model have the same path")
    for title, difference in (
        ("variables that the plan does not set", variables.keys() - planned.keys()),
        ("parameters of the plan that the model does not have", planned.keys() - variables.keys()),
    ):
        if difference:
            raise ValueError(f"{title}: {', '.join(sorted(difference))}")
    for name, row in planned.items():
        dtype = row.get("dtype", "float32")
        value = numpy.array(weights.evaluate(row["value"], tensors, dtype), order="C")
        variable = variables[name]
        if not list(variable.shape) == row["shape"] == list(value.shape) or variable.dtype != dtype:
            raise ValueError(
                f"{name} is {variable.dtype} {list(variable.shape)} in the model, {dtype} {row['shape']} in the plan,"
                f" and its value is {list(value.shape)}"
            )
        variable.assign(value)


def undate(source: str, target: str) -> None:
    """Copy a ``.keras`` file without the dates of its making, and with other addresses than those in memory."""
    with zipfile.ZipFile(source) as dated, zipfile.ZipFile(target, "w") as archive:
        for name in dated.namelist():
            content = dated.read(name)
            if name == "metadata.json":
                date = "{:04}-{:02}-{:02}@{:02}:{:02}:{:02}".format(*EPOCH)
                content = json.dumps({**json.loads(content), "date_saved": date}).encode()
            if name == "config.json":
                content = json.dumps(numbered(json.loads(content), {})).encode()
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


def numbered(part: Any, known: dict[int, int]) -> Any:
    """``part`` of a configuration, with shared objects called by numbers in their order."""
    if isinstance(part, list):
        return [numbered(item, known) for item in part]
    if not isinstance(part, dict):
        return part
    found = {key: numbered(item, known) for key, item in part.items()}
    if isinstance(found.get("shared_object_id"), int):
        found["shared_object_id"] = known.setdefault(found["shared_object_id"], len(known))
    return found


if __name__ == "__main__":
    main()
