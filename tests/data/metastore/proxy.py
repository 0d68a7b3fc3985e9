"""A TCP proxy on loopback that loses a request or its reply, at the one that holds given bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """`lose_reply_to(b"COMMIT")`: the server gets and does it, the client's connection is cut instead of an answer."""

    upstream: int
    port: int = 0
    lost: threading.Event = field(default_factory=threading.Event)
    _token: bytes = b""
    _what: str = ""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket | None = None

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()

    def lose_reply_to(self, token: bytes) -> None:
        self._arm("reply", token)

    def lose_request(self, token: bytes) -> None:
        self._arm("request", token)

    def _arm(self, what: str, token: bytes) -> None:
        with self._guard:
            self._what, self._token = what, token
            self.lost.clear()

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                _Pair(self, client, socket.create_connection(("127.0.0.1", self.upstream)))

    def hit(self, data: bytes) -> str:
        """ "request" or "reply" once, when what comes by is what was waited for."""
        with self._guard:
            if not self._token or self._token not in data:
                return ""
            what, self._what, self._token = self._what, "", b""
            return what


class _Pair:
    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server, self.cut_next = proxy, client, server, False
        threading.Thread(target=self._requests, daemon=True).start()
        threading.Thread(target=self._replies, daemon=True).start()

    def _requests(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.client.recv(1 << 16):
                what = self.proxy.hit(data)
                if what == "request":
                    break
                self.cut_next = self.cut_next or what == "reply"
                self.server.sendall(data)
        self._cut(lost=not self.cut_next)

    def _replies(self) -> None:
        with contextlib.suppress(OSError):
            while (data := self.server.recv(1 << 16)) and not self.cut_next:
                self.client.sendall(data)
        self._cut(lost=True)

    def _cut(self, *, lost: bool) -> None:
        if not lost:
            return
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.proxy.lost.set()
