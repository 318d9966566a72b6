"""Recursion over a graph, in which the same value is met on many ways."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def visiting_once(function: Function) -> Function:
    """Have a recursive ``function`` of values compute once for the same arguments while its outermost call lasts.

    Without that the number of calls doubles with each node that reads one value twice. Nothing is kept any longer,
    for graphs change between calls.
    """
    found: dict[Hashable, Any] = {}
    depth = 0

    @wraps(function)
    def once(*arguments: Any) -> Any:
        nonlocal depth
        if arguments in found:
            return found[arguments]
        depth += 1
        try:
            found[arguments] = function(*arguments)
            return found[arguments]
        finally:
            depth -= 1
            if not depth:
                found.clear()

    return cast("Function", once)
