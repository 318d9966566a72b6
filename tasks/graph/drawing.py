"""A graph as SVG, HTML, Mermaid or DOT. A state is told by a colour, and by a sign for who sees colours otherwise."""

from __future__ import annotations

import json
from dataclasses import asdict
from html import escape

from tasks.graph.layout import Place, layout
from tasks.graph.model import Node, Picture
from tasks.progress.words import about

SIGNS = {"up to date": "√", "restored": "↓", "run": "▸"}
WORDS = {"up to date": "up to date", "restored": "to be restored", "run": "to run"}
_FILLS = {"up to date": "#d9ead3", "restored": "#cfe2f3", "run": "#ffe599"}
_LINES = {"up to date": "#38761d", "restored": "#0b5394", "run": "#7f6000"}

_WIDTH, _HEIGHT = 230, 46
_GAP_X, _GAP_Y, _MARGIN = 24, 40, 16
_LETTERS = 30

_STYLE = """
svg { font: 13px system-ui, sans-serif; }
.box { stroke-width: 1.5; }
.name { fill: #111; font-weight: 600; }
.subject { fill: #333; }
.edge { fill: none; stroke: #888; stroke-width: 1.3; }
.head { fill: #888; }
.node:focus .box, .node:hover .box { stroke-width: 3; }
"""


def as_json(picture: Picture) -> str:
    """For programs."""
    nodes = [asdict(node) for node in picture.nodes]
    return json.dumps({"nodes": nodes, "edges": [list(edge) for edge in picture.edges]}, indent=1) + "\n"


def mermaid(picture: Picture) -> str:
    """As Mermaid, which GitHub and GitLab draw in Markdown."""
    number = {node.name: f"n{index}" for index, node in enumerate(picture.nodes)}
    lines = ["flowchart TD"]
    for node in picture.nodes:
        text = f"{SIGNS[node.state]} {node.kind}<br/>{_entities(node.subject)}"
        lines.append(f'    {number[node.name]}["{text}"]:::{node.state.replace(" ", "-")}')
    lines += [f"    {number[before]} --> {number[after]}" for before, after in picture.edges]
    for state, fill in _FILLS.items():
        lines.append(f"    classDef {state.replace(' ', '-')} fill:{fill},stroke:{_LINES[state]},color:#111")
    return "\n".join(lines) + "\n"


def dot(picture: Picture) -> str:
    """As Graphviz reads it."""
    lines = ["digraph steps {", "    node [shape=box, style=filled, fontname=sans]"]
    for node in picture.nodes:
        label = _quoted(f"{SIGNS[node.state]} {node.name}")
        colours = f'fillcolor="{_FILLS[node.state]}", color="{_LINES[node.state]}"'
        lines.append(f"    {_quoted(node.name)} [label={label}, {colours}]")
    lines += [f"    {_quoted(before)} -> {_quoted(after)}" for before, after in picture.edges]
    return "\n".join([*lines, "}"]) + "\n"


def svg(picture: Picture) -> str:
    """As a picture that needs nothing else."""
    placed = layout([node.name for node in picture.nodes], picture.edges)
    most = max(placed.widths, default=1)
    width = 2 * _MARGIN + most * (_WIDTH + _GAP_X) - _GAP_X
    height = 2 * _MARGIN + max(len(placed.widths), 1) * (_HEIGHT + _GAP_Y) - _GAP_Y

    def corner(place: Place) -> tuple[float, float]:
        """Left upper corner of a place; each layer is centred."""
        indent = (most - placed.widths[place.layer]) * (_WIDTH + _GAP_X) / 2
        return _MARGIN + indent + place.column * (_WIDTH + _GAP_X), _MARGIN + place.layer * (_HEIGHT + _GAP_Y)

    edges = [_edge([corner(place) for place in way]) for way in placed.ways.values()]
    boxes = [_box(node, *corner(placed.places[node.name])) for node in picture.nodes]
    size = f'width="{width:.0f}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size} role="img">'
    about = "<title>steps, and what they come after</title>"
    paper = f'<style>{_STYLE}</style><rect {size} fill="#fff"/>'
    return "\n".join([head, about, paper, *edges, *boxes, "</svg>\n"])


def html(picture: Picture, title: str) -> str:
    """As a page that needs no network."""
    legend = "".join(
        f'<span class="key" style="background:{fill};border-color:{_LINES[state]}">{SIGNS[state]} {words}</span>'
        for (state, fill), words in zip(_FILLS.items(), WORDS.values(), strict=True)
    )
    rows = "".join(
        f"<tr><td>{SIGNS[node.state]} {WORDS[node.state]}</td><td>{escape(node.name)}</td>"
        f"<td>{escape(node.why)}</td><td>{_usual(node)}</td></tr>"
        for node in picture.nodes
    )
    return _PAGE.format(title=escape(title), legend=legend, picture=svg(picture), rows=rows)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px system-ui, sans-serif; margin: 1.5rem; background: Canvas; color: CanvasText; }}
.key {{ border: 1.5px solid; border-radius: 4px; padding: 2px 8px; margin-right: 8px; color: #111; }}
.scroll {{ overflow: auto; margin: 1rem 0; }}
table {{ border-collapse: collapse; }}
td, th {{ text-align: left; padding: 3px 14px 3px 0; vertical-align: top; }}
</style>
<h1>{title}</h1>
<p>{legend}</p>
<div class="scroll" tabindex="0">{picture}</div>
<table><thead><tr><th>state</th><th>step</th><th>why</th><th>usually</th></tr></thead><tbody>{rows}</tbody></table>
</html>
"""


def _usual(node: Node) -> str:
    return about(node.seconds) if node.seconds is not None and node.seconds >= 1 else ""


def _box(node: Node, x: float, y: float) -> str:
    told = escape(f"{node.name}: {WORDS[node.state]}{f' ({node.why})' if node.why else ''}")
    return (
        f'<g class="node" tabindex="0"><title>{told}</title>'
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" '
        f'fill="{_FILLS[node.state]}" stroke="{_LINES[node.state]}"/>'
        f'<text class="name" x="{x + 10:.1f}" y="{y + 19:.1f}">{SIGNS[node.state]} {escape(node.kind)}</text>'
        f'<text class="subject" x="{x + 10:.1f}" y="{y + 37:.1f}">{escape(_short(node.subject))}</text></g>'
    )


def _edge(corners: list[tuple[float, float]]) -> str:
    """A line from the bottom of the first place to the top of the last, curved, with a head."""
    (x, y), *rest = corners
    x, y = x + _WIDTH / 2, y + _HEIGHT
    path = f"M{x:.1f} {y:.1f}"
    for index, (left, top) in enumerate(rest):
        is_last = index == len(rest) - 1
        to_x, to_y = left + _WIDTH / 2, top - 6 * is_last
        middle = (y + to_y) / 2
        path += f" C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        if not is_last:
            path += f" V{top + _HEIGHT:.1f}"
        x, y = to_x, top + _HEIGHT
    tip_x, tip_y = rest[-1][0] + _WIDTH / 2, rest[-1][1]
    head = f"{tip_x - 4:.1f},{tip_y - 7:.1f} {tip_x + 4:.1f},{tip_y - 7:.1f} {tip_x:.1f},{tip_y:.1f}"
    return f'<path class="edge" d="{path}"/><polygon class="head" points="{head}"/>'


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS // 2]}…{text[-_LETTERS // 2 + 1 :]}"


def _entities(text: str) -> str:
    """``text`` where Mermaid would read signs of its own."""
    return "".join(char if char.isalnum() or char in "-_. " else f"#{ord(char)};" for char in text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
