"""A saved IR is what ONNX, onnx-ir and safetensors read; it is deterministic, atomic, and takes no memory."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import pytest
import safetensors.numpy
from onnx.reference import ReferenceEvaluator

import converter
from converter import ir
from converter.errors import BadInput, TransshipError
from tests.parsers.files import Net, write

FILES = {ir.MODEL, ir.WEIGHTS, ir.SUMMARY}
ROOT = Path(__file__).parents[2]


def network() -> Net:
    net = Net()
    numbers = np.random.default_rng(7)
    shifted = net.node("_minus_scalar", "shift", [net.variable("data")], scalar="127.5")
    weights = {"w": (4, 3, 3, 3), "b": (4,)}
    arrays = [
        net.arg(f"conv_{name}", numbers.normal(size=shape).astype(np.float32)) for name, shape in weights.items()
    ]
    conv = net.node("Convolution", "conv", [shifted, *arrays], kernel="(3, 3)", num_filter="4")
    states = [net.arg(name, numbers.uniform(0.5, 1, 4).astype(np.float32)) for name in "gb"]
    states += [net.aux(name, numbers.uniform(0.5, 1, 4).astype(np.float16)) for name in "mv"]
    norm = net.node("BatchNorm", "bn", [conv, *states])
    cut, _ = net.node("SliceChannel", "cut", [norm], num_outputs="4", squeeze_axis="True", axis="1")
    net.node("elemwise_add", "sum", [(cut, 0), (cut, 3)])
    return net


def model(folder: Path) -> onnx_ir.Model:
    net = network()
    graph, weights = write(folder, net.symbol(), net.params)
    preprocess = {"scale": 2, "mean": [1, 2, 3]}
    return converter.parse(
        "mxnet", graph=graph, weights=weights, inputs={"data": ("batch", 3, 6, 5)}, preprocess=preprocess
    )


def test_every_reader_reads_it(tmp_path: Path) -> None:
    source = model(tmp_path)
    converter.save(source, tmp_path / "ir")
    by_onnx = onnx.load(tmp_path / "ir" / ir.MODEL)
    by_ir = onnx_ir.load(tmp_path / "ir" / ir.MODEL)
    by_safetensors = safetensors.numpy.load_file(tmp_path / "ir" / ir.WEIGHTS)
    assert set(by_safetensors) == {"conv_w", "conv_b", "g", "b", "m", "v"}
    for name, array in by_safetensors.items():
        expected = source.graph.initializers[name].const_value
        found = by_ir.graph.initializers[name].const_value
        (stored,) = (tensor for tensor in by_onnx.graph.initializer if tensor.name == name)
        assert expected is not None
        assert found is not None
        for other in (array, found.numpy(), onnx.numpy_helper.to_array(stored)):
            np.testing.assert_array_equal(other, expected.numpy(), strict=True)
    onnx.checker.check_model(tmp_path / "ir" / ir.MODEL, full_check=True)
    result = ReferenceEvaluator(by_onnx).run(None, {"data": np.ones((2, 3, 6, 5), np.float32)})
    assert result[0].shape == (2, 4, 3)


def test_parameters_are_outside_and_constants_inside(tmp_path: Path) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    proto = onnx.load(tmp_path / "ir" / ir.MODEL, load_external_data=False)
    outside = {t.name for t in proto.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL}
    assert outside == {"conv_w", "conv_b", "g", "b", "m", "v"}
    assert {t.name for t in proto.graph.initializer} - outside == {"shift/scalar", "cut/axes"}
    for tensor in proto.graph.initializer:
        places = {entry.key: entry.value for entry in tensor.external_data}
        if places:
            assert places["location"] == ir.WEIGHTS
            assert int(places["offset"]) % tensor_size(tensor) == 0
    header = int.from_bytes((tmp_path / "ir" / ir.WEIGHTS).read_bytes()[:8], "little")
    assert header % 8 == 0


def tensor_size(tensor: onnx.TensorProto) -> int:
    return onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def test_summary_is_for_reading(tmp_path: Path) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    text = (tmp_path / "ir" / ir.SUMMARY).read_text()
    summary = json.loads(text)
    assert summary["name"] == "net"
    assert summary["inputs"] == [{"name": "data", "shape": ["batch", 3, 6, 5], "dtype": "float32"}]
    assert summary["outputs"] == [{"name": "sum_output", "shape": ["batch", 4, 3], "dtype": "float32"}]
    assert summary["preprocess"] == {"scale": 2, "mean": [1, 2, 3]}
    assert summary["source"] == {"framework": "mxnet", "version": 10901}
    names = [name for node in summary["nodes"] for name in node["outputs"]]
    assert names[:4] == ["shift_output", "conv_output", "bn_output", "cut/split_output0"]
    assert summary["nodes"][0]["constants"] == {"shift/scalar": 127.5}
    assert summary["nodes"][1]["attributes"]["pads"] == [0, 0, 0, 0]
    assert [row["name"] for row in summary["parameters"]] == ["conv_w", "conv_b", "g", "b", "m", "v"]
    assert sum('"op": "Conv"' in line for line in text.splitlines()) == 1


def digest(folder: Path) -> str:
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in sorted(FILES))).hexdigest()


def test_same_model_same_bytes(tmp_path: Path) -> None:
    source = model(tmp_path)
    digests = set()
    for name in ("first", "second"):
        converter.save(source, tmp_path / name)
        digests.add(digest(tmp_path / name))
    converter.save(ir.load(tmp_path / "first"), tmp_path / "again")
    digests.add(digest(tmp_path / "again"))
    program = "import sys, pathlib; from tests.ir import test_files as t; p = pathlib.Path(sys.argv[1]); p.mkdir()\n"
    program += "t.converter.save(t.model(p), p / 'ir')"
    for seed in ("0", "1", "4711"):
        folder = tmp_path / f"seed-{seed}"
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program, folder], env=environment, check=True, cwd=tmp_path)
        digests.add(digest(folder / "ir"))
    assert len(digests) == 1


def test_structure_does_not_depend_on_weight_values(tmp_path: Path) -> None:
    net = network()
    structures = set()
    for factor in (1, 2):
        folder = tmp_path / str(factor)
        folder.mkdir()
        params = {name: (array * factor).astype(array.dtype) for name, array in net.params.items()}
        graph, weights = write(folder, net.symbol(), params)
        weights = weights.rename(folder / f"net-{factor}.params")
        parsed = converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": ("batch", 3, 6, 5)})
        converter.save(parsed, folder)
        structures.add((folder / ir.MODEL).read_bytes())
    assert len(structures) == 1


def test_structure_alone_is_a_valid_ir(tmp_path: Path) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    (tmp_path / "ir" / ir.WEIGHTS).unlink()
    for path in (tmp_path / "ir", tmp_path / "ir" / ir.MODEL):
        loaded = ir.load(path)
        ir.validate(loaded)
        ir.check(onnx.load(tmp_path / "ir" / ir.MODEL, load_external_data=False))
        assert ir.dims(loaded.graph.initializers["conv_w"]) == (4, 3, 3, 3)


def test_loads_weights_that_are_hard_links(tmp_path: Path) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    (tmp_path / "link").hardlink_to(tmp_path / "ir" / ir.WEIGHTS)
    tensor = ir.load(tmp_path / "ir").graph.initializers["conv_b"].const_value
    assert tensor is not None
    assert tensor.numpy().shape == (4,)


def broken(tmp_path: Path, number: int) -> onnx_ir.Model:
    def fail() -> onnx_ir.Tensor[np.ndarray]:
        raise OSError(number, "the disk says no")

    source = model(tmp_path)
    value = source.graph.initializers["v"]
    assert value.const_value is not None
    value.const_value = onnx_ir.LazyTensor(fail, value.const_value.dtype, onnx_ir.Shape([4]), name="v")
    return source


@pytest.mark.parametrize(("number", "fix"), [(errno.ENOSPC, "make room on the disk and run again"), (errno.EIO, "")])
def test_failure_leaves_the_last_good_state(tmp_path: Path, number: int, fix: str) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    before = digest(tmp_path / "ir")
    with pytest.raises(TransshipError) as caught:
        converter.save(broken(tmp_path, number), tmp_path / "ir")
    assert caught.value.what == "cannot write the model: the disk says no"
    assert caught.value.where == str(tmp_path / "ir")
    assert caught.value.fix == fix
    assert {path.name for path in (tmp_path / "ir").iterdir()} == FILES
    assert digest(tmp_path / "ir") == before


def test_full_disk_is_a_refusal(tmp_path: Path) -> None:
    source = model(tmp_path)
    limited = "import resource, sys, pathlib; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    limited += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "from converter import TransshipError, ir\n"
    limited += "m = ir.load(pathlib.Path(sys.argv[1]))\n"
    limited += "try: ir.save(m, pathlib.Path(sys.argv[2]))\n"
    limited += "except TransshipError as e: print(e.what)\n"
    converter.save(source, tmp_path / "ir")
    command = [sys.executable, "-c", limited, tmp_path / "ir", tmp_path / "small"]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert done.stdout == "cannot write the model: File too large\n"
    assert list((tmp_path / "small").iterdir()) == []


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    source = model(tmp_path)
    with pytest.raises(TransshipError, match="cannot write the model"):
        converter.save(source, tmp_path / "net-symbol.json")


def test_save_leaves_the_model_alone(tmp_path: Path) -> None:
    source = model(tmp_path)
    before = {name: value.const_value for name, value in source.graph.initializers.items()}
    converter.save(source, tmp_path / "ir")
    assert {name: value.const_value for name, value in source.graph.initializers.items()} == before


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"no model"])
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ir.MODEL).write_bytes(content)
    with pytest.raises(BadInput):
        ir.load(tmp_path)


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        ir.load(tmp_path / "absent.onnx")


def test_weights_elsewhere_are_refused(tmp_path: Path) -> None:
    converter.save(model(tmp_path), tmp_path / "ir")
    path = tmp_path / "ir" / ir.MODEL
    path.write_bytes(path.read_bytes().replace(ir.WEIGHTS.encode(), b"/etc/ssh/ssh_host_k"))
    with pytest.raises(BadInput, match=r"lies outside weights\.safetensors"):
        ir.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.opset_imports.update({"": 20}), "not an IR model: opset 20, IR version 10"),
        (lambda m: setattr(m, "ir_version", 9), "not an IR model: opset 21, IR version 9"),
        (lambda m: setattr(m.graph[1], "name", "shift"), "2 nodes of the model are called 'shift'"),
        (lambda m: setattr(m.graph[1], "name", ""), "1 nodes of the model are called ''"),
        (lambda m: setattr(m.graph[1].outputs[0], "shape", None), "value 'conv_output' has no shape"),
        (
            lambda m: setattr(m.graph[1].outputs[0], "shape", onnx_ir.Shape(["batch", 4, "h", 3])),
            "value 'conv_output' has the open dimension 'h'",
        ),
        (lambda m: m.graph[1].attributes.pop("kernel_shape") and m.graph[1].attributes.pop("pads"), None),
        (
            lambda m: setattr(m.graph[1].outputs[0], "shape", onnx_ir.Shape(["batch", 4, 4, 4])),
            "ONNX refuses the model",
        ),
    ],
)
def test_only_a_valid_model_is_saved(tmp_path: Path, change: object, message: str | None) -> None:
    source = model(tmp_path)
    assert callable(change)
    change(source)
    if message is None:
        converter.save(source, tmp_path / "ir")
        return
    with pytest.raises(BadInput) as caught:
        converter.save(source, tmp_path / "ir")
    assert message in caught.value.what
    assert not (tmp_path / "ir").exists()


def test_wide_elements_come_first(tmp_path: Path) -> None:
    source = model(tmp_path)
    value = source.graph.initializers["conv_w"]
    tensor = onnx_ir.tensor(np.ones((4, 3, 3, 3), np.float16), name="conv_w")
    plan = ir.safetensors.layout({"conv_w": tensor, "b": onnx_ir.tensor(np.ones(3, np.float32))})
    assert list(plan.places) == ["b", "conv_w"]
    assert value.name == "conv_w"
