"""Random histories of one table: writers, readers, rollbacks, tags, anchors and gc, interleaved call by call, with
crashes before and after every call, answers lost, servers that fail, clocks that are wrong, and locks that expire.

What must hold after each step is in `Histories.check_*`; DESIGN.md says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from data_access.config import Settings
from data_access.errors import ConflictError, DataError, NotFoundError, Reason, UnknownOutcomeError, UnreachableError
from data_access.metastore.base import DatabaseRecord
from data_access.names import TableName
from data_access.tables import apply, commit, prepare, snapshot
from data_access.tables.anchors import anchor, release
from data_access.tables.gc import gc
from data_access.tables.model import Anchor, Commit, PartitionValues
from data_access.tables.rebase import shown
from data_access.tables.rollback import drop_partitions, rollback
from data_access.tables.tags import tag, untag
from data_access.workspace import Workspace
from tests.data.engine.payloads import Content, committed, content, proposed
from tests.data.engine.stage import Actor, Cue, StagedMetastore, StagedStorage
from tests.fakes.data.metastore import GLUE, HIVE, OLD_HIVE, SQL, MemoryMetastore
from tests.fakes.data.storage import MemoryStorage

TABLE = TableName("sandbox_ann", "orders")
ROOT = "s3://lake/sandbox_ann/orders"
GRACE_H = 10.0
SLOTS = 4
EPOCH = datetime(2026, 11, 20, tzinfo=UTC)
SERVERS = {"hive": (HIVE, False), "old hive": (OLD_HIVE, False), "glue": (GLUE, True), "sql": (SQL, False)}

values = st.sampled_from(["a", "b", "c"])
some_values = st.lists(values, min_size=1, max_size=2, unique=True)
slots = st.integers(0, SLOTS - 1)
modes = st.sampled_from(["overwrite", "overwrite", "append"])
calls = st.sampled_from(["swap", "create_table", "change_partitions", "unlock", "put", "delete", "table", "get"])
going_or_not = st.sampled_from([Cue.GO, Cue.FAIL])
faults = st.sampled_from([Cue.DIE_BEFORE, Cue.DIE_AFTER, Cue.LOSE_ANSWER, Cue.LOSE_REQUEST, Cue.FAIL])


@dataclass
class Doing:
    """An actor and what it is for."""

    actor: Actor
    kind: str
    began: datetime
    #: Of a store: the id it commits under, once it has one.
    id: str | None = None


@dataclass(frozen=True)
class Intended:
    """What a store was to do to the table as it was at `base`."""

    texts: dict[PartitionValues, str | None]
    mode: str
    base: Content


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        snapshot.forget()
        self.true_time = EPOCH
        self.storage = MemoryStorage(lambda: self.true_time)
        self.playing: list[Doing | None] = [None] * SLOTS
        self.acknowledged: list[str] = []
        self.intended: dict[str, Intended] = {}
        self.refused: set[str] = set()
        self.held: set[Anchor] = set()
        self.tagged: dict[str, Anchor] = {}
        self.counter = 0
        #: Nothing keeps writers apart while they change partitions: a lock was lost, or the server has none.
        self.loose = False
        #: A fault happened in such a time: old partitions may be shown until gc looks.
        self.ambiguous = False

    @initialize(server=st.sampled_from(sorted(SERVERS)))
    def serve(self, server: str) -> None:
        capabilities, versions = SERVERS[server]
        self.metastore = MemoryMetastore(capabilities, versions=versions)
        self.metastore.create_database(DatabaseRecord("sandbox_ann", "s3://lake/sandbox_ann"))
        self.loose = not (capabilities.locks or capabilities.partitions_with_swap)
        self.calm = Workspace(
            self._settings(), self.metastore, self.storage, "ann", "s3://lake", lambda: self.true_time
        )
        prepare.monotonic = lambda: (self.true_time - EPOCH).total_seconds()  # noqa: PLW0108 - as of each call
        commit.PATIENCE = commit.Patience(tries=200, sleep=lambda _: None)

    def _settings(self) -> Settings:
        return Settings(gc_grace_hours=GRACE_H, s3={"connections": 1}, lock_wait_s=1)

    def teardown(self) -> None:
        if not hasattr(self, "metastore"):
            return
        for _ in range(3000):
            self._expire_dead_locks()
            alive = [slot for slot, each in enumerate(self.playing) if each is not None]
            if not alive:
                break
            for slot in alive:
                self._turn(slot, Cue.GO)
        assert not any(self.playing), (
            [(each.actor.name, each.actor.at) for each in self.playing if each], self.metastore.holder(TABLE),
        )  # fmt: skip
        self.check_everything()
        if not self.metastore.records("sandbox_ann"):
            return
        if not self.ambiguous:  # a writer that opens the table brings the metastore up to date …
            self._store_calmly()
            self.check_partitions()
        gc(str(TABLE), workspace=self.calm)  # … and gc does so even where nobody could know
        self.check_partitions()
        self.check_everything()

    # Who comes on stage

    def _play(self, slot: int, kind: str, skew_h: float, work: Callable[[Workspace, Doing], Any]) -> None:
        if self.playing[slot] is not None:
            self.go_on_with(slot, 12)
            return
        self.counter += 1

        def run(actor: Actor) -> Any:
            workspace = Workspace(
                self._settings(), StagedMetastore(self.metastore, actor), StagedStorage(self.storage, actor), "ann",
                "s3://lake", lambda: self.true_time + timedelta(hours=skew_h),
            )  # fmt: skip
            return work(workspace, doing)

        doing = Doing(Actor(f"{kind} {self.counter}", run), kind, self.true_time)
        self.playing[slot] = doing
        doing.actor.begin()

    @rule(slot=slots, where=some_values, mode=modes, empty=st.booleans(), skew=st.sampled_from([0, 0, -1000, 1000]))
    def store(self, slot: int, where: list[str], mode: str, empty: bool, skew: float) -> None:
        texts: dict[PartitionValues, str | None] = {}
        for index, each in enumerate(where):  # a partition may be emptied, but for the first
            self.counter += 1
            texts[(each,)] = None if empty and index and mode == "overwrite" else f"rows {self.counter}"

        self._play(slot, "store", skew, self._storing(texts, mode))

    def _storing(self, texts: dict[PartitionValues, str | None], mode: str) -> Callable[[Workspace, Doing], Commit]:
        def work(workspace: Workspace, doing: Doing) -> Commit:
            try:
                record, head = snapshot.head_of(workspace, TABLE)
                base = snapshot.read_snapshot(workspace, record, head)
            except NotFoundError:
                base = None
            proposal = proposed(workspace, TABLE, base, ROOT, texts, mode)
            doing.id = proposal.id
            self.intended[proposal.id] = Intended(texts, mode, {} if base is None else self._content_of(base))
            return committed(workspace, proposal)

        return work

    @rule(value=values, each_mode=st.lists(modes, min_size=2, max_size=SLOTS),
          stop=st.sampled_from(["lock", "swap", "put", "create_table"]))  # fmt: skip
    def race(self, value: str, each_mode: list[str], stop: str) -> None:
        """Several stores of one partition that begin at the same commit, each brought to the same point."""
        for slot, mode in enumerate(each_mode):
            self.counter += 1
            if self.playing[slot] is None:
                self._play(slot, "store", 0, self._storing({(value,): f"rows {self.counter}"}, mode))
            self._until(slot, stop)

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, back=st.integers(0, 5), skew=st.sampled_from([0, -1000]))
    def roll_back(self, slot: int, back: int, skew: float) -> None:
        number = max(1, self._numbers() - back)
        self._play(slot, "rollback", skew, lambda workspace, _: rollback(str(TABLE), number, workspace=workspace))

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, value=values)
    def drop(self, slot: int, value: str) -> None:
        self._play(slot, "drop", 0, lambda workspace, _: drop_partitions(str(TABLE), [value], workspace=workspace))

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, keep_last=st.integers(1, 3), skew=st.sampled_from([0, -1000, 1000]))
    def collect(self, slot: int, keep_last: int, skew: float) -> None:
        self._play(
            slot, "gc", skew,
            lambda workspace, _: gc(str(TABLE), keep_days=0, keep_last=keep_last, workspace=workspace),
        )  # fmt: skip

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, back=st.integers(0, 4))
    def hold(self, slot: int, back: int) -> None:
        number = max(1, self._numbers() - back)
        self._play(
            slot,
            "anchor",
            0,
            lambda workspace, _: anchor(str(TABLE), as_of=number if back else None, workspace=workspace),
        )

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, back=st.integers(0, 4), name=st.sampled_from(["v1", "v2"]))
    def name_it(self, slot: int, back: int, name: str) -> None:
        if any(each is not None and each.kind.startswith(f"tag {name}") for each in self.playing):
            return  # two who move one tag at once: the later put wins, and this model does not say which
        number = max(1, self._numbers() - back)

        def work(workspace: Workspace, _: Doing) -> Anchor:
            return tag(str(TABLE), name, number, move=True, workspace=workspace)

        self.tagged.pop(name, None)  # from now on it may be the one or the other's
        self._play(slot, f"tag {name}", 0, work)

    @precondition(lambda self: self.tagged)
    @rule(data=st.data())
    def unname_it(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.tagged)))
        if any(each is not None and each.kind.startswith("tag") for each in self.playing):
            return
        untag(str(TABLE), name, workspace=self.calm)
        del self.tagged[name]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def let_go(self, data: Any) -> None:
        held = data.draw(st.sampled_from(sorted(self.held, key=str)))
        release(held, workspace=self.calm)
        self.held.discard(held)

    @precondition(lambda self: self._numbers())
    @rule(slot=slots, back=st.integers(0, 4))
    def read(self, slot: int, back: int) -> None:
        as_of = max(1, self._numbers() - back) if back else None

        def work(workspace: Workspace, _: Doing) -> tuple[Commit, Content]:
            found = snapshot.open_snapshot(workspace, TABLE, as_of)
            return found.commit, content(workspace, found)

        self._play(slot, "read", 0, work)

    # What becomes of them

    @rule(slot=slots, turns=st.integers(1, 25))
    def go_on(self, slot: int, turns: int) -> None:
        self.go_on_with(slot, turns)

    def go_on_with(self, slot: int, turns: int) -> None:
        for _ in range(turns):
            self._turn(slot, Cue.GO)

    @rule(slot=slots)
    def go_to_the_end(self, slot: int) -> None:
        self._to_the_end(slot)

    @rule(slot=slots, at=calls, cue=faults)
    def go_until(self, slot: int, at: str, cue: Cue) -> None:
        """Faults where they matter: at the next call of that kind."""
        if self._until(slot, at):
            self._turn(slot, cue)

    def _until(self, slot: int, at: str) -> bool:
        for _ in range(60):
            doing = self.playing[slot]
            if doing is None:
                return False
            if doing.actor.at == at:
                return True
            self._turn(slot, Cue.GO)
        return False

    @rule(slot=slots, at=calls, other=slots)
    def meanwhile(self, slot: int, at: str, other: int) -> None:
        """One waits before a call while another does all it has to do."""
        if self._until(slot, at) and slot != other:
            self._to_the_end(other)

    @rule(slot=slots, cue=st.sampled_from([Cue.LOSE_ANSWER, Cue.LOSE_REQUEST]), then=going_or_not, other=slots)
    def lose_the_commit(self, slot: int, cue: Cue, then: Cue, other: int) -> None:
        """The answer to a swap is lost; others commit, or the server is gone, before it can be asked again."""
        if self._until(slot, "swap"):
            self._turn(slot, cue)
            if slot != other:
                self._to_the_end(other)
            self._turn(slot, then)

    @rule(slot=slots, at=st.sampled_from(["change_partitions", "swap", "unlock"]), after=st.booleans())
    def die_within_the_commit(self, slot: int, at: str, after: bool) -> None:
        if self._until(slot, "swap"):
            self._turn(slot, Cue.GO)
            if self._until(slot, at):
                self._turn(slot, Cue.DIE_AFTER if after else Cue.DIE_BEFORE)

    @precondition(lambda self: self._numbers())
    @rule(hours=st.sampled_from([1.0, 12.0, 30.0]), keep_last=st.integers(1, 2))
    def collect_calmly(self, hours: float, keep_last: int) -> None:
        self._expire_dead_locks()
        if self.metastore.holder(TABLE) is None:
            self.true_time += timedelta(hours=hours)
            gc(str(TABLE), keep_days=0, keep_last=keep_last, workspace=self.calm)

    @rule(slot=slots, cue=faults)
    def strike(self, slot: int, cue: Cue) -> None:
        self._turn(slot, cue)

    @rule(hours=st.sampled_from([1.0, 4.0, 11.0, 30.0]))
    def time_passes(self, hours: float) -> None:
        self.true_time += timedelta(hours=hours)

    @rule()
    def dead_locks_expire(self) -> None:
        self._expire_dead_locks()

    @rule(slow=st.integers(0, 3))
    def live_lock_expires(self, slow: int) -> None:
        """A holder that was slow: only a server that compares can do with that."""
        if not slow and self.metastore.capabilities.compare_and_swap and self.metastore.holder(TABLE):
            self.metastore.expire_lock(TABLE)
            self.loose = True

    def _expire_dead_locks(self) -> None:
        """Of actors that died, and of those whose unlock failed: nobody's heart beats for it any more."""
        playing = {each.actor.name for each in self.playing if each is not None and each.actor.at != "lock"}
        if self.metastore.holder(TABLE) not in playing:
            self.metastore.expire_lock(TABLE)

    def _to_the_end(self, slot: int) -> None:
        for _ in range(400):
            if self.playing[slot] is None:
                return
            self._turn(slot, Cue.GO)
            self._expire_dead_locks()
            doing = self.playing[slot]
            if doing is not None and doing.actor.at == "lock" and self.metastore.holder(TABLE):
                for other in range(SLOTS):
                    self._turn(other, Cue.GO)

    def _turn(self, slot: int, cue: Cue) -> None:
        doing = self.playing[slot]
        if doing is None:
            return
        self.ambiguous |= self.loose and cue is not Cue.GO
        doing.actor.turn(cue)
        if doing.actor.done:
            self.playing[slot] = None
            self._judge(doing)

    # What must hold

    def _judge(self, doing: Doing) -> None:
        """Of an actor that is done."""
        error, outcome = doing.actor.error, doing.actor.outcome
        if error is not None:
            self._judge_error(doing, error)
        elif doing.actor.dead:
            return
        elif doing.kind in ("store", "rollback", "drop"):
            self.acknowledged.append(outcome.id)
        elif doing.kind == "anchor":
            self.held.add(outcome)
        elif doing.kind.startswith("tag"):
            self.tagged[doing.kind.partition(" ")[2]] = outcome
        elif doing.kind == "read":
            commit_read, texts = outcome
            assert texts == self._contents()[commit_read.id], "a reader saw what nobody committed"

    def _judge_error(self, doing: Doing, error: BaseException) -> None:
        if not isinstance(error, DataError):
            raise error
        if isinstance(error, ConflictError) and doing.id is not None:
            self.refused.add(doing.id)
        if isinstance(error, ConflictError | UnknownOutcomeError | UnreachableError):
            return
        if error.reason in (Reason.EXPIRED, Reason.UNKNOWN_PARTITION, Reason.UNKNOWN_TAG):
            return
        late = self.true_time - doing.began > timedelta(hours=GRACE_H)
        if late and isinstance(error, NotFoundError | DataError) and error.reason in (Reason.NOT_FOUND, Reason.CORRUPT):
            return  # it took longer than the grace
        raise AssertionError(f"{doing.actor.name} failed at {doing.actor.at}: {error}") from error

    @invariant()
    def check_everything(self) -> None:
        if not hasattr(self, "metastore") or not self._numbers():
            return
        chain = self._chain()
        ids = [each.id for each in chain]
        lost = [each for each in self.acknowledged if each not in ids]
        assert not lost, f"acknowledged, but not in the chain: {lost}"
        assert not self.refused & set(ids), "refused, but committed"
        assert [each.number for each in chain] == list(range(len(chain), 0, -1))
        assert len(set(ids)) == len(ids)
        self._contents()
        self._check_reachable(chain)

    def _check_reachable(self, chain: list[Commit]) -> None:
        expired = set(chain[0].expired)
        kept = self.held | set(self.tagged.values())
        record = self.metastore.table(TABLE)
        for each in chain:
            if each.number not in expired or each.anchor in kept:
                found = snapshot.open_commit(self.calm, record.root, each)
                gone = [file.path for file in found.files if f"{ROOT}/{file.path}" not in self.storage.objects]
                assert not gone, f"{each.anchor} can be read, but its files are gone: {gone}"
        for each in kept:
            assert snapshot.open_snapshot(self.calm, TABLE, each).commit.anchor == each

    def check_partitions(self) -> None:
        """What Hive and Spark see is the present commit: its folders, and no other file in them."""
        record = self.metastore.table(TABLE)
        assert apply.is_applied(record)
        head = snapshot.open_snapshot(self.calm, TABLE)
        there = {each.values: each.location for each in self.metastore.partitions(TABLE)}
        assert there == {hive: each.location for hive, each in shown(ROOT, head.files).items()}
        listed = {f"{ROOT}/{each.path}" for each in head.files}
        seen = {url for url in self.storage.objects if url.rpartition("/")[0] in set(there.values())}
        assert seen == listed

    # The model: what the chain's stores make of an empty table, one after the other

    def _contents(self) -> dict[str, Content]:
        """By commit id. A store that replaced a partition must have found it as it was when it began."""
        found: dict[str, Content] = {}
        by_number: dict[int, Content] = {}
        now: Content = {}
        for each in reversed(self._chain()):
            now = dict(now)
            if each.operation == "rollback":
                assert each.restores is not None
                now = dict(by_number[each.restores])
            elif each.operation == "drop-partitions":
                for delta in each.changed:
                    del now[delta.partition]
            elif each.operation in ("store", "create"):
                self._apply(now, self.intended[each.id])
            by_number[each.number] = found[each.id] = now
        return found

    def _apply(self, now: Content, intended: Intended) -> None:
        for where, text in intended.texts.items():
            if intended.mode == "append":
                now[where] = tuple(sorted((*now.get(where, ()), text or "")))
                continue
            assert now.get(where) == intended.base.get(where), "a store replaced what it had not seen"
            if text is None:
                now.pop(where, None)
            else:
                now[where] = (text,)

    def _content_of(self, found: snapshot.Snapshot) -> Content:
        return self._contents()[found.commit.id]

    def _chain(self) -> list[Commit]:
        return list(snapshot.walk(self.calm, self.metastore.table(TABLE)))

    def _numbers(self) -> int:
        if not hasattr(self, "metastore") or not self.metastore.records("sandbox_ann"):
            return 0
        return snapshot.head_in(self.metastore.table(TABLE)).number

    def _store_calmly(self) -> None:
        base = snapshot.open_snapshot(self.calm, TABLE)
        self.counter += 1
        texts: dict[PartitionValues, str | None] = {("z",): f"rows {self.counter}"}
        proposal = proposed(self.calm, TABLE, base, ROOT, texts)
        self.intended[proposal.id] = Intended(texts, "overwrite", self._content_of(base))
        committed(self.calm, proposal)


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "monotonic", prepare.monotonic)
    monkeypatch.setattr(commit, "PATIENCE", commit.PATIENCE)


@pytest.mark.filterwarnings("ignore::data_access.tables.commit.AppliedLater")
def test_histories() -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
