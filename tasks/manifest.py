"""Model manifests: one TOML file a model, read strictly.

title = "MTCNN ONet: ..."
framework = "mxnet"
licence = "not stated"
aliases = ["onet"]                       # other names to type

[source]                                 # an archive on the package index; without it, files have urls
package = "codemao==0.0.17"
sha256 = "a925..."
size = 19492350

[source.files.graph]                     # one of the framework's ROLES
path = "codemao/data/mtcnn-model/det3-symbol.json"    # or urls = ["https://...", "file:///..."]
sha256 = "f4f9..."
size = 8870

Files that lie below one folder of a server or its mirrors say where that is; what TRANSSHIP_MIRROR names is asked
first (tasks/mirrors.py). Only theirs need not have sha256 and size: what is first seen is on record (tasks/lock.py).

[source]
base = ["https://example.org/models/", "https://mirror.example.org/"]

[source.files.graph]
path = "resnet/resnet-50-symbol.json"

[inputs.data]
shape = ["batch", 3, 48, 48]
range = [-1.0, 1.0]                      # of the values in real use, for noise
preprocess = { channels = "BGR", mean = 127.5, scale = 0.0078125 }

[outputs.prob1_output]                   # where an output's classes have names
labels = ["not a face", "face"]          # as many as it has, in the order of its axis 1; or "imagenet1k": a file of
                                         # models/labels, a line each

[seeded]                                 # where the same structure can be built without any file, as <name>-seeded
architecture = "resnet"                  # a module of images/mxnet/architectures/
options = { layers = 50 }                # keyword arguments of its function network
gain = 2.0                               # of seeded kernels, see images/mxnet/seeded.py

[targets.caffe]                          # where a target needs something
options = { merge_bn = true }
expect = { verdict = "close", reason = "..." }

A network of Gluon's model zoos is not downloaded but built by name and exported; the files are then optional, and
hold a user's own weights:

[source]
kind = "gluon"
name = "resnet50_v1"                     # of mxnet.gluon.model_zoo.vision, else of gluoncv.model_zoo; or "SSD", the
                                         # class of the latter, which options are the arguments of
zoo = "gluoncv"                          # where both have the name, and the first one's is not meant
weights = "pretrained"                   # the zoo's own; or "seeded": stand-ins, for a model whose title says so
options = { classes = 10 }               # keyword arguments of the network's constructor
classes = ["mask", "no mask"]            # of a detector, in place of those it was trained for: its reset_class
gain = 1.0                               # of seeded kernels, see images/mxnet/seeded.py

[source.files.parameters]                # in place of weights: as above
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from converter.errors import BadInput
from tasks.action import Digest
from tasks.strict import Reader, read_toml, similar
from tasks.targets import TARGETS
from tasks.terminal import harmless

ROLES = {"mxnet": ("graph", "weights")}
"""The files that make a model, by source framework."""

KINDS = ("files", "gluon")
"""What a source can be."""

PARAMETERS = "parameters"
"""The role of a user's own file of weights for a network of Gluon."""

SEEDED, PRETRAINED, OWN = "seeded", "pretrained", "file"
"""Where a model's weights come from: drawn, as published, a user's own for a network of Gluon."""

VARIANT = f"-{SEEDED}"
"""What the name of a model's seeded variant ends in."""

SHA256 = re.compile(r"[0-9a-f]{64}")
"""How a digest is written."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+-]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*/)*[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SCHEMES = ("http", "https", "file")
_ZOOS = ("gluon", "gluoncv")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERDICTS = ("close", "differs")
_PREPROCESS = ("channels", "mean", "scale", "layout", "resize", "crops")
_GREATEST = (2 - 2**-23) * 2.0**127
"""The greatest float32."""


@dataclass(frozen=True)
class Archive:
    """A wheel or sdist on the package index.

    Attributes:
        requirement: ``name==version``.
        digest: Of the archive file.
    """

    requirement: str
    digest: Digest


@dataclass(frozen=True)
class File:
    """One file of a source.

    Attributes:
        role: What it is to the framework: ``graph``, ``weights``.
        name: What it is called in ``build/``.
        digest: Its content; None where nobody has published it.
        path: Its place in the source's archive or below its bases; empty where it has ``urls``.
        urls: Where it is, the first that answers counts.
    """

    role: str
    name: str
    digest: Digest | None
    path: str = ""
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Files to download: members of an archive, from URLs of their own, or from below a folder of a server.

    Attributes:
        files: All of them.
        archive: What they are members of.
        base: URLs of the folder; the first that has a file counts.
        model: Whose files below ``base`` they are: what they are on record under.
        has_variant: Whether the model can be had with seeded weights, too.
    """

    files: tuple[File, ...]
    archive: Archive | None = None
    base: tuple[str, ...] = ()
    model: str = ""
    has_variant: bool = False

    @property
    def tree(self) -> dict[str, Digest]:
        """The files whose content is known, by name."""
        return {file.name: file.digest for file in self.files if file.digest}


@dataclass(frozen=True)
class Gluon:
    """A network of Gluon's model zoos, to be built by name and exported.

    Attributes:
        name: Of the network.
        weights: ``SEEDED``, ``PRETRAINED`` or ``OWN``.
        zoo: ``gluon`` or ``gluoncv``; empty for the first that has the name.
        options: Keyword arguments of the network's constructor.
        classes: What a detector is to find, in place of what it was made for; empty for the latter.
        gain: Of seeded kernels; None for the usual one.
        parameters: The user's own file of weights, if ``weights`` is ``OWN``.
    """

    name: str
    weights: str
    zoo: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    gain: float | None = None
    parameters: Source = field(default_factory=lambda: Source(()))


@dataclass(frozen=True)
class Architecture:
    """A network that a module of ``images/mxnet/architectures/`` builds, with seeded weights.

    Attributes:
        name: Of the module.
        options: Keyword arguments of its function ``network``.
        gain: Of seeded kernels; None for the usual one.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    gain: float | None = None


@dataclass(frozen=True)
class Input:
    """One input of a model.

    Attributes:
        shape: The batch first, which may be ``"batch"``.
        range: Lowest and highest value in real use.
        preprocess: How a photograph becomes this input, as :mod:`converter.inputs` reads it; None for no image.
    """

    shape: tuple[int | str, ...]
    range: tuple[float, float]
    preprocess: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Output:
    """One output of a model.

    Attributes:
        labels: What the classes along its axis 1 are called.
    """

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What one target needs for a model.

    Attributes:
        options: For the emitter.
        expect: ``{"verdict", "reason"}`` where less than ``exact`` is known and accepted.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Manifest:
    """A model that can be converted.

    Attributes:
        name: In task names and in ``build/``.
        title: What a person calls it.
        framework: The source framework.
        licence: Of the weights.
        source: Where its files come from, or how they are made.
        inputs: By name.
        outputs: By name, where there is something to say of them.
        reference: URL of what describes it.
        targets: What targets need, by name.
        aliases: Other names to type.
        seeded: How the same structure is built without files, where that is known.
        variant_of: The name of the model that this is the seeded variant of.
    """

    name: str
    title: str
    framework: str
    licence: str
    source: Source | Gluon | Architecture
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output] = field(default_factory=dict)
    reference: str = ""
    targets: Mapping[str, Settings] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    seeded: Architecture | None = None
    variant_of: str = ""

    @property
    def weights(self) -> str:
        """``SEEDED``, ``PRETRAINED`` or ``OWN``."""
        if isinstance(self.source, Source):
            return PRETRAINED
        return self.source.weights if isinstance(self.source, Gluon) else SEEDED

    def variant(self) -> Manifest | None:
        """The model of the same structure with seeded weights; None where it cannot be built."""
        source: Gluon | Architecture | None = self.seeded
        if isinstance(self.source, Gluon) and self.weights == PRETRAINED:
            source = replace(self.source, weights=SEEDED)
        if source is None:
            return None
        return replace(
            self,
            name=self.name + VARIANT,
            title=f"{self.title}, seeded weights",
            licence="Apache-2.0",
            source=source,
            targets={name: replace(settings, expect=None) for name, settings in self.targets.items()},
            aliases=tuple(alias + VARIANT for alias in self.aliases),
            seeded=None,
            variant_of=self.name,
        )


def load_all(folder: Path) -> dict[str, Manifest]:
    """All manifests of ``folder`` and their seeded variants, by name, each variant behind what it is one of.

    Raises:
        BadInput: One of them is not right; everything that is wrong with it is said. Two models have one name.
    """
    found: dict[str, Manifest] = {}
    taken: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        written = load(path)
        for model in filter(None, (written, written.variant())):
            found[model.name] = model
            for name in (model.name, *model.aliases):
                if taken.setdefault(name, path.name) != path.name:
                    raise BadInput(f"{taken[name]} and {path.name} both call a model {name!r}", where=str(path))
    return found


def load(path: Path) -> Manifest:
    """One manifest; its file's name is the model's.

    Raises:
        BadInput: It is not right.
    """
    reader = Reader(read_toml(path))
    if not _NAME.fullmatch(path.stem):
        reader.problem("", f"{path.stem!r} is no name for a model: use a-z, 0-9, '.', '_' and '-'")
    manifest = _manifest(reader, path.stem, path.parent)
    reader.finish(path)
    return manifest


def read(table: Mapping[str, Any], path: Path) -> Manifest:
    """The manifest that :func:`write` has made ``table`` of, which may have been changed since.

    Other than a file's, it says its name itself, and may lack any of the source's files and inputs.

    Args:
        table: The mapping.
        path: Where it was found, for errors.

    Raises:
        BadInput: It is not right.
    """
    reader = Reader(table)
    name = reader.text("name", pattern=_FILE_NAME, like="letters, digits, '.', '_', '+' and '-'")
    manifest = _manifest(reader, name, path.parent, whole=False)
    reader.finish(path)
    return manifest


def write(manifest: Manifest) -> dict[str, Any]:
    """``manifest`` as a mapping that is plain JSON: as in its file, with its name.

    Raises:
        ValueError: It is of another kind than those for files with URLs of their own.
    """
    source = manifest.source
    if not isinstance(source, Source) or source.archive or source.base or manifest.seeded:
        raise ValueError(f"{manifest.name} is not a model of files with URLs")
    return {
        "name": manifest.name,
        "title": harmless(manifest.title),
        "framework": manifest.framework,
        "licence": manifest.licence,
        "reference": manifest.reference,
        **({"aliases": list(manifest.aliases)} if manifest.aliases else {}),
        "source": {"files": {file.role: _written(file) for file in source.files}},
        "inputs": {
            name: {
                "shape": list(each.shape),
                "range": list(each.range),
                **({"preprocess": dict(each.preprocess)} if each.preprocess else {}),
            }
            for name, each in manifest.inputs.items()
        },
        "outputs": {name: {"labels": list(each.labels)} for name, each in manifest.outputs.items() if each.labels},
        "targets": {
            name: {"options": dict(each.options), **({"expect": dict(each.expect)} if each.expect else {})}
            for name, each in manifest.targets.items()
        },
    }


def _written(file: File) -> dict[str, Any]:
    if file.digest is None:
        raise ValueError(f"{file.name} has no digest")
    return {"name": file.name, "urls": list(file.urls), "sha256": file.digest.hash, "size": file.digest.size}


def _manifest(reader: Reader, name: str, folder: Path, *, whole: bool = True) -> Manifest:
    """The manifest of ``reader``; where not ``whole``, parts of it may be missing."""
    framework = reader.text("framework")
    if framework not in ROLES and whole:
        reader.problem("framework", f"is {framework!r:.40}, which is not known{similar(framework, ROLES)}")
    return Manifest(
        name=name,
        title=reader.text("title"),
        framework=framework,
        licence=reader.text("licence"),
        reference=reader.text("reference", ""),
        source=_any_source(reader, framework, name) if whole else _source(reader.table("source"), whole=False),
        inputs={name: _input(table) for name, table in reader.tables("inputs", required=whole)},
        outputs={
            name: Output(_labels(table, folder / "labels"))
            for name, table in reader.tables("outputs", required=False)
        },
        targets={
            name: _settings(table) for name, table in reader.tables("targets", required=False, known=tuple(TARGETS))
        },
        aliases=_aliases(reader),
        seeded=_seeded(reader.table("seeded"), folder.parent) if reader.has("seeded") else None,
    )


def load_source(path: Path) -> Source:
    """A ``[source]`` that stands alone in a file: the photographs.

    Raises:
        BadInput: It is not right.
    """
    reader = Reader(read_toml(path))
    source = _source(reader.table("source"))
    reader.finish(path)
    return source


def _any_source(manifest: Reader, framework: str, model: str) -> Source | Gluon:
    reader = manifest.table("source")
    kind = reader.text("kind", KINDS[0])
    if kind not in KINDS:
        reader.problem("kind", f"is {kind!r:.40}, which is not known{similar(kind, KINDS)}")
    if kind != "gluon":
        source = _source(reader, ROLES.get(framework, ()), model)
        return replace(source, model=model, has_variant=manifest.has("seeded")) if source.base else source
    if framework != "mxnet":
        manifest.problem("framework", 'is to be "mxnet" where source.kind is "gluon"')
    return _gluon(reader, manifest.text("title"))


def _gluon(reader: Reader, title: str) -> Gluon:
    own = reader.has("files")
    weights = OWN if own else reader.text("weights", PRETRAINED)
    if own and reader.has("weights"):
        reader.text("weights")
        reader.problem("weights", "is for a source without files")
    if not own and weights not in (SEEDED, PRETRAINED):
        reader.problem("weights", f"is {weights!r:.40}, which is not known{similar(weights, (SEEDED, PRETRAINED))}")
    if weights == SEEDED and "seeded weights" not in title.lower():
        reader.problem("weights", 'is "seeded", which the title has to say too: "..., seeded weights"')
    zoo = reader.text("zoo") if reader.has("zoo") else ""
    if reader.has("zoo") and zoo not in _ZOOS:
        reader.problem("zoo", f"is {zoo!r:.40}, which is not known{similar(zoo, _ZOOS)}")
    return Gluon(
        name=reader.text("name", pattern=_NETWORK, like="the name of a network in a model zoo"),
        weights=weights,
        zoo=zoo,
        options=_options(reader),
        classes=_classes(reader) if reader.has("classes") else (),
        gain=_gain(reader, weights) if reader.has("gain") else None,
        parameters=_source(reader, (PARAMETERS,)) if own else Source(()),
    )


def _classes(reader: Reader) -> tuple[str, ...]:
    names = tuple(reader.texts("classes"))
    if len(set(names)) < len(names):
        reader.problem("classes", "names a class twice")
    return names


def _gain(reader: Reader, weights: str) -> float:
    gain: Any = reader.get("gain", object)
    if weights != SEEDED:
        reader.problem("gain", "is for seeded weights")
    elif not _float32(gain) or gain <= 0:
        reader.problem("gain", f"is to be a number above 0, not {gain!r:.40}")
        return 1.0
    return float(gain)


def _aliases(reader: Reader) -> tuple[str, ...]:
    names = reader.texts("aliases") if reader.has("aliases") else []
    for name in names:
        if not _NAME.fullmatch(name):
            reader.problem("aliases", f"has {name!r:.40}, which is no name: use a-z, 0-9, '.', '_' and '-'")
    return tuple(names)


def _seeded(reader: Reader, root: Path) -> Architecture:
    known = [path.stem for path in sorted((root / "images/mxnet/architectures").glob("*.py"))]
    name = reader.text("architecture")
    if name not in known:
        reader.problem("architecture", f"is {name!r:.40}, which is not known{similar(name, known)}")
    return Architecture(name, _options(reader), _gain(reader, SEEDED) if reader.has("gain") else None)


def _labels(reader: Reader, folder: Path) -> tuple[str, ...]:
    """A list, or the lines of a file in ``folder``."""
    if not isinstance(reader.get("labels", object), str):
        return tuple(reader.texts("labels"))
    known = [path.stem for path in sorted(folder.glob("*.txt"))]
    name = reader.text("labels")
    if name not in known:
        reader.problem("labels", f"is {name!r:.40}, which is not known{similar(name, known)}")
        return ()
    return tuple((folder / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def _options(reader: Reader) -> Mapping[str, Any]:
    options: Mapping[str, Any] = reader.get("options", dict, {})
    if not _is_json(options):
        reader.problem("options", "is to hold texts, finite numbers, true, false, lists and tables of them")
    return options


def _is_json(value: object) -> bool:
    """Whether a value of TOML is one of JSON, too: there, no date and no infinity is."""
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _source(reader: Reader, roles: Collection[str] = (), model: str = "", *, whole: bool = True) -> Source:
    packaged = reader.has("package")
    archive = None
    if packaged:
        requirement = reader.text("package", pattern=_REQUIREMENT, like="name==version")
        archive = Archive(requirement, digest(reader))
    base = _base(reader) if reader.has("base") and not packaged else ()
    files = tuple(
        _below(role, table, model) if base else _file(role, table, packaged)
        for role, table in reader.tables("files", required=whole, known=roles)
    )
    for role in set(roles) - {file.role for file in files}:
        reader.problem(f"files.{role}", "is missing")
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        reader.problem("files", "two files have the same name")
    return Source(files, archive, base)


def _base(reader: Reader) -> tuple[str, ...]:
    urls = tuple(reader.texts("base"))
    for place, url in enumerate(urls):
        if wrong := fault(url) or ("" if url.endswith("/") else "which is no folder: let it end with /"):
            reader.problem(f"base[{place}]", f"is {url!r:.80}, {wrong}")
    return urls


def _below(role: str, reader: Reader, model: str) -> File:
    """A file below the folder of a server; only what is on record under a model can do without its digest."""
    path = reader.text("path")
    if not _PATH.fullmatch(path):
        reader.problem("path", f"is {path!r:.80}, which is no plain path below base")
    declared = not model or reader.has("sha256") or reader.has("size")
    return File(role, _plain(reader, "path", path), digest(reader) if declared else None, path=path)


def _file(role: str, reader: Reader, packaged: bool) -> File:
    if packaged:
        path = reader.text("path")
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            reader.problem("path", f"is {path!r:.80}, which is no place in an archive")
        return File(role, _plain(reader, "path", path), digest(reader), path=path)
    urls = tuple(reader.texts("urls"))
    for place, url in enumerate(urls):
        if wrong := fault(url):
            reader.problem(f"urls[{place}]", f"is {url!r:.80}, {wrong}")
    own = reader.has("name")
    name = reader.text("name") if own else _last(urls[0]) if urls else ""
    return File(role, _plain(reader, "name" if own else "urls", name), digest(reader), urls=urls)


def fault(url: str) -> str:
    """What is wrong with a URL; nothing if it can be fetched."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"which is no URL: {error}"
    if parts.scheme not in _SCHEMES:
        return f"which is not of {', '.join(_SCHEMES)}"
    if parts.scheme == "file":
        return "" if parts.netloc == "" and parts.path.startswith("/") else "which is not of the form file:///path"
    return "" if parts.hostname else "which names no host"


def _last(url: str) -> str:
    """The last part of a URL's path; of a malformed one, too."""
    place = url.partition("://")[2].partition("/")[2]
    return PurePosixPath(re.split("[?#]", place, maxsplit=1)[0]).name


def _plain(reader: Reader, key: str, path: str) -> str:
    name = PurePosixPath(path).name
    if not _FILE_NAME.fullmatch(name):
        reader.problem(key, f"gives the file the name {name!r:.80}: letters, digits, '.', '_', '+' and '-' will do")
    return name


def digest(reader: Reader) -> Digest:
    """What ``sha256`` and ``size`` say."""
    return Digest(reader.text("sha256", pattern=SHA256, like="64 hexadecimal digits"), reader.size("size"))


def _input(reader: Reader) -> Input:
    shape = reader.get("shape", list)
    if not shape or not all(_positive(dim) or (dim == "batch" and place == 0) for place, dim in enumerate(shape)):
        reader.problem("shape", 'is to be a list of whole numbers above 0, of which the first may be "batch"')
    bounds = reader.get("range", list)
    if len(bounds) != 2 or not all(_float32(bound) for bound in bounds) or bounds[0] >= bounds[1]:
        reader.problem("range", "is to be [lowest, highest], two finite numbers")
        bounds = [0, 1]
    preprocess = None
    if reader.has("preprocess"):
        preprocess = reader.get("preprocess", dict)
        below = reader.table("preprocess")
        below.text("channels")
        below.expect(_PREPROCESS)
    return Input(tuple(shape), (float(bounds[0]), float(bounds[1])), preprocess)


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _float32(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _GREATEST


def _settings(reader: Reader) -> Settings:
    expect = None
    if reader.has("expect"):
        expect = reader.get("expect", dict)
        table = reader.table("expect")
        if table.text("verdict") not in _VERDICTS:
            table.problem("verdict", f"is to be {' or '.join(_VERDICTS)}")
        table.text("reason")
    return Settings(reader.get("options", dict, {}), expect)
