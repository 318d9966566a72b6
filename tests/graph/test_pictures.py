"""Pictures whatever names are shown: well-formed, nothing of a name is taken for markup, every state can be told."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tasks.graph.command import FORMATS
from tasks.graph.look import INK, LOOKS
from tasks.graph.model import Graph, Node, State
from tasks.graph.page import html
from tasks.graph.svg import svg
from tasks.graph.text import as_json, dot, mermaid

NASTY = "x\"]; </title><script>alert(1)</script> & \\N \x1b[2J\u202e '#quot;`*{|}"
XML = "{http://www.w3.org/2000/svg}"


def picture(*labels: str) -> Graph:
    """A chain of nodes with these labels, each in another state."""
    states = list(State)
    nodes = [
        Node(f"ir:{label}", "ir", states[index % len(states)], label, (("makes", label),))
        for index, label in enumerate(labels)
    ]
    return Graph(tuple(nodes), tuple(pairwise(node.name for node in nodes)))


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and its text.

    Attributes:
        elements: Names of elements with their attributes.
        text: All text.
        open: The elements that are open.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open += [] if tag in ("meta", "link") else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("form", FORMATS)
def test_no_control_character_of_a_name_is_shown(form: str) -> None:
    drawn = FORMATS[form](picture(NASTY, "b"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", drawn)
    assert drawn.endswith("\n")


def test_svg_is_well_formed_and_shows_names_as_they_are() -> None:
    root = ElementTree.fromstring(svg(picture(NASTY, "b", "c", "d")))
    assert {element.tag for element in root.iter()} == {
        XML + tag for tag in ("svg", "style", "path", "g", "title", "rect", "text")
    }
    assert root.findtext(f".//{XML}title").startswith('ir:x"]; </title><script>alert(1)</script> & \\N')
    assert root.get("aria-label") == "4 tasks: 1 up to date, 1 restored, 1 unknown, 1 to run"


def test_svg_keeps_all_within_its_frame_and_words_within_their_box() -> None:
    root = ElementTree.fromstring(svg(picture("short", "w" * 200, "\u6a21\u578b" * 20, "d")))
    left, top, width, height = map(float, root.get("viewBox").split())
    boxes = root.findall(f"{XML}g")
    assert len(boxes) == 4
    for box in boxes:
        x, y, wide, high = (float(box.find(f"{XML}rect").get(name)) for name in ("x", "y", "width", "height"))
        assert left < x < x + wide < left + width
        assert top < y < y + high < top + height
        for text in box.findall(f"{XML}text"):
            cells = sum(1 + (ord(character) > 0x2E80) for character in text.text)
            assert float(text.get("x")) + 7.2 * cells < x + wide
            assert y < float(text.get("y")) < y + high


def test_a_state_is_told_by_word_sign_and_outline_besides_its_colour() -> None:
    assert set(LOOKS) == set(State)
    for what in ("sign", "meaning", "dashes", "light", "dark"):
        assert len({getattr(look, what) for look in LOOKS.values()}) == len(State)
    drawn = svg(picture("a", "b", "c", "d"))
    for state, look in LOOKS.items():
        assert f">{look.sign} {state}<" in drawn


def luminance(colour: str) -> float:
    """Of a colour ``#rrggbb``, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("state", State)
def test_words_can_be_read_in_light_and_dark(state: State) -> None:
    look = LOOKS[state]
    for ink, (line, bed), paper in ((INK[0], look.light, "#ffffff"), (INK[1], look.dark, "#000000")):
        assert contrast(ink, bed) >= 7
        assert contrast(line, bed) >= 4.5
        assert contrast(line, paper) >= 3


def test_the_page_runs_and_loads_nothing_and_shows_names_as_they_are() -> None:
    text = html(picture(NASTY, "b", "c", "d"))
    page = Page(text)
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.elements}
    assert "<script>alert(1)</script> & \\N" in page.text
    assert next(one["content"] for _, one in page.elements if "http-equiv" in one).startswith("default-src 'none'")
    links = [one["href"] for _, one in page.elements if "href" in one]
    assert {link[0] for link in links} == {"#"}
    assert {link[1:] for link in links} <= {one["id"] for _, one in page.elements if "id" in one}
    assert not any(
        "src" in one or "style" in one or any(name.startswith("on") for name in one) for _, one in page.elements
    )


def test_each_box_of_the_page_leads_to_what_is_known_of_its_step() -> None:
    page = Page(html(picture("a", "b", "c")))
    ids = [one["id"] for tag, one in page.elements if tag == "section"]
    assert ids == ["step-0", "step-1", "step-2"]
    assert [one["href"] for tag, one in page.elements if tag == "a"][:3] == [f"#{name}" for name in ids]


def test_mermaid_names_are_quoted() -> None:
    lines = mermaid(picture(NASTY, "mobilenet0.25-seeded")).splitlines()
    assert lines[0] == "flowchart LR"
    assert re.fullmatch(r' {4}n0\["ir<br>x[\w #;/.:\ufffd()=-]*<br>✓ up to date"\]:::up_to_date', lines[1])
    assert lines[2] == '    n1["ir<br>mobilenet0.25-seeded<br>↓ restored"]:::restored'
    assert lines[3] == "    n0 --> n1"
    assert {line.split()[1] for line in lines[4:]} == {"up_to_date", "restored"}


def test_names_in_dot_are_quoted() -> None:
    lines = dot(picture(NASTY, "b")).splitlines()
    label = re.match(r' {4}n0 \[label="((?:[^"\\]|\\.)*)" style=', lines[3])
    assert label
    assert re.sub(r"\\(.)", r"\1", label[1]).startswith('irnx"]; </title><script>alert(1)</script> & \\N ')
    assert (lines[-2], lines[-1]) == ("    n0 -> n1", "}")


def test_json_has_names_as_they_are() -> None:
    found = json.loads(as_json(picture(NASTY, "b")))
    assert found["nodes"][0] == {
        "name": f"ir:{NASTY}",
        "kind": "ir",
        "label": NASTY,
        "state": "up to date",
        "details": {"makes": NASTY},
    }
    assert found["edges"] == [[f"ir:{NASTY}", "ir:b"]]
