"""Run the net and what became of it, in this process, on the same inputs: are the answers the same?

The net's own answers are MXNet's, of the traced symbol and of copies of the parameters, so that the net stays as it
is even where MXNet writes over parameters when they run.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx_ir

from converter.compare import compare
from converter.detected import read_groups
from converter.errors import BadInput, TransshipError
from converter.gluon.build import Built, Plan
from converter.gluon.trace import DATA, Traced
from converter.ir import BATCH, dims
from converter.ir.detections import detections

Array = npt.NDArray[Any]
Answers = dict[str, Array]
Runner = Callable[[Built, Sequence[Array]], list[Answers]]

_PACKAGES: Final = MappingProxyType({"caffe": "caffe", "ncnn": "ncnn", "onnx": "onnxruntime"})
_COARSE: Final = 8
"""An image's parts, along each axis, whose colours have nothing to do with each other."""


def check(traced: Traced, model: onnx_ir.Model, target: str, built: Built) -> None:
    """Compare on four inputs: two of noise, two of even parts and noise, as photographs have.

    Raises:
        BadInput: The target's package is not there.
        TransshipError: The answers are not exactly the same, by :mod:`converter.compare`.
    """
    _package(target)
    names = [str(value.name) for value in model.graph.outputs]
    shape = [1 if dim == BATCH else int(dim) for dim in dims(model.graph.inputs[0])]
    _check_batch(built.plan, shape)
    inputs = cases(shape)
    reference = _own_answers(traced, names, inputs)
    candidate = RUNNERS[target](built, inputs)
    groups = read_groups([place for each in detections(model.graph) if (place := each.places())])
    verdict = compare(reference, candidate, detections=groups)
    if verdict.verdict != "exact":
        raise TransshipError(
            f"{target} does not compute what the net computes: {'; '.join(verdict.reasons)}",
            where=", ".join(output.name for output in verdict.outputs if output.verdict != "exact"),
            fix="use trained weights, where answers are saturated or all alike; else this is a defect of transship",
        )


def cases(shape: Sequence[int]) -> list[Array]:
    """Four inputs of ``shape``, float32, from -2 to 2, where the inputs of networks usually lie."""
    random = np.random.Generator(np.random.PCG64(20))
    noise = [random.uniform(-2, 2, shape).astype(np.float32) for _ in range(4)]
    return [*noise[:2], *(_parts(random, each) for each in noise[2:])]


def _parts(random: np.random.Generator, noise: Array) -> Array:
    """An image of even parts, with a little ``noise``."""
    coarse = random.uniform(-1.8, 1.8, [min(size, _COARSE) for size in noise.shape])
    for axis, size in enumerate(noise.shape):
        coarse = np.take(coarse, np.arange(size) * coarse.shape[axis] // size, axis=axis)
    return (coarse + noise / 10).astype(np.float32)


def _own_answers(traced: Traced, names: Sequence[str], inputs: Sequence[Array]) -> list[Answers]:
    """What MXNet computes of ``inputs``, by the ``names`` that the IR has for the outputs."""
    import mxnet

    values = {name: value.copy() for name, value in traced.parameters.items()}
    arguments = {name[4:]: value for name, value in values.items() if name.startswith("arg:")}
    states = {name[4:]: value for name, value in values.items() if name.startswith("aux:")}
    found = []
    for given in inputs:
        arguments[DATA] = mxnet.nd.array(given)
        executor = traced.symbol.bind(mxnet.cpu(), arguments, grad_req="null", aux_states=states)
        answers = [value.asnumpy() for value in executor.forward(is_train=False)]
        found.append(dict(zip(names, answers, strict=True)))
    return found


def _onnx(built: Built, inputs: Sequence[Array]) -> list[Answers]:
    """In onnxruntime, the operators as they stand."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    model = built.weights.SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = list(built.plan["outputs"])
    return [dict(zip(names, session.run(names, {DATA: given}), strict=True)) for given in inputs]


def _ncnn(built: Built, inputs: Sequence[Array]) -> list[Answers]:
    """In ncnn's most exact mode: float32, one thread, no shortcuts. A row of the batch at a time."""
    import ncnn

    net = ncnn.Net()
    for name in dir(net.opt):
        if name.startswith("use_"):
            setattr(net.opt, name, name == "use_packing_layout")
    net.opt.num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        network, weights = Path(folder, "model.param"), Path(folder, "model.bin")
        network.write_text(built.network)
        weights.write_bytes(built.weights)
        if net.load_param(str(network)) != 0 or net.load_model(str(weights)) != 0:
            raise TransshipError("ncnn does not load what was written for it")
    return [_rows(net, built.plan, given) for given in inputs]


def _rows(net: Any, plan: Plan, given: Array) -> Answers:
    """What ncnn computes of one input, whose rows it is given one by one."""
    blob, shape = plan["inputs"][DATA]
    rows = [_row(net, plan, blob, each) for each in (given if BATCH in shape else [given])]
    tables = {table["table"] for table in plan.get("detections", ())}
    found = {}
    for name, (_, wanted) in plan["outputs"].items():
        if name in tables:
            found[name] = rows[0][name].reshape(-1, 6)
        else:
            parts = [row[name].reshape([1 if dim == BATCH else dim for dim in wanted]) for row in rows]
            found[name] = np.concatenate(parts, list(wanted).index(BATCH)) if BATCH in wanted else parts[0]
    return _detections(plan, found)


def _row(net: Any, plan: Plan, blob: str, given: Array) -> Answers:
    import ncnn

    extractor = net.create_extractor()
    extractor.input(blob, ncnn.Mat(np.ascontiguousarray(given)).clone())
    found = {}
    for name, (place, _) in plan["outputs"].items():
        code, mat = extractor.extract(place)
        if code != 0:
            raise TransshipError(f"ncnn does not compute {name}: code {code}")
        found[name] = np.zeros(0, np.float32) if mat.empty() else np.array(mat)
    return found


def _caffe(built: Built, inputs: Sequence[Array]) -> list[Answers]:
    """In Caffe. Where the result takes BGR images it is given them."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    import caffe
    from google.protobuf import text_format

    plan = built.plan
    with tempfile.TemporaryDirectory() as folder:
        network, weights = Path(folder, "net.prototxt"), Path(folder, "net.caffemodel")
        network.write_text(text_format.MessageToString(built.network))
        weights.write_bytes(built.weights.SerializeToString())
        net = caffe.Net(str(network), caffe.TEST, weights=str(weights))
    found = []
    for given in inputs:
        net.blobs[plan["inputs"][DATA]].data[...] = given[:, ::-1] if DATA in plan.get("bgr", ()) else given
        net.forward()
        values = {name: _typed(net, blob, plan, name) for name, blob in plan["outputs"].items()}
        tables = {table["table"]: values[table["table"]].reshape(-1, 7) for table in plan.get("detections", ())}
        found.append(_detections(plan, values | tables))
    return found


def _typed(net: Any, blob: str, plan: Mapping[str, Any], name: str) -> Array:
    value = np.array(net.blobs[blob].data)
    dtype = plan.get("dtypes", {}).get(name)
    return value if dtype is None else value.astype(dtype)


RUNNERS: Final[Mapping[str, Runner]] = MappingProxyType({"caffe": _caffe, "ncnn": _ncnn, "onnx": _onnx})
"""How a target runs what was built for it."""


def _detections(plan: Plan, found: Answers) -> Answers:
    """``found`` with the net's outputs in the place of a target's own tables of detections, of a batch of one.

    A target's rows end with class, score, and corners as parts of the image; its classes count the background. The
    net's are as many as the plan says, the best score first, and -1 where there are no more.
    """
    answers = dict(found)
    for table in plan.get("detections", ()):
        rows = answers.pop(table["table"])[:, -6:]
        rows = rows[rows[:, 0] > 0]
        best = rows[np.argsort(-rows[:, 1], kind="stable")][: table["keep"]]
        scale = np.array([*table["scale"]] * 2, np.float32)
        whole = np.full((1, table["keep"], 6), -1, np.float32)
        whole[0, : len(best)] = np.concatenate([best[:, :1] - 1, best[:, 1:2], best[:, 2:] * scale], axis=1)
        answers |= {name: whole[..., start:end] for name, (start, end) in table["outputs"].items()}
    return answers


def _check_batch(plan: Plan, shape: Sequence[int]) -> None:
    if plan.get("detections") and shape[0] != 1:
        raise BadInput(
            "verify runs a detector on one image", where=f"input_shape={tuple(shape)}", fix="let it be one"
        )


def _package(target: str) -> None:
    """Fail unless the target's package is there, before anything runs."""
    name = _PACKAGES[target]
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise BadInput(
            f"verify=True runs the result in {target}, and the package {name} is not here",
            fix="install it, or verify the exported files with the command line, in containers",
        ) from error
