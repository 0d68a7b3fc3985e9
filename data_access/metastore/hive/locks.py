"""Exclusive locks of a Hive Metastore: kept alive by heartbeats, and taken from a writer that died.

The lock is on a name beside the table's, so that long readers of Hive (which lock what they read) and commits don't
wait for each other. The server queues: a lock waits for all before it, waiting ones too. It expires locks without
heartbeat after `hive.txn.timeout` (300 s), and only where its housekeeping runs; so whoever waits removes those of this
module whose heartbeat is older than STALE_S by the server's own clock. A writer that was merely asleep finds its lock
gone at `check`, and its swap compares anyway.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hive_metastore import ttypes

from data_access.errors import ConflictError, DataError, Reason
from data_access.metastore.hive.connections import Connections, ReplyLostError
from data_access.metastore.hive.failures import HIVE, explained
from data_access.names import TableName

HEARTBEAT_S = 3.0
STALE_S = 15.0
#: How often a waiting one looks for dead ones before it.
LOOK_S = 1.0
FIRST_POLL_S, LAST_POLL_S = 0.005, 0.1
AGENT = "data_access "
LONGEST_NAME = 120  # of hl_table varchar(128)
GONE = (ttypes.NoSuchLockException, ttypes.TxnAbortedException, ttypes.NoSuchTxnException)


@dataclass(frozen=True)
class Standing:
    """A lock as the server lists it; `beat` in ms by the server's clock."""

    id: int
    agent: str
    user: str
    host: str
    acquired: bool
    beat: int


def dead(mine: int, queue: list[Standing], stale_ms: int) -> list[Standing]:
    """Locks of this module before `mine` whose writers are gone. Pure.

    The clock is that of the server: our own lock's last heartbeat is its present moment, as near as it matters.
    """
    own = next((lock.beat for lock in queue if lock.id == mine), None)
    if own is None:
        return []
    return [
        lock for lock in queue if lock.id < mine and lock.agent.startswith(AGENT) and own - lock.beat > stale_ms
    ]  # fmt: skip


class HiveLock:
    """One that is held. `check` asks the server."""

    def __init__(self, connections: Connections, name: TableName, id_: int) -> None:
        self._connections, self._name, self._id = connections, name, id_
        self._released = threading.Event()
        self._lost = False
        self._beating = threading.Thread(target=self._beat, name=f"lock on {name}", daemon=True)
        self._beating.start()

    def check(self) -> None:
        try:
            self._connections.call("heartbeat", ttypes.HeartbeatRequest(lockid=self._id))
        except GONE as error:
            self._lost = True
            raise ConflictError(
                Reason.LOCKED,
                f"The lock on '{self._name}' was lost: this process did not keep it alive for {STALE_S:.0f} s, "
                "and another writer took over.",
                "Nothing of this commit is visible. Read the table again and repeat the store.",
            ) from error

    def release(self) -> None:
        self._released.set()
        with contextlib.suppress(*GONE, *HIVE, DataError):  # if not now, then as one that died
            self._connections.call("unlock", ttypes.UnlockRequest(lockid=self._id))

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_S) and not self._lost:
            try:
                self._connections.call("heartbeat", ttypes.HeartbeatRequest(lockid=self._id))
            except GONE:
                self._lost = True
            except (*HIVE, DataError):
                continue  # the server is away for a moment; `check` will tell


@contextlib.contextmanager
def locked(connections: Connections, name: TableName, owner: str, wait_s: float, place: str) -> Iterator[HiveLock]:
    """Raises ConflictError(locked) after `wait_s`, UnreachableError."""
    lock = HiveLock(connections, name, _acquire(connections, name, owner, wait_s, place))
    try:
        yield lock
    finally:
        lock.release()


def lock_name(name: TableName) -> str:
    """What is locked: no table can have this name."""
    return f"{name.table[:LONGEST_NAME]}#commit"


def _acquire(connections: Connections, name: TableName, owner: str, wait_s: float, place: str) -> int:
    until = time.monotonic() + wait_s
    agent = f"{AGENT}{uuid.uuid4().hex}"
    try:
        answer = _ask(connections, name, owner, agent)
        try:
            _wait(connections, name, answer, until)
        except BaseException:  # Ctrl-C too: nobody must wait for a lock that nobody holds
            with contextlib.suppress(*GONE, *HIVE, DataError):
                connections.call("unlock", ttypes.UnlockRequest(lockid=answer.lockid))
            raise
    except (*HIVE, *GONE) as error:
        raise explained(error, f"lock '{name}'", place) from error
    return int(answer.lockid)


def _ask(connections: Connections, name: TableName, owner: str, agent: str) -> Any:
    component = ttypes.LockComponent(
        type=ttypes.LockType.EXCLUSIVE,
        level=ttypes.LockLevel.TABLE,
        dbname=name.database,
        tablename=lock_name(name),
        operationType=ttypes.DataOperationType.NO_TXN,
    )
    request = ttypes.LockRequest([component], txnid=0, user=owner, hostname=socket.gethostname(), agentInfo=agent)
    try:
        return connections.call("lock", request, repeatable=False)
    except ReplyLostError:
        # The server may have made it: a lock that nobody holds. Find it by its agent, or make it now.
        for lock in standing(connections, name):
            if lock.agent == agent:
                state = ttypes.LockState.ACQUIRED if lock.acquired else ttypes.LockState.WAITING
                return ttypes.LockResponse(lock.id, state)
        return connections.call("lock", request)


def _wait(connections: Connections, name: TableName, answer: Any, until: float) -> None:
    id_, state, pause, looked = answer.lockid, answer.state, FIRST_POLL_S, 0.0
    while state != ttypes.LockState.ACQUIRED:
        if state in (ttypes.LockState.ABORT, ttypes.LockState.NOT_ACQUIRED):
            raise _refused(name, "the server took it back", connections, id_)
        if time.monotonic() > until:
            raise _refused(name, "it is held", connections, id_)
        if time.monotonic() - looked > LOOK_S:
            looked = time.monotonic()
            _bury(connections, name, id_)
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - so that many don't ask in step
        pause = min(pause * 1.5, LAST_POLL_S)
        state = connections.call("check_lock", ttypes.CheckLockRequest(lockid=id_)).state


def _bury(connections: Connections, name: TableName, mine: int) -> None:
    for lock in dead(mine, standing(connections, name), int(STALE_S * 1000)):
        with contextlib.suppress(*GONE):  # another waiting one was quicker
            connections.call("unlock", ttypes.UnlockRequest(lockid=lock.id))


def standing(connections: Connections, name: TableName) -> list[Standing]:
    """All locks on it, in the server's order. Raises Hive's exceptions, UnreachableError."""
    request = ttypes.ShowLocksRequest(dbname=name.database, tablename=lock_name(name), isExtended=True)
    listed = connections.call("show_locks", request).locks or []
    return sorted(
        (
            Standing(
                int(lock.lockid), lock.agentInfo or "", lock.user or "?", lock.hostname or "?",
                lock.state == ttypes.LockState.ACQUIRED, int(lock.lastheartbeat or 0),
            )
            for lock in listed
            if (lock.dbname, lock.tablename) == (name.database, lock_name(name))  # 2.3.10 lists more than was asked for
        ),
        key=lambda lock: lock.id,
    )  # fmt: skip


def _refused(name: TableName, why: str, connections: Connections, mine: int) -> ConflictError:
    with contextlib.suppress(*HIVE, DataError):
        holder = next((lock for lock in standing(connections, name) if lock.id < mine), None)
        if holder is not None:
            why = f"{holder.user} on {holder.host} {'holds' if holder.acquired else 'waits for'} it"
    return ConflictError(
        Reason.LOCKED,
        f"The lock on '{name}' could not be had in time: {why}.",
        "Nothing was changed. Repeat it, or let it wait longer (the setting lock_wait_s).",
    )
