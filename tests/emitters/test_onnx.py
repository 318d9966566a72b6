"""The ONNX target, without ONNX Script; what a converted structure computes is asked of onnxruntime here."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

import converter
from converter.emitters.onnx import FILES
from converter.emitters.onnx.opset import at_opset
from converter.emitters.onnx.statement import NEWEST, OLDEST
from converter.errors import BadInput, Unsupported
from converter.ir import OPSET, PREPROCESS
from tests.emitters.cases import common as cases
from tests.emitters.golden import compare_with_golden, representative
from tests.emitters.models import Builder, noise

SHAPE = ("batch", 2, 6, 8)


@pytest.mark.parametrize(("variant", "options"), [("plain", {}), ("opset13", {"opset": 13})])
def test_golden(variant: str, options: dict[str, int]) -> None:
    files = converter.emit(representative(), "onnx", **options)
    assert tuple(files) == FILES
    compare_with_golden(f"onnx/{variant}", files)


def test_golden_with_functions() -> None:
    compare_with_golden("onnx/functions", converter.emit(with_functions(), "onnx"))


def test_the_code_of_each_opset_says_which_it_is() -> None:
    for opset in range(OLDEST, NEWEST + 1):
        text = code(representative(), opset=opset)
        assert (f"opset{opset} as op" in text) != (f'op = Opset("", {opset})' in text)


@pytest.mark.parametrize("opset", [OLDEST - 1, NEWEST + 1])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(BadInput, match=f"opset {opset} is not one"):
        converter.emit(representative(), "onnx", opset=opset)


@pytest.mark.parametrize(("opset", "version"), [(13, 7), (15, 8), (18, 8), (21, 10), (26, 13)])
def test_the_file_format_is_the_oldest_that_holds_the_model(opset: int, version: int) -> None:
    assert plan(representative(), opset=opset)["ir_version"] == version
    assert plan(with_functions(), opset=opset)["ir_version"] == max(version, 8)


def test_nothing_is_left_of_functions_that_are_inlined() -> None:
    assert "transship" in code(with_functions())
    text = code(with_functions(), inline=True)
    assert "transship" not in text
    assert text.count("@script") == 1


def test_functions_that_differ_in_attributes_are_different_functions() -> None:
    functions = [node.name for node in ast.parse(code(with_functions())).body if isinstance(node, ast.FunctionDef)]
    assert functions == ["MultiBoxPrior", "MultiBoxPrior_2", "net", "build"]


def test_names_of_the_model_are_in_the_plan() -> None:
    found = plan(cases.names())
    assert found["name"] == 'the "net"'
    assert found["function"] == "the_net"
    assert found["inputs"] == {"data": "data"}
    assert found["nodes"] == {
        "data_2": "data",
        "bn_scale_0": "bn/scale_0",
        "sp": "späß\\",
        "s_output0": "bn/scale",
    }


def test_names_that_mean_something_are_given_to_nothing_else() -> None:
    wanted = ["op", "np", "script", "FLOAT", "range", "const", "tmp_3", "int64_1_1d", "x_cast", "return_val", "op"]
    net = Builder("build")
    value = net.input("onnx", ("batch", 3))
    for name in (*wanted[:-1], "lambda", "op ", "net"):
        value = net.node("Relu", name, value)
    files = converter.emit(net.model(value), "onnx")
    tree = ast.parse(files[FILES[0]])
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    (network,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name != "build"]
    assert network.name == "build_2"
    assert len(set(names)) == len(names)
    assert not {*wanted, "lambda"} & set(names)


HOSTILE = [
    '"""\nimport os\n"""',
    "a\nb = 1",
    "')",
    "x\\",
    "\u202e\u2028",
    "späß",
    "__import__('os')",
    "",
    "class",
    "1",
    "{0}",
]


def test_names_cannot_become_code() -> None:
    """Whatever text a model holds, the code is the same but for names, texts and docstrings."""
    safe = ast.parse(code(named([f"n{number}" for number in range(len(HOSTILE))])))
    hostile = ast.parse(code(named(HOSTILE)))
    assert skeleton(hostile) == skeleton(safe)


def skeleton(tree: ast.AST) -> list[str]:
    """What kinds of nodes there are; a docstring or a name is as good as any other."""
    return [type(node).__name__ for node in ast.walk(tree)]


def named(names: list[str]) -> ir.Model:
    """A net in which everything is called one of ``names``."""
    net = Builder(names[0])
    value = net.input(f"{names[1]} in", ("batch", 3))
    for name in names:
        value = net.node("Add", f"{name} node", value, net.parameter(f"{name} parameter", (3,)))
    preprocess = {f"key {name}": name for name in names}
    return net.model(value, metadata={PREPROCESS: json.dumps(preprocess)})


def test_a_parameter_that_nothing_uses_is_no_argument() -> None:
    net = Builder()
    net.parameter("unused", (3,))
    net.node("Add", "dead", net.input("data", ("batch", 3)), net.parameter("dead_bias", (3,)))
    model = net.model(net.node("Relu", "relu", net.input("other", ("batch", 3))))
    assert plan(model)["parameters"] == []
    assert "dead" not in code(model)


def test_an_output_has_to_be_computed() -> None:
    net = Builder()
    data = net.input("data", ("batch", 3))
    with pytest.raises(Unsupported, match="ONNX Script cannot return 1 of this model's outputs as they are"):
        converter.emit(net.model(net.node("Relu", "relu", data), data), "onnx")


def test_what_is_refused_is_refused_at_once() -> None:
    net = Builder()
    value = net.input("data", ("batch", 4))
    for number in range(4):
        value = net.node("Bernoulli", f"bernoulli{number}", value)
    value = net.node("RandomNormalLike", "noise", value)
    with pytest.raises(Unsupported) as refused:
        converter.emit(net.model(value), "onnx")
    assert "4 x Bernoulli (bernoulli0, bernoulli1, bernoulli2, ...): no such operator; 1 x RandomNormalLike" in str(
        refused.value
    )


def code(model: ir.Model, **options: Any) -> str:
    """The module."""
    return converter.emit(model, "onnx", **options)[FILES[0]].decode()


def plan(model: ir.Model, **options: Any) -> dict[str, Any]:
    """The weight plan."""
    found: dict[str, Any] = json.loads(converter.emit(model, "onnx", **options)[FILES[1]])
    return found


def with_functions() -> ir.Model:
    """Two calls of one function, whose bodies differ as their attributes do; a loop halves what it is given."""
    data = ir.val("data", ir.DataType.FLOAT, ("batch", 3))
    nodes, functions, value = [], [], data
    for overload, rounds in (("", 1), ("2", 4)):
        made = ir.val(f"halved{rounds}", ir.DataType.FLOAT, ("batch", 3))
        attributes = {"sizes": [0.5, float(rounds)], "clip": 1}
        call = ir.node("MultiBoxPrior", [value], attributes, domain="transship", overload=overload, outputs=[made])
        call.name = f"call{rounds}"
        nodes.append(call)
        functions.append(halving(overload, rounds))
        value = made
    graph = ir.Graph([data], [value], nodes=nodes, opset_imports={"": OPSET, "transship": 1}, name="net")
    return ir.Model(graph, ir_version=10, functions=functions)


def halving(overload: str, rounds: int) -> ir.Function:
    """A function of one input that halves it ``rounds`` times."""
    data = ir.val("data")
    count, true = constant("rounds", np.array(rounds)), constant("true", np.array(True))
    number, going = ir.val("round", ir.DataType.INT64, ()), ir.val("going", ir.DataType.BOOL, ())
    before, after, kept = (ir.val(name, ir.DataType.FLOAT, ("batch", 3)) for name in ("before", "after", "kept"))
    half = constant("half", np.array(0.5, np.float32))
    still = ir.val("still", ir.DataType.BOOL, ())
    inner = [
        half,
        ir.node("Mul", [before, half.outputs[0]], outputs=[after], name="halve"),
        ir.node("Identity", [going], outputs=[still], name="go-on"),
    ]
    body = ir.Graph([number, going, before], [still, after], nodes=inner, name="again")
    inputs = [count.outputs[0], true.outputs[0], data]
    loop = ir.node("Loop", inputs, {"body": body}, outputs=[kept], name="all")
    graph = ir.Graph([data], [kept], nodes=[count, true, loop], opset_imports={"": OPSET})
    declared = [ir.Attr(name, ir.AttributeType.UNDEFINED, None) for name in ("sizes", "clip")]
    return ir.Function("transship", "MultiBoxPrior", overload, graph=graph, attributes=declared)


def constant(name: str, array: np.ndarray[Any, Any]) -> ir.Node:
    """A node that holds ``array``."""
    tensor = ir.tensor(array)
    output = ir.val(name, tensor.dtype, array.shape)
    return ir.node("Constant", [], {"value": tensor}, outputs=[output], name=name)


def one(op: str, *more: Any, shape: tuple[int | str, ...] = SHAPE, **attributes: Any) -> ir.Model:
    """A net of one node: ``more`` are constants."""
    net = Builder()
    inputs = [None if value is None else net.constant(f"c{number}", value) for number, value in enumerate(more)]
    return net.model(net.node(op, "op", net.input("data", shape), *inputs, **attributes))


def split() -> ir.Model:
    """Parts of different sizes, of which only the number is said."""
    net = Builder()
    data = net.input("data", ("batch", 5, 2))
    return net.model(*net.nodes("Split", "op", data, outputs=["a", "b", "c"], axis=1, num_outputs=3))


ROUNDING = 2e-6
CONVERTED: Mapping[str, tuple[Callable[[], ir.Model], int]] = {
    "affine-grid": (lambda: one("AffineGrid", [2, 1, 3, 4], shape=(2, 2, 3)), 13),
    "affine-grid-aligned": (lambda: one("AffineGrid", [2, 1, 3, 4], shape=(2, 2, 3), align_corners=1), 18),
    "gelu": (lambda: one("Gelu"), 13),
    "gelu-tanh": (lambda: one("Gelu", approximate="tanh"), 19),
    "mish": (lambda: one("Mish"), 17),
    "pad-axes": (lambda: one("Pad", [1, 2, 3, 4], 0.5, [-1, 2]), 13),
    "pad-edge": (lambda: one("Pad", [0, 0, 1, 2, 0, 0, 3, 4], mode="edge"), 17),
    "reduce-mean": (lambda: one("ReduceMean", [2, -1], keepdims=0), 13),
    "reduce-max": (lambda: one("ReduceMax", [1]), 17),
    "reduce-all": (lambda: one("ReduceL2"), 17),
    "reduce-sum": (lambda: one("ReduceSum", [1]), 13),
    "resize-sizes": (lambda: one("Resize", None, None, [9, 5], axes=[2, 3], mode="linear"), 13),
    "resize-sizes-turned": (lambda: one("Resize", None, None, [9, 5], axes=[3, 2], mode="cubic"), 17),
    "resize-scales": (lambda: one("Resize", None, [1.5, 2.0], axes=[2, 3], mode="nearest"), 13),
    "split": (split, 13),
    "trilu-lower": (lambda: one("Trilu", 1, upper=0), 13),
    "trilu-upper": (lambda: one("Trilu", -2), 13),
    "global-lp-pool": (lambda: one("GlobalLpPool", p=3), NEWEST),
    "global-lp-pool-2": (lambda: one("GlobalLpPool"), NEWEST),
}


def rois(op: str) -> ir.Model:
    """Boxes of two pictures."""
    net = Builder()
    boxes, numbers = net.parameter("boxes", (3, 4)), net.constant("numbers", [0, 1, 0])
    return net.model(net.node(op, "op", net.input("data", SHAPE), boxes, numbers))


REFUSED = {
    "roi-align": (lambda: rois("RoiAlign"), 15, "opset 15 has no half_pixel"),
    "roi-align-new": (lambda: rois("RoiAlign"), 22, "onnxruntime does not run the RoiAlign of opset 22"),
    "pad-wrap": (lambda: one("Pad", [0, 0, 1, 1, 0, 0, 1, 1], mode="wrap"), 18, "does not wrap around"),
    "resize-antialias": (
        lambda: one("Resize", None, [1.0, 1.0, 0.5, 0.5], mode="linear", antialias=1),
        17,
        "antialias",
    ),
    "average-dilated": (
        lambda: one("AveragePool", kernel_shape=[2, 2], dilations=[2, 2]),
        18,
        "opset 18 has no dilations",
    ),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_a_converted_structure_computes_the_same(name: str) -> None:
    build, opset = CONVERTED[name]
    model = build()
    converted = at_opset(model, opset)
    assert {node.version for node in converted.graph} <= {opset, None}
    for wanted, found in zip(answers(model, OPSET), answers(converted, opset), strict=True):
        assert np.abs(wanted - found).max() <= ROUNDING * np.abs(wanted).max()


def answers(model: ir.Model, opset: int) -> list[np.ndarray[Any, Any]]:
    """What onnxruntime computes of ``model``, whose nodes are of ``opset``."""
    proto: onnx.ModelProto = ir.to_proto(model)
    proto.ir_version = 10
    proto.opset_import[0].version = opset
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shapes = {value.name: [2 if dim == "batch" else dim for dim in value.shape] for value in session.get_inputs()}
    found: list[np.ndarray[Any, Any]] = session.run(
        None, {name: noise(name, shape) for name, shape in shapes.items()}
    )
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_opset_cannot_say_exactly_is_refused(name: str) -> None:
    build, opset, words = REFUSED[name]
    with pytest.raises(Unsupported, match=f"opset {opset} cannot express 1 of") as refused:
        converter.emit(build(), "onnx", opset=opset)
    assert words in str(refused.value)


def test_a_conversion_leaves_the_model_alone() -> None:
    model = one("Pad", [1, 2, 3, 4], 0.5, [-1, 2])
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    at_opset(model, 13)
    converter.emit(model, "onnx", opset=13, inline=True)
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(("axis", "shape"), [(-2, (5,)), (3, (4, 5)), (0, (5,))])
def test_layer_normalization_is_not_made_of_older_operators_where_its_scale_is_broadcast(
    axis: int, shape: tuple[int, ...]
) -> None:
    net = Builder()
    data = net.input("data", ("batch", 3, 4, 5))
    model = net.model(net.node("LayerNormalization", "norm", data, net.parameter("scale", shape), axis=axis))
    converter.emit(model, "onnx")
    with pytest.raises(Unsupported, match="scale has the shape"):
        converter.emit(model, "onnx", opset=OLDEST)
