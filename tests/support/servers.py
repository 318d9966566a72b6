"""Servers on loopback that a cache can be kept in: Debian's nginx with WebDAV, and one that fails as it is told."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tasks.action import Digest

_CONFIGURATION = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            root {folder}/files;
            client_max_body_size 0;
            dav_methods PUT;
            create_full_put_path on;
        }}
    }}
}}
"""

_PATIENCE = 10.0


class Server:
    """A cache's server.

    Attributes:
        url: Its address.
        files: The folder of what it keeps.
        log: The requests that it had, a line each.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/cache"
        self.files = folder / "files"
        self.log = folder / "access.log"

    def blob(self, digest: Digest) -> Path:
        """Where it keeps a blob."""
        return self.files / "cache" / "cas" / digest.hash

    def names(self, kind: str) -> set[str]:
        """What it keeps, of ``ac`` or ``cas``."""
        folder = self.files / "cache" / kind
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def requests(self) -> list[str]:
        """Methods and paths of all requests until now."""
        return [line.split('"')[1].rpartition(" ")[0] for line in self.log.read_text().splitlines()]


@contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    """A running nginx that keeps its files below ``folder``."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "nginx is missing: `make nginx` installs it"
    port = free_port()
    (folder / "files").mkdir(parents=True)
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(user=user, folder=folder, port=port))
    process = subprocess.Popen([program, "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        _await(port)
        yield Server(folder, port)
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the server never came"
            time.sleep(0.01)
        else:
            return


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of a server that gives ``answer`` to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_HEAD = do_PUT = do_GET  # noqa: N815 - the names that the library asks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/cache"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
