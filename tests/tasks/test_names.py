"""What a person types for a step, and the tasks that are meant."""

from __future__ import annotations

import dataclasses

import pytest

from converter.errors import BadInput
from tasks.manifest import Architecture, Gluon, Manifest, Source
from tasks.names import check_settings, resolve, typeable

ENDINGS = {"ir": ("",), "convert": ("-caffe", "-onnx")}


def model(name: str, *aliases: str, source: Source | Gluon | None = None, seeded: bool = False) -> Manifest:
    return Manifest(
        name=name,
        title=name,
        framework="mxnet",
        licence="not stated",
        source=source or Source(()),
        inputs={},
        aliases=aliases,
        seeded=Architecture("resnet") if seeded else None,
    )


WRITTEN = (
    model("imagenet-resnet-50", "resnet50", seeded=True),
    model("imagenet-resnet-50-wide", "resnet50-wide", seeded=True),
    model("net", source=Gluon("net_v1", "pretrained")),
    model("drawn", source=Gluon("net_v2", "seeded")),
    model("trained"),
)
MODELS = {one.name: one for written in WRITTEN for one in (written, written.variant()) if one}


def tasks(word: str, weights: str | None = None) -> list[str]:
    return resolve(word, MODELS, ENDINGS, weights)


@pytest.mark.parametrize(
    ("word", "weights", "task"),
    [
        ("convert:imagenet-resnet-50-caffe", None, "convert:imagenet-resnet-50-caffe"),
        ("convert:resnet50-caffe", None, "convert:imagenet-resnet-50-caffe"),
        ("convert:resnet50-caffe", "pretrained", "convert:imagenet-resnet-50-caffe"),
        ("convert:resnet50-caffe", "seeded", "convert:imagenet-resnet-50-seeded-caffe"),
        ("convert:resnet50-seeded-caffe", None, "convert:imagenet-resnet-50-seeded-caffe"),
        ("convert:resnet50-seeded-caffe", "seeded", "convert:imagenet-resnet-50-seeded-caffe"),
        ("convert:imagenet-resnet-50-seeded-onnx", "seeded", "convert:imagenet-resnet-50-seeded-onnx"),
        ("convert:resnet50-wide-onnx", "seeded", "convert:imagenet-resnet-50-wide-seeded-onnx"),
        ("ir:resnet50", "seeded", "ir:imagenet-resnet-50-seeded"),
        ("ir:net", "seeded", "ir:net-seeded"),
        ("ir:drawn", "seeded", "ir:drawn"),
        ("ir:trained", None, "ir:trained"),
        ("ir:nobody", "seeded", "ir:nobody"),
        ("image:mxnet", "seeded", "image:mxnet"),
        ("overview", "seeded", "overview"),
    ],
)
def test_a_word_means_a_task(word: str, weights: str | None, task: str) -> None:
    assert tasks(word, weights) == [task]


def test_wildcards_are_over_models_with_the_weights_that_are_asked_for() -> None:
    plain = ["convert:imagenet-resnet-50-caffe", "convert:imagenet-resnet-50-wide-caffe"]
    assert tasks("convert:imagenet-*-caffe") == plain
    assert tasks("convert:resnet*-caffe") == plain
    assert tasks("convert:resnet*-caffe", "seeded") == [task.replace("-caffe", "-seeded-caffe") for task in plain]
    assert tasks("convert:drawn-*") == ["convert:drawn-caffe", "convert:drawn-onnx"]
    assert tasks("ir:*", "seeded") == [
        "ir:imagenet-resnet-50-seeded",
        "ir:imagenet-resnet-50-wide-seeded",
        "ir:net-seeded",
        "ir:drawn",
    ]
    assert tasks("ir:x*") == ["ir:x*"]


@pytest.mark.parametrize("weights", [None, "seeded"])
def test_wildcards_that_say_seeded_are_over_seeded_variants(weights: str | None) -> None:
    variant = "convert:imagenet-resnet-50-seeded"
    assert tasks("convert:imagenet-resnet-50-seeded-*", weights) == [f"{variant}-caffe", f"{variant}-onnx"]
    assert tasks("ir:resnet50-seeded*", weights) == ["ir:imagenet-resnet-50-seeded"]


def test_seeded_weights_are_never_a_fallback() -> None:
    with pytest.raises(BadInput, match="trained cannot be built with seeded weights"):
        tasks("convert:trained-caffe", "seeded")


def test_all_that_can_be_typed_means_a_task() -> None:
    words = list(typeable(MODELS, ENDINGS))
    assert "convert:resnet50-caffe" in words
    known = {f"{kind}:{name}{ending}" for kind, endings in ENDINGS.items() for ending in endings for name in MODELS}
    assert {task for word in words for task in tasks(word)} == known


def test_a_variant_says_what_it_is() -> None:
    seeded = MODELS["imagenet-resnet-50-seeded"]
    assert (seeded.weights, seeded.variant_of) == ("seeded", "imagenet-resnet-50")
    assert seeded.title.endswith(", seeded weights")
    assert seeded.variant() is None
    assert dataclasses.replace(MODELS["net"], targets={}).weights == "pretrained"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"wieghts": "seeded"}, "there is no setting 'wieghts' (did you mean weights?)"),
        ({"weights": "seded"}, "weights=seded is not known (did you mean seeded?)"),
        ({"weights": ""}, "weights= is not known"),
    ],
)
def test_a_setting_that_is_not_known_is_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_settings(given, ("weights",))
    assert caught.value.what.startswith(problem)
