"""Inputs, element types, computed and absent parameters: what belongs to the graph rather than to an operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir
import onnxruntime
import pytest

import converter
from converter import ir
from converter.errors import BadInput, Unsupported
from tests.parsers.case import noise
from tests.parsers.files import Array, Edge, Net, write
from tests.parsers.test_operators import run

Shapes = dict[str, tuple[int | str, ...]]


def parsed(folder: Path, net: Net, *heads: Edge, inputs: Shapes | None = None) -> onnx_ir.Model:
    graph, weights = write(folder, net.symbol(*heads), net.params)
    return converter.parse("mxnet", graph=graph, weights=weights, inputs=inputs)


def structure(folder: Path, net: Net, inputs: Shapes | None = None) -> onnx_ir.Model:
    graph, _ = write(folder, net.symbol(), net.params)
    with pytest.warns(converter.StructureOnly, match="net has no weights"):
        return converter.parse("mxnet", graph=graph, inputs=inputs)


def answered(folder: Path, model: onnx_ir.Model, **inputs: Array) -> list[Array]:
    converter.save(model, folder / "ir")
    return list(run(folder / "ir", inputs).values())


def two_inputs() -> Net:
    net = Net()
    left, right = net.variable("rois:0"), net.variable("im info")
    net.node("elemwise_sub", "node", [left, right])
    return net


def test_inputs_of_any_name_in_the_order_given(tmp_path: Path) -> None:
    shapes: Shapes = {"im info": ("batch", 2), "rois:0": ("batch", 2)}
    model = parsed(tmp_path, two_inputs(), inputs=shapes)
    assert {str(value.name): ir.dims(value) for value in model.graph.inputs} == shapes
    (found,) = answered(
        tmp_path, model, **{"rois:0": np.full((1, 2), 3, np.float32), "im info": np.ones((1, 2), np.float32)}
    )
    assert found.tolist() == [[2, 2]]


def test_an_input_takes_the_shape_that_the_symbol_records(tmp_path: Path) -> None:
    net = Net()
    shaped = net.variable("a", __shape__="(2, 3)")
    net.node("elemwise_add", "node", [shaped, net.variable("b", __shape__="(0, 3)")])
    model = parsed(tmp_path, net, inputs={"b": (2, 3)})
    assert [(value.name, ir.dims(value)) for value in model.graph.inputs] == [("b", (2, 3)), ("a", (2, 3))]
    with pytest.raises(BadInput, match="no value for 1 of the network's variables: 'b'"):
        parsed(tmp_path, net)


@pytest.mark.parametrize(
    ("flag", "dtype"),
    [
        ("0", "FLOAT"),
        ("-1", "FLOAT"),
        ("1", "FLOAT"),
        ("2", "FLOAT"),
        ("4", "INT32"),
        ("6", "INT64"),
        ("999", "FLOAT"),
    ],
)
def test_element_type_of_an_input(tmp_path: Path, flag: str, dtype: str) -> None:
    net = Net()
    net.node("_copy", "node", [net.variable("data", __dtype__=flag)])
    (value,) = parsed(tmp_path, net, inputs={"data": (2, 3)}).graph.inputs
    assert value.dtype == onnx_ir.DataType[dtype]


def test_a_weight_that_the_network_computes(tmp_path: Path) -> None:
    net = Net()
    data, weight = net.variable("data"), net.arg("w", noise("w", 4, 6))
    scaled = net.node("_mul_scalar", "scaled", [weight], scalar="2")
    net.node("FullyConnected", "fc", [data, scaled], num_hidden="4", no_bias="True")
    inputs = noise("x", 3, 6)
    (found,) = answered(tmp_path, parsed(tmp_path, net, inputs={"data": ("batch", 6)}), data=inputs)
    np.testing.assert_allclose(found, inputs @ (2 * noise("w", 4, 6)).T, rtol=1e-5, atol=1e-6)


def test_a_computed_weight_of_the_wrong_shape(tmp_path: Path) -> None:
    net = Net()
    scaled = net.node("_mul_scalar", "scaled", [net.arg("w", noise("w", 4, 5))], scalar="2")
    net.node("FullyConnected", "fc", [net.variable("data"), scaled], num_hidden="4", no_bias="True")
    with pytest.raises(BadInput, match="'scaled_output' is 4x5 in the graph, but FullyConnected 'fc' needs 4x6"):
        parsed(tmp_path, net, inputs={"data": ("batch", 6)})


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool", "float16", "float64"])
def test_parameters_become_float32_as_module_makes_them(tmp_path: Path, dtype: str) -> None:
    values = np.array([0, 1, 1], dtype)
    net = Net()
    data = net.variable("data")
    weight = net.variable("w")
    net.params["arg:w"] = values
    net.node("elemwise_add", "node", [data, weight])
    (found,) = answered(tmp_path, parsed(tmp_path, net, inputs={"data": (3,)}), data=np.zeros(3, np.float32))
    assert found.dtype == np.float32
    assert found.tolist() == [0, 1, 1]


def test_whole_numbers_keep_their_type_where_the_symbol_records_it(tmp_path: Path) -> None:
    net = Net()
    net.node("elemwise_add", "node", [net.variable("data", __dtype__="6"), net.arg("w", np.array([1, 2**40]))])
    model = parsed(tmp_path, net, inputs={"data": (2,)})
    (found,) = answered(tmp_path, model, data=np.array([1, 1]))
    assert found.tolist() == [2, 2**40 + 1]
    assert "w" in (tmp_path / "ir" / "weights.safetensors").read_bytes()[8:100].decode()


def test_whole_numbers_that_no_float32_holds_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    net = Net()
    net.params["arg:w"] = np.array([2**24 + 1], np.int32)
    net.node("elemwise_add", "node", [net.variable("data"), net.variable("w")])
    model = parsed(tmp_path, net, inputs={"data": (1,)})
    with pytest.raises(BadInput, match="'w' holds int32 numbers that do not fit float32"):
        converter.save(model, tmp_path / "ir")
    assert list((tmp_path / "ir").iterdir()) == []


def small() -> Net:
    net = Net()
    data = net.variable("data")
    weights = [net.arg("w", noise("w", 4, 3, 3, 3)), net.arg("b", noise("b", 4))]
    conv = net.node("Convolution", "conv", [data, *weights], kernel="(3, 3)", num_filter="4")
    states = [net.arg(name, noise(name, 4)) for name in ("g", "beta", "m", "v")]
    normal = net.node("BatchNorm", "bn", [conv, *states])
    net.node("FullyConnected", "fc", [normal, net.arg("fw", noise("fw", 5, 144)), net.arg("fb", noise("fb", 5))])
    net.nodes[-1]["attrs"] = {"num_hidden": "5"}
    return net


DATA: Shapes = {"data": ("batch", 3, 8, 8)}


def test_structure_alone(tmp_path: Path) -> None:
    converter.save(structure(tmp_path, small(), DATA), tmp_path / "alone")
    converter.save(parsed(tmp_path, small(), inputs=DATA), tmp_path / "full")
    assert sorted(path.name for path in (tmp_path / "alone").iterdir()) == ["model.json", "model.onnx"]
    assert (tmp_path / "alone" / "model.onnx").read_bytes() == (tmp_path / "full" / "model.onnx").read_bytes()
    shapes = {name: ir.dims(value) for name, value in ir.load(tmp_path / "alone").graph.initializers.items()}
    assert shapes["fw"] == (5, 144)


def test_structure_alone_takes_the_place_of_a_whole_model(tmp_path: Path) -> None:
    converter.save(parsed(tmp_path, small(), inputs=DATA), tmp_path / "ir")
    converter.save(structure(tmp_path, small(), DATA), tmp_path / "ir")
    assert not (tmp_path / "ir" / "weights.safetensors").exists()


def test_structure_alone_has_no_values(tmp_path: Path) -> None:
    weight = structure(tmp_path, small(), DATA).graph.initializers["w"].const_value
    assert weight is not None
    with pytest.raises(BadInput, match="'w' has no values: the model was read without its weights"):
        weight.numpy()


def test_structure_alone_of_a_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no shape for the inputs 'data'"):
        converter.parse("mxnet", graph=write(tmp_path, small().symbol(), {})[0])
    with pytest.raises(BadInput, match="the network has no input 'image'"):
        converter.parse("mxnet", graph=tmp_path / "net-symbol.json", inputs={"image": (1, 3, 8, 8)})


def free_parameter(**attributes: str) -> Net:
    net = Net()
    net.node("elemwise_add", "node", [net.variable("data"), net.variable("w", **attributes)])
    return net


def test_structure_alone_needs_shapes_that_nothing_else_tells(tmp_path: Path) -> None:
    graph, _ = write(tmp_path, free_parameter().symbol(), {})
    with pytest.raises(Unsupported, match="the shape of 'w' cannot be inferred; give the params file"):
        converter.parse("mxnet", graph=graph, inputs={"data": (2, 3)})
    model = structure(tmp_path, free_parameter(__shape__="(2, 3)"), {"data": (2, 3)})
    assert ir.dims(model.graph.initializers["w"]) == (2, 3)


def test_arrays_of_a_gluon_block_are_found_under_its_prefix(tmp_path: Path) -> None:
    net = Net()
    data = net.variable("data")
    inner = [net.variable("net0_dense0_weight"), net.variable("net0_dense0_bias")]
    net.node("FullyConnected", "net0_dense0_fwd", [data, *inner], num_hidden="4")
    net.params = {"dense0_weight": noise("w", 4, 6), "dense0_bias": noise("b", 4)}
    (found,) = answered(tmp_path, parsed(tmp_path, net, inputs={"data": (1, 6)}), data=np.zeros((1, 6), np.float32))
    assert found[0].tolist() == noise("b", 4).tolist()
    del net.params["dense0_bias"]
    with pytest.raises(BadInput, match="no values for 2 of the network's variables: 'net0_dense0_weight'"):
        parsed(tmp_path, net, inputs={"data": (1, 6)})


def test_arrays_by_place_in_a_block_are_explained(tmp_path: Path) -> None:
    net = small()
    net.params = {"features.0.weight": noise("w", 4, 3, 3, 3), "output.bias": noise("fb", 5)}
    with pytest.raises(BadInput) as caught:
        parsed(tmp_path, net, inputs=DATA)
    assert "names such as 'features.0.weight', by save_parameters" in caught.value.fix


@pytest.mark.parametrize(
    ("op", "message"),
    [
        ("_foreach", "operator _foreach: control flow over subgraphs; unroll the loop"),
        ("_npi_add", "operator _npi_add: an operator of MXNet's NumPy interface; export the network without"),
        ("_contrib_quantized_conv", "operator _contrib_quantized_conv: a quantized network; convert the float32"),
        (
            "_sg_mkldnn_conv",
            "operator _sg_mkldnn_conv: written by a pass that fuses operators; save the symbol before",
        ),
        ("_random_normal", "operator _random_normal: its output is random"),
    ],
)
def test_operators_that_cannot_be_read_say_why(tmp_path: Path, op: str, message: str) -> None:
    net = Net()
    net.node(op, "node", [net.variable("data")])
    net.nodes[-1]["subgraphs"] = [{"nodes": [], "heads": []}]
    with pytest.raises(Unsupported, match=message):
        parsed(tmp_path, net, inputs={"data": (1, 3)})


def shape_arithmetic() -> Net:
    """The second size of ``data``, and twice that."""
    net = Net()
    shape = net.node("shape_array", "shape", [net.variable("data")])
    size = net.node("slice_axis", "size", [shape], axis="0", begin="1", end="2")
    net.node("elemwise_add", "twice", [size, size])
    return net


def test_arithmetic_on_shapes_is_done_while_reading(tmp_path: Path) -> None:
    net = shape_arithmetic()
    model = parsed(tmp_path, net, (2, 0), (3, 0), inputs={"data": (2, 3)})
    assert [node.op_type for node in model.graph] == ["Identity", "Identity"]
    assert [value.name for value in model.graph.outputs] == ["size_output", "twice_output"]
    assert [found.tolist() for found in answered(tmp_path, model, data=noise("x", 2, 3))] == [[3], [6]]


def test_arithmetic_on_the_open_batch_is_left_to_the_model(tmp_path: Path) -> None:
    net = Net()
    shape = net.node("shape_array", "shape", [net.variable("data")])
    net.node("slice_axis", "size", [shape], axis="0", begin="0", end="1")
    model = parsed(tmp_path, net, inputs={"data": ("batch", 3)})
    assert [found.tolist() for found in answered(tmp_path, model, data=noise("x", 5, 3))] == [[5]]


@pytest.mark.parametrize(("version", "shape"), [(904, (1,)), (905, (2,)), (10901, (2,))])
def test_argmax_of_old_files_is_over_all_axes(tmp_path: Path, version: int, shape: tuple[int, ...]) -> None:
    net = Net()
    net.node("argmax", "node", [net.variable("data")], axis="-1")
    symbol = net.symbol() | {"attrs": {"mxnet_version": ["int", version]}}
    graph, weights = write(tmp_path, symbol, {})
    model = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": (2, 3)})
    assert ir.dims(model.graph.outputs[0]) == shape


def test_what_an_operator_does_not_need_is_left_out(tmp_path: Path) -> None:
    net = Net()
    data = net.variable("data")
    like = net.node("Activation", "like", [data], act_type="relu")
    net.node("reshape_like", "node", [data, like])
    assert [node.name for node in parsed(tmp_path, net, inputs={"data": (2, 3)}).graph] == ["node"]


def test_zeros_around_a_maximum_survive_onnxruntime_s_optimisation(tmp_path: Path) -> None:
    net = Net()
    widths = "(0, 0, 0, 0, 1, 1, 1, 1)"
    border = net.node("Pad", "border", [net.variable("data")], mode="constant", pad_width=widths)
    net.node("Pooling", "node", [border], kernel="(2, 2)", stride="(2, 2)")
    converter.save(parsed(tmp_path, net, inputs={"data": ("batch", 1, 2, 2)}), tmp_path / "ir")
    session = onnxruntime.InferenceSession(tmp_path / "ir" / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"data": np.full((1, 1, 2, 2), -1, np.float32)})
    assert found.tolist() == [[[[0, 0], [0, 0]]]]
