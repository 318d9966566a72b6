"""What users do with the files of the Keras target: load them, train, run them on another backend."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

import converter
from converter.emitters.keras.file import operation_names, operator_names
from tests.emitters.corpus import Outputs, Subject
from tests.emitters.executed import TOGETHER, agree, stage
from tests.emitters.golden import representative
from tests.emitters.models import Builder
from tests.emitters.targets import keras, tolerance
from tests.support.containers import run_step, stage_scripts

pytestmark = pytest.mark.container

SHARE = 8
"""Of MXNet's cases one of so many is run on PyTorch, besides all others."""

Answers = Mapping[str, Outputs | str]


@pytest.fixture(scope="session")
def on_torch(
    subjects: Mapping[str, Subject], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Mapping[str, Subject], Answers]:
    """What the files that TensorFlow has saved answer on PyTorch, by case."""
    parsed = [name for name in subjects if name.startswith("mxnet-") and name not in keras.NOT_ON_TORCH]
    left = set(parsed) - set(parsed[::SHARE])
    chosen = [subject for name, subject in subjects.items() if name not in left]
    answers: dict[str, Outputs | str] = {}
    for start in range(0, len(chosen), TOGETHER):
        part = chosen[start : start + TOGETHER]
        answers |= _run_on_torch(part, tmp_path_factory.mktemp("torch"))
    return {name: subjects[name] for name in answers}, answers


def _run_on_torch(subjects: Sequence[Subject], folder: Path) -> Answers:
    made, run = folder / "made", folder / "run"
    staged = [subject.id for subject in subjects if stage("keras", subject, made, trace=False)]
    _run("tensorflow", "checkpoint", made)
    for name in staged:
        place = run / "in" / "cases" / name
        shutil.copytree(made / "in" / "cases" / name, place)
        shutil.copytree(made / "out" / "cases" / name / "keras_checkpoint", place / "checkpoint")
    _run("pytorch", "run", run, "env", "KERAS_BACKEND=torch")
    answers = {name: _answer(run / "out" / "cases" / name) for name in staged}
    shutil.rmtree(folder)
    return answers


def _run(toolchain: str, step: str, folder: Path, *before: str) -> None:
    """Run a step of Keras's on all that is in ``folder``, in the image of ``toolchain``."""
    stage_scripts(folder / "in" / "step", f"images/tensorflow/keras_{step}.py", "tests/support/batch.py")
    (folder / "out" / "cases").mkdir(parents=True)
    command = [*before, "python3", "in/step/batch.py", f"keras_{step}={step}"]
    run_step(toolchain, command, folder / "in", folder / "out")


def _answer(place: Path) -> Outputs | str:
    if (place / "error.txt").exists():
        return (place / "error.txt").read_text()
    with np.load(place / "keras_run" / "outputs.npz", allow_pickle=False) as arrays:
        return {name.removeprefix("case/"): arrays[name] for name in arrays.files}


def test_the_same_code_runs_on_pytorch(on_torch: tuple[Mapping[str, Subject], Answers]) -> None:
    staged, answers = on_torch
    wrong = {}
    for name, subject in staged.items():
        limit = max(tolerance("keras", name, subject.tolerance), keras.TORCH_TOLERANCE)
        try:
            agree(subject, answers[name], limit)
        except AssertionError as error:
            wrong[name] = str(error).strip().split("\n")[-1]
    assert {name: said for name, said in wrong.items() if name not in keras.NOT_ON_TORCH} == {}
    assert len(staged) > 400
    assert set(keras.NOT_ON_TORCH) - set(wrong) == set(), "these run now: strike them off the list"


def scaled() -> ir.Model:
    """A network with a parameter that no layer of Keras's has."""
    net = Builder("scaled")
    data = net.input("data", ("batch", 3))
    return net.model(net.node("Mul", "op", data, net.parameter("scale", (3,))))


USE = """
    import pathlib, sys
    sys.path.insert(0, "in/step")
    import keras_code, numpy
    from keras_code import keras

    plain = keras.saving.load_model("in/plain/ExampleNet.keras")
    assert [layer.name for layer in plain.layers if "conv" in layer.name] == [
        "conv1_padded", "conv1_dense", "conv2"
    ]
    data = numpy.random.default_rng(0).standard_normal((4, 18, 24, 3)).astype("float32") * 60 + 127
    probabilities, scores = plain(data, training=False)
    code = keras_code.load_code("in/plain/model.py")
    for file in ("ExampleNet.weights.h5", "ExampleNet.keras"):
        loaded = code.load(f"in/plain/{file}")
        assert numpy.array_equal(loaded(data, training=False)[1], scores)
    plain.compile("sgd", ["mse", "mse"])
    before = plain.get_layer("fc1").kernel.numpy()
    plain.fit(data, [numpy.zeros((4, 2)), numpy.zeros((4, 4))], epochs=1, verbose=0)
    assert not numpy.array_equal(before, plain.get_layer("fc1").kernel.numpy())
    plain.predict(data[:3], verbose=0)
    plain.save("/tmp/again.keras")
    try:
        keras.saving.load_model("in/own/scaled.keras")
    except TypeError as error:
        assert "Parameter" in str(error)
    else:
        raise AssertionError("it needs its code")
    keras_code.load_code("in/own/model.py")
    keras.saving.load_model("in/own/scaled.keras").summary()
    pathlib.Path("out/done").touch()
"""


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of some networks, built twice."""
    folder = tmp_path_factory.mktemp("built")
    for name, model in {"plain": representative(), "again": representative(), "own": scaled()}.items():
        place = folder / "in" / "cases" / name
        (place / "code").mkdir(parents=True)
        converter.save(model, place / "ir")
        for file, content in converter.emit(model, "keras").items():
            (place / "code" / file).write_bytes(content)
    _run("tensorflow", "checkpoint", folder)
    return folder / "out" / "cases"


def test_files_are_the_same_when_they_are_built_again(checkpoints: Path) -> None:
    one, other = (
        {path.name: path.read_bytes() for path in (checkpoints / name / "keras_checkpoint").iterdir()}
        for name in ("plain", "again")
    )
    assert one.keys() == {"model.py", "ExampleNet.keras", "ExampleNet.weights.h5"}
    assert one == other


def test_files_are_loaded_trained_and_saved(checkpoints: Path, tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    outputs.mkdir()
    for name in ("plain", "own"):
        shutil.copytree(checkpoints / name / "keras_checkpoint", inputs / name)
    stage_scripts(inputs / "step", "images/tensorflow/keras_run.py")
    (inputs / "step" / "use.py").write_text(textwrap.dedent(USE))
    run_step("tensorflow", ["python3", "in/step/use.py"], inputs, outputs)
    assert (outputs / "done").exists()


NAMES = """
    import inspect, json, re
    import keras_code
    from keras import KerasTensor, ops
    from keras.src.utils.naming import to_snake_case

    CALL = r"(\\w+)\\((?:[^()]|\\([^()]*\\))*\\)\\.symbolic_call"

    def called(function):
        return [to_snake_case(name) for name in re.findall(CALL, inspect.getsource(function))]

    spaces = (ops, ops.image, ops.linalg, ops.nn, ops.numpy)
    functions = {name: item for space in spaces for name, item in vars(space).items() if inspect.isfunction(item)}
    methods = {name: item for name, item in vars(KerasTensor).items() if inspect.isfunction(item)}
    found = [{name: called(item) for name, item in part.items()} for part in (functions, methods)]
    with open("out/names.json", "w") as file:
        json.dump(found, file)
"""


def test_the_names_that_keras_gives_operations_are_known(tmp_path: Path) -> None:
    inputs, outputs = tmp_path / "in", tmp_path / "out"
    outputs.mkdir()
    stage_scripts(inputs / "step", "images/tensorflow/keras_run.py")
    (inputs / "step" / "names.py").write_text(textwrap.dedent(NAMES))
    run_step("tensorflow", ["python3", "in/step/names.py"], inputs, outputs)
    functions, methods = json.loads((outputs / "names.json").read_text())
    assert sum(map(bool, functions.values())) > 300
    wrong = {name: set(found) - {*operation_names(name)} for name, found in functions.items()}
    assert {name: found for name, found in wrong.items() if found} == {}
    operators = {name for found in methods.values() for name in found}
    assert operators - operator_names() == {"divide"}  # of Python 2
