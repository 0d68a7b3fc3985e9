"""A lock where the server has none: a lease in the table's own parameters, taken and kept by compare-and-swap.

The lease is a line `token beat time owner host`. Whoever holds it writes a new beat every HEARTBEAT_S. It is free for
the taking when its line has not changed for STALE_S by the waiting one's own clock (clocks of two machines are not
compared), or when its time is older than any skew that AWS lets sign (five minutes). Each step replaces the table at
the version that was read, so of two that take it at once one finds the other's.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from data_access.errors import ConflictError, DataError, Reason
from data_access.names import TableName

HEARTBEAT_S = 4.0
STALE_S = 20.0
SKEW_S = 300.0
FIRST_POLL_S, LAST_POLL_S = 0.1, 1.0

#: Replaces the lease of a table if `change` of what is there gives another; returns what then stands.
Exchange = Callable[[Callable[[str | None], str | None]], str | None]


@dataclass(frozen=True)
class Lease:
    token: str
    beat: int
    at: float  # seconds since the epoch, the writer's clock
    owner: str
    host: str

    def __str__(self) -> str:
        return f"{self.token} {self.beat} {self.at:.0f} {self.owner} {self.host}"

    @classmethod
    def parse(cls, line: str) -> Lease | None:
        """None of what is no lease: then nobody holds it."""
        try:
            token, beat, at, owner, host = line.split(" ")
            return cls(token, int(beat), float(at), owner, host)
        except ValueError:
            return None


def free(line: str | None, unchanged_s: float, now: float) -> bool:
    """May a lease that stands at `line`, and did for `unchanged_s` that we saw, be taken? Pure."""
    lease = Lease.parse(line) if line else None
    return lease is None or unchanged_s > STALE_S or abs(now - lease.at) > STALE_S + SKEW_S


class GlueLock:
    """A lease that is held."""

    def __init__(self, name: TableName, lease: Lease, exchange: Exchange) -> None:
        self._name, self._lease, self._exchange = name, lease, exchange
        self._guard = threading.Lock()
        self._released = threading.Event()
        self._beating = threading.Thread(target=self._keep, name=f"lease on {name}", daemon=True)
        self._beating.start()

    def check(self) -> None:
        if not self._beat():
            raise ConflictError(
                Reason.LOCKED,
                f"The lease on '{self._name}' was lost: this process did not renew it for {STALE_S:.0f} s, "
                "and another writer took over.",
                "Nothing of this commit is visible. Read the table again and repeat the store.",
            )

    def release(self) -> None:
        self._released.set()
        with self._guard, contextlib.suppress(DataError):  # if not now, it grows stale
            self._exchange(lambda line: None if self._ours(line) else line)

    def _beat(self) -> bool:
        """Raises what a call raises; False when it is not ours any more."""
        with self._guard:
            if self._released.is_set():
                return False
            renewed = replace(self._lease, beat=self._lease.beat + 1, at=time.time())
            stands = self._exchange(lambda line: str(renewed) if self._ours(line) else line)
            if stands == str(renewed):
                self._lease = renewed
            return stands == str(renewed)

    def _ours(self, line: str | None) -> bool:
        return line is not None and line.startswith(f"{self._lease.token} ")

    def _keep(self) -> None:
        while not self._released.wait(HEARTBEAT_S):
            with contextlib.suppress(DataError):  # away for a moment; `check` will tell
                if not self._beat():
                    return


class NothingToLock:
    """Of a table that is not there yet there is no lease: of two who create it, the server lets one."""

    def check(self) -> None:
        """Nothing can be lost."""


@contextlib.contextmanager
def leased(name: TableName, owner: str, wait_s: float, exchange: Exchange) -> Iterator[GlueLock]:
    """Raises ConflictError(locked) after `wait_s`, what a call raises."""
    lock = GlueLock(name, _acquire(name, owner, wait_s, exchange), exchange)
    try:
        yield lock
    finally:
        lock.release()


def _acquire(name: TableName, owner: str, wait_s: float, exchange: Exchange) -> Lease:
    started = time.monotonic()
    seen: tuple[str | None, float] = (None, started)
    pause, one_word = FIRST_POLL_S, "".join(owner.split()) or "?"
    while True:
        wanted = Lease(uuid.uuid4().hex, 0, time.time(), one_word, socket.gethostname())
        unchanged_s, known = time.monotonic() - seen[1], seen[0]

        def take(
            line: str | None, wanted: Lease = wanted, known: str | None = known, age: float = unchanged_s
        ) -> str | None:
            return str(wanted) if free(line, age if line == known else 0.0, time.time()) else line

        stands = exchange(take)
        if stands == str(wanted):
            return wanted
        if stands != known:
            seen = (stands, time.monotonic())
        if time.monotonic() - started > wait_s:
            raise _held(name, stands)
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - so that many don't ask in step
        pause = min(pause * 1.5, LAST_POLL_S)


def _held(name: TableName, line: str | None) -> ConflictError:
    holder = Lease.parse(line) if line else None
    who = f"{holder.owner} on {holder.host} holds it" if holder else "others were quicker each time"
    return ConflictError(
        Reason.LOCKED,
        f"The lease on '{name}' could not be had in time: {who}.",
        "Nothing was changed. Repeat it, or let it wait longer (the setting lock_wait_s).",
    )
