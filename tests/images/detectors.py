"""Trained detectors in Caffe-SSD's own files, from the package index, and photographs for them to look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from converter.inputs import Preprocess, open_photograph, prepare
from tasks import download
from tasks.manifest import load_source
from tasks.session import default_cache
from tests.support.containers import ROOT, run_step, stage_scripts

Answers = dict[str, dict[str, np.ndarray]]
"""Of each detector, by ``<picture>/<blob>``."""

GRAPH = "deploy.prototxt"

TABLE = "detection_out"
"""The blob of what is found: image, class, score and corners."""

PLATES = ((150, 440, 244, 470), (250, 300, 438, 360))
"""Where plates are drawn in a picture of ``SIDE x SIDE`` pixels: left, top, right and bottom."""

SIDE = 512


@dataclass(frozen=True)
class Detector:
    """A published network of one class.

    Attributes:
        name: Of its source in ``tests/images/trained/``.
        shape: Of its input ``data``.
        preprocess: What it is trained to be given.
        values: Blobs to look at besides what is found; each is called like its layer.
    """

    name: str
    shape: tuple[int, int, int, int]
    preprocess: Preprocess
    values: tuple[str, ...]

    def fetch(self, folder: Path) -> Path:
        """Its files below the new ``folder``, named as the steps of ``images/caffe-ssd/`` want them.

        Raises:
            DownloadError: They cannot be had, or are others.
        """
        source = load_source(ROOT / "tests" / "images" / "trained" / f"{self.name}.toml")
        folder.mkdir(parents=True)
        fetched = download.fetch(source, folder, default_cache() / "archives")
        for path in fetched.values():
            path.rename(folder / {".prototxt": GRAPH, ".caffemodel": "weights.caffemodel"}[path.suffix])
        return folder

    def stage(self, place: Path, checkpoint: Path, pictures: Mapping[str, Image.Image]) -> Path:
        """Lay out in ``place`` what a step needs to run ``checkpoint`` on ``pictures``; its copy of the structure."""
        case = place / "in" / "cases" / self.name
        copied = shutil.copytree(checkpoint, case / "checkpoint")
        wanted = (*self.values, TABLE)
        plan = {"inputs": {"data": "data"}, "outputs": {name: name for name in wanted}}
        (case / "code").mkdir()
        (case / "code" / "weights.plan.json").write_text(json.dumps(plan))
        params = {"trace": False, "inputs": plan["inputs"], "outputs": {name: [name, 0] for name in wanted}}
        (case / "params.json").write_text(json.dumps(params))
        arrays: dict[str, Any] = {
            f"{name}/data": prepare(self.preprocess, [each], self.shape) for name, each in pictures.items()
        }
        np.savez(case / "inputs.npz", **arrays)
        return copied / GRAPH


FACES = Detector(
    "faces",
    (1, 3, 300, 300),
    Preprocess("BGR", (104.0, 177.0, 123.0), (1.0, 1.0, 1.0)),
    ("conv4_3_norm", "mbox_loc", "mbox_conf_flatten", "mbox_priorbox"),
)
PLATE_FINDER = Detector(
    "plates",
    (1, 3, SIDE, SIDE),
    Preprocess("RGB", (123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375)),
    ("ssd0_concat1", "flatten0", "concat0"),
)


def photographs(folder: Path) -> dict[str, Image.Image]:
    """Those that the gate uses, fetched into the new ``folder``, by name."""
    folder.mkdir(parents=True)
    fetched = download.fetch(load_source(ROOT / "tasks" / "photographs.toml"), folder, default_cache() / "archives")
    return {path.stem: open_photograph(path).convert("RGB") for path in fetched.values()}


def mirrored(picture: Image.Image) -> Image.Image:
    """``picture`` with left and right changed."""
    return ImageOps.mirror(picture)


def with_plates(picture: Image.Image) -> Image.Image:
    """``picture`` of ``SIDE x SIDE`` pixels, with a plate in each of `PLATES`."""
    drawn = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    for left, top, right, bottom in PLATES:
        drawn.paste(plate().resize((right - left, bottom - top), Image.Resampling.LANCZOS), (left, top))
    return drawn


def plate() -> Image.Image:
    """A plate as Chinese cars have them, white on blue, 440 mm x 140 mm, but for the character of the province."""
    image = Image.new("RGB", (880, 280), (10, 60, 190))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((8, 8, 872, 272), 20, outline="white", width=8)
    draw.ellipse((265, 125, 290, 150), fill="white")
    font = ImageFont.load_default(200)
    for left, character in zip((40, 150, 300, 410, 520, 630, 740), "EA12345", strict=True):
        draw.text((left, 30), character, font=font, fill="white", stroke_width=5)
    return image


def run(image: str, script: str, place: Path, names: Iterable[str]) -> Answers:
    """What the step ``script`` answers in ``image`` for the detectors ``names``, which are staged in ``place``."""
    stage_scripts(place / "in" / "step", script, "tests/support/batch.py")
    (place / "out" / "cases").mkdir(parents=True)
    run_step(image, ["python3", "in/step/batch.py", Path(script).stem], place / "in", place / "out")
    return {name: _answer(place / "out" / "cases" / name, Path(script).stem) for name in names}


def _answer(place: Path, step: str) -> dict[str, np.ndarray]:
    error = place / "error.txt"
    assert not error.exists(), error.read_text() + (place / "log.txt").read_text()
    with np.load(place / step / "outputs.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
