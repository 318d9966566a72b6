"""Convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.parsers.case import Case, case, dense_or_convolution, noise
from tests.parsers.files import ERAS, Edge, Net


def cases() -> Iterator[Case]:
    """Every attribute, every number of dimensions, every layout, every era's files."""
    yield from _convolutions()
    yield from _deconvolutions()
    yield _computed_weight()
    yield _channels_last("NHWC", (2, 6, 5, 4), (6, 3, 2, 2), pad="(1, 0)", stride="(2, 1)", num_group="2")
    yield _channels_last("NDHWC", (2, 3, 4, 3, 2), (3, 2, 1, 2, 2), dilate="(1, 2, 1)")
    yield _channels_last("NHWC", (2, 3, 4, 4), (4, 3, 2, 2), "Deconvolution", num_group="2", stride="(2, 2)")
    yield _channels_last("NHWC", (1, 3, 4, 2), (2, 3, 3, 3), "Deconvolution", target_shape="(6, 7)", stride="(2, 2)")
    yield _deconvolution_3d()


def _convolutions() -> Iterator[Case]:
    made = dense_or_convolution
    basic = {"kernel": "(3, 3)", "num_filter": "4"}
    for era in ERAS:
        yield made(f"convolution-{era}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), era, **basic)
    yield made("convolution-v1", "Convolution_v1", (2, 3, 7, 6), (4, 3, 3, 3), **basic)
    for name, attributes in {
        "no-bias": {"no_bias": "True"},
        "no-bias-1": {"no_bias": "1"},
        "pad": {"pad": "(1, 1)"},
        "pad-uneven": {"pad": "(2, 0)"},
        "stride": {"stride": "(2, 2)"},
        "stride-uneven": {"stride": "(1, 2)", "pad": "(1, 1)"},
        "dilate": {"dilate": "(2, 2)", "pad": "(2, 2)"},
        "dilate-uneven": {"dilate": "(2, 1)"},
        "layout": {"layout": "NCHW"},
        "lists": {"kernel": "[3,3]", "pad": "[1, 1]", "stride": "[2,1]"},
        "python2": {"kernel": "(3L, 3L)", "pad": "(1L, 1L)"},
        "ignored": {
            "workspace": "1024",
            "cudnn_tune": "off",
            "cudnn_off": "True",
            "__lr_mult__": "2",
        },
    }.items():
        yield made(f"convolution-{name}", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), **(basic | attributes))
    multipliers = {"lr_mult": "2", "weight_wd_mult": "0", "ctx_group": "gpu"}
    yield made("convolution-hidden", "Convolution", (2, 3, 7, 6), (4, 3, 3, 3), "0.9", **basic, **multipliers)
    yield made(
        "convolution-kernel-uneven", "Convolution", (2, 3, 7, 6), (4, 3, 1, 5), kernel="(1, 5)", num_filter="4"
    )
    for groups, outputs in ((2, 4), (4, 4), (4, 8)):
        yield made(
            f"convolution-group-{groups}-{outputs}",
            "Convolution",
            (2, 4, 6, 7),
            (outputs, 4 // groups, 3, 3),
            kernel="(3, 3)",
            num_filter=str(outputs),
            num_group=str(groups),
            pad="(1, 1)",
        )
    line = {"kernel": "(3,)", "num_filter": "4", "num_group": "2", "pad": "1", "stride": "(2,)", "dilate": "(2,)"}
    yield made("convolution-1d", "Convolution", (2, 4, 9), (4, 2, 3), **line)
    yield made("convolution-1d-layout", "Convolution", (2, 4, 9), (4, 4, 2), kernel="2", num_filter="4", layout="NCW")
    box = {"kernel": "(2, 3, 1)", "num_filter": "4", "num_group": "2", "layout": "NCDHW"}
    box |= {"pad": "(1, 1, 0)", "stride": "(1, 2, 2)", "dilate": "(2, 1, 1)"}
    yield made("convolution-3d", "Convolution", (2, 4, 3, 4, 3), (4, 2, 2, 3, 1), **box)


def _deconvolutions() -> Iterator[Case]:
    shape = (2, 4, 4, 3)
    for name, era, weight, attributes in (
        ("default", "0.8", (4, 3, 3, 3), {}),
        ("bias", "1.x", (4, 3, 3, 3), {"no_bias": "False", "pad": "(1, 1)"}),
        (
            "upsampling",
            "1.x",
            (4, 1, 4, 4),
            {"stride": "(2, 2)", "pad": "(1, 1)", "num_group": "4", "num_filter": "4"},
        ),
        ("group", "1.x", (4, 3, 2, 3), {"num_group": "2", "num_filter": "6", "kernel": "(2, 3)", "pad": "(0, 2)"}),
        ("adj", "1.x", (4, 3, 3, 3), {"stride": "(3, 2)", "pad": "(1, 0)", "adj": "(2, 1)"}),
        ("dilate", "1.x", (4, 3, 3, 2), {"dilate": "(1, 2)", "stride": "(2, 1)", "kernel": "(3, 2)"}),
        (
            "target",
            "1.x",
            (4, 3, 3, 3),
            {"stride": "(2, 2)", "target_shape": "(8, 6)", "pad": "(5, 5)", "adj": "(1, 1)"},
        ),
        ("no-target", "1.x", (4, 3, 3, 3), {"target_shape": "(0, 0)", "pad": "(1, 0)", "layout": "NCHW"}),
        ("cropped", "1.x", (4, 3, 2, 2), {"kernel": "(2, 2)", "stride": "(2, 2)", "pad": "(2, 1)"}),
    ):
        given = {"kernel": f"({weight[2]}, {weight[3]})", "num_filter": "3"} | attributes
        yield _deconvolution(f"deconvolution-{name}", shape, weight, era, **given)
    line = {"kernel": "(4,)", "num_filter": "3", "stride": "(2,)", "pad": "(1,)", "adj": "(1,)", "layout": "NCW"}
    yield _deconvolution("deconvolution-1d", (2, 4, 5), (4, 3, 4), **line)
    line = {"kernel": "(3,)", "num_filter": "3", "stride": "(2,)", "target_shape": "(8,)"}
    yield _deconvolution("deconvolution-1d-target", (2, 4, 4), (4, 3, 3), **line)


def _deconvolution(
    identity: str, shape: tuple[int, ...], weight: tuple[int, ...], era: str = "1.x", **attributes: str
) -> Case:
    net = Net(era)
    inputs = [net.input("data", noise(identity, *shape)), net.arg("anything_w", noise(identity + "w", *weight))]
    if attributes.get("no_bias") == "False":
        inputs.append(net.arg("anything_b", noise(identity + "b", int(attributes["num_filter"]))))
    net.node("Deconvolution", "node", inputs, workspace="512", cudnn_tune="fastest", cudnn_off="False", **attributes)
    return case(identity, net, records="V0" if era == "0.8" else "V2")


def _computed_weight() -> Case:
    """A weight that the network computes from two trained arrays."""
    net = Net()
    data = net.input("data", noise("computed", 2, 3, 5, 5))
    net.params = {"arg:s": noise("scale", 4, 1), "arg:w": noise("flat", 4, 27)}
    scale, flat = net.variable("s", __shape__="(4, 1)"), net.variable("w", __shape__="(4, 27)")
    weight = net.node("Reshape", "whole", [net.node("broadcast_mul", "scaled", [flat, scale])], shape="(4, 3, 3, 3)")
    net.node("Convolution", "node", [data, weight], kernel="(3, 3)", num_filter="4", no_bias="True")
    return case("convolution-computed-weight", net)


def _channels_last(
    layout: str, shape: tuple[int, ...], weight: tuple[int, ...], op: str = "Convolution", **attributes: str
) -> Case:
    """MXNet's CPU build has no such layout: it runs the usual one between transpositions."""
    axes, kernel = len(shape), weight[1:-1]
    groups = int(attributes.get("num_group", "1"))
    made = weight[0] if op == "Convolution" else weight[-1] * groups
    given = {"kernel": str(kernel), "num_filter": str(made), "no_bias": "False"} | attributes
    identity = f"{op.lower()}-{layout}-{'-'.join(attributes)}"
    first, last = str((0, axes - 1, *range(1, axes - 1))), str((0, *range(2, axes), 1))

    def net(*, transposed: bool) -> Net:
        net = Net()
        inputs = [net.input("data", noise(identity, *shape)), net.arg("w", noise("w", *weight))]
        if not transposed:
            net.node(op, "node", [*inputs, net.arg("b", noise("b", made))], layout=layout, **given)
            return net
        inputs = [net.node("transpose", f"first{index}", [value], axes=first) for index, value in enumerate(inputs)]
        done = net.node(op, "done", [*inputs, net.arg("b", noise("b", made))], **given)
        net.node("transpose", "node", [done], axes=last)
        return net

    return replace(case(identity, net(transposed=False)), equivalent=net(transposed=True).symbol())


def _deconvolution_3d() -> Case:
    """MXNet's CPU build has none: it runs a convolution of the data among zeros with the kernel turned around."""
    shape, weight = (1, 2, 2, 3, 2), (2, 3, 2, 3, 3)
    net, other = Net(), Net()
    inputs = [net.input("data", noise("3d", *shape)), net.arg("w", noise("3d", *weight))]
    data, kernel = other.variable("data"), other.variable("w", __shape__=str(weight))
    attributes = {"kernel": "(2, 3, 3)", "num_filter": "3", "no_bias": "True"}
    given = {"stride": "(2, 2, 2)", "pad": "(0, 1, 1)", "adj": "(1, 1, 1)", "layout": "NCDHW"}
    net.node("Deconvolution", "node", inputs, **attributes, **given)
    for axis in (2, 3, 4):
        data = _among_zeros(other, data, axis, shape)
    turned = other.node("reverse", "turned", [kernel], axis="(2, 3, 4)")
    turned = other.node("SwapAxis", "exchanged", [turned], dim1="0", dim2="1")
    other.node("Convolution", "node", [data, turned], pad="(1, 1, 1)", **attributes)
    return replace(case("deconvolution-3d", net), equivalent=other.symbol())


def _among_zeros(net: Net, data: Edge, axis: int, shape: tuple[int, ...]) -> Edge:
    """``data`` of the given ``shape``, doubled along the dimensions from 2 to ``axis``, with a zero behind each."""
    apart = net.node("expand_dims", f"apart{axis}", [data], axis=str(axis + 1))
    zeros = net.node("_mul_scalar", f"zeros{axis}", [apart], scalar="0")
    both = net.node("Concat", f"both{axis}", [apart, zeros], dim=str(axis + 1), num_args="2")
    whole = tuple(2 * size if 2 <= place <= axis else size for place, size in enumerate(shape))
    return net.node("Reshape", f"whole{axis}", [both], shape=str(whole))
