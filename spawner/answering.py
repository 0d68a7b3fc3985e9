"""Does the server in the pod answer yet? Quick tries, so that nobody waits out a backoff for a server that is up.

JupyterHub's own wait begins at 0.2 s and doubles with full jitter: half a second lost on average, per start.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from urllib.parse import urlsplit

#: Gaps between tries: short while a start is usually finishing, longer for a server that is busy with something else.
FIRST_GAP_S, LONGEST_GAP_S, SHORT_TRIES = 0.03, 0.5, 40
MAX_HEAD = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What JupyterHub looks at after a server came up: its headers."""

    status: int
    headers: Message = field(default_factory=Message)


async def ask_once(url: str, *, tls: ssl.SSLContext | None = None, timeout_s: float = 5.0) -> Answer | None:
    """One GET; None if nothing answers with a status below 500."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    secure = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure, limit=MAX_HEAD)
            try:
                target = parts.path or "/"
                request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\nAccept: */*\r\n\r\n"
                writer.write(request.encode("latin-1", "replace"))
                head = await reader.readuntil(b"\r\n\r\n")
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
        return None
    first, _, rest = head.partition(b"\r\n")
    with suppress(IndexError, ValueError):
        status = int(first.split()[1])
        if status < 500:
            return Answer(status, BytesHeaderParser().parsebytes(rest))
    return None


async def until_answer(url: str, *, tls: ssl.SSLContext | None = None) -> Answer:
    """Try for as long as the caller waits (cancel it to stop)."""
    tries = 0
    while True:
        answer = await ask_once(url, tls=tls)
        if answer is not None:
            return answer
        tries += 1
        gap = FIRST_GAP_S if tries <= SHORT_TRIES else min(LONGEST_GAP_S, FIRST_GAP_S * 1.2 ** (tries - SHORT_TRIES))
        await asyncio.sleep(gap)
