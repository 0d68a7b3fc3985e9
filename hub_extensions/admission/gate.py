"""The gate as spawners and pages see it: asynchronous, on one thread of its own, with an answer also while the database
is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar, cast

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.store import Promise, Store
from profiles.admission import Admit, Decision, Deny, decide
from profiles.lease import EndReason, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.refusal import Reason, Refusal
from profiles.snapshot import Snapshot

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

OVER = object()
CLOSED = Refusal(
    Reason.ADMISSION_UNAVAILABLE,
    "Machines cannot be started at the moment: the database that keeps count of who has which machine does not answer. "
    "Servers that run already go on.",
    "Try again in a minute; if it lasts, tell your administrator.",
)


class SqlGate:
    """Implements `profiles.ports.Gate`. `policies` and `clock` are asked at each start."""

    def __init__(self, store: Store, policies: Callable[[], Policies], clock: Callable[[], datetime]) -> None:
        self.store = store
        self._policies = policies
        self._clock = clock
        self._next: dict[str, Request] = {}
        #: Set when something has become free, for whoever calls the next in line.
        self.freed = asyncio.Event()
        # One thread: transactions of one Hub would only wait for each other, and the Hub's loop must not wait for them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remuda-admission")
        # Reports read a year of the ledger if somebody asks for one: no start waits for that.
        self._reports = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remuda-reports")

    def __deepcopy__(self, memo: dict[int, object]) -> SqlGate:
        """traitlets copies what configuration holds; there is one gate."""
        return self

    async def admit(self, request: Request) -> Decision:
        policies = self._policies()
        try:
            return await self.call(self.store.admit, request, policies, self._clock())
        except DatabaseAway as e:
            return self.while_away(request, e)

    async def foresee(self, request: Request) -> Decision:
        """What `admit` would answer now."""
        policies = self._policies()
        try:
            return await self.call(self.store.foresee, request, policies, self._clock())
        except DatabaseAway:
            return _without_books(request, policies, self._clock())

    def while_away(self, request: Request, error: DatabaseAway) -> Decision:
        """The answer to a start that nobody can look up anything for."""
        decision = _without_books(request, self._policies(), self._clock())
        outcome = "refused" if isinstance(decision, Deny) else "not written down, and starts"
        log.error("Lease %s of %s is %s: %s", request.lease_id, request.person.name, outcome, error)
        return decision

    async def began(self, lease_id: str, at: datetime) -> None:
        try:
            await self.call(self.store.began, lease_id, at, self._clock())
        except DatabaseAway as e:
            log.warning("That lease %s began could not be written, and is settled later: %s", lease_id, e)

    async def ended(self, lease_id: str, at: datetime, reason: EndReason) -> bool:
        wanted = self._next.pop(lease_id, None)
        then = None if wanted is None else Promise(wanted, self._policies())
        try:
            await self.call(self.store.ended, lease_id, at, reason, self._clock(), then, self._policies())
        except DatabaseAway as e:
            log.warning("That lease %s ended could not be written, and is settled later: %s", lease_id, e)
            if wanted is not None:
                self._next.setdefault(lease_id, wanted)  # for whoever says it again
            return False
        self.freed.set()
        return True

    def keep_place(self, lease_id: str, wanted: Request) -> None:
        """When this lease ends, what the same server wants next is held in the same transaction: whoever switches
        at the edge of a quota does not lose the machine to somebody who asks in between."""
        self._next[lease_id] = wanted

    def forget_place(self, lease_id: str) -> None:
        self._next.pop(lease_id, None)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the store in the gate's thread, reports in another. Raises `DatabaseAway`."""
        thread = self._reports if function in (self.store.ledger, self.store.used) else self._thread
        return await self._run(thread, function, *args, **kwargs)

    async def in_steps(self, steps: Iterator[T]) -> list[T]:
        """All that it yields, each step in a turn of its own: starts that were asked for meanwhile come in between.
        Raises `DatabaseAway`."""
        found: list[T] = []
        while (step := await self.call(next, steps, OVER)) is not OVER:
            found.append(cast(T, step))
        return found

    async def report(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what only reads, and may take its time, in the thread for reports. Raises `DatabaseAway`."""
        return await self._run(self._reports, function, *args, **kwargs)

    async def _run(
        self, thread: ThreadPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        turn = partial(self._in_turn, time.monotonic(), partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(thread, turn)

    def _in_turn(self, asked_s: float, function: Callable[[], T]) -> T:
        """Whoever has waited too long behind others that waited in vain is told so without another try."""
        waited_s, patience_s = time.monotonic() - asked_s, self.store.database.patience_s
        if waited_s > patience_s:
            raise DatabaseAway(f"{self.store.database.url}: no turn in {waited_s:.1f} s, others are at it")
        return function()

    def close(self) -> None:
        for thread in (self._thread, self._reports):
            thread.shutdown(wait=False, cancel_futures=True)


def _without_books(request: Request, policies: Policies, now: datetime) -> Decision:
    """Working hours hold without any; beyond them, without rules nothing could have been refused, and with rules it is
    the admin's choice."""
    hours = decide(request, Snapshot(LeaseBook()), Policies(timezone=policies.timezone), now)
    refuse = not policies.empty and policies.when_unavailable == "refuse"
    return Deny(CLOSED, rule="") if refuse and isinstance(hours, Admit) else hours
