"""What counts as an answer, and that waiting for one is quick."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from spawner.answering import ask_once, until_answer
from tools.servers.process import free_port


class Speaker:
    def __init__(self) -> None:
        self.reply = b""
        self.port = 0
        self.heads: list[bytes] = []
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.reply)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/user/ada/api"


@pytest.fixture
async def speaker() -> AsyncIterator[Speaker]:
    speaker = Speaker()
    await speaker.start()
    yield speaker
    await speaker.stop()


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nX-JupyterHub-Version: 6.1.1\r\n\r\n", 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", 302),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404),
        (b"HTTP/1.0 403\r\n\r\n", 403),
    ],
)
async def test_any_answer_below_500_will_do(speaker: Speaker, reply: bytes, status: int) -> None:
    speaker.reply = reply
    answer = await ask_once(speaker.url)
    assert answer is not None
    assert answer.status == status
    assert speaker.heads[0].startswith(b"GET /user/ada/api HTTP/1.1\r\nHost: 127.0.0.1:")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 503 Unavailable\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200",
        b"x" * 100_000,
    ],
    ids=["closed", "503", "ssh", "empty", "cut", "endless"],
)
async def test_anything_else_is_no_answer(speaker: Speaker, reply: bytes) -> None:
    speaker.reply = reply
    assert await ask_once(speaker.url, timeout_s=1) is None


async def test_headers_can_be_looked_up_as_jupyterhub_does(speaker: Speaker) -> None:
    speaker.reply = b"HTTP/1.1 200 OK\r\nX-JupyterHub-Version: 6.1.1\r\n\r\n"
    answer = await ask_once(speaker.url)
    assert answer is not None
    assert answer.headers.get("X-JupyterHub-Version") == "6.1.1"
    assert answer.headers.get("x-jupyterhub-version") == "6.1.1"


async def test_a_server_that_comes_up_is_noticed_within_a_moment() -> None:
    """Two gaps of 30 ms and some air: JupyterHub's own backoff needs half a second on average. The median, since a busy
    computer may take longer over one of them."""
    took = sorted([await notices_a_server() for _ in range(5)])
    assert took[2] < 0.4


async def notices_a_server() -> float:
    """Seconds from when it listens."""
    port, later = free_port(), Speaker()
    later.reply = b"HTTP/1.1 200 OK\r\n\r\n"
    waiting = asyncio.create_task(until_answer(f"http://127.0.0.1:{port}/"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await later.start(port)
    begun = asyncio.get_running_loop().time()
    async with asyncio.timeout(30):
        assert (await waiting).status == 200
    took = asyncio.get_running_loop().time() - begun
    await later.stop()
    return took
