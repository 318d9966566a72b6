"""The model in front of the user: from files and what is typed to a manifest."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter, Token

import converter
from converter.description import Description
from converter.errors import BadInput
from converter.formats import recognise
from converter.inputs import read_preprocess
from tasks.action import Digest
from tasks.cli.shapes import Shape, read_shapes
from tasks.errors import UsageError
from tasks.manifest import ROLES, File, Input, Manifest, Output, Settings, Source
from tasks.terminal import harmless

CHANNELS = {"RGB": 3, "BGR": 3, "GRAY": 1}
"""The orders of an image's channels, and how many these are."""

PIXELS, RANGE = (0.0, 255.0), (-1.0, 1.0)
"""Of noise where nothing was said: for what has the shape of an image, and for anything else."""

DigestOf = Callable[[Path], Digest | None]
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]+")


def _numbers(_: Any, tokens: Sequence[Token]) -> tuple[float, ...]:
    """Read ``1,2,3``."""
    try:
        found = tuple(float(part) for part in tokens[0].value.split(","))
    except ValueError:
        raise ValueError("give numbers, separated by commas") from None
    if not all(map(math.isfinite, found)):
        raise ValueError("give finite numbers")
    return found


_NUMBERS = Parameter(converter=_numbers, n_tokens=1, allow_leading_hyphen=True, negative=(), accepts_keys=False)
_IMAGE = Group("Its inputs")


@Parameter(name="*", group="The model")
@dataclass(frozen=True)
class Given:
    """A model of a source framework, as it was given on a command line.

    Attributes:
        network: The file of its structure: x-symbol.json.
        weights: The file of its parameters: x-0000.params. Without it, there is the structure alone.
        framework: The framework that it is of; recognised, if not given.
        name: What to call it; after its file, if not given.
        shapes: 3,224,224, the batch left open; or NAME:1,3,224,224, once for each input. Not needed where the files
            tell it.
        channels: RGB, BGR or GRAY, where an input is an image.
        mean: Subtracted from its pixels of 0 to 255: a number, or one a channel: 123.68,116.78,103.94.
        scale: Multiplies them then: 0.017.
        range: Lowest and highest value in real use: -1,1. If not given, 0,255 for images, else -1,1.
        labels: A file of the classes' names, a line each.
    """

    network: Annotated[Path | None, Parameter(name=("--network", "-n", "--inputNetwork", "-in"))] = None
    weights: Annotated[Path | None, Parameter(name=("--weights", "-w", "--inputWeight", "-iw"))] = None
    framework: Annotated[str, Parameter(name=("--from", "--srcFramework", "-sf"))] = ""
    name: str = ""
    shapes: Annotated[tuple[str, ...], Parameter(name=("--input-shape", "--inputShape"), negative=())] = ()
    channels: Annotated[Literal["RGB", "BGR", "GRAY"] | None, Parameter(name="--channel-order", group=_IMAGE)] = None
    mean: Annotated[tuple[float, ...], _NUMBERS, Parameter(group=_IMAGE)] = ()
    scale: Annotated[tuple[float, ...], _NUMBERS, Parameter(group=_IMAGE)] = ()
    range: Annotated[tuple[float, ...], _NUMBERS, Parameter(group=_IMAGE)] = ()
    labels: Annotated[Path | None, Parameter(group=_IMAGE)] = None

    @property
    def tells_inputs(self) -> bool:
        """Whether it says anything of the values of the inputs."""
        return bool(self.channels or self.mean or self.scale or self.range)

    def taking(self, files: Iterable[Path]) -> Given:
        """The same with ``files`` as what their content says they are.

        Raises:
            BadInput: One is not recognised, cannot be read into the IR, or is given twice.
        """
        return reduce(Given._taking, files, self)

    def _taking(self, path: Path) -> Given:
        found = recognise(path)
        if found.role not in ("network", "weights"):
            raise BadInput(f"{found.title}: not a file that a conversion starts from", where=str(path), fix=found.fix)
        if getattr(self, found.role) is not None:
            raise UsageError(
                f"two files of {found.role}", where=f"{getattr(self, found.role)}, {path}", fix="give one"
            )
        known = replace(self, framework=self.framework or found.framework)
        return replace(known, network=path) if found.role == "network" else replace(known, weights=path)

    def manifest(self, digest: DigestOf, options: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Manifest:
        """The manifest that says the same.

        Args:
            digest: Of a file; None where there is none.
            options: Of the targets' emitters, by target.

        Raises:
            BadInput: A file is not there or not what it has to be, or what was typed does not fit the model.
        """
        network, framework = self._known()
        if self.name and named(self.name) != self.name:
            raise UsageError(
                f"--name {self.name!r:.60} is no name for a model", fix=f"write --name {named(self.name)}"
            )
        described = converter.describe(framework, graph=network, weights=self.weights)
        shapes = read_shapes(self.shapes, described.inputs)
        return Manifest(
            name=self.name or called(network),
            title=harmless(network.name),
            framework=framework,
            licence="not stated",
            source=Source(tuple(self._files(network, framework, digest))),
            inputs={name: self._input(name, shape, shapes) for name, shape in shapes.items()},
            outputs=self._outputs(described),
            targets={target: Settings(given) for target, given in options.items()},
        )

    def _known(self) -> tuple[Path, str]:
        """The file of the structure, and the framework."""
        if self.network is None:
            raise UsageError("no model was given", fix="name its files: -n x-symbol.json -w x-0000.params")
        framework = self.framework or recognise(self.network).framework
        if framework not in ROLES:
            what = f"models of {framework} cannot be read" if framework else "this is no model that can be read"
            raise BadInput(what, where=str(self.network), fix=f"give one of: {', '.join(ROLES)}")
        return self.network, framework

    def _files(self, network: Path, framework: str, digest: DigestOf) -> list[File]:
        paths = (network, *([self.weights] if self.weights else []))
        return [local_file(role, path, digest) for role, path in zip(ROLES[framework], paths, strict=False)]

    def _input(self, name: str, shape: Shape, shapes: Mapping[str, Shape]) -> Input:
        preprocess = self._preprocess()
        if preprocess is None or not _is_image(shape, CHANNELS[preprocess["channels"]]):
            if preprocess and not any(_is_image(each, CHANNELS[preprocess["channels"]]) for each in shapes.values()):
                raise BadInput(
                    f"no input is an image of {CHANNELS[preprocess['channels']]} channels: {name} is "
                    f"{','.join(map(str, shape))}",
                    fix="leave out --mean, --scale, --channel-order and --image, or correct --channel-order",
                )
            return Input(shape, self._range(PIXELS if _is_image(shape, 1) or _is_image(shape, 3) else RANGE))
        extent = read_preprocess(preprocess, "--channel-order, --mean, --scale").extent
        return Input(shape, self._range(extent), preprocess)

    def _range(self, usual: tuple[float, float]) -> tuple[float, float]:
        if not self.range:
            return usual
        if len(self.range) != 2 or self.range[0] >= self.range[1]:
            raise UsageError("--range is not a lowest and a highest value", fix="write --range -1,1")
        return self.range[0], self.range[1]

    def _preprocess(self) -> dict[str, Any] | None:
        if not (self.channels or self.mean or self.scale):
            return None
        numbers = {"mean": self.mean, "scale": self.scale}
        written = {key: list(each) if len(each) > 1 else each[0] for key, each in numbers.items() if each}
        return {"channels": self.channels or "RGB", **written}

    def _outputs(self, described: Description) -> dict[str, Output]:
        if self.labels is None:
            return {}
        if len(described.outputs) != 1:
            raise BadInput(
                f"the model has {len(described.outputs)} outputs, and --labels is for one",
                fix="write a manifest, with [outputs.NAME]",
            )
        return {f"{described.outputs[0]}_output": Output(read_labels(self.labels))}


def called(path: Path) -> str:
    """A model's name after its graph's file: ``resnet-50-symbol.json`` is ``resnet-50``."""
    return named(path.stem.removesuffix("-symbol"))


def named(text: str) -> str:
    """What is left of ``text`` where it has to be a name."""
    return _UNSAFE.sub("_", text).strip("_.+-") or "model"


def local_file(role: str, path: Path, digest: DigestOf) -> File:
    """A file of a source that lies on this machine.

    Raises:
        BadInput: It is not there, or no file.
    """
    found = digest(path.resolve())
    if found is None:
        raise BadInput("there is no such file", where=str(path))
    return File(role, _UNSAFE.sub("_", path.name).strip("_.+-") or role, found, urls=(path.resolve().as_uri(),))


def read_labels(path: Path) -> tuple[str, ...]:
    """Names of classes, a line each.

    Raises:
        BadInput: The file cannot be read, or is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"the labels cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("the labels are no UTF-8 text", where=str(path), fix="give a line a class") from error
    return tuple(line.strip() for line in lines if line.strip())


def _is_image(shape: Shape, depth: int) -> bool:
    return len(shape) == 4 and shape[1] == depth
