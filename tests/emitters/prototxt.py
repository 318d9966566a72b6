"""Read a prototxt back, by the grammar of protocol buffers' text format and nothing else."""

from __future__ import annotations

import re
from typing import Any

_TOKENS = re.compile(rb'\s+|#[^\n]*|(?P<token>"(?:[^"\\\n]|\\.)*"|[{}:]|[-+.\w]+)')
_ESCAPE = re.compile(rb'\\([0-7]{3}|["\\])')


def layers_of(text: bytes) -> list[dict[str, Any]]:
    """The layers of a network: each a dictionary of lists, as every field may be repeated."""
    layers: list[dict[str, Any]] = _message(_tokens(text), 0)[0]["layer"]
    return layers


def _tokens(text: bytes) -> list[bytes]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        assert match, text[position : position + 40]
        position = match.end()
        if match["token"]:
            tokens.append(match["token"])
    return tokens


def _message(tokens: list[bytes], position: int) -> tuple[dict[str, list[Any]], int]:
    fields: dict[str, list[Any]] = {}
    while position < len(tokens) and tokens[position] != b"}":
        name, mark = tokens[position].decode(), tokens[position + 1]
        if mark == b"{":
            value, position = _message(tokens, position + 2)
            assert tokens[position] == b"}"
        else:
            assert mark == b":"
            position += 2
            value = _value(tokens[position])
        fields.setdefault(name, []).append(value)
        position += 1
    return fields, position


def _value(token: bytes) -> str:
    return _ESCAPE.sub(_unescape, token[1:-1]).decode() if token.startswith(b'"') else token.decode()


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return code if len(code) == 1 else bytes([int(code, 8)])
