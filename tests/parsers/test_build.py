"""What the frontend accepts, names, and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx_ir
import pytest

import converter
from converter import ir
from converter.errors import BadInput, Unsupported
from converter.parsers.mxnet.registry import Parameter, operators, parses, table
from converter.parsers.mxnet.scope import Scope
from tests.parsers.files import Array, Edge, Net, write

Shapes = dict[str, tuple[int | str, ...]]
DATA: Shapes = {"data": ("batch", 3, 8, 8)}


def parsed(folder: Path, net: Net, *heads: Edge, inputs: Shapes = DATA) -> onnx_ir.Model:
    graph, weights = write(folder, net.symbol(*heads), net.params)
    return converter.parse("mxnet", graph=graph, weights=weights, inputs=inputs)


def zeros(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


def convolution(net: Net, data: Edge, name: str = "conv", **attributes: str) -> Edge:
    weight = net.arg(f"{name}_w", zeros(4, 3, 3, 3))
    return net.node(
        "Convolution",
        name,
        [data, weight],
        **({"kernel": "(3, 3)", "num_filter": "4", "no_bias": "True"} | attributes),
    )


def test_names_and_shapes(tmp_path: Path) -> None:
    net = Net()
    conv = convolution(net, net.variable("data"))
    parts = net.node("SliceChannel", "cut", [conv], num_outputs="2", squeeze_axis="False")
    dense = net.node(
        "FullyConnected", "fc", [parts, net.arg("w", zeros(5, 72)), net.arg("b", zeros(5))], num_hidden="5"
    )
    model = parsed(tmp_path, net, dense, (parts[0], 1))
    assert [node.name for node in model.graph] == ["conv", "cut", "fc/flatten", "fc"]
    values = [(value.name, ir.dims(value)) for node in model.graph for value in node.outputs]
    assert values == [
        ("conv_output", ("batch", 4, 6, 6)),
        ("cut_output0", ("batch", 2, 6, 6)),
        ("cut_output1", ("batch", 2, 6, 6)),
        ("fc/flatten_output", ("batch", 72)),
        ("fc_output", ("batch", 5)),
    ]
    assert [value.name for value in model.graph.outputs] == ["fc_output", "cut_output1"]
    assert list(model.graph.initializers) == ["conv_w", "w", "b"]
    assert model.graph.name == "net"


def test_metadata(tmp_path: Path) -> None:
    net = Net()
    convolution(net, net.variable("data"))
    graph, weights = write(tmp_path, net.symbol(), net.params)
    preprocess = {"mean": [1.0, 2.0], "layout": "RGB"}
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs=DATA, name="mine", preprocess=preprocess)
    assert model.graph.name == "mine"
    assert json.loads(model.metadata_props["transship.source"]) == {"framework": "mxnet", "version": 10901}
    assert json.loads(model.metadata_props["transship.preprocess"]) == preprocess
    assert model.producer_name == "transship"


def test_labels_are_recorded(tmp_path: Path) -> None:
    net = Net()
    convolution(net, net.variable("data"))
    graph, weights = write(tmp_path, net.symbol(), net.params)
    output = converter.parse("mxnet", graph=graph, weights=weights, inputs=DATA).graph.outputs[0]
    labels = {str(output.name): [f"class {number}" for number in range(int(output.shape[1]))]}
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs=DATA, labels=labels)
    assert json.loads(model.metadata_props["transship.labels"]) == labels


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"prob": ["a", "b"]}, "there is no output 'prob', only"),
        ({"conv_output": ["a"]}, "1 labels for 'conv_output', which is"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: dict[str, list[str]], message: str) -> None:
    net = Net()
    convolution(net, net.variable("data"))
    graph, weights = write(tmp_path, net.symbol(), net.params)
    with pytest.raises(BadInput, match=message):
        converter.parse("mxnet", graph=graph, weights=weights, inputs=DATA, labels=labels)


def test_fixed_gamma_is_one_whatever_is_stored(tmp_path: Path) -> None:
    net = Net()
    stored = np.full(3, 0.5676, np.float32)
    states = [net.arg("g", stored), net.arg("b", stored), net.aux("m", stored), net.aux("v", stored)]
    net.node("BatchNorm", "bn", [net.variable("data"), *states])
    tensors = {name: value.const_value for name, value in parsed(tmp_path, net).graph.initializers.items()}
    assert tensors["g"] is not None
    assert tensors["g"].numpy().tolist() == [1, 1, 1]
    assert tensors["b"] is not None
    assert tensors["b"].numpy().tolist() == stored.tolist()


@pytest.mark.parametrize(("shape", "dims"), [((2, 3, 4, 4), [3, 1, 1]), ((2, 3), [3]), ((2, 3, 4), [3, 1])])
def test_slope_is_declared_as_it_broadcasts(tmp_path: Path, shape: tuple[int, ...], dims: list[int]) -> None:
    net = Net()
    net.node("LeakyReLU", "act", [net.variable("data"), net.arg("slope", zeros(3))], act_type="prelu")
    model = parsed(tmp_path, net, inputs={"data": shape})
    assert list(ir.dims(model.graph.initializers["slope"])) == dims


def test_unused_parameters_and_nodes_are_left_out(tmp_path: Path) -> None:
    net = Net()
    data = net.variable("data")
    conv = convolution(net, data)
    net.node("_contrib_Unheard", "dead", [data])
    net.params["arg:leftover"] = zeros(1)
    model = parsed(tmp_path, net, conv)
    assert list(model.graph.initializers) == ["conv_w"]


def test_nodes_of_one_name_stay_apart(tmp_path: Path) -> None:
    net = Net()
    first = net.node("Activation", "act", [net.variable("data")], act_type="relu")
    net.node("Activation", "act", [first], act_type="tanh")
    model = parsed(tmp_path, net)
    assert [node.name for node in model.graph] == ["act", "act/2"]
    converter.save(model, tmp_path / "ir")


def test_everything_unsupported_is_named_at_once(tmp_path: Path) -> None:
    net = Net()
    data = net.variable("data")
    first = convolution(net, data, "conv_a", layout="CHWN")
    second = convolution(net, data, "conv_b", layout="CHWN")
    third = net.node("Convolutions", "odd", [first])
    fourth = net.node("Pooling", "pool", [data], kernel="(2, 2)", pool_type="median", colour="red")
    dropped = [net.node("Dropout", name, [data], p="1") for name in ("drop_a", "drop_b")]
    net.node("Custom", "mine", [second, third, fourth, *dropped], op_type="secret")
    with pytest.raises(Unsupported) as caught:
        parsed(tmp_path, net)
    assert str(caught.value).splitlines() == [
        "net cannot be read exactly, for 6 reasons:",
        (
            "  - unsupported attribute Convolution.layout='CHWN'; supported: only NCW, NCHW, NCDHW, NHWC, NDHWC:"
            " 2 nodes (conv_a, conv_b)"
        ),
        "  - unknown operator Convolutions (similar, and supported: Convolution): 1 node (odd)",
        "  - unsupported attribute Pooling.pool_type='median'; supported: only max, avg, sum, lp: 1 node (pool)",
        "  - unknown attribute Pooling.colour='red': 1 node (pool)",
        "  - Dropout: p=1.0: 2 nodes (drop_a, drop_b)",
        (
            "  - operator Custom of the type 'secret': its code is the user's own Python or C++, which no file holds;"
            " rewrite it with MXNet's own operators: 1 node (mine)"
        ),
    ]


def test_one_refusal_takes_one_line(tmp_path: Path) -> None:
    net = Net()
    net.node("Unheard", "up", [net.variable("data")])
    with pytest.raises(Unsupported) as caught:
        parsed(tmp_path, net)
    assert str(caught.value) == "net cannot be read exactly: unknown operator Unheard: 1 node (up)"


REFUSED = [
    ("_contrib_AdaptiveAvgPooling2D", {"output_size": "1000000007"}, "a table of means of 8000000056 elements"),
    ("Dropout", {"mode": "always"}, "supported: only training"),
    ("_mul_scalar", {"scalar": "nan"}, "supported: a finite number"),
    ("_mul_scalar", {"scalar": "many"}, "supported: a number"),
    ("Reshape", {"shape": "(-1, 3)"}, "open batch dimension"),
    ("Reshape", {"shape": "(-5, 3)"}, "shape (-5, 3)"),
    ("SliceChannel", {"num_outputs": "2", "axis": "0"}, "open batch dimension"),
    ("SliceChannel", {"num_outputs": "2.5"}, "supported: a whole number"),
    ("Dropout", {"p": "1"}, "p=1"),
]


@pytest.mark.parametrize(("op", "attributes", "message"), REFUSED)
def test_refused_values(tmp_path: Path, op: str, attributes: dict[str, str], message: str) -> None:
    net = Net()
    inputs = [net.variable("data")] + [net.variable("label")] * (op == "SoftmaxOutput")
    net.node(op, "node", inputs, **attributes)
    with pytest.raises(Unsupported) as caught:
        parsed(tmp_path, net)
    assert message in str(caught.value)


MALFORMED = [
    ("_contrib_BilinearResize2D", {"mode": "odd_scale", "scale_height": "1e30", "scale_width": "1"}, "are too many"),
    ("_contrib_index_array", {"axes": "()"}, "do not fit each other"),
    ("SliceChannel", {"num_outputs": "2"}, "an axis of 3 cannot be split into 2"),
    ("SliceChannel", {"num_outputs": "0"}, "an axis of 3 cannot be split into 0"),
    ("SliceChannel", {"num_outputs": "1", "squeeze_axis": "True"}, "cannot be split into 1"),
    ("SliceChannel", {}, "lacks the attribute num_outputs (int)"),
    ("Activation", {}, "lacks the attribute act_type (relu | sigmoid"),
    ("Concat", {"dim": "4"}, "has no axis 4"),
    ("Reshape", {"shape": "(0, 100)"}, "does not have the elements of batchx100"),
    ("Reshape", {"shape": "(0, 0, 0, 0, 0)"}, "too few dimensions"),
    ("Reshape", {"shape": "(0, 0, -4, 3, 3, 0)"}, "cannot be split into 3 x 3"),
]


@pytest.mark.parametrize(("op", "attributes", "message"), MALFORMED)
def test_malformed_values(tmp_path: Path, op: str, attributes: dict[str, str], message: str) -> None:
    net = Net()
    net.node(op, "node", [net.variable("data")], **attributes)
    with pytest.raises(BadInput) as caught:
        parsed(tmp_path, net)
    assert message in caught.value.what


def test_all_missing_parameters_are_named(tmp_path: Path) -> None:
    net = Net()
    inputs = [net.variable(name) for name in ("data", "w", "b")]
    net.node("Convolution", "conv", inputs, kernel="(3, 3)", num_filter="4")
    with pytest.raises(BadInput, match="no values for 2 of the network's variables: 'w', 'b'"):
        parsed(tmp_path, net)


def test_array_without_value_is_missing(tmp_path: Path) -> None:
    net = Net()
    convolution(net, net.variable("data"))
    graph, weights = write(tmp_path, net.symbol(), {"arg:conv_w": None})
    with pytest.raises(BadInput, match="'conv_w'"):
        converter.parse("mxnet", graph=graph, weights=weights, inputs=DATA)


@pytest.mark.parametrize(
    ("inputs", "what", "fix"),
    [
        ({"image": (1, 3, 8, 8)}, "the network has no input 'image'", "the inputs are: 'data'"),
        (DATA | {"label": (1,)}, "the network has no input 'label'", "training needs it, the network does not"),
        (DATA | {"w": (5, 192)}, "'w' is a parameter, not an input", "the inputs are: 'data'"),
        ({"data": ()}, "input 'data' has the shape ()", "give 1 to 8"),
        ({"data": (1, "batch")}, "input 'data' has the shape (1, 'batch')", "give 1 to 8"),
        ({"data": ("N", 3)}, "input 'data' has the shape ('N', 3)", "give 1 to 8"),
        ({"data": (1, 0)}, "input 'data' has the shape (1, 0)", "give 1 to 8"),
        ({"data": (1, True)}, "input 'data' has the shape (1, True)", "give 1 to 8"),
    ],
)
def test_wrong_inputs(tmp_path: Path, inputs: Shapes, what: str, fix: str) -> None:
    net = Net()
    dense = net.node(
        "FullyConnected", "fc", [net.variable("data"), net.arg("w", zeros(5, 192))], num_hidden="5", no_bias="True"
    )
    net.node("SoftmaxOutput", "prob", [dense, net.variable("label")])
    with pytest.raises(BadInput) as caught:
        parsed(tmp_path, net, inputs=inputs)
    assert caught.value.what == what
    assert caught.value.fix.startswith(fix)


def test_input_shape_that_does_not_fit_names_parameter_and_input(tmp_path: Path) -> None:
    net = Net()
    net.node(
        "FullyConnected", "fc", [net.variable("data"), net.arg("w", zeros(5, 192))], num_hidden="5", no_bias="True"
    )
    with pytest.raises(BadInput) as caught:
        parsed(tmp_path, net, inputs={"data": ("batch", 3, 7, 8)})
    assert caught.value.what == "parameter 'w' is 5x192 in the file, but FullyConnected 'fc' needs 5x168"
    assert caught.value.fix.endswith("or the input shape of its training, not data=batchx3x7x8")


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (lambda net: net.node("Flatten", "f", [net.variable("data")] * 2), BadInput, "has 2 inputs; it takes: data"),
        (lambda net: net.node("_plus", "p", [net.variable("data")]), BadInput, "has 1 inputs; it takes: lhs, rhs"),
        (
            lambda net: net.node("Flatten", "f", [(net.node("Dropout", "drop", [net.variable("data")])[0], 1)]),
            Unsupported,
            "reads output 1 of a node that has 1 in inference",
        ),
        (lambda net: net.variable("data"), Unsupported, "is one of its own inputs"),
        (
            lambda net: net.node(
                "Convolution",
                "c",
                [net.variable("data"), net.arg("w", zeros(3, 3, 1, 1))],
                kernel="(1, 1)",
                num_filter="3",
            ),
            BadInput,
            "has no bias input although no_bias is False",
        ),
    ],
    ids=["many", "few", "hidden-output", "input-as-output", "no-bias"],
)
def test_edges_that_cannot_be_followed(tmp_path: Path, build: object, kind: type[Exception], message: str) -> None:
    net = Net()
    assert callable(build)
    build(net)
    with pytest.raises(kind) as caught:
        parsed(tmp_path, net)
    assert message in str(caught.value)


def test_head_that_does_not_exist(tmp_path: Path) -> None:
    net = Net()
    index, _ = net.node("Flatten", "f", [net.variable("data")])
    with pytest.raises(BadInput, match="output 5 of 'f' does not exist"):
        parsed(tmp_path, net, (index, 5))


def test_unknown_framework_and_target_name_the_known() -> None:
    with pytest.raises(BadInput) as caught:
        converter.parse("mxnt", graph="a", weights="b", inputs={})
    assert str(caught.value) == "unknown framework 'mxnt'\n  to do: use one of: mxnet"


def test_second_registration_of_a_name_is_an_error() -> None:
    def imposter(g: Scope, data: onnx_ir.Value) -> onnx_ir.Value:
        return g.emit("Identity", data)

    assert "Pooling" in table(), "families are imported as they are asked for"
    with pytest.raises(ValueError, match="Pooling is registered twice: pooling, imposter"):
        parses("NewOperator", "Pooling")(imposter)
    assert "NewOperator" not in table()


def test_registry_is_data() -> None:
    (convolution_,) = (operator for operator in operators() if "Convolution" in operator.names)
    assert convolution_.names == ("Convolution", "Convolution_v1")
    assert convolution_.family == "convolution"
    assert [entry.name for entry in convolution_.inputs] == ["data", "weight", "bias"]
    assert convolution_.inputs[2].optional
    assert convolution_.inputs[1].kind is Parameter
    assert convolution_.attributes["kernel"].required
    assert convolution_.attributes["pad"].default == ()
