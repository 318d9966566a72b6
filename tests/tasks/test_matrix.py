"""The report as data, JSON and Markdown."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from tasks import matrix, report
from tasks.manifest import Manifest, Source
from tasks.targets import TARGETS

NOTHING: dict[str, Any] = {"layers": None, "top": {}, "timings": [], "files": []}


def model(name: str) -> Manifest:
    return Manifest(name, f"The {name} | network", "mxnet", "not stated", Source(()), {}, aliases=(f"{name}-net",))


def verified(verdict: str, *errors: float | str | None, **more: Any) -> dict[str, Any]:
    outputs = [{"name": f"out{n}", "max_rel": each, "sensitivity": each} for n, each in enumerate(errors)]
    return {
        "verdict": verdict,
        "reasons": [],
        "expected": None,
        "tolerance": {"reason": ""},
        "runtime": {"framework": "x"},
        "reference": {"framework": "mxnet"},
        "outputs": outputs,
        "forms": {},
        "first_bad": None,
        **more,
    }


def document() -> matrix.Document:
    small, large = model("small"), model("large")
    cells = [
        matrix.cell(small, "caffe", verified("exact", 3.2e-7, 1e-8), **NOTHING),
        matrix.cell(small, "coreml", verified("close", 1e-3, runtime={"runtime": "read-back"}), **NOTHING),
        matrix.cell(large, "caffe", verified("differs", None, 1e-7), **NOTHING),
        matrix.cell(large, "ncnn", verified("exact", 0.0, tolerance={"reason": "half of the digits"}), **NOTHING),
    ]
    return matrix.document([small, large], cells, {"cat": png()}, generated="2026-11-22", version="1.2.3")


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA", (600, 300), "red").save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("errors", "worst"),
    [((1e-7, 3e-6), 3e-6), ((1e-7, "Infinity"), "Infinity"), ((1e-7, None), None), ((), None), ((0.0,), 0.0)],
)
def test_a_cell_has_the_worst_error_of_all_outputs(errors: tuple[float | str | None, ...], worst: object) -> None:
    cell = matrix.cell(model("one"), "caffe", verified("exact", *errors), **NOTHING)
    assert cell["max_rel"] == worst


def test_a_cell_s_worst_error_may_be_of_another_form_and_an_output_that_nothing_moves_has_no_sensitivity() -> None:
    form = {"outputs": [{"name": "out", "max_rel": 1e-5, "sensitivity": None}]}
    cell = matrix.cell(model("one"), "tensorflow", verified("exact", 1e-7, forms={"tflite": form}), **NOTHING)
    assert (cell["max_rel"], cell["sensitivity"]) == (1e-5, 1e-7)


def test_the_document_has_every_target_and_the_rows_and_cells_given() -> None:
    found = document()
    assert [target["name"] for target in found["targets"]] == list(TARGETS)
    assert found["models"][0] == {
        "name": "small",
        "title": "The small | network",
        "licence": "not stated",
        "weights": "pretrained",
        "reference": "",
        "aliases": ["small-net"],
    }
    assert [(cell["model"], cell["target"], cell["weights"]) for cell in found["cells"]] == [
        ("small", "caffe", "pretrained"),
        ("small", "coreml", "pretrained"),
        ("large", "caffe", "pretrained"),
        ("large", "ncnn", "pretrained"),
    ]


def test_photographs_are_small_pictures_of_their_own_form() -> None:
    head, _, content = document()["photographs"]["cat"].partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (240, 120))


def test_matrix_json_is_the_document_without_photographs_and_always_the_same() -> None:
    found = document()
    content = json.loads(matrix.as_json(found))
    assert content == {key: value for key, value in found.items() if key != "photographs"}
    assert matrix.as_json(document()) == matrix.as_json(found)


def test_markdown_shows_symbols_errors_marks_and_what_they_mean() -> None:
    text = matrix.markdown(document())
    lines = text.splitlines()
    assert lines[0] == "2026-11-22, 2 of 18 exact, pretrained weights:"
    assert "[Core ML](docs/targets/coreml.md)" in lines[2]
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines[4:6]}
    assert rows["small"] == ["√ 3e-07", "", "o 1e-03†", "", "", "", "", "", ""]
    assert rows["large"] == ["✗ \N{EN DASH}", "", "", "", "", "√ 0*", "", "", ""]
    assert {len(line.split("|")) for line in lines[2:6]} == {12}
    assert "† no runtime on Linux" in text
    assert "* judged by limits of its own" in text


def test_marks_that_do_not_occur_are_not_explained() -> None:
    cell = matrix.cell(model("one"), "caffe", verified("exact", 0.0), **NOTHING)
    found = matrix.document([model("one")], [cell], {}, generated="2026-11-22", version="1.2.3")
    assert "†" not in matrix.markdown(found)
    assert "*" not in matrix.markdown(found)


def test_the_printed_matrix_is_plain_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    report.show(document())
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed[1].split() == list(TARGETS)
    assert printed[2].startswith("small  √ 3e-07")
    assert printed[-1] == "2 of 18 exact, pretrained weights"
    assert "\x1b" not in "".join(printed)


@pytest.mark.parametrize(("width", "numbers"), [(200, True), (70, False)])
def test_a_narrow_terminal_gets_the_symbols_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, numbers: bool
) -> None:
    monkeypatch.setattr(
        report, "Console", lambda **options: Console(**{"width": width, **options, "force_terminal": True})
    )
    report.show(document())
    printed = capsys.readouterr().out
    assert ("3e-07" in printed) == numbers
    assert "√" in printed
    assert "…" not in printed
