"""The report's page as text: whole, safe, and the same every time."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tasks.page import render
from tests.page import sample
from tests.support.project import ROOT

AA = 4.5
"""WCAG 2.2, 1.4.3: contrast of text."""

PAIRS = [
    *(
        ("ink", "paper"),
        ("soft", "paper"),
        ("link", "paper"),
        ("ink", "raised"),
        ("soft", "raised"),
        ("link", "raised"),
    ),
    *((word, f"{word}-bed") for word in ("exact", "close", "differs")),
    *((word, "paper") for word in ("exact", "close", "warning")),
    ("warning", "raised"),
]


@pytest.fixture(scope="module")
def page() -> str:
    return render(sample.document())


def embedded(page: str) -> dict[str, Any]:
    """The document in the page."""
    found = re.search(r'<script type="application/json" id="document">(.*?)</script>', page, re.DOTALL)
    assert found
    document: dict[str, Any] = json.loads(found[1])
    return document


def test_the_document_is_in_it_whole(page: str) -> None:
    document, given = embedded(page), sample.document()
    assert [model["name"] for model in document["models"]] == [model["name"] for model in given["models"]]
    assert [cell["verdict"] for cell in document["cells"]] == [cell["verdict"] for cell in given["cells"]]
    layers = given["cells"][0]["layers"]["values"]
    packed = document["cells"][0]["layers"]
    named = [document["places"][place] for place in packed["at"]]
    assert named == [[layer["value"], layer["node"], layer["operator"]] for layer in layers]
    assert packed["max_rel"] == [float(f"{layer['max_rel']:.3g}") for layer in layers]


def test_nothing_of_a_stranger_s_ends_an_element_or_begins_one(page: str) -> None:
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert html.escape(sample.HOSTILE) in page


def test_the_policy_lets_only_its_own_script_and_style_in(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    rules = dict(rule.split(" ", 1) for rule in html.unescape(policy[1]).split("; "))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    for name, pattern in (("script-src", r"<script>(.*?)</script>"), ("style-src", r"<style>(.*?)</style>")):
        (content,) = re.findall(pattern, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    shell = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'<[^>]*\s(?:src|href)="([^"]*)"', shell) == ["data:,", "matrix.json"]
    assert "url(" not in shell


def test_the_matrix_is_there_without_scripts(page: str) -> None:
    table = re.search(r'<table id="matrix">(.*?)</table>', page, re.DOTALL)
    assert table
    rows = re.findall(r"<tr>(.*?)</tr>", table[1], re.DOTALL)
    assert len(rows) == 1 + len(sample.MODELS)
    assert [row.count("√") for row in rows] == [0, 9, 9, 8, 7, 0, 1]
    assert "2e-03*" in rows[3], "limits of its own"
    assert re.search(r"e-0\d†", rows[1]), "read back"
    assert "∞" in rows[4]
    assert "34 of 54 exact" in page


def test_a_row_says_its_weights_once() -> None:
    document = sample.document()
    document["models"][0]["title"] = "A network, seeded weights"
    head = re.search(r'<th scope="row">(.*?)</th>', render(document))
    assert head
    assert re.sub("<[^>]*>", " ", head[1]).split() == ["A", "network", "seeded", "resnet-18-seeded"]


def test_it_is_the_same_every_time_and_an_empty_report_is_a_page(page: str) -> None:
    assert render(sample.document()) == page
    assert "0 of 0 exact" in render({})


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_its_colours_have_contrast(theme: int, ink: str, paper: str) -> None:
    style = (ROOT / "tasks/page/style.css").read_text()
    colours = {
        name: each[theme]
        for name, *each in re.findall(r"--([\w-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\)", style)
    }
    lights = sorted((_light(colours[name]) for name in (ink, paper)), reverse=True)
    assert (lights[0] + 0.05) / (lights[1] + 0.05) >= AA


def _light(colour: str) -> float:
    """Relative luminance of a colour, as WCAG has it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_wheel_has_its_parts(tmp_path: Path) -> None:
    build = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    parts = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tasks/page").rglob("*.*") if path.suffix != ".pyc"
    }
    assert len(parts) >= 10
    assert parts <= names
