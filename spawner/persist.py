"""The shell around `retry.after_failure`: keep asking until it works, the answer is final, or time is up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from spawner.retry import ClusterError, GiveUp, after_failure

T = TypeVar("T")


async def persist(
    ask: Callable[[], Awaitable[T]],
    deadline: float | None,
    *,
    waiting: Callable[[ClusterError], None] | None = None,
) -> T:
    """`deadline` in the running loop's clock; None never gives up on an error that may pass.

    `waiting` is told each error that is waited out. Raises the last ClusterError.
    """
    loop = asyncio.get_running_loop()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await ask()
        except ClusterError as error:
            jitter = random.random()  # noqa: S311  (spreads load, guards nothing)
            decision = after_failure(error, attempt, loop.time(), deadline, jitter)
            if isinstance(decision, GiveUp):
                raise
            if waiting is not None:
                waiting(error)
        await asyncio.sleep(decision.wait_s)
