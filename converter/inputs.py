"""The inputs that the gate runs both sides on: two seeded noise inputs and the photographs.

A *case* is one complete set of inputs of a model. ``noise-0`` and ``noise-1`` are uniform in each input's real
range; every other case is named after its photograph's file (``astronaut``) and holds that photograph as the
manifest's preprocessing prepares it. Everything here is a function of its arguments alone: the same arguments
give the same bytes on any machine (the random bits come straight from PCG64 over ``SeedSequence``, the two
streams that numpy promises never to change; Pillow resizes 8-bit images in integer arithmetic).

An input's description is data, ``{"shape", "range", "preprocess"}``:

- ``shape``: the batch first, which may be a name (``"batch"``) and is then 1 here; every other dimension a number.
- ``range``: ``[low, high]``, the values that the input takes in real use.
- ``preprocess``: how a photograph becomes this input (`Preprocess`); absent for an input that is not an image.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from converter.errors import BadInput

NOISE_CASES: Final = ("noise-0", "noise-1")
MAX_PIXELS: Final = 1 << 26
"""Photographs with more pixels are refused before they are decoded."""

MAX_VALUES: Final = 1 << 28
"""Inputs with more values are refused: 1 GiB of float32."""

_MODES: Final = {"RGB": "RGB", "BGR": "RGB", "GRAY": "L"}
_FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
_EIGHT_BIT: Final = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Preprocess:
    """How a photograph becomes an image input: crop, resize, order the channels, ``(pixel - mean) * scale``.

    Attributes:
        channels: ``RGB``, ``BGR`` or ``GRAY``: what the input's channels are, in order.
        mean: Subtracted from each channel's pixels (0..255), one number a channel.
        scale: Multiplies each channel afterwards, one number a channel.
        crops: ``(left, top, right, bottom)`` as fractions of the photograph. Each crop is resized to the input's
            height and width, and all are stacked along the channels.
        layout: ``NCHW``, the IR's own.
        resize: ``bilinear``: stretched to the input's size, whatever its aspect, with Pillow's bilinear filter
            (which averages over the source pixels when it shrinks).
    """

    channels: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    crops: tuple[tuple[float, float, float, float], ...] = (_WHOLE,)
    layout: str = "NCHW"
    resize: str = "bilinear"

    @property
    def depth(self) -> int:
        """The channels of the prepared input: those of one crop times the crops."""
        return len(self.mean) * len(self.crops)

    @property
    def extent(self) -> tuple[float, float]:
        """The lowest and the highest value that any photograph can give."""
        ends = [(pixel - m) * s for m, s in zip(self.mean, self.scale, strict=True) for pixel in (0.0, 255.0)]
        return min(ends), max(ends)


@dataclass(frozen=True)
class InputSpec:
    """One input of a model.

    Attributes:
        name: The graph input's name.
        shape: Its shape in these cases; a symbolic batch is 1.
        low: The lowest value in real use.
        high: The highest value in real use.
        preprocess: How a photograph becomes this input; None where it is no image.
    """

    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    preprocess: Preprocess | None = None


def read_preprocess(data: object, where: str) -> Preprocess:
    """Read a manifest's ``preprocess`` table.

    Args:
        data: ``{"channels": "BGR", "mean": 127.5, "scale": 0.0078125, "layout": "NCHW", "resize": "bilinear",
            "crops": [[0, 0, 1, 1]]}``. ``channels`` is required; ``mean`` (default 0) and ``scale`` (default 1) are
            a number, or one a channel in the order of ``channels``.
        where: What to call this table in an error.

    Raises:
        BadInput: An unknown key, or a value that is not what it has to be.
    """
    table = _table(data, where, ("channels", "mean", "scale", "layout", "resize", "crops"), ("channels",))
    channels = _one_of(table["channels"], tuple(_MODES), f"{where}.channels")
    depth = 1 if channels == "GRAY" else 3
    return Preprocess(
        channels=channels,
        mean=_per_channel(table.get("mean", 0.0), depth, f"{where}.mean"),
        scale=_scale(table.get("scale", 1.0), depth, f"{where}.scale"),
        crops=_crops(table.get("crops", [_WHOLE]), f"{where}.crops"),
        layout=_one_of(table.get("layout", "NCHW"), ("NCHW",), f"{where}.layout"),
        resize=_one_of(table.get("resize", "bilinear"), ("bilinear",), f"{where}.resize"),
    )


def read_inputs(data: object) -> tuple[InputSpec, ...]:
    """Read a manifest's ``inputs``: ``{name: {"shape", "range", "preprocess"}}``, in its own order.

    Raises:
        BadInput: A description that is malformed, or that contradicts itself: a preprocessing whose channels are
            not the shape's, or whose photographs leave ``range``.
    """
    if not isinstance(data, Mapping) or not data:
        raise BadInput("A model needs at least one input", where="inputs", fix='Add [inputs.NAME] with "shape".')
    return tuple(_input(str(name), value) for name, value in data.items())


def build_cases(
    specs: Sequence[InputSpec], photographs: Sequence[Path], *, seed: int = 0
) -> dict[str, dict[str, Array]]:
    """Build every case, float32: ``{case: {input name: array}}``, the noise cases first.

    An input without preprocessing has no photographs: in a photograph's case it holds noise of its own, as it does
    in the noise cases, so that no two cases agree in any input. Row ``n`` of a fixed batch holds the photograph
    ``n`` places further on, so that rows that change places are seen.

    Raises:
        BadInput: Fewer than two photographs, two of one name, or one that cannot be read.
    """
    names = _case_names(photographs)
    cases = {case: {spec.name: noise(spec, case, seed=seed) for spec in specs} for case in (*NOISE_CASES, *names)}
    if any(spec.preprocess for spec in specs):
        images = [open_photograph(path) for path in photographs]
        for place, case in enumerate(names):
            turned = images[place:] + images[:place]
            cases[case] |= {s.name: prepare(s.preprocess, turned, s.shape) for s in specs if s.preprocess}
    return cases


def noise(spec: InputSpec, case: str, *, seed: int = 0) -> Array:
    """Uniform noise in ``[spec.low, spec.high]``, its own stream for every (seed, case, input name); float32."""
    count = int(np.prod(spec.shape, dtype=np.int64))
    stream = np.random.PCG64(np.random.SeedSequence([seed, *f"{case}/{spec.name}".encode()]))
    unit = (stream.random_raw(count) >> np.uint64(40)).astype(np.float64) / (1 << 24)
    return (spec.low + (spec.high - spec.low) * unit).astype(np.float32).reshape(spec.shape)


def open_photograph(path: Path) -> Image.Image:
    """Decode a PNG or JPEG of at most `MAX_PIXELS` pixels, 8 bits a channel.

    Raises:
        BadInput: Not such a file: of another format (told by its content), too large, truncated, of 16 bits.
    """
    fix = "Use a PNG or JPEG photograph, 8 bits a channel."
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise BadInput(f'"{path.name}" is not a photograph that can be read', where=str(path), fix=fix)
    try:
        image = Image.open(path, formats=(kind,))
        if image.width * image.height > MAX_PIXELS:
            raise BadInput(
                f"The photograph has {image.width} x {image.height} pixels, more than {MAX_PIXELS}", where=str(path)
            )
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"The photograph cannot be decoded: {error}", where=str(path), fix=fix) from error
    if image.mode not in _EIGHT_BIT:
        raise BadInput(f'The photograph has pixels of the kind "{image.mode}"', where=str(path), fix=fix)
    return image


def prepare(preprocess: Preprocess, images: Sequence[Image.Image], shape: Sequence[int]) -> Array:
    """Make photographs into one input of ``shape`` (NCHW), float32; row ``n`` holds ``images[n % len(images)]``."""
    rows = [_prepare_one(preprocess, images[n % len(images)], shape[2], shape[3]) for n in range(shape[0])]
    return np.stack(rows)


def _prepare_one(preprocess: Preprocess, image: Image.Image, height: int, width: int) -> Array:
    source = image.convert(_MODES[preprocess.channels])
    mean, scale = np.array(preprocess.mean), np.array(preprocess.scale)
    planes = []
    for left, top, right, bottom in preprocess.crops:
        box = (left * source.width, top * source.height, right * source.width, bottom * source.height)
        resized = source.resize((width, height), Image.Resampling.BILINEAR, box=box)
        pixels = np.asarray(resized, dtype=np.float64).reshape(height, width, -1)
        if preprocess.channels == "BGR":
            pixels = pixels[:, :, ::-1]
        planes.append(((pixels - mean) * scale).transpose(2, 0, 1))
    return np.concatenate(planes).astype(np.float32)


def _case_names(photographs: Iterable[Path]) -> tuple[str, ...]:
    names = tuple(path.stem for path in photographs)
    if len(names) < 2:
        raise BadInput("The gate needs at least two photographs", where="photographs")
    doubles = sorted({n for n in names if names.count(n) > 1} | set(NOISE_CASES).intersection(names))
    if doubles:
        raise BadInput(f'Two cases have one name: "{doubles[0]}"', where="photographs", fix="Rename the file.")
    return names


def _input(name: str, data: object) -> InputSpec:
    where = f"inputs.{name}"
    table = _table(data, where, ("shape", "range", "preprocess"), ("shape", "range"))
    shape = _shape(table["shape"], f"{where}.shape")
    low, high = _range(table["range"], f"{where}.range")
    raw = table.get("preprocess")
    preprocess = None if raw is None else read_preprocess(raw, f"{where}.preprocess")
    if preprocess is not None:
        _check_image(preprocess, shape, (low, high), where)
    return InputSpec(name, shape, low, high, preprocess)


def _check_image(preprocess: Preprocess, shape: tuple[int, ...], span: tuple[float, float], where: str) -> None:
    if len(shape) != 4 or shape[1] != preprocess.depth:
        raise BadInput(
            f"The preprocessing gives {preprocess.depth} channels "
            f"({len(preprocess.crops)} x {preprocess.channels}), the shape {list(shape)} has others",
            where=where,
            fix=f"Make the shape [batch, {preprocess.depth}, height, width], or change channels or crops.",
        )
    low, high = preprocess.extent
    slack = 1e-3 * (high - low)
    if low < span[0] - slack or high > span[1] + slack:
        raise BadInput(
            f"Photographs reach from {low:g} to {high:g} after preprocessing, the range says {list(span)}",
            where=where,
            fix="Correct range, mean or scale: the noise has to cover what the model really sees.",
        )


def _table(data: object, where: str, known: Sequence[str], required: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise BadInput("A table of keys and values is expected here", where=where)
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise BadInput(f'Unknown key "{key}"', where=where, fix=f'The nearest known key is "{near}".')
    for key in required:
        if key not in data:
            raise BadInput(f'The key "{key}" is missing', where=where)
    return data


def _one_of(value: object, known: Sequence[str], where: str) -> str:
    if not isinstance(value, str) or value not in known:
        raise BadInput(f"{value!r} is not known here", where=where, fix=f"Use one of: {', '.join(known)}.")
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise BadInput(f"A finite number is expected, not {value!r}", where=where)
    return float(value)


def _numbers(value: object, count: int, where: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise BadInput(f"A list of {count} numbers is expected, not {value!r}", where=where)
    return tuple(_number(item, where) for item in value)


def _per_channel(value: object, depth: int, where: str) -> tuple[float, ...]:
    return _numbers(value, depth, where) if isinstance(value, list | tuple) else (_number(value, where),) * depth


def _scale(value: object, depth: int, where: str) -> tuple[float, ...]:
    scale = _per_channel(value, depth, where)
    if 0.0 in scale:
        raise BadInput("A scale of 0 would make every photograph the same", where=where)
    return scale


def _crops(value: object, where: str) -> tuple[tuple[float, float, float, float], ...]:
    if not isinstance(value, list | tuple) or not value:
        raise BadInput("A list of [left, top, right, bottom] is expected", where=where)
    crops = []
    for place, item in enumerate(value):
        left, top, right, bottom = _numbers(item, 4, f"{where}[{place}]")
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise BadInput(
                f"{[left, top, right, bottom]} is no part of the photograph",
                where=f"{where}[{place}]",
                fix="Give fractions: 0 <= left < right <= 1 and 0 <= top < bottom <= 1.",
            )
        crops.append((left, top, right, bottom))
    return tuple(crops)


def _shape(value: object, where: str) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise BadInput(f"A list of dimensions is expected, not {value!r}", where=where)
    batch = 1 if isinstance(value[0], str) else value[0]
    shape = (batch, *value[1:])
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in shape):
        raise BadInput(
            f"{list(value)} is not a shape", where=where, fix='Only the batch may be a name: ["batch", 3, 48, 48].'
        )
    count = 1
    for n in shape:
        count *= n
    if count > MAX_VALUES:
        raise BadInput(f"An input of {count} values is too large to try out", where=where)
    return shape


def _range(value: object, where: str) -> tuple[float, float]:
    low, high = _numbers(value, 2, where)
    if not low < high or max(abs(low), abs(high)) > float(np.finfo(np.float32).max):
        raise BadInput(f"{[low, high]} is not a range of float32 values", where=where, fix="Give [low, high].")
    return low, high


def photograph_path(folder: Path, name: object) -> Path:
    """The path of a photograph that is named by its plain file name.

    Raises:
        BadInput: ``name`` is no plain file name, or no such file is in ``folder``.
    """
    if not isinstance(name, str) or PurePosixPath(name).name != name or not (folder / name).is_file():
        raise BadInput(f"There is no photograph {name!r}", where=str(folder))
    return folder / name
