"""The histories are worth something: each of these defects, put into the protocol on purpose, is found by them.

Defects that need one certain order of calls are found by `test_schedules.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from data_access.errors import ConflictError, DataError, Reason, UnknownOutcomeError
from data_access.tables import commit, gc, gc_rules, holds, prepare, rebase, store
from tests.data.engine.test_histories import Histories
from tests.fakes.data.metastore import MemoryMetastore

Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def as_before(monkeypatch: Patch) -> None:
    monkeypatch.setattr(prepare, "monotonic", prepare.monotonic)
    monkeypatch.setattr(commit, "PATIENCE", commit.PATIENCE)


def swap_does_not_compare(patch: Patch) -> None:
    patch.setattr(MemoryMetastore, "_compare", lambda *_: None)


def rebase_sees_no_conflict(patch: Patch) -> None:
    def replaced(_name: Any, base: Any, head: Any, intent: Any, schema: Any) -> Any:
        return real("", head, head, intent, schema)

    real = rebase._replace
    patch.setattr(rebase, "_replace", replaced)


def append_forgets_what_is_there(patch: Patch) -> None:
    real = rebase._gathered
    patch.setattr(rebase, "_gathered", lambda written, there, *rest: real(written, (), *rest))


def lost_answer_is_taken_for_no(patch: Patch) -> None:
    def swap(self: Any, swaps: Any, records: Any) -> None:
        try:
            real(self, swaps, records)
        except commit._Again as again:
            if isinstance(again.__cause__, UnknownOutcomeError):
                self._open = False
                raise ConflictError(Reason.CONFLICT, "No.", "") from again
            raise

    real = commit.Attempts._swap
    patch.setattr(commit.Attempts, "_swap", swap)


def lost_answer_is_taken_for_yes(patch: Patch) -> None:
    def swap(self: Any, swaps: Any, records: Any) -> None:
        try:
            real(self, swaps, records)
        except commit._Again as again:
            if not isinstance(again.__cause__, UnknownOutcomeError):
                raise

    real = commit.Attempts._swap
    patch.setattr(commit.Attempts, "_swap", swap)


def files_are_removed_though_the_answer_was_lost(patch: Patch) -> None:
    real = store.discarding

    def discarding(workspace: Any, proposal: Any, attempts: Any) -> Any:
        attempts.unknown = False
        return real(workspace, proposal, attempts)

    def given_up(self: Any) -> DataError:
        return ConflictError(Reason.CONFLICT, "Given up.", "")

    patch.setattr("tests.data.engine.payloads.discarding", discarding)
    patch.setattr(commit.Attempts, "_given_up", given_up)
    patch.setattr(commit.Attempts, "_bearable", lambda self, error: (_ for _ in ()).throw(self._given_up()))


def gc_removes_before_it_commits(patch: Patch) -> None:
    real = gc._commit

    def committed(workspace: Any, record: Any, numbers: Any, began: float) -> Any:
        facts = gc._as_if(gc._facts(workspace, record, workspace.now()), dict.fromkeys(numbers, ""))
        keep = gc.Keep(gc.HOUR, 1, 0 * gc.HOUR)
        gc.remove(workspace, record.root, gc.judge(facts, keep, gc._reached(workspace, record, facts, keep, {})))
        return real(workspace, record, numbers, began)

    patch.setattr(gc, "_commit", committed)


def gc_takes_running_stores_for_dead_ones(patch: Patch) -> None:
    real = gc_rules._fate
    patch.setattr(gc_rules, "_fate", lambda path, chain, ids, young: real(path, chain, ids, young=""))


def gc_forgets_tags(patch: Patch) -> None:
    patch.setattr(holds, "holds", lambda *_args, **_: [])


def holds_are_not_looked_at_twice(patch: Patch) -> None:
    def keep(workspace: Any, record: Any, hold: Any, before: Any = None) -> None:
        workspace.storage.put(f"{record.root}/{hold.path}", holds.encode(hold))

    patch.setattr(holds, "keep", keep)


def slow_stores_are_not_stopped(patch: Patch) -> None:
    patch.setattr(commit.Attempts, "_in_time", lambda *_: None)


DEFECTS: list[Callable[[Patch], None]] = [
    swap_does_not_compare,
    rebase_sees_no_conflict,
    append_forgets_what_is_there,
    lost_answer_is_taken_for_no,
    lost_answer_is_taken_for_yes,
    files_are_removed_though_the_answer_was_lost,
    gc_removes_before_it_commits,
    gc_takes_running_stores_for_dead_ones,
    gc_forgets_tags,
    holds_are_not_looked_at_twice,
    slow_stores_are_not_stopped,
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.__name__)
def test_a_defect_is_found(defect: Callable[[Patch], None], monkeypatch: Patch) -> None:
    defect(monkeypatch)
    searching = settings(
        max_examples=2000,
        derandomize=True,
        report_multiple_bugs=False,
        stateful_step_count=50,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(BaseException, match=r"(?s).*") as found:
        run_state_machine_as_test(Histories, settings=searching)
    assert isinstance(found.value, AssertionError | DataError), found.value
