"""Pictures of graphs: right, the same every time, and harmless whatever names say."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.graph import drawing
from tasks.graph.layout import layout
from tasks.graph.model import Node, Picture, picture
from tests.graph.test_checks import dag
from tests.support.chain import Chain

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'x:<script>alert(1)</script>"]; rm & \u202e#quot;'


def drawn(text: str, *selected: str) -> Picture:
    needs = dag(text)
    return picture(
        needs, selected or list(needs), lambda name: not name.startswith("group"), lambda name: Node(name, "run")
    )


def test_only_what_is_needed_is_shown_and_each_behind_what_it_comes_after() -> None:
    found = drawn("a: b c; b: d; c: d; d; e: a", "a")
    assert [node.name for node in found.nodes] == ["d", "b", "c", "a"]
    assert set(found.edges) == {("d", "b"), ("d", "c"), ("b", "a"), ("c", "a")}


def test_what_chains_say_is_not_said_again() -> None:
    assert drawn("a: b c d; b: c d; c: d; d").edges == [("d", "c"), ("c", "b"), ("b", "a")]


def test_groups_are_not_shown() -> None:
    found = drawn("group: a b; a; b: a", "group")
    assert [node.name for node in found.nodes] == ["a", "b"]


graphs = st.integers(1, 14).flatmap(
    lambda count: (
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda edge: edge[0] < edge[1]),
            unique=True,
            max_size=24,
        ).map(lambda edges: ([f"t{n}" for n in range(count)], [(f"t{a}", f"t{b}") for a, b in edges]))
        if count > 1
        else st.just((["t0"], []))
    )
)


@given(graphs)
def test_no_two_boxes_are_in_one_place_and_every_edge_goes_down(
    made: tuple[list[str], list[tuple[str, str]]],
) -> None:
    names, edges = made
    placed = layout(names, edges)
    points = [*placed.places.values(), *(point for way in placed.ways.values() for point in way[1:-1])]
    assert len(set(points)) == len(points)
    assert all(0 <= point.column < placed.widths[point.layer] for point in points)
    for (before, after), way in placed.ways.items():
        assert (way[0], way[-1]) == (placed.places[before], placed.places[after])
        assert all(lower.layer == upper.layer + 1 for upper, lower in itertools.pairwise(way))
    assert layout(names, edges) == placed


def test_lines_that_need_not_cross_do_not() -> None:
    placed = layout(["a", "b", "c", "d"], [("a", "d"), ("b", "c")])
    columns = {name: place.column for name, place in placed.places.items()}
    assert (columns["a"] < columns["b"]) == (columns["d"] < columns["c"])


def test_the_boxes_of_a_picture_are_in_it_and_apart() -> None:
    root = ET.fromstring(drawing.svg(drawn("a: b c; b: d; c: d; d; e: a d")))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    found = [box.attrib for box in root.iter(f"{SVG}rect") if box.get("class") == "box"]
    boxes = [[float(box[name]) for name in ("x", "y", "width", "height")] for box in found]
    assert len(boxes) == 5
    for x, y, w, h in boxes:
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    for one, other in itertools.combinations(boxes, 2):
        apart = [abs(one[axis] - other[axis]) >= one[axis + 2] for axis in (0, 1)]
        assert any(apart)


def test_states_are_told_by_signs_too() -> None:
    states = [Node(f"s:{state}", state) for state in drawing.SIGNS]
    for text in (
        drawing.svg(Picture(states, [])),
        drawing.mermaid(Picture(states, [])),
        drawing.dot(Picture(states, [])),
    ):
        assert all(sign in text for sign in drawing.SIGNS.values())
    assert len(set(drawing.SIGNS.values())) == 3


def test_names_do_no_harm() -> None:
    found = Picture([Node(HOSTILE, "run", HOSTILE), Node("b:c", "run")], [(HOSTILE, "b:c")])
    assert "<script" not in drawing.html(found, "title")
    ET.fromstring(drawing.svg(found))
    (line,) = [line for line in drawing.mermaid(found).splitlines() if "alert" in line]
    assert re.fullmatch(r'    n0\["▸ x<br/>[\w#;. -]*"\]:::run', line)
    assert drawing.dot(found).count('\\"') == 3
    assert json.loads(drawing.as_json(found))["nodes"][0]["name"] == HOSTILE


def test_hundreds_of_steps() -> None:
    text = "; ".join(f"t{n}: {' '.join(f't{each}' for each in range(max(n - 3, 0), n))}" for n in range(300))
    assert drawing.svg(drawn(text)).count('class="node"') == 300


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path / "a project")


def test_a_picture_says_what_would_become_of_each_step(chain: Chain) -> None:
    chain.doit("make:second")
    done = chain.doit("graph", "make:third", "-o", "-", "--format", "json")
    found = json.loads(done.stdout)
    states = {node["name"]: node["state"] for node in found["nodes"]}
    assert states == {"make:first": "up to date", "make:second": "up to date", "make:third": "run"}
    assert found["edges"] == [["make:first", "make:second"], ["make:second", "make:third"]]


STARTS = {"svg": "<svg", "html": "<!doctype", "mmd": "flowchart", "dot": "digraph", "json": "{"}


@pytest.mark.parametrize("name", ["a picture.svg", "x.html", "x.mmd", "x.dot", "x.json"])
def test_the_ending_says_the_format(chain: Chain, name: str) -> None:
    done = chain.doit("graph", "-o", name)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{name}\n")
    text = (chain.folder / name).read_text()
    assert text.startswith(STARTS[name.rpartition(".")[2]])
    assert "third" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "svgg"], "there is no format 'svgg' (did you mean svg?)"),
        (["-o", "x.png"], "there is no format 'png'"),
        (["-o", "/proc/nowhere/x.svg"], "cannot be written"),
        (["make:thrid"], "did you mean: make:third"),
    ],
)
def test_what_is_not_right_is_one_message(chain: Chain, words: list[str], said: str) -> None:
    done = chain.doit("graph", *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
