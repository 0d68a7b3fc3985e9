"""Histories that matter, each as its own test: a crash at every call of a commit, and the orders that hurt most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from data_access.config import Settings
from data_access.errors import ConflictError, NotFoundError, Reason, UnknownOutcomeError
from data_access.metastore.base import DatabaseRecord
from data_access.names import TableName
from data_access.tables import apply, commit, gc, snapshot
from data_access.tables.model import Commit, Snapshot
from data_access.tables.rebase import shown
from data_access.tables.rollback import rollback
from data_access.workspace import Workspace
from tests.data.engine.payloads import committed, content, proposed
from tests.data.engine.stage import Actor, Cue, StagedMetastore, StagedStorage
from tests.fakes.data.metastore import GLUE, HIVE, OLD_HIVE, SQL, MemoryMetastore
from tests.fakes.data.storage import MemoryStorage

TABLE = TableName("sandbox_ann", "orders")
ROOT = "s3://lake/sandbox_ann/orders"
SERVERS = {"hive": (HIVE, False), "old hive": (OLD_HIVE, False), "glue": (GLUE, True), "sql": (SQL, False)}


class Theatre:
    """A server, a storage, and somebody who is not on stage."""

    def __init__(self, server: str, grace_h: float = 10) -> None:
        capabilities, versions = SERVERS[server]
        self.now = datetime(2026, 11, 20, tzinfo=UTC)
        self.metastore = MemoryMetastore(capabilities, versions=versions)
        self.metastore.create_database(DatabaseRecord("sandbox_ann", "s3://lake/sandbox_ann"))
        self.storage = MemoryStorage(lambda: self.now)
        self.settings = Settings(gc_grace_hours=grace_h, s3={"connections": 1}, lock_wait_s=1)
        self.calm = self._workspace(self.metastore, self.storage)
        self._names = count(1)

    def _workspace(self, metastore: Any, storage: Any) -> Workspace:
        return Workspace(self.settings, metastore, storage, "ann", "s3://lake", lambda: self.now)

    def begin(self, work: Callable[[Workspace], Any]) -> Actor:
        def run(actor: Actor) -> Any:
            return work(self._workspace(StagedMetastore(self.metastore, actor), StagedStorage(self.storage, actor)))

        actor = Actor(f"actor {next(self._names)}", run)
        actor.begin()
        return actor

    def base(self, workspace: Workspace | None = None) -> Snapshot | None:
        try:
            return snapshot.open_snapshot(workspace or self.calm, TABLE)
        except NotFoundError:
            return None

    def storing(self, texts: dict[str, str | None], mode: str = "overwrite") -> Callable[[Workspace], Commit]:
        def work(workspace: Workspace) -> Commit:
            wanted = {(each,): text for each, text in texts.items()}
            return committed(workspace, proposed(workspace, TABLE, self.base(workspace), ROOT, wanted, mode))

        return work

    def store(self, texts: dict[str, str | None], mode: str = "overwrite") -> Commit:
        return self.storing(texts, mode)(self.calm)

    def rows(self) -> dict[str, tuple[str, ...]]:
        found = self.base()
        return {} if found is None else {key: texts for (key,), texts in content(self.calm, found).items()}

    def check_partitions(self) -> None:
        record, found = self.metastore.table(TABLE), self.base()
        assert found is not None
        assert apply.is_applied(record)
        there = {each.values: each.location for each in self.metastore.partitions(TABLE)}
        assert there == {values: each.location for values, each in shown(ROOT, found.files).items()}
        listed = {f"{ROOT}/{each.path}" for each in found.files}
        assert {url for url in self.storage.objects if url.rpartition("/")[0] in set(there.values())} == listed


def until(actor: Actor, at: str) -> None:
    while actor.at != at:
        assert not actor.done, f"it never came to '{at}': {actor.error!r}"
        actor.turn()


def lose(actor: Actor, cue: Cue) -> None:
    """The answer to its swap, or the request."""
    until(actor, "swap")
    actor.turn(cue)
    while actor.at.startswith("within"):
        actor.turn()


def to_the_end(actor: Actor) -> Any:
    while not actor.done:
        actor.turn()
    if actor.error is not None:
        raise actor.error
    return actor.outcome


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    snapshot.forget()
    monkeypatch.setattr(commit, "PATIENCE", commit.Patience(sleep=lambda _: None))
    yield


CHANGES: dict[str, Callable[[Theatre], Callable[[Workspace], Any]]] = {
    "overwrite": lambda theatre: theatre.storing({"a": "a2", "c": "c1"}),
    "append": lambda theatre: theatre.storing({"a": "a2"}, "append"),
    "empty": lambda theatre: theatre.storing({"a": None}),
    "rollback": lambda _: lambda workspace: rollback(str(TABLE), 1, workspace=workspace),
}
AFTER = {
    "overwrite": {"a": ("a2",), "b": ("b2",), "c": ("c1",)},
    "append": {"a": ("a1", "a2"), "b": ("b2",)},
    "empty": {"b": ("b2",)},
    "rollback": {"a": ("a1",), "b": ("b1",)},
}
BEFORE = {"a": ("a1",), "b": ("b2",)}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cue", [Cue.DIE_BEFORE, Cue.DIE_AFTER, Cue.FAIL, Cue.LOSE_ANSWER, Cue.LOSE_REQUEST])
@pytest.mark.filterwarnings("ignore::data_access.tables.commit.AppliedLater")
def test_a_fault_at_any_call_leaves_the_old_or_the_new(server: str, change: str, cue: Cue) -> None:
    """… for readers at once, and for Hive and Spark once the next writer has opened the table."""
    seen = set()
    for fault_at in count(1):
        theatre = Theatre(server)
        theatre.store({"a": "a1", "b": "b1"})
        theatre.store({"b": "b2"})
        actor = theatre.begin(CHANGES[change](theatre))
        while not actor.done:
            actor.turn(cue if actor.calls == fault_at else Cue.GO)
        rows = theatre.rows()
        assert rows in (BEFORE, AFTER[change])
        seen.add(rows == AFTER[change])
        if actor.outcome is not None:
            assert rows == AFTER[change], "it was said to be committed"
        elif actor.error is not None and not isinstance(actor.error, UnknownOutcomeError):
            assert rows == BEFORE, f"it was said not to be committed: {actor.error}"
        theatre.metastore.expire_lock(TABLE)
        theatre.store({"z": "z1"})
        theatre.check_partitions()
        assert theatre.rows() == {**rows, "z": ("z1",)}
        if fault_at > actor.calls:
            break
    assert True in seen
    assert cue not in (Cue.DIE_BEFORE, Cue.DIE_AFTER) or seen == {True, False}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("cue", [Cue.DIE_BEFORE, Cue.DIE_AFTER, Cue.FAIL, Cue.LOSE_ANSWER, Cue.LOSE_REQUEST])
@pytest.mark.filterwarnings("ignore::data_access.tables.commit.AppliedLater")
def test_a_fault_while_a_table_is_made(server: str, cue: Cue) -> None:
    for fault_at in count(1):
        theatre = Theatre(server)
        actor = theatre.begin(theatre.storing({"a": "a1"}))
        while not actor.done:
            actor.turn(cue if actor.calls == fault_at else Cue.GO)
        assert theatre.rows() in ({}, {"a": ("a1",)})
        if actor.outcome is not None:
            assert theatre.rows() == {"a": ("a1",)}
        theatre.metastore.expire_lock(TABLE)
        theatre.store({"b": "b1"}, "append")
        theatre.check_partitions()
        if fault_at > actor.calls:
            break


@pytest.mark.parametrize("server", ["hive", "glue"])
def test_partitions_that_are_changed_too_late_are_put_right(server: str) -> None:
    """A writer stands between its commit and its partitions while another commits to the same partition."""
    theatre = Theatre(server)
    theatre.store({"a": "a1"})
    slow = theatre.begin(theatre.storing({"a": "a2"}))
    until(slow, "swap")
    slow.turn()
    until(slow, "change_partitions")
    theatre.metastore.expire_lock(TABLE)  # it was too slow for its lock, too
    theatre.store({"a": "a3"})
    to_the_end(slow)
    assert theatre.rows() == {"a": ("a3",)}
    theatre.check_partitions()


@pytest.mark.parametrize("server", SERVERS)
def test_a_lost_answer_is_found_out_though_others_have_committed_since(server: str) -> None:
    theatre = Theatre(server)
    theatre.store({"a": "a1"})
    first = theatre.begin(theatre.storing({"a": "a2"}))
    lose(first, Cue.LOSE_ANSWER)
    theatre.metastore.expire_lock(TABLE)
    theatre.store({"a": "a3"})
    assert to_the_end(first).number == 2
    assert theatre.rows() == {"a": ("a3",)}
    theatre.check_partitions()


@pytest.mark.parametrize("server", SERVERS)
def test_a_lost_request_is_a_conflict_when_others_have_committed_since(server: str) -> None:
    theatre = Theatre(server)
    theatre.store({"a": "a1"})
    first = theatre.begin(theatre.storing({"a": "a2"}))
    lose(first, Cue.LOSE_REQUEST)
    theatre.metastore.expire_lock(TABLE)
    theatre.store({"a": "a3"})
    with pytest.raises(ConflictError, match=r"sandbox_ann\.orders \(p=a\) was changed meanwhile"):
        to_the_end(first)
    assert theatre.rows() == {"a": ("a3",)}


@pytest.mark.parametrize("server", SERVERS)
def test_a_lost_answer_and_then_silence_is_unknown_and_removes_nothing(server: str) -> None:
    theatre = Theatre(server)
    theatre.store({"a": "a1"})
    first = theatre.begin(theatre.storing({"a": "a2"}))
    lose(first, Cue.LOSE_ANSWER)
    while not first.done:
        first.turn(Cue.FAIL)
    assert isinstance(first.error, UnknownOutcomeError)
    assert "Nothing was removed" in str(first.error)
    assert theatre.rows() == {"a": ("a2",)}


@pytest.mark.parametrize("server", SERVERS)
def test_of_two_overwrites_of_a_partition_the_later_conflicts_and_leaves_nothing(server: str) -> None:
    theatre = Theatre(server)
    theatre.store({"a": "a1", "b": "b1"})
    first, second = (theatre.begin(theatre.storing({"a": text})) for text in ("a2", "a3"))
    for actor in (first, second):
        until(actor, "put")
    to_the_end(first)
    with pytest.raises(ConflictError) as conflict:
        to_the_end(second)
    assert "was changed meanwhile, the last time by ann (commit 2" in str(conflict.value)
    assert "decide again" in str(conflict.value)
    assert theatre.rows() == {"a": ("a2",), "b": ("b1",)}
    assert not [url for url, (data, _) in theatre.storage.objects.items() if data == b"a3"]


@pytest.mark.parametrize("server", SERVERS)
def test_disjoint_overwrites_and_appends_all_succeed(server: str) -> None:
    theatre = Theatre(server)
    theatre.store({"a": "a1"})
    actors = [
        theatre.begin(theatre.storing({"b": "b1"})),
        theatre.begin(theatre.storing({"c": "c1"})),
        theatre.begin(theatre.storing({"a": "a2"}, "append")),
        theatre.begin(theatre.storing({"a": "a3"}, "append")),
    ]
    for actor in actors:
        until(actor, "put")
    for actor in reversed(actors):
        to_the_end(actor)
    assert theatre.rows() == {"a": ("a1", "a2", "a3"), "b": ("b1",), "c": ("c1",)}
    theatre.check_partitions()


def test_an_append_moves_to_a_fresh_folder_when_what_it_copied_was_replaced() -> None:
    """Else Hive would read the copies in its folder, too."""
    theatre = Theatre("glue")
    theatre.store({"a": "a1"})
    theatre.store({"a": "a2"}, "append")
    slow = theatre.begin(theatre.storing({"a": "a3"}, "append"))
    until(slow, "swap")
    theatre.store({"a": "a4"})
    to_the_end(slow)
    assert theatre.rows() == {"a": ("a3", "a4")}
    theatre.check_partitions()


@pytest.mark.parametrize("grace", [10, 0])
def test_gc_leaves_the_files_that_a_load_which_began_before_still_reads(grace: float) -> None:
    theatre = Theatre("sql", grace)
    theatre.store({"a": "a1", "b": "b1"})
    theatre.store({"a": "a2", "b": "b2"})

    theatre.now += timedelta(hours=20)  # the files themselves are older than the grace

    def load(workspace: Workspace) -> Any:
        return content(workspace, snapshot.open_snapshot(workspace, TABLE, 1))

    reader = theatre.begin(load)
    until(reader, "get")
    theatre.now += timedelta(hours=1)
    gc.gc(str(TABLE), keep_days=0, workspace=theatre.calm)
    if not grace:  # zero says that nobody is at work
        with pytest.raises(NotFoundError):
            to_the_end(reader)
        return
    assert to_the_end(reader) == {("a",): ("a1",), ("b",): ("b1",)}
    theatre.now += timedelta(hours=12)
    gc.gc(str(TABLE), keep_days=0, workspace=theatre.calm)
    with pytest.raises(NotFoundError) as gone:
        load(theatre.calm)
    assert gone.value.reason == Reason.EXPIRED
    assert not [url for url, (data, _) in theatre.storage.objects.items() if data in (b"a1", b"b1")]
