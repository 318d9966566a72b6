"""A picture of a report for the documentation: ``python -m tests.page.screenshot <page> <png>``.

The first of ``CELLS`` that the report has is open.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tests.support.containers import run_step

CELLS = ("imagenet1k-resnet-152-seeded/cntk",)
WIDTH, HEIGHT = 1280, 800
COLOURS = 200
"""So few that the file is small, and nobody sees it."""


def main(page: Path, picture: Path) -> None:
    """Take the picture in the browser's image."""
    text = page.read_text(encoding="utf-8")
    opened = next((f"cell={cell}" for cell in CELLS if json.dumps(cell.partition("/")[0]) in text), "")
    shot = {"page": "index.html", "to": "shot.png", "fragment": opened, "width": WIDTH, "height": HEIGHT}
    with TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "in"), Path(folder, "out")
        inputs.mkdir()
        outputs.mkdir()
        shutil.copy(Path(__file__).with_name("browser.py"), inputs)
        shutil.copy(page, inputs / "index.html")
        (inputs / "params.json").write_text(json.dumps({"shots": [shot]}))
        run_step("browser", ["python3", "/in/browser.py"], inputs, outputs)
        with Image.open(outputs / "shot.png") as taken:
            small = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(picture, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
