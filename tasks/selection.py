"""Which models a report is of: ``models='resnet*,vgg19'``, ``models='gluon:resnet*'``."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from converter.errors import BadInput
from tasks import zoo
from tasks.manifest import SEEDED, Manifest
from tasks.names import leaves_out_variants, meant

_ZOO = f"{zoo.PREFIX}:"


def patterns(text: str) -> list[str]:
    """The patterns of a ``models=``."""
    return [word.strip() for word in text.split(",") if word.strip()]


def select(models: Mapping[str, Manifest], text: str, weights: str | None) -> list[Manifest]:
    """The models whose name or alias matches one of the patterns of ``text``, in the order of ``models``.

    Seeded variants are found only by wildcards that say ``-seeded``; ``weights=seeded`` stands for them, too.

    Args:
        models: All that there are, those of Gluon's zoo among them where a pattern is of these.
        text: Patterns as of a shell, with commas between; after ``gluon:``, of names of Gluon's zoo.
        weights: Which weights names stand for; None for what the manifests say.

    Raises:
        BadInput: A pattern matches nothing, or only models that cannot be had with these weights.
    """
    words = patterns(text)
    if not words:
        raise BadInput("models= names no model", fix="name some: models='resnet*,vgg19'; doit alone lists them")
    found = {model.name for word in words for model in _found(word, models, weights)}
    return [model for model in models.values() if model.name in found]


def _found(word: str, models: Mapping[str, Manifest], weights: str | None) -> list[Manifest]:
    pattern = zoo.PREFIX + "-" + word.removeprefix(_ZOO) if word.startswith(_ZOO) else word
    matching = [model for model in models.values() if _matches(model, pattern)]
    found = [one for model in matching if (one := meant(model, models, weights))]
    if not matching:
        raise BadInput(f"models={word:.40} matches no model{_nearest(pattern, models)}", fix="doit alone lists them")
    if not found:
        raise BadInput(
            f"models={word:.40} matches nothing that has {SEEDED} weights", fix=f"leave out weights={SEEDED}"
        )
    return found


def _nearest(pattern: str, models: Mapping[str, Manifest]) -> str:
    known = [name for model in models.values() for name in (model.name, *model.aliases)]
    near = get_close_matches(pattern.strip("*?"), known, n=3, cutoff=0.5)
    return f" (did you mean {', '.join(near)}?)" if near else ""


def _matches(model: Manifest, pattern: str) -> bool:
    if model.variant_of and leaves_out_variants(pattern):
        return False
    return any(fnmatchcase(name, pattern) for name in (model.name, *model.aliases))
