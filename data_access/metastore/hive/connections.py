"""Calls to a Hive Metastore: one connection per call, and a failure tells whether the server may have acted.

A Thrift connection carries one call at a time. After any failure below Hive's own exceptions it is closed: what the
next reply on it would belong to is not known.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any

from hive_metastore import ThriftHiveMetastore
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TApplicationException, TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from data_access.errors import DataError, Reason
from data_access.metastore import sentences

CONNECT_S = 10
REPLY_S = 120
IDLE = 16  # connections kept for the next call
#: Seconds before each further try of what may be tried again; a restart of the server's pod in a quiet moment fits in.
PAUSES_S = (0.05, 0.3, 1.0)
BROKEN = (TTransportException, TProtocolException, OSError, EOFError)


# Thrift prints each failure to connect where nobody set up logging; our errors say the same once.
logging.getLogger("thrift").addHandler(logging.NullHandler())


class ReplyLostError(Exception):
    """The request was sent and no reply came: the server may have done it, or do it still."""

    def __init__(self, said: str, *, timed_out: bool) -> None:
        super().__init__(said)
        self.timed_out = timed_out


class _NotSentError(Exception):
    """The server can't have understood the request: no whole one reached it."""


class _Connection:
    def __init__(self, address: tuple[str, int], user: str) -> None:
        self._socket = TSocket(*address, socket_keepalive=True)
        self._socket.setTimeout(CONNECT_S * 1000)
        transport = TBufferedTransport(self._socket, 1 << 16)
        self._client = ThriftHiveMetastore.Client(TBinaryProtocolAccelerated(transport))
        self._transport = transport
        transport.open()
        self._socket.handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.set_ugi(user, [])  # who asks, as Hive's own clients say it; no proof of it

    def stale(self) -> bool:
        """An idle connection with something to read was closed by the server."""
        poll = select.poll()
        poll.register(self._socket.handle, select.POLLIN)
        return bool(poll.poll(0))

    def call(self, method: str, arguments: Sequence[Any], reply_s: float) -> Any:
        self._socket.setTimeout(reply_s * 1000)
        try:
            getattr(self._client, f"send_{method}")(*arguments)
        except UnicodeEncodeError as error:
            raise DataError(
                Reason.BAD_ARGUMENT,
                f"{error.object!r} is no valid text: character {error.start} has no UTF-8 form.",
                "Correct it; a Hive Metastore keeps UTF-8.",
            ) from error
        except BROKEN as error:
            raise _NotSentError(_said(error)) from error
        try:
            return getattr(self._client, f"recv_{method}")()
        except BROKEN as error:
            timed_out = getattr(error, "type", None) == TTransportException.TIMED_OUT
            raise ReplyLostError(_said(error), timed_out=timed_out) from error

    def close(self) -> None:
        self._transport.close()


class Connections:
    """Safe for threads and for forks: a child process never uses its parent's sockets."""

    def __init__(self, addresses: Sequence[tuple[str, int]], place: str, user: str) -> None:
        self._addresses, self._place, self._user = list(addresses), place, user
        self._guard = threading.Lock()
        self._idle: list[_Connection] = []
        alive = weakref.ref(self)

        def forget() -> None:
            if (each := alive()) is not None:
                each._forget()

        os.register_at_fork(after_in_child=forget)

    def call(self, method: str, *arguments: Any, repeatable: bool = True, reply_s: float = REPLY_S) -> Any:
        """Hive's own exceptions pass through; so does TApplicationException (a method that the server has not).

        `repeatable`: twice is the same as once, so a lost reply is no harm. Raises ReplyLostError of what is not, and
        UnreachableError.
        """
        why: Exception | None = None
        for pause in (0.0, *PAUSES_S):
            time.sleep(pause)
            try:
                connection = self._take()
            except (*BROKEN, TApplicationException) as error:
                why = error
                continue
            try:
                result = connection.call(method, arguments, reply_s)
            except _NotSentError as error:
                self._discard(connection)
                why = error
            except ReplyLostError as error:
                self._discard(connection)
                if not repeatable:
                    raise
                why = error
                if error.timed_out:  # a server that hangs is not asked again
                    break
            except TException:
                self._give(connection)  # the server's own answer, wholly read
                raise
            except BaseException:  # Ctrl-C, or what could not be encoded: the rest of it must not meet the next call
                self._discard(connection)
                raise
            else:
                self._give(connection)
                return result
        raise sentences.unreachable(self._place, _said(why)) from why

    def close(self) -> None:
        with self._guard:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> _Connection:
        while True:
            with self._guard:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return self._connect()
            if not connection.stale():
                return connection
            connection.close()

    def _connect(self) -> _Connection:
        """To the first address that answers; it stays the first choice."""
        failed: Exception | None = None
        for address in list(self._addresses):
            try:
                connection = _Connection(address, self._user)
            except (*BROKEN, TApplicationException) as error:
                failed = error
            else:
                with self._guard:
                    self._addresses.remove(address)
                    self._addresses.insert(0, address)
                return connection
        assert failed is not None
        raise failed

    def _give(self, connection: _Connection) -> None:
        with self._guard:
            if len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _discard(self, connection: _Connection) -> None:
        connection.close()

    def _forget(self) -> None:
        """In a child process: the sockets are the parent's; only our copies of the descriptors are closed."""
        self._guard = threading.Lock()
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _said(error: Exception | None) -> str:
    """One line, without the addresses' long form."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    if isinstance(error, EOFError) or "read 0 bytes" in text:
        return "the connection was closed"
    return " ".join(str(text).split())[:200]
