"""A proxy before a real S3 server that misbehaves as told, request by request."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Trouble:
    """What happens to requests that `matches` (method, or a part of method and path); then they pass."""

    matches: str
    times: int
    status: int | None = None
    code: str = "SlowDown"
    #: Send so many bytes of the answer's body, then cut the connection.
    cut_after: int | None = None
    #: Let the server do it, then cut the connection instead of the answer.
    lose_answer: bool = False
    slow_s: float = 0


@dataclass
class BadServer:
    """`endpoint` for clients; `seen` is every request as "METHOD /path"."""

    endpoint: str
    troubles: list[Trouble] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_trouble(self, request: str) -> Trouble | None:
        with self.lock:
            self.seen.append(request)
            for trouble in self.troubles:
                if trouble.matches in request and trouble.times > 0:
                    trouble.times -= 1
                    return trouble
        return None


@contextmanager
def bad_server(behind: str) -> Iterator[BadServer]:
    """Before the server at the URL `behind`. Requests keep the Host they were signed for."""
    host = urlsplit(behind)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    known = BadServer(f"http://127.0.0.1:{server.server_address[1]}")
    server.known, server.behind = known, (host.hostname, host.port)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        trouble = self.server.known.next_trouble(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        body = self._body()
        if trouble is not None and trouble.slow_s:
            time.sleep(trouble.slow_s)  # this is the slow server itself, no test that waits
        if trouble is not None and trouble.status is not None:
            self._refuse(trouble)
            return
        connection = HTTPConnection(*self.server.behind, timeout=60)  # type: ignore[attr-defined]
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "transfer-encoding":
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if trouble is not None and trouble.lose_answer:
            self._cut()
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if trouble is not None and trouble.cut_after is not None:
            self.wfile.write(content[: trouble.cut_after])
            self.wfile.flush()
            self._cut()
            return
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refuse(self, trouble: Trouble) -> None:
        # As AWS answers a signature it does not like: with the request, its session token too.
        token = self.headers.get("x-amz-security-token", "")
        content = (
            f"<Error><Code>{trouble.code}</Code><Message>no</Message><AWSAccessKeyId>{self.headers['Authorization']}"
            f"</AWSAccessKeyId><CanonicalRequest>{self.command}\n{self.path}\nx-amz-security-token:{token}"
            "</CanonicalRequest></Error>"
        ).encode()
        self.send_response_only(trouble.status or 503)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no goodbye
        self.connection.close()
        self.rfile.close()

    def log_message(self, *_: object) -> None:
        return None

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True
