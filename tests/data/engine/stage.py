"""A stage for histories: actors take turns, one call to a server at a time, and the director says what becomes of it.

Each actor is a thread that runs the product's own code. Before every call to the metastore or the storage it stops and
waits for its cue, so exactly one runs at any moment, and a history is the list of cues: the same list gives the same
history. A cue lets the call happen; or the actor dies before or after it; or the call happens and its answer is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import IO, Any

from data_access.errors import DataError, Reason, UnknownOutcomeError, UnreachableError
from data_access.metastore.base import Capabilities, Lock, PartitionChange, PartitionRecord, Swap, TableRecord
from data_access.names import TableName
from data_access.storage.base import Entry
from tests.fakes.data.metastore import MemoryLock, MemoryMetastore
from tests.fakes.data.storage import MemoryStorage

PATIENCE_S = 120  # of real time, for a turn; only a defect of the test takes as long
LOCK_TRIES = 300


class Cue(Enum):
    GO = "go"
    DIE_BEFORE = "die before"
    DIE_AFTER = "die after"
    LOSE_ANSWER = "lose the answer"
    LOSE_REQUEST = "lose the request"  # the call does not happen, and the caller can't know
    FAIL = "fail"  # the call does not happen, and says so


class Died(BaseException):
    """The process is gone: nothing of it runs any more."""


class Actor:
    """One process. `outcome` is what its work returned, `error` what it raised."""

    def __init__(self, name: str, work: Callable[[Actor], Any]) -> None:
        self.name = name
        self.at = "start"
        self.dead = self.done = False
        self.outcome: Any = None
        self.error: BaseException | None = None
        self.calls = 0
        self._cue = Cue.GO
        self._my_turn, self._your_turn = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # For the director

    def begin(self) -> None:
        self._thread.start()
        self._wait()

    def turn(self, cue: Cue = Cue.GO) -> None:
        """Lets the actor's next call happen, and returns when it has come to the one after."""
        if self.done:
            return
        self._cue = cue
        self._my_turn.release()
        self._wait()

    def _wait(self) -> None:
        if not self._your_turn.acquire(timeout=PATIENCE_S):
            raise AssertionError(f"{self.name} does not come back from '{self.at}'")

    # For the actor

    def is_me(self) -> bool:
        return threading.current_thread() is self._thread

    def call(self, what: str, effect: Callable[[], Any], lost: Callable[[], Exception] | None = None) -> Any:
        """One call to a server. `lost` gives what a client raises when the answer does not come."""
        if self.dead:
            raise Died
        self.at = what
        self.calls += 1
        self._your_turn.release()
        self._my_turn.acquire()
        cue = self._cue
        if cue is Cue.DIE_BEFORE:
            self._die()
        if cue is Cue.FAIL:
            raise UnreachableError(Reason.UNREACHABLE, f"{what}: no connection.", "Try again.")
        if cue is Cue.LOSE_REQUEST:
            raise (_unreachable if lost is None or lost is _there else lost)()
        try:
            result = effect()
        finally:
            if cue is Cue.DIE_AFTER:
                self._die()
        if cue is Cue.LOSE_ANSWER:
            raise (lost or _unreachable)()
        return result

    def _die(self) -> None:
        self.dead = True
        raise Died

    def _run(self) -> None:
        try:
            self.call("begin", lambda: None)
            self.outcome = self._work(self)
        except Died:
            self.dead = True
        except BaseException as error:  # the director judges it
            self.error = error
        finally:
            self.done = True
            self._your_turn.release()


def _unreachable() -> Exception:
    return UnreachableError(Reason.UNREACHABLE, "The answer did not come.", "Try again.")


def _unknown() -> Exception:
    return UnknownOutcomeError(Reason.UNKNOWN_OUTCOME, "The answer did not come.", "Read again.")


def _there() -> Exception:
    """What a client says that repeated a put whose first answer was lost."""
    return DataError(Reason.ALREADY_THERE, "It is there already.", "Use another name.")


class StagedMetastore:
    """One actor's connection to the metastore that all share."""

    kind, place = "memory", "memory://"

    def __init__(self, shared: MemoryMetastore, actor: Actor) -> None:
        self._shared, self._actor = shared, actor

    @property
    def capabilities(self) -> Capabilities:
        return self._shared.capabilities

    def database(self, name: str) -> Any:
        return self._shared.database(name)

    def table(self, name: TableName) -> TableRecord:
        return self._actor.call("table", lambda: self._shared.table(name))

    def create_table(self, table: TableRecord) -> None:
        self._actor.call("create_table", lambda: self._shared.create_table(table), _unknown)

    def swap(self, swap: Swap) -> None:
        def within(what: str) -> None:
            if self._actor.is_me():  # not somebody else whose call comes in between
                self._actor.call(f"within {what}", lambda: None, _unknown)

        def effect() -> None:
            self._shared.between = within
            try:
                self._shared.swap(swap)
            finally:
                self._shared.between = lambda _: None

        self._actor.call("swap", effect, _unknown)

    def swap_many(self, swaps: Sequence[Swap]) -> None:
        self._actor.call("swap_many", lambda: self._shared.swap_many(swaps), _unknown)

    def partitions(self, name: TableName) -> Iterator[PartitionRecord]:
        return self._actor.call("partitions", lambda: self._shared.partitions(name))

    def partitions_of(self, name: TableName, values: Sequence[tuple[str, ...]]) -> list[PartitionRecord]:
        return self._actor.call("partitions_of", lambda: self._shared.partitions_of(name, values))

    def change_partitions(self, name: TableName, change: PartitionChange) -> None:
        """A call for each part, so that others act in between."""
        for part in (
            PartitionChange(add=change.add),
            PartitionChange(move=change.move),
            PartitionChange(drop=change.drop),
        ):
            if part:
                self._actor.call("change_partitions", lambda part=part: self._shared.change_partitions(name, part))

    @contextmanager
    def lock(self, name: TableName, owner: str, wait_s: float) -> Iterator[Lock]:
        if not self.capabilities.locks:
            with self._shared.lock(name, owner, wait_s) as held:
                yield held
            return
        held = self._locked(name)
        try:
            yield held
        finally:
            if not self._actor.dead:
                self._actor.call("unlock", lambda: self._shared.unlock(held))

    def _locked(self, name: TableName) -> MemoryLock:
        for _ in range(LOCK_TRIES):
            held = self._actor.call("lock", lambda: self._shared.try_lock(name, self._actor.name))
            if held is not None:
                return held
        raise self._shared.locked(name, 0)

    def close(self) -> None:
        """Nothing is open."""


class StagedStorage:
    """One actor's connection to the storage that all share."""

    def __init__(self, shared: MemoryStorage, actor: Actor) -> None:
        self._shared, self._actor = shared, actor

    def get(self, url: str, start: int | None = None, end: int | None = None) -> memoryview:
        return self._actor.call("get", lambda: self._shared.get(url, start, end))

    def get_ranges(self, url: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        return [self.get(url, start, end) for start, end in ranges]

    def get_many(self, urls: Sequence[str]) -> list[memoryview]:
        return [self.get(url) for url in urls]

    def put(self, url: str, data: bytes | memoryview, *, if_absent: bool = False) -> None:
        lost = _there if if_absent else _unreachable
        self._actor.call("put", lambda: self._shared.put(url, data, if_absent=if_absent), lost)

    def write(self, url: str, write: Callable[[IO[bytes]], None]) -> None:
        self._actor.call("write", lambda: self._shared.write(url, write))

    def copy(self, source: str, target: str) -> None:
        self._actor.call("copy", lambda: self._shared.copy(source, target))

    def size(self, url: str) -> int:
        return self._actor.call("size", lambda: self._shared.size(url))

    def delete(self, urls: Sequence[str]) -> None:
        """One call each: a crash leaves some."""
        for url in urls:
            self._actor.call("delete", lambda url=url: self._shared.delete([url]))

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._actor.call("list", lambda: self._shared.list(prefix))
