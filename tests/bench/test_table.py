"""The benchmark's tables; what it measures is no test's business."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import table
from bench.__main__ import NETWORKS, README
from bench.containers import CONVERTER, HERE, PEERS
from bench.table import BARE, COPY, EXPORT, MMTOIR, OURS, WORK, Measured, Result
from tasks.index import read_lock
from tasks.toolchains import definition, describe

ROOT = Path(__file__).parents[2]
PROGRAMS = (MMTOIR, EXPORT, OURS, WORK, COPY, BARE)


def result(network: str = "Net") -> Result:
    """Three runs of each program, the middle one of which is the median: 1, 2, ... seconds, 100, 200, ... MB."""
    runs = {
        program: [Measured(place * factor, int(place * factor * 100e6)) for factor in (1.5, 1, 0.5)]
        for place, program in enumerate(PROGRAMS, 1)
    }
    return Result(network, 241_000_000, runs)


def cells(text: str) -> list[list[str]]:
    """A Markdown table's cells."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_ratios_are_of_medians() -> None:
    head, rule, *rows = cells(table.ratios([result("A"), result("B")]))
    assert head == ["", "goal", "A", "B"]
    assert rule == ["---"] * 4
    assert [row[2] for row in rows] == ["0.3", "0.7", "0.80", "-300 MB", "0.3", "0.7"]
    assert [row[3] for row in rows] == [row[2] for row in rows]


def test_medians_show_the_spread() -> None:
    head, _, *rows = cells(table.medians([result()]))
    assert head == ["", "Net, 241 MB of parameters"]
    assert [row[0] for row in rows] == list(PROGRAMS)
    assert rows[2][1] == "3.000 s (1.500 to 4.500), 300 MB"
    assert rows[4][1] == "5.000 s (2.500 to 7.500)"


def test_report_replaces_the_last_one() -> None:
    text = f"before\n{table.BEGIN}\nold\nold\n{table.END}\nafter\n"
    once = table.replaced(text, "\\1 new\n")
    assert once == f"before\n{table.BEGIN}\n\\1 new\n{table.END}\nafter\n"
    assert table.replaced(once, "newer\n") == f"before\n{table.BEGIN}\nnewer\n{table.END}\nafter\n"


@pytest.mark.parametrize("text", ["", f"{table.BEGIN}\n", f"{table.END}\n{table.BEGIN}\n"])
def test_text_without_markers(text: str) -> None:
    with pytest.raises(ValueError, match="0 places"):
        table.replaced(text, "report")


def test_readme_shows_every_row_of_the_last_run() -> None:
    (report,) = re.findall(f"{table.BEGIN}\n(.*?){table.END}\n", README.read_text(), flags=re.DOTALL)
    rows = cells(report)
    names = [row[0] for row in rows]
    for name in (*table.ROWS, *PROGRAMS):
        assert names.count(name) == 1, name
    heads = [row for row in rows if row[0] == "" and len(row) > 1]
    assert heads[0][2:] == list(NETWORKS.values())
    assert [cell.partition(",")[0] for cell in heads[1][1:]] == list(NETWORKS.values())
    filled = [row for row in rows if row[0] in table.ROWS or row[0] in PROGRAMS]
    assert all(re.search(r"\d", cell) for row in filled for cell in row[-len(NETWORKS) :])


def test_images_are_described() -> None:
    images = HERE / "images"
    for name in (PEERS, CONVERTER):
        assert describe(name, images).wheels
    assert definition("base-bullseye", images) == definition("base-bullseye")


def test_the_converters_image_has_the_projects_versions() -> None:
    ours = {pin.name: pin.version for pin in describe(CONVERTER, HERE / "images").wheels}
    text = (ROOT / "requirements.lock").read_text()
    locked = dict(
        re.findall(r"^([\w.-]+)==([\w.]+)(?: ; python_full_version < '3.12')? \\$", text, flags=re.MULTILINE)
    )
    assert ours == {name: locked[name] for name in ours}
    assert read_lock((HERE / "images" / CONVERTER / "requirements.lock").read_text())
