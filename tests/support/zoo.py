"""One network of each family of Gluon's model zoo, as manifests of a project."""

from __future__ import annotations

from pathlib import Path

NETS = (
    "alexnet",
    "densenet121",
    "inceptionv3",
    "mobilenet1.0",
    "mobilenetv2_1.0",
    "resnet18_v1",
    "resnet50_v2",
    "squeezenet1.1",
    "vgg11_bn",
)

_MANIFEST = """title = "{name}, seeded weights: its structure, not its answers"
framework = "mxnet"
licence = "Apache-2.0"

[source]
kind = "gluon"
name = "{name}"
weights = "seeded"

[inputs.data]
shape = ["batch", 3, {size}, {size}]
range = [-2.118, 2.641]

[inputs.data.preprocess]
channels = "RGB"
mean = [123.675, 116.28, 103.53]
scale = [0.017124753831663668, 0.01750700280112045, 0.017429193899782137]
"""


def write_manifests(folder: Path) -> None:
    """Add the networks to the manifests in ``folder``, under the names of :func:`model_name`."""
    for name in NETS:
        size = 299 if name == "inceptionv3" else 224
        (folder / f"{model_name(name)}.toml").write_text(_MANIFEST.format(name=name, size=size))


def model_name(net: str) -> str:
    """What a network of the zoo is called as a model here."""
    return f"zoo-{net.replace('_', '-')}"
