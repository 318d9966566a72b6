"""What a person types for a step, and the tasks that are meant: aliases of models, seeded variants, wildcards.

``convert:resnet50-caffe`` is ``convert:imagenet1k-resnet-50-caffe``, and with ``weights=seeded`` on the command line
``convert:imagenet1k-resnet-50-seeded-caffe``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from converter.errors import BadInput
from tasks.manifest import PRETRAINED, SEEDED, VARIANT, Manifest
from tasks.strict import similar

WEIGHTS = (SEEDED, PRETRAINED)
"""What ``weights=`` can be."""

SHOWING = ("report", "table")
"""Tasks that show what became of others: these go on after a failure, and are not worth naming beside them."""

Models = Mapping[str, Manifest]

Endings = Mapping[str, Sequence[str]]
"""For each kind of step what can follow a model's name: nothing, or ``-<target>`` for every target."""


def check_settings(given: Mapping[str, str], known: Sequence[str]) -> None:
    """Check the settings of a command line: ``weights=seeded``.

    Raises:
        BadInput: One is not known, or has a value that is not.
    """
    for name in given:
        if name not in known:
            raise BadInput(f"there is no setting {name!r:.40}{similar(name, known)}")
    weights = given.get("weights", SEEDED)
    if weights not in WEIGHTS:
        raise BadInput(f"weights={weights:.40} is not known{similar(weights, WEIGHTS)}")


def meant(model: Manifest, models: Models, weights: str | None) -> Manifest | None:
    """The model that ``model`` stands for where ``weights`` are asked for; None where it has none such."""
    if weights != SEEDED or model.weights == SEEDED:
        return model
    return models.get(model.name + VARIANT)


def resolve(word: str, models: Models, endings: Endings, weights: str | None) -> list[str]:
    """The tasks that ``word`` names; ``word`` itself if it is no step of a model.

    Wildcards leave out variants, but for those that say ``-seeded``.

    Raises:
        BadInput: The model cannot be had with the ``weights`` that are asked for.
    """
    kind, colon, rest = word.partition(":")
    if not colon or kind not in endings:
        return [word]
    wild = is_wild(rest)
    found = []
    for model in models.values():
        named = not (model.variant_of and leaves_out_variants(rest)) and _ending(model, endings[kind], rest)
        for ending in named or ():
            one = meant(model, models, weights)
            if one is None and not wild:
                raise BadInput(
                    f"{model.name} cannot be built with seeded weights: its manifest has no [seeded]",
                    fix="leave out weights=seeded; doit alone lists the models that end in -seeded",
                )
            found += [f"{kind}:{one.name}{ending}"] if one else []
    return list(dict.fromkeys(found)) or [word]


def is_wild(pattern: str) -> bool:
    """Whether ``pattern`` may stand for several names."""
    return any(sign in pattern for sign in "*?[")


def leaves_out_variants(pattern: str) -> bool:
    """Whether seeded variants are not meant even where ``pattern`` matches: it is wild and does not speak of them."""
    return is_wild(pattern) and VARIANT not in pattern


def _ending(model: Manifest, endings: Sequence[str], rest: str) -> list[str]:
    """With which of ``endings`` one of the model's names is ``rest``."""
    names = (model.name, *model.aliases)
    return [ending for ending in endings if any(fnmatchcase(name + ending, rest) for name in names)]


def typeable(models: Models, endings: Endings) -> Iterator[str]:
    """Every name of a step that can be typed."""
    for kind, ends in endings.items():
        for model in models.values():
            yield from (f"{kind}:{name}{end}" for name in (model.name, *model.aliases) for end in ends)
