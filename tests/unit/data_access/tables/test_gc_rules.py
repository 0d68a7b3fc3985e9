"""What gc gives up, removes and leaves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import pytest

from data_access.storage.base import Entry
from data_access.tables import places
from data_access.tables.gc_report import GcReport, numbers_told
from data_access.tables.gc_rules import Facts, Fate, Keep, ends, give_up, judge, recently_given_up, removal, why_none
from data_access.tables.holds import Hold
from data_access.tables.model import Commit
from tests.unit.data_access.tables.snapshots import AT, NAME, commit

DAY = timedelta(days=1)
KEEP = Keep(30 * DAY, 1, 7 * DAY)


def id_of(number: int) -> str:
    return f"01M7YYKPPFRJ3EJK8Z0000{number:04d}"


def facts(
    ages: list[float],
    *,
    held: tuple[int, ...] = (),
    expired: tuple[int, ...] = (),
    more: Mapping[str, float] = MappingProxyType({}),
) -> Facts:
    """Commits 1, 2, … whose manifests were stored that many days ago; `more`: other objects and their ages."""
    chain: list[Commit] = [
        commit(number=number, id=id_of(number), expired=expired if number == len(ages) else ())
        for number in range(1, len(ages) + 1)
    ]
    entries = {
        places.manifest(each.number, each.id): Entry("", 1, AT - age * DAY)
        for each, age in zip(chain, ages, strict=True)
    }
    entries |= {path: Entry("", 100, AT - age * DAY) for path, age in more.items()}
    holds = tuple(Hold(chain[number - 1].anchor, "v1", "ann", AT, "", "") for number in held)
    return Facts(AT, entries, tuple(reversed(chain)), holds)


@pytest.mark.parametrize(
    ("ages", "held", "expired", "keep", "gone"),
    [
        ([90, 60, 40], (), (), KEEP, [1, 2]),  # replaced 60 and 40 days ago; the present one stays however old
        ([90, 60, 20], (), (), KEEP, [1]),  # 2 was the present one until 20 days ago
        ([90, 60, 40], (2,), (), KEEP, [1]),
        ([90, 60, 40], (), (1,), KEEP, [2]),  # once is enough
        ([90, 60, 40], (), (), Keep(30 * DAY, 2, 7 * DAY), [1]),
        ([90, 60, 40], (), (), Keep(365 * DAY, 1, 7 * DAY), []),
        ([90], (), (), KEEP, []),
    ],
)  # fmt: skip
def test_commits(
    ages: list[float], held: tuple[int, ...], expired: tuple[int, ...], keep: Keep, gone: list[int]
) -> None:
    assert sorted(give_up(facts(ages, held=held, expired=expired), keep)) == gone


def test_a_writer_whose_clock_is_wrong_does_not_age_commits() -> None:
    """`at` is the writer's; only the storage's times count."""
    assert all(each.at == AT for each in facts([90, 60]).chain)
    assert give_up(facts([90, 60]), KEEP)
    assert not give_up(facts([2, 1]), KEEP)


def test_what_was_given_up_within_the_grace_is_read_on() -> None:
    assert recently_given_up(facts([90, 60, 7.5], expired=(1,)), KEEP) == {1}
    assert recently_given_up(facts([90, 60, 7.8], expired=(1,)), KEEP) == set()  # a grace and a tenth
    assert recently_given_up(facts([90, 60, 0], expired=(1,)), Keep(DAY, 1, 0 * DAY)) == set()


def test_until_when_commits_stay() -> None:
    assert ends(facts([90, 60, 20]), KEEP) == {2: AT + 10 * DAY}  # replaced 20 days ago
    assert ends(facts([90, 60, 20]), Keep(30 * DAY, 3, 7 * DAY)) == {1: None, 2: None}
    assert ends(facts([9, 6, 2], expired=(1,)), KEEP) == {2: AT + 28 * DAY}
    assert ends(facts([9, 6]), Keep(timedelta.max, 1, DAY))[1].year == 9999  # type: ignore[union-attr]
    assert removal(facts([90, 60, 7], expired=(1,)), KEEP, ()) == {1: AT + 0.7 * DAY}
    assert removal(facts([90, 60, 40]), KEEP, (1, 2)) == dict.fromkeys((1, 2), AT + 7.7 * DAY)
    assert removal(facts([90, 60, 40]), Keep(DAY, 1, 0 * DAY), (1, 2)) == {}


@pytest.mark.parametrize(
    ("some", "keep", "said"),
    [
        (facts([1]), KEEP, "there is only the present one"),
        (facts([90, 60], expired=(1,)), KEEP, "all but the present one were before"),
        (facts([9, 6, 2]), KEEP, "2 were replaced within 30 days (keep_days=30; until "),
        (facts([90, 60], held=(1,)), KEEP, "1 is held by tags, anchors or models"),
        (facts([90, 60, 40]), Keep(DAY, 5, DAY), "2 are among the last 5 (keep_last=5)"),
    ],
)
def test_why_no_commit_is_given_up(some: Facts, keep: Keep, said: str) -> None:
    assert not give_up(some, keep)
    assert said in why_none(some, keep)


BATCH = f"p=a/{places.batch('', id_of(1))}/part-00000.parquet"
LOST = "p=a/batch_id=01M7YYKPPFRJ3EJK8Z0000ZZZZ/part-00000.parquet"


@pytest.mark.parametrize(
    ("path", "age", "reached", "fate", "reason"),
    [
        (BATCH, 90, True, Fate.STAY, "commit 1"),
        (BATCH, 90, False, Fate.REMOVE, "only commits that were given up have it"),
        (LOST, 90, False, Fate.REMOVE, "no commit names it"),
        (LOST, 6, False, Fate.STAY, "younger than the grace"),
        ("_remuda/commits/00000001-01M7YYKPPFRJ3EJK8Z0000ZZZZ.json", 90, False, Fate.REMOVE, "never became a commit"),
        ("_remuda/commits/00000009-01M7YYKPPFRJ3EJK8Z0000ZZZZ.json", 1, False, Fate.STAY, "younger than the grace"),
        (places.manifest(1, id_of(1)), 90, False, Fate.STAY, "the table's log stays whole"),
        (places.file_list(1, id_of(1)), 90, False, Fate.REMOVE, "list of files of commit 1"),
        (places.tag("v1"), 900, False, Fate.STAY, "tags, anchors"),
        (places.pin(id_of(3)), 900, False, Fate.STAY, "tags, anchors"),
        ("_remuda/checks/abc.json", 900, False, Fate.STAY, "checks"),
        (f"_remuda/clock/{id_of(3)}", 90, False, Fate.REMOVE, "interrupted"),
        ("README.md", 900, False, Fate.STAY, "not made by data_access"),
        ("p=a/part-0.parquet", 900, False, Fate.STAY, "not made by data_access"),
        ("p=a/batch_id=7/part-0.parquet", 900, False, Fate.STAY, "not made by data_access"),
        ("_remuda/commits/notes.txt", 900, False, Fate.STAY, "not made by data_access"),
    ],
)  # fmt: skip
def test_objects(path: str, age: float, reached: bool, fate: Fate, reason: str) -> None:
    items = judge(facts([90, 60], more={path: age}), KEEP, {path: "commit 1"} if reached else {})
    found = next(each for each in items if path in each.paths)
    assert found.fate is fate
    assert reason in found.reason


def test_the_report_says_what_goes_and_why_the_rest_stays() -> None:
    items = judge(facts([90, 60], more={LOST: 90, "README.md": 1}), KEEP, {})
    report = GcReport(NAME, (1, 2, 3, 7), items, dry_run=True)
    assert report.bytes_removed == 100
    assert [each.folder for each in report.removed] == [LOST.rpartition("/")[0]]
    for told in ("1–3, 7", "Would go", "no commit names it", "Stays", "not made by data_access", "dry run"):
        assert told in repr(report)
        assert told in report._repr_html_()
    assert numbers_told(()) == ""
