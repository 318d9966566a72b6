"""What the layers refuse: values that cannot be expressed, and nodes that contradict themselves or their input."""

from __future__ import annotations

from pathlib import Path

import pytest

import converter
from converter.errors import BadInput, Unsupported
from tests.parsers.case import noise
from tests.parsers.files import Net, write

IMAGE = ("batch", 3, 8, 8)
TRAINED = {
    "Convolution": ((4, 3, 3, 3),),
    "Deconvolution": ((3, 4, 3, 3),),
    "BatchNorm": ((3,),) * 4,
    "GroupNorm": ((2,), (2,)),
    "LayerNorm": ((8,), (8,)),
}
GIVEN = {
    "Convolution": {"kernel": "(3, 3)", "num_filter": "4", "no_bias": "True"},
    "Deconvolution": {"kernel": "(3, 3)", "num_filter": "4", "stride": "(2, 2)"},
}


def parse(folder: Path, op: str, shape: tuple[int | str, ...], output: int = 0, **attributes: str) -> None:
    """Read a network of one operator."""
    net = Net()
    inputs = [net.variable("data")]
    inputs += [net.arg(f"trained{index}", noise("p", *dims)) for index, dims in enumerate(TRAINED.get(op, ()))]
    inputs += [net.variable("label")] if op == "SoftmaxOutput" else []
    index, _ = net.node(op, "node", inputs, **(GIVEN.get(op, {}) | attributes))
    net.node("Flatten", "after", [(index, output)])
    graph, weights = write(folder, net.symbol(), net.params)
    converter.parse("mxnet", graph=graph, weights=weights, inputs={"data": shape})


@pytest.mark.parametrize(
    ("op", "attributes", "shape", "message"),
    [
        ("Convolution", {"layout": "NWC"}, IMAGE, "supported: only NCW, NCHW, NCDHW, NHWC, NDHWC"),
        ("Convolution", {}, ("batch", 3), "an input of 2 dimensions; supported: 3, 4, 5"),
        (
            "Deconvolution",
            {"dilate": "(1, 2)"},
            IMAGE,
            "stride=(2, 2) with dilate=(1, 2), where MXNet on",
        ),
        ("Pooling", {"kernel": "(2, 2)", "pool_type": "median"}, IMAGE, "supported: only max, avg, sum, lp"),
        ("Pooling", {"kernel": "(2, 2)", "pool_type": "lp"}, IMAGE, "pool_type=lp with p_value=None"),
        ("Pooling", {"kernel": "(2, 2)", "pool_type": "lp", "p_value": "4"}, IMAGE, "pool_type=lp with p_value=4"),
        ("Pooling", {"kernel": "(2, 2)", "pooling_convention": "same"}, IMAGE, "pooling_convention=same"),
        (
            "Pooling",
            {"kernel": "(3,)", "pooling_convention": "same", "pad": "(1,)"},
            ("batch", 3, 8),
            "pooling_convention=same of 1 dimensions with pad=(1,)",
        ),
        (
            "Pooling",
            {"kernel": "(2, 2)", "stride": "(5, 5)", "pad": "(4, 4)"},
            IMAGE,
            "windows of 2 every 5 over an input of 8 padded by 4",
        ),
        ("Pooling_v1", {"kernel": "(2,)"}, ("batch", 3, 8), "an input of 3 dimensions; supported: 4"),
        ("Pooling_v1", {"kernel": "(2, 2)", "pool_type": "lp"}, IMAGE, "supported: only max, avg, sum"),
        ("Activation", {"act_type": "gelu"}, IMAGE, "supported: only relu, sigmoid, tanh, softrelu"),
        ("LeakyReLU", {"act_type": "swish"}, IMAGE, "supported: only leaky, prelu, elu, selu, gelu, rrelu"),
        ("softmax", {"dtype": "float16"}, IMAGE, "supported: only float32"),
        ("softmax", {"temperature": "0"}, IMAGE, "temperature=0"),
        ("log_softmax", {"use_length": "True"}, IMAGE, "supported: only False"),
        ("softmin", {"use_length": "True"}, IMAGE, "supported: only False"),
        ("SoftmaxOutput", {}, IMAGE, "an input of 4 dimensions; supported: 2, 3, 5"),
        ("LayerNorm", {"axis": "0"}, IMAGE, "its axis 0 is the open batch dimension; give the batch a number"),
        ("LRN", {"nsize": "3"}, ("batch", 3, 8), "an input of 3 dimensions; supported: 4"),
        ("L2Normalization", {"mode": "spatial"}, ("batch", 3), "an input of 2 dimensions; supported: 3, 4, 5"),
    ],
)
def test_refused_values(
    tmp_path: Path, op: str, attributes: dict[str, str], shape: tuple[int | str, ...], message: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        parse(tmp_path, op, shape, **attributes)
    assert message in str(caught.value)


@pytest.mark.parametrize("op", ["BatchNorm", "LayerNorm"])
def test_outputs_of_training_are_refused(tmp_path: Path, op: str) -> None:
    with pytest.raises(Unsupported, match="reads output 1 of a node that has 1 in inference"):
        parse(tmp_path, op, IMAGE, output=1, output_mean_var="True")


@pytest.mark.parametrize(
    ("op", "attributes", "message"),
    [
        ("Convolution", {"kernel": "(3,)"}, "has kernel=(3,); its input has 2 spatial dimensions"),
        ("Convolution", {"pad": "(1, 1, 1)"}, "has pad=(1, 1, 1); its input has 2 spatial dimensions"),
        ("Convolution", {"stride": "(0, 1)"}, "has stride=(0, 1); the least is 1"),
        ("Convolution", {"layout": "NCW"}, "layout=NCW for an input of 4 dimensions"),
        ("Convolution", {"num_group": "2"}, "3 input and 4 output channels cannot be split into 2 groups"),
        ("Convolution", {"layout": "NHWC"}, "needs 4x3x3x8"),
        ("Convolution", {"no_bias": "False"}, "has no bias input although no_bias is False"),
        ("Deconvolution", {"adj": "(0, 2)"}, "has adj=(0, 2), which is not less than stride=(2, 2)"),
        ("Deconvolution", {"target_shape": "(18, 8)"}, "target_shape=(18, 8) is more than the (17, 17)"),
        ("Deconvolution", {"target_shape": "(8, 0)"}, "has target_shape=(8, 0); the least is 1"),
        ("Pooling", {}, "has kernel=(); its input has 2 spatial dimensions"),
        ("Pooling", {"kernel": "(9, 9)"}, "a window of 9 does not fit an input of 8 padded by 0"),
        ("Pooling", {"kernel": "(2, 2)", "pad": "(-1, 0)"}, "has pad=(-1, 0); the least is 0"),
        ("Pooling_v1", {"kernel": "(2, 2)", "pad": "(1,)"}, "has pad=(1,); its input has 2 spatial dimensions"),
        ("_contrib_AdaptiveAvgPooling2D", {"output_size": "(0, 2)"}, "has output_size=0; the least is 1"),
        ("LeakyReLU", {"act_type": "prelu"}, "has no gamma input although act_type is prelu"),
        ("softmax", {"use_length": "True"}, "has no length input although use_length is True"),
        ("softmax", {"axis": "4"}, "its input of 4 dimensions has no axis 4"),
        ("GroupNorm", {"num_groups": "2"}, "3 channels cannot be split into 2 groups"),
        ("LRN", {"nsize": "2"}, "nsize=2 of 3 channels; it must be odd"),
        ("LRN", {"nsize": "5"}, "nsize=5 of 3 channels"),
    ],
)
def test_malformed_values(tmp_path: Path, op: str, attributes: dict[str, str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(tmp_path, op, IMAGE, **attributes)
    assert message in caught.value.what
