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

from hub_extensions.admission.away import without_books
from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.store import Promise, Store
from hub_extensions.admission.unsaid import Unsaid, Word
from profiles.admission import Decision, Deny
from profiles.lease import EndReason, Request
from profiles.policy import Policies

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

OVER = object()


class SqlGate:
    """Implements `profiles.ports.Gate`. `policies` and `clock` are asked at each start."""

    def __init__(self, store: Store, policies: Callable[[], Policies], clock: Callable[[], datetime]) -> None:
        self.store = store
        self._policies = policies
        self._clock = clock
        self._next: dict[str, Request] = {}
        #: What the books do not have yet.
        self.unsaid = Unsaid(self._write, store.database.patience_s)
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
            return without_books(request, policies, self._clock())

    def while_away(self, request: Request, error: DatabaseAway) -> Decision:
        """The answer to a start that nobody can look up anything for."""
        decision = without_books(request, self._policies(), self._clock())
        outcome = "refused" if isinstance(decision, Deny) else "not written down, and starts"
        log.error("Lease %s of %s is %s: %s", request.lease_id, request.person.name, outcome, error)
        return decision

    async def began(self, lease_id: str, at: datetime) -> None:
        await self._say(self.unsaid.note(lease_id, at))

    async def ended(self, lease_id: str, at: datetime, reason: EndReason) -> bool:
        return await self._say(self.unsaid.note(lease_id, at, reason))

    async def catch_up(self) -> None:
        """What could not be written while the database was away is, now. Raises `DatabaseAway`."""
        await self._run(self._thread, partial(self.unsaid.say, anyhow=True))

    async def _say(self, word: Word) -> bool:
        """Nothing that is said is lost while this Hub lives: what cannot be written now goes before all that is asked
        later."""
        try:
            await self.catch_up()
        except DatabaseAway as e:
            if word in self.unsaid:
                log.warning("That %s cannot be written yet, and is kept in mind: %s", word, e)
        if word.error is not None:
            raise word.error
        return word not in self.unsaid

    def _write(self, word: Word) -> None:
        """In the gate's thread. Written once, however often it is said."""
        if word.reason is None:
            self.store.began(word.lease_id, word.at, self._clock())
            return
        wanted, policies = self._next.get(word.lease_id), self._policies()
        then = None if wanted is None else Promise(wanted, policies)
        self.store.ended(word.lease_id, word.at, word.reason, self._clock(), then, policies)
        self._next.pop(word.lease_id, None)

    def keep_place(self, lease_id: str, wanted: Request) -> None:
        """When this lease ends, what the same server wants next is held in the same transaction: whoever switches
        at the edge of a quota does not lose the machine to somebody who asks in between."""
        self._next[lease_id] = wanted

    def forget_place(self, lease_id: str) -> None:
        self._next.pop(lease_id, None)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the store in the gate's thread, after what was left unsaid while the database was away;
        reports in another. Raises `DatabaseAway`."""
        if function in (self.store.ledger, self.store.used):
            return await self.report(function, *args, **kwargs)
        store = self.store
        anyhow = function in (store.admit, store.adopt, store.began, store.ended)
        return await self._run(self._thread, partial(self._after_all, anyhow, partial(function, *args, **kwargs)))

    def _after_all(self, anyhow: bool, function: Callable[[], T]) -> T:
        """What ended is over for whoever asks now, and an end that was said counts before one that is only found."""
        self.unsaid.say(anyhow=anyhow)
        return function()

    async def in_steps(self, steps: Iterator[T]) -> list[T]:
        """All that it yields, each step in a turn of its own: starts that were asked for meanwhile come in between.
        Raises `DatabaseAway`."""
        found: list[T] = []
        while (step := await self.call(next, steps, OVER)) is not OVER:
            found.append(cast(T, step))
        return found

    async def report(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what only reads, and may take its time, in the thread for reports. Raises `DatabaseAway`."""
        return await self._run(self._reports, partial(function, *args, **kwargs))

    async def _run(self, thread: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        turn = partial(self._in_turn, time.monotonic(), function)
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, turn)
        finally:
            if self.unsaid.ended:
                self.unsaid.ended = False
                self.freed.set()

    def _in_turn(self, asked_s: float, function: Callable[[], T]) -> T:
        """Whoever has waited too long behind others that waited in vain is told so without another try."""
        waited_s, patience_s = time.monotonic() - asked_s, self.store.database.patience_s
        if waited_s > patience_s:
            raise DatabaseAway(f"{self.store.database.url}: no turn in {waited_s:.1f} s, others are at it")
        return function()

    def close(self) -> None:
        for thread in (self._thread, self._reports):
            thread.shutdown(wait=False, cancel_futures=True)
