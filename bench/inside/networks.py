"""The networks that the benchmark converts, as MXNet checkpoints with seeded weights. Runs where MXNet is.

Writes ``/out/<name>-symbol.json`` and ``/out/<name>-0000.params`` for each name on the command line. Both networks
take 224 x 224 images in three channels and tell 1000 classes apart. They end in ``softmax``, because MXNet's exporter
fails on ``SoftmaxOutput``.
"""

from __future__ import annotations

import sys

import mxnet
import numpy

sym = mxnet.symbol
SHAPE = (1, 3, 224, 224)
CLASSES = 1000
EPSILON = 2e-5


def convolution(data: sym.Symbol, filters: int, kernel: int, name: str, stride: int = 1, **more: bool) -> sym.Symbol:
    """A square convolution whose padding keeps the size at stride 1."""
    sides = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2, kernel // 2)}
    return sym.Convolution(data, num_filter=filters, name=name, **sides, **more)


def normalised(data: sym.Symbol, norm: str, relu: str) -> sym.Symbol:
    """Batch normalisation and ReLU."""
    data = sym.BatchNorm(data, fix_gamma=False, eps=EPSILON, name=norm)
    return sym.Activation(data, act_type="relu", name=relu)


def unit(data: sym.Symbol, filters: int, stride: int, widens: bool, name: str) -> sym.Symbol:
    """A pre-activation bottleneck: 1x1, 3x3, 1x1, added to what came in."""
    first = data = normalised(shortcut := data, f"{name}_bn1", f"{name}_relu1")
    for index, (width, kernel, step) in enumerate(
        [(filters // 4, 1, 1), (filters // 4, 3, stride), (filters, 1, 1)], 1
    ):
        if index > 1:
            data = normalised(data, f"{name}_bn{index}", f"{name}_relu{index}")
        data = convolution(data, width, kernel, f"{name}_conv{index}", step, no_bias=True)
    if widens:
        shortcut = convolution(first, filters, 1, f"{name}_sc", stride, no_bias=True)
    return sym.elemwise_add(data, shortcut, name=f"{name}_plus")


def resnet_152() -> sym.Symbol:
    """ResNet-152, pre-activation (He et al., Identity Mappings in Deep Residual Networks, 2016)."""
    data = sym.BatchNorm(sym.var("data"), fix_gamma=True, eps=EPSILON, name="bn_data")
    data = normalised(convolution(data, 64, 7, "conv0", 2, no_bias=True), "bn0", "relu0")
    data = sym.Pooling(data, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name="pool0")
    for stage, (units, filters) in enumerate([(3, 256), (8, 512), (36, 1024), (3, 2048)], 1):
        for index in range(1, units + 1):
            stride = 2 if stage > 1 and index == 1 else 1
            data = unit(data, filters, stride, index == 1, f"stage{stage}_unit{index}")
    data = normalised(data, "bn1", "relu1")
    data = sym.Pooling(data, global_pool=True, kernel=(7, 7), pool_type="avg", name="pool1")
    data = sym.FullyConnected(sym.Flatten(data, name="flatten0"), num_hidden=CLASSES, name="fc1")
    return sym.softmax(data, name="softmax")


def vgg_19() -> sym.Symbol:
    """VGG-19 (Simonyan and Zisserman, Very Deep Convolutional Networks, 2014)."""
    data = sym.var("data")
    for stage, (layers, filters) in enumerate([(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)], 1):
        for index in range(1, layers + 1):
            data = convolution(data, filters, 3, f"conv{stage}_{index}")
            data = sym.Activation(data, act_type="relu", name=f"relu{stage}_{index}")
        data = sym.Pooling(data, kernel=(2, 2), stride=(2, 2), pool_type="max", name=f"pool{stage}")
    data = sym.Flatten(data, name="flatten")
    for number in (6, 7):
        data = sym.FullyConnected(data, num_hidden=4096, name=f"fc{number}")
        data = sym.Activation(data, act_type="relu", name=f"relu{number}")
        data = sym.Dropout(data, p=0.5, name=f"drop{number}")
    return sym.softmax(sym.FullyConnected(data, num_hidden=CLASSES, name="fc8"), name="softmax")


def value(numbers: numpy.random.RandomState, name: str, shape: tuple[int, ...]) -> mxnet.nd.NDArray:
    """A parameter's values: what keeps activations in range, by the role that its name says."""
    if name.endswith("weight"):
        scale = (2 / numpy.prod(shape[1:])) ** 0.5
        return mxnet.nd.array(numbers.standard_normal(shape).astype("float32") * numpy.float32(scale))
    low = 0.0 if name.endswith(("bias", "beta", "mean")) else 0.5
    return mxnet.nd.array(numbers.uniform(low, low + 1, shape).astype("float32"))


def main() -> None:
    """Write the networks that are named on the command line."""
    for name in sys.argv[1:]:
        network = {"resnet-152": resnet_152, "vgg-19": vgg_19}[name]()
        arguments, _, states = network.infer_shape(data=SHAPE)
        numbers = numpy.random.RandomState(0)
        given = {
            key: value(numbers, key, shape)
            for key, shape in zip(network.list_arguments(), arguments)  # noqa: B905
            if key != "data"
        }
        running = {key: value(numbers, key, shape) for key, shape in zip(network.list_auxiliary_states(), states)}  # noqa: B905
        mxnet.model.save_checkpoint(f"/out/{name}", 0, network, given, running)


if __name__ == "__main__":
    main()
