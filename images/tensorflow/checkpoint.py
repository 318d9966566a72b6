"""Build the checkpoint: the generated module is made, its variables are set, TensorFlow saves and converts it.

Reads ``in/code/model.py``, ``in/code/weights.plan.json`` and ``in/ir/weights.safetensors``; writes ``out/model.py``,
``out/saved_model/`` and, where the plan asks for it, ``out/model.tflite``.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import cases
import network  # before tensorflow, which it configures
import numpy
import tensorflow
import weights

SIGNATURE = "serving_default"


def main() -> None:
    """Run the step in the working folder."""
    network.set_exact()
    with open("in/code/weights.plan.json") as file:
        plan = json.load(file)
    model = getattr(network.load_code("in/code/model.py"), plan["class"])()
    set_state(model, plan["parameters"], weights.Weights("in/ir/weights.safetensors"))
    shutil.copyfile("in/code/model.py", "out/model.py")
    save(model, "out/saved_model")
    if plan["tflite"]:
        if deviations := plan.get("deviations"):
            refuse_lite(f"does not compute what these nodes are to: {'; '.join(deviations)}")
        Path("out/model.tflite").write_bytes(converted(model))


def set_state(model: tensorflow.Module, rows: Iterable[Mapping[str, Any]], tensors: weights.Weights) -> None:
    """Set the variables of ``model``, all of them, to what the plan's ``rows`` say."""
    present = {variable.name.partition(":")[0]: variable for variable in model.variables}
    planned = {row["name"]: row for row in rows}
    if present.keys() != planned.keys():
        raise ValueError(f"in the plan or among the variables only: {sorted(present.keys() ^ planned.keys())}")
    for name, row in planned.items():
        dtype, variable = row.get("dtype", "float32"), present[name]
        value = numpy.array(weights.evaluate(row["value"], tensors, dtype), order="C")
        if not variable.shape == row["shape"] == list(value.shape) or variable.dtype.name != dtype:
            raise ValueError(
                f"{name} is {variable.dtype.name} {variable.shape} in the module, {dtype} {row['shape']} in the plan,"
                f" and its value is {list(value.shape)}"
            )
        variable.assign(value)


def save(model: tensorflow.Module, folder: str) -> None:
    """Write ``model`` as a SavedModel; the same model as the same bytes."""
    tensorflow.saved_model.save(model, folder, signatures={SIGNATURE: model.__call__})
    Path(folder, "fingerprint.pb").unlink(missing_ok=True)  # has a random number in it


def converted(model: tensorflow.Module) -> bytes:
    """``model`` for TensorFlow Lite, of its own operators.

    Ends the step where these do not suffice; what TensorFlow Lite could run with operators of TensorFlow, its
    interpreter in Python cannot.
    """
    function = model.__call__.get_concrete_function()
    converter = tensorflow.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS]
    try:
        content = bytes(converter.convert())
        network.interpreter(model_content=content).allocate_tensors()
    except Exception as error:  # of types that are not public
        refuse_lite(f"cannot express the model: {reason_of(str(error))}")
    return content


def refuse_lite(reason: str) -> NoReturn:
    """End the step: for this ``reason`` there is no ``model.tflite``."""
    cases.refuse(
        f"TensorFlow Lite {reason}\nto do: set tflite = false in the model's options to have the SavedModel alone"
    )
    raise AssertionError


def reason_of(said: str) -> str:
    """What TensorFlow Lite lacks, by what it said."""
    selected = [
        name for names in re.findall(r"^TF Select ops: (.*)$", said, re.MULTILINE) for name in names.split(", ")
    ]
    unknown = re.findall(r"error: 'tf\.(\w+)' op is neither a custom op nor a flex op", said)
    lacking = sorted({*selected, *unknown})
    return f"it lacks {', '.join(lacking)}" if lacking else said.strip().partition("\n")[0]


if __name__ == "__main__":
    main()
