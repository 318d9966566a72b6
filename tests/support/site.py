"""A web server on this machine, with every fault that one can have."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GRAPH = b'{"nodes": []}' * 100
WEIGHTS = bytes(range(256)) * 40


@dataclass
class Site:
    """A web server on this machine.

    Attributes:
        port: Where it listens.
        files: What it serves, by path.
        faults: What goes wrong with the next requests: a status, ``cut`` and ``drop`` for a body that ends too early,
            with and without a Content-Length, ``close`` for a complete one without, ``hang`` for none.
        redirects: Where a path leads.
        requests: The paths that were asked for.
        sent: Bytes of bodies that were written.
    """

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    sent: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        fault = self.faults.pop(0) if self.faults else ""
        body = self.files.get(handler.path.partition("?")[0])
        if isinstance(fault, int):
            handler.send_error(fault)
        elif target := self.redirects.get(handler.path):
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif fault == "hang":
            threading.Event().wait(1)
        elif body is None:
            handler.send_error(404)
        else:
            self._send(handler, body, fault)

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, fault: str) -> None:
        handler.send_response(200)
        if fault not in {"drop", "close"}:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault in {"cut", "drop"}:
            body = body[: len(body) // 2]
        for start in range(0, len(body), 1 << 16):
            try:
                handler.wfile.write(body[start : start + (1 << 16)])
            except OSError:
                return
            self.sent += len(body[start : start + (1 << 16)])


@contextmanager
def serving() -> Iterator[Site]:
    """A server with one model's files."""
    made = Site(files={"/x-symbol.json": GRAPH, "/x.params": WEIGHTS})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.answer(self)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
