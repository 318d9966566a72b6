"""Pictures of a graph as text that other programs draw or read: Mermaid, Graphviz, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from tasks.graph.look import INK, LOOKS, shown
from tasks.graph.model import Graph, Node

_MERMAID = re.compile(rf"[^\w /:.,@+=?{''.join(look.sign for look in LOOKS.values())}-]")
"""What a label of Mermaid could take for its own: quotes, its entities' ``#``, HTML, Markdown."""


def mermaid(graph: Graph) -> str:
    """A flowchart of Mermaid, which GitHub draws in a code block of that name."""
    ids = _ids(graph)
    lines = ["flowchart LR"]
    for node in graph.nodes:
        words = "<br>".join(_MERMAID.sub(_entity, word) for word in _words(node))
        lines.append(f'    {ids[node.name]}["{words}"]:::{_class(node)}')
    lines += [f"    {ids[first]} --> {ids[second]}" for first, second in graph.edges]
    for state in dict.fromkeys(node.state for node in graph.nodes):
        look = LOOKS[state]
        style = f"fill:{look.light[1]},stroke:{look.light[0]},color:{INK[0]}"
        dashes = f",stroke-dasharray:{look.dashes}" if look.dashes else ""
        lines.append(f"    classDef {state.replace(' ', '_')} {style}{dashes}")
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A digraph of Graphviz's DOT language."""
    ids = _ids(graph)
    lines = ["digraph {", "    rankdir=LR", f'    node [shape=box fontname="monospace" fontcolor="{INK[0]}"]']
    for node in graph.nodes:
        look = LOOKS[node.state]
        style = "filled,dashed" if look.dashes else "filled"
        label = r"\n".join(_escaped(word) for word in _words(node))
        paint = f'style="{style}" color="{look.light[0]}" fillcolor="{look.light[1]}"'
        lines.append(f'    {ids[node.name]} [label="{label}" {paint}]')
    lines += [f"    {ids[first]} -> {ids[second]}" for first, second in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def as_json(graph: Graph) -> str:
    """All that is known of the graph, as a JSON object with ``nodes`` and ``edges``."""
    nodes = [
        {
            "name": node.name,
            "kind": node.kind,
            "label": node.label,
            "state": node.state,
            "details": dict(node.details),
        }
        for node in graph.nodes
    ]
    return json.dumps({"nodes": nodes, "edges": graph.edges}, indent=2) + "\n"


def _ids(graph: Graph) -> Mapping[str, str]:
    """Names of nodes that are legal anywhere."""
    return {node.name: f"n{index}" for index, node in enumerate(graph.nodes)}


def _words(node: Node) -> list[str]:
    """The lines of a node's label."""
    return [word for word in (shown(node.kind), shown(node.label), f"{LOOKS[node.state].sign} {node.state}") if word]


def _class(node: Node) -> str:
    return node.state.replace(" ", "_")


def _entity(match: re.Match[str]) -> str:
    """A character as Mermaid writes it: ``#34;``."""
    return f"#{ord(match[0])};"


def _escaped(text: str) -> str:
    """``text`` between the quotes of a label of DOT."""
    return text.replace("\\", r"\\").replace('"', r"\"")
