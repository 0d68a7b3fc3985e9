"""Whether the books can be written: found out beside the probes of the Hub, which never wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from hub_extensions.admission.database import DatabaseAway, plainly

#: Seconds between two tries; each is one small commit.
EVERY_S = 10.0
#: Only the first question waits for an answer, and so long.
FIRST_S = 1.0
#: A try that takes longer hangs: a database gives up by itself before.
HANGS_S = 15.0


class WriteProbe:
    """One for the Hub. `write` is a write that leaves nothing."""

    def __init__(self) -> None:
        self._why = ""
        self._begun_s: float | None = None
        self._trying: asyncio.Task[None] | None = None

    async def ask(self, write: Callable[[], None]) -> str:
        """Why nothing can be written; empty where it can, by the latest try."""
        now_s = time.monotonic()
        first = self._begun_s is None
        if self._trying is None and (self._begun_s is None or now_s - self._begun_s >= EVERY_S):
            self._begun_s = now_s
            self._trying = asyncio.create_task(self._try(write))
        if first and self._trying is not None:
            await asyncio.wait({self._trying}, timeout=FIRST_S)
        if self._trying is not None and self._begun_s is not None and now_s - self._begun_s > HANGS_S:
            return f"no answer for {now_s - self._begun_s:.0f} s"
        return self._why

    async def _try(self, write: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(write)
        except DatabaseAway as e:
            self._why = plainly(e)
        except Exception as e:
            self._why = type(e).__name__
        else:
            self._why = ""
        finally:
            self._trying = None
