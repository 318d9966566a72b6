"""Which models a report is of."""

from __future__ import annotations

import pytest

from converter.errors import BadInput
from tasks import zoo
from tasks.manifest import Architecture, Manifest, Source
from tasks.selection import select


def model(name: str, *aliases: str, seeded: bool = True) -> Manifest:
    return Manifest(
        name=name,
        title=name,
        framework="mxnet",
        licence="not stated",
        source=Source(()),
        inputs={},
        aliases=aliases,
        seeded=Architecture("resnet") if seeded else None,
    )


WRITTEN = (
    model("imagenet-resnet-18", "resnet18"),
    model("imagenet-resnet-50", "resnet50"),
    model("face", seeded=False),
)
MODELS = {one.name: one for written in WRITTEN for one in (written, written.variant()) if one}
WITH_ZOO = {**MODELS, **zoo.models()}


@pytest.mark.parametrize(
    ("text", "weights", "names"),
    [
        ("resnet18", None, ["imagenet-resnet-18"]),
        ("face,resnet18", None, ["imagenet-resnet-18", "face"]),
        ("resnet*", None, ["imagenet-resnet-18", "imagenet-resnet-50"]),
        ("imagenet-*, resnet18", "pretrained", ["imagenet-resnet-18", "imagenet-resnet-50"]),
        ("*", "seeded", ["imagenet-resnet-18-seeded", "imagenet-resnet-50-seeded"]),
        ("*", None, ["imagenet-resnet-18", "imagenet-resnet-50", "face"]),
        ("resnet50-seeded", None, ["imagenet-resnet-50-seeded"]),
        ("resnet*-seeded", None, ["imagenet-resnet-18-seeded", "imagenet-resnet-50-seeded"]),
        ("resnet50", "seeded", ["imagenet-resnet-50-seeded"]),
    ],
)
def test_names_aliases_and_wildcards_find_models(text: str, weights: str | None, names: list[str]) -> None:
    assert [found.name for found in select(MODELS, text, weights)] == names


def test_patterns_of_gluon_s_zoo_are_of_its_networks() -> None:
    found = [found.name for found in select(WITH_ZOO, "gluon:resnet18_*,gluon:vgg11", "seeded")]
    assert found == ["gluon-resnet18_v1-seeded", "gluon-resnet18_v2-seeded", "gluon-vgg11-seeded"]


def test_what_matches_nothing_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(BadInput, match=r"models=resnet81 matches no model \(did you mean resnet18") as refused:
        select(MODELS, "face,resnet81", None)
    assert str(refused.value).count("\n") == 1


@pytest.mark.parametrize("text", ["", " , "])
def test_no_name_at_all_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="names no model"):
        select(MODELS, text, None)


def test_a_model_without_seeded_weights_is_refused() -> None:
    with pytest.raises(BadInput, match="models=face matches nothing that has seeded weights"):
        select(MODELS, "face", "seeded")
