"""A picture of a graph as SVG: one file that any browser shows, in light and dark."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape

from tasks.graph.layout import BETWEEN_COLUMNS, Box, Point, lay_out
from tasks.graph.look import INK, LOOKS, shown
from tasks.graph.model import Graph, Node

_LINE = 17
_PADDING = 10
_ADVANCE = 7.3
"""Pixels that a character of the 12 pixel monospace font takes, at most."""

_LONGEST = 34
"""Characters of a name that are shown; the whole is in the title."""

_MARGIN = 12
_ARROW = 6


def svg(graph: Graph, *, linked: bool = False) -> str:
    """The picture.

    Args:
        graph: What is shown.
        linked: Whether each box is called ``box-<index>`` and a link to ``#step-<index>``, for a page that has these.
    """
    layout = lay_out({node.name: _size(node) for node in graph.nodes}, graph.edges)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    frame = f'width="{width:.0f}" height="{height:.0f}" viewBox="{-_MARGIN} {-_MARGIN} {width:.1f} {height:.1f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {frame} role="group" aria-label="{escape(summary(graph))}">',
        f"<style>{_style()}</style>",
        f'<path class="edges" d="{" ".join(_curve(path) for path in layout.paths.values())}"/>',
        f'<path class="heads" d="{" ".join(_head(path[-1]) for path in layout.paths.values())}"/>',
    ]
    for index, node in enumerate(graph.nodes):
        drawn = _drawn(node, layout.boxes[node.name])
        parts.append(f'<a id="box-{index}" href="#step-{index}">{drawn}</a>' if linked else drawn)
    return "\n".join([*parts, "</svg>"]) + "\n"


def summary(graph: Graph) -> str:
    """What the picture is of, in a line: ``12 tasks: 3 up to date, 9 to run``."""
    states = [node.state for node in graph.nodes]
    counts = ", ".join(f"{states.count(state)} {state}" for state in LOOKS if state in states)
    return f"{len(states)} task{'s' * (len(states) != 1)}: {counts}"


def _style() -> str:
    """The looks of all states as CSS: colours for light, and for dark where that is preferred."""
    rules = [
        f".box text{{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:{INK[0]}}}",
        ".box .kind{font-weight:bold}.box rect{stroke-width:1.5}",
        ".edges{fill:none;stroke:#7f8994;stroke-width:1.3}.heads{fill:#7f8994}",
    ]
    dark = [f".box text{{fill:{INK[1]}}}"]
    for state, look in LOOKS.items():
        name = state.replace(" ", "-")
        dashes = f";stroke-dasharray:{look.dashes.replace(' ', ',')}" if look.dashes else ""
        rules += [f".{name} rect{{stroke:{look.light[0]};fill:{look.light[1]}{dashes}}}", _sign(name, look.light[0])]
        dark += [f".{name} rect{{stroke:{look.dark[0]};fill:{look.dark[1]}}}", _sign(name, look.dark[0])]
    return "".join([*rules, "@media(prefers-color-scheme:dark){", *dark, "}"])


def _sign(name: str, colour: str) -> str:
    return f".{name} .state{{fill:{colour}}}"


def _words(node: Node) -> list[tuple[str, str]]:
    """The lines in a box, each with its class; a task whose name has no colon has one less."""
    lines = [("kind", node.kind), ("label", node.label), ("state", f"{LOOKS[node.state].sign} {node.state}")]
    return [(kind, _short(shown(words))) for kind, words in lines if words]


def _size(node: Node) -> tuple[float, float]:
    lines = [words for _, words in _words(node)]
    return _ADVANCE * max(map(_cells, lines)) + 2 * _PADDING, _LINE * len(lines) + 2 * _PADDING - 4


def _cells(text: str) -> int:
    """How many characters of a monospace font ``text`` is as wide as (Unicode Annex 11)."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _drawn(node: Node, box: Box) -> str:
    lines = [
        f'<text class="{kind}" x="{box.x + _PADDING:.1f}" y="{box.y + _PADDING + 9 + _LINE * row:.1f}">'
        f"{escape(words)}</text>"
        for row, (kind, words) in enumerate(_words(node))
    ]
    name, what = escape(shown(node.name)), node.state.replace(" ", "-")
    return (
        f'<g class="box {what}"><title>{name}: {node.state}</title><rect x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>{"".join(lines)}</g>'
    )


def _curve(path: Sequence[Point]) -> str:
    """An arrow's line: a curve from column to column, level where it passes one."""
    (x, y), *others = path
    drawn, half = [f"M{x:.1f} {y:.1f}"], BETWEEN_COLUMNS / 2
    for index, (x, y) in enumerate(others):
        before = path[index]
        crosses = index % 2 == 0
        end = x - _ARROW if index == len(others) - 1 else x
        curve = f"C{before[0] + half:.1f} {before[1]:.1f} {x - half:.1f} {y:.1f} {end:.1f} {y:.1f}"
        drawn.append(curve if crosses else f"H{x:.1f}")
    return "".join(drawn)


def _head(tip: Point) -> str:
    x, y = tip
    return f"M{x:.1f} {y:.1f}l-{_ARROW + 1} -4v8z"
