"""A web server on loopback that breaks off, forgets and refuses as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """`cut_after`: bytes after which the connection is cut, once per entry. `status`: answered instead of the file."""

    content: bytes
    etag: str | None = '"v1"'
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)  # the Range of each request
    url: str = ""


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Behaviour]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, behaviour)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    behaviour.url = f"http://127.0.0.1:{server.server_port}/data/flights.csv?key=geheim"
    yield behaviour
    server.shutdown()
    server.server_close()


def _answer(request: BaseHTTPRequestHandler, behaviour: Behaviour) -> None:
    wanted = request.headers.get("Range")
    behaviour.asked.append(wanted)
    if behaviour.status:
        request.send_error(behaviour.status.pop(0))
        return
    start = 0
    if wanted and behaviour.ranges and request.headers.get("If-Range") == behaviour.etag:
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    body = behaviour.content[start:]
    request.send_response(206 if start else 200)
    request.send_header("Content-Length", str(len(body)))
    if behaviour.etag:
        request.send_header("ETag", behaviour.etag)
    if start:
        size = len(behaviour.content)
        request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    request.end_headers()
    request.wfile.write(body[: behaviour.cut_after.pop(0)] if behaviour.cut_after else body)
