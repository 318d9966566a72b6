"""What emitters are tested on: hand-made models, and all that the MXNet parser makes of its own cases."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import onnxruntime

import converter
from converter import ir
from converter.emitters import emitters, live_nodes, operator_of
from converter.passes.channels_last import DOMAIN as CHANNELS_LAST
from converter.passes.channels_last import channels_last
from tests.emitters.cases import CASES
from tests.emitters.targets import prepared
from tests.parsers import cases as parsed
from tests.parsers.files import write
from tests.parsers.test_operators import shapes_of

Outputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A model with inputs, and what onnxruntime makes of them.

    Attributes:
        id: Unique; a folder's name.
        folder: Holds the IR in ``ir/``, and in ``structure/`` its graph without the weights.
        inputs: An array for each input.
        tolerance: Largest error relative to the largest value.
    """

    id: str
    folder: Path
    inputs: Outputs
    tolerance: float

    def load(self) -> onnx_ir.Model:
        """The model, whose weights are out of reach."""
        return ir.load(self.folder / "structure")

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the model's outputs."""
        return [str(value.name) for value in self.load().graph.outputs]

    @cached_property
    def expected(self) -> Outputs:
        """Every value that the model computes, outputs and intermediate ones, by name."""
        model = onnx.load(self.folder / "ir" / ir.MODEL, load_external_data=False)
        known = {value.name: value for value in [*model.graph.value_info, *model.graph.output]}
        names = [name for node in model.graph.node for name in node.output if name]
        del model.graph.output[:]
        model.graph.output.extend(known.get(name, onnx.ValueInfoProto(name=name)) for name in names)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        place = str(self.folder / "ir")
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", place)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return dict(zip(names, session.run(names, self.inputs), strict=True))


def operators_for(subject: Subject, target: str) -> set[str]:
    """The operators that the emitter of ``target`` is given of ``subject``, in every order of axes that it takes."""
    known = emitters(target)
    model = prepared(target, subject.load())
    found = operators_of(model)
    if any(operator.startswith(CHANNELS_LAST) for operator in known):
        found |= operators_of(channels_last(model, known).model)
    return found


def operators_of(model: onnx_ir.Model) -> set[str]:
    """The operators of a prepared model, those in the bodies of the functions that are left in it among them."""
    bodies = (node for function in model.functions.values() for node in function)
    return {operator_of(node) for node in (*live_nodes(model.graph), *bodies)} - {"Constant"}


def corpus(folder: Path) -> dict[str, Subject]:
    """Every subject by its id, saved below ``folder``."""
    return {subject.id: subject for subject in (*_made(folder), *_parsed(folder))}


def _made(folder: Path) -> Iterator[Subject]:
    for case in CASES:
        place = folder / case.name
        _save(case.build(), place)
        yield Subject(case.name, place, case.inputs(), case.tolerance)


def _parsed(folder: Path) -> Iterator[Subject]:
    for case in parsed.CASES:
        place = folder / f"mxnet-{case.id}"
        place.mkdir(parents=True)
        graph, params = write(place, case.symbol, case.params, case.records)
        _save(converter.parse("mxnet", graph=graph, weights=params, inputs=shapes_of(case)), place)
        yield Subject(place.name, place, case.inputs, case.tolerance)


def _save(model: onnx_ir.Model, place: Path) -> None:
    converter.save(model, place / "ir")
    (place / "structure").mkdir()
    try:
        os.link(place / "ir" / ir.MODEL, place / "structure" / ir.MODEL)
    except OSError:
        shutil.copy(place / "ir" / ir.MODEL, place / "structure")
