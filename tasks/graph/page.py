"""A picture of a graph as one HTML file that needs nothing else: no network, no script.

Each box is a link to what is known of its step, which the browser shows as it is chosen (``:target``), by the mouse
or the keyboard. A Content Security Policy lets nothing be run or loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template

from tasks.graph.look import LOOKS, shown
from tasks.graph.model import Graph
from tasks.graph.svg import summary, svg


def html(graph: Graph) -> str:
    """The page, for UTF-8."""
    return Template(files(__package__).joinpath("page.html").read_text("utf-8")).substitute(
        title=escape(summary(graph)),
        legend="\n".join(_legend()),
        picture=svg(graph, linked=True),
        steps="\n".join(_steps(graph)),
    )


def _legend() -> Iterator[str]:
    for state, look in LOOKS.items():
        mark = f'<g class="box {state.replace(" ", "-")}"><rect x="1" y="1" width="26" height="16" rx="3"/></g>'
        yield f'<li><svg width="28" height="18">{mark}</svg>{look.sign} {state}: {look.meaning}</li>'


def _steps(graph: Graph) -> Iterator[str]:
    """What is known of each step, and links to those before and after it."""
    links = {
        node.name: f'<a href="#step-{index}">{escape(shown(node.name))}</a>' for index, node in enumerate(graph.nodes)
    }
    before: dict[str, list[str]] = {name: [] for name in links}
    after: dict[str, list[str]] = {name: [] for name in links}
    for first, second in graph.edges:
        before[second].append(links[first])
        after[first].append(links[second])
    for index, node in enumerate(graph.nodes):
        facts = [("state", f"{LOOKS[node.state].sign} {node.state}"), *node.details]
        known = [(name, escape(shown(value))) for name, value in facts]
        known += [("after", ", ".join(before[node.name])), ("before", ", ".join(after[node.name]))]
        listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in known if value)
        yield (
            f'<section id="step-{index}"><a class="close" href="#box-{index}">close</a>'
            f"<h2>{escape(shown(node.name))}</h2><dl>{listed}</dl></section>"
        )
