"""What becomes of a change on top of others'."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.errors import Reason
from data_access.metastore.base import PartitionRecord
from data_access.tables.model import DataFile, Schema, Snapshot
from data_access.tables.rebase import (
    Annotate,
    Append,
    Change,
    Conflict,
    Copy,
    Expire,
    Intent,
    Rebased,
    Replace,
    Restore,
    by_partition,
    folder,
    partition_change,
    rebase,
    shown,
)
from data_access.tables.stored_schema import stored, with_categories
from tests.unit.data_access.tables.snapshots import NAME, OTHER, ROOT, SCHEMA, WIDER, file, schema_of, snapshot

NARROW = schema_of(("x", pa.int32()))
A1B1 = snapshot({"a": "1", "b": "1"})


def rebased(base: Snapshot | None, head: Snapshot | None, intent: Intent, schema: Schema | None = SCHEMA) -> Any:
    return rebase(NAME, base, head, Change(intent, schema), {}, "FRESH")


def batches(outcome: Any) -> dict[str, list[str]]:
    """Partition → its files' names below p=…/batch_id=."""
    assert isinstance(outcome, Rebased), outcome
    found: dict[str, list[str]] = {}
    for each in outcome.files:
        found.setdefault(str(each.partition[0]), []).append(each.path.partition("batch_id=")[2])
    return found


def replace(**partitions: str | None) -> Replace:
    return Replace({(key,): () if batch is None else (file(key, batch),) for key, batch in partitions.items()})


@pytest.mark.parametrize(
    ("base", "head", "intent", "expected"),
    [
        ({"a": "1", "b": "1"}, {"a": "1", "b": "1"}, replace(a="N"), {"a": "N", "b": "1"}),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "2"}, replace(a="N"), {"a": "N", "b": "2"}),  # others' b stays
        ({"a": "1"}, {"a": "1", "c": "2"}, replace(b="N"), {"a": "1", "b": "N", "c": "2"}),  # in the values' order
        ({"a": "1", "b": "1"}, {"a": "1", "b": "1"}, replace(a=None), {"b": "1"}),
        ({"a": "1"}, {"a": "1"}, replace(c=None), {"a": "1"}),
        ({"a": "1"}, {"a": "2"}, replace(a="N"), "was changed meanwhile"),
        ({"a": "1"}, {}, replace(a="N"), "was removed meanwhile"),
        ({}, {"a": "2"}, replace(a="N"), "was stored meanwhile"),
        ({"a": "1"}, {"a": "2"}, replace(a=None), "was changed meanwhile"),
        ({"a": "1"}, {"a": "2"}, Restore(1, (file("a", "0"),)), "was changed meanwhile"),
        ({"a": "1"}, {"a": "1"}, Restore(1, (file("a", "0"),)), {"a": "0"}),
        ({"a": "1"}, {"a": "2"}, Annotate(), {"a": "2"}),
        ({"a": "1"}, {"a": "2"}, Expire(frozenset({1})), {"a": "2"}),
    ],
)
def test_partitions(base: dict[str, str], head: dict[str, str], intent: Intent, expected: Any) -> None:
    outcome = rebased(snapshot(base), snapshot(head, number=7), intent)
    if isinstance(expected, str):
        assert isinstance(outcome, Conflict)
        assert expected in outcome.sentence
        assert "ann (commit 7, 2026-11-20 12:00:00 UTC)" in outcome.sentence
    else:
        assert batches(outcome) == {key: [f"{batch}/part-00000.parquet"] for key, batch in expected.items()}


def test_what_changed_is_told() -> None:
    outcome = rebased(A1B1, A1B1, replace(a="N", b=None, c="N", d=None))
    assert [(each.partition, each.what, each.rows, each.bytes) for each in outcome.changed] == [
        (("a",), "replaced", 1, 10), (("b",), "removed", 1, 10), (("c",), "added", 1, 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "ours", "expected"),
    [
        (None, None, SCHEMA, SCHEMA),
        (SCHEMA, SCHEMA, SCHEMA, SCHEMA),
        (SCHEMA, SCHEMA, WIDER, WIDER),
        (SCHEMA, WIDER, SCHEMA, WIDER),  # somebody widened it, and this store has what it was
        (SCHEMA, WIDER, WIDER, WIDER),
        (SCHEMA, WIDER, None, WIDER),
        (SCHEMA, WIDER, OTHER, None),
        (None, SCHEMA, SCHEMA, SCHEMA),  # two first stores at once
        (None, SCHEMA, WIDER, WIDER),
        (None, SCHEMA, schema_of(("x", pa.int64()), partition_by=()), None),
        (None, schema_of(("x", pa.int64()), ("p", pa.string()), partition_by=()), SCHEMA, None),
        (NARROW, schema_of(("x", pa.int32()), ("y", pa.int64())), SCHEMA, WIDER),  # one added, the other widened
        (NARROW, SCHEMA, schema_of(("x", pa.string())), None),
    ],
)
def test_schemas(before: Schema | None, now: Schema | None, ours: Schema | None, expected: Schema | None) -> None:
    base, head = (None if each is None else snapshot({}, each) for each in (before, now))
    outcome = rebased(base, head, replace(a="N"), ours)
    if expected is None:
        assert isinstance(outcome, Conflict)
        assert outcome.reason == Reason.CONFLICT
        assert "another schema" in outcome.sentence
    else:
        assert outcome.schema == expected


def test_categories_that_two_brought_at_once_are_all_known() -> None:
    def with_colours(*colours: str) -> Schema:
        field = with_categories(pa.field("c", pa.dictionary(pa.int8(), pa.string())), pa.array(colours))
        return stored([field], [pa.field("p", pa.string())], None, {})

    before, theirs, ours = with_colours("red"), with_colours("red", "blue"), with_colours("red", "green")
    outcome = rebased(snapshot({}, before), snapshot({"b": "1"}, theirs), Append({("a",): (file("a", "N"),)}), ours)
    assert outcome.schema == with_colours("red", "blue", "green")
    assert set(batches(outcome)) == {"a", "b"}


@pytest.mark.parametrize("intent", [Restore(1, (file("a", "0"),)), Annotate()])
def test_what_is_restored_or_written_beside_the_data_is_never_a_mixture(intent: Intent) -> None:
    narrow = snapshot({"a": "1"}, NARROW)
    wider = schema_of(("x", pa.int32()), ("y", pa.int64()))
    assert isinstance(rebased(narrow, snapshot({"a": "1"}, wider), intent, SCHEMA), Conflict)


def test_going_back_to_what_gc_gave_up_meanwhile() -> None:
    outcome = rebased(A1B1, snapshot({"a": "1", "b": "1"}, expired=(1, 2)), Restore(2, ()))
    assert isinstance(outcome, Conflict)
    assert outcome.reason == Reason.EXPIRED


def test_what_was_given_up_stays_given_up() -> None:
    head = snapshot({"a": "1"}, expired=(1, 2))
    assert rebased(head, head, replace(a="N")).expired == (1, 2)
    assert rebased(head, head, Expire(frozenset({4}))).expired == (1, 2, 4)


# Appends


def test_an_append_takes_what_is_there_with_it() -> None:
    outcome = rebased(A1B1, A1B1, Append({("a",): (file("a", "N"),)}))
    assert batches(outcome) == {"a": ["N/kept-00000.parquet", "N/part-00000.parquet"], "b": ["1/part-00000.parquet"]}
    assert outcome.copies == (Copy("p=a/batch_id=1/part-00000.parquet", "p=a/batch_id=N/kept-00000.parquet"),)
    assert [each.what for each in outcome.changed] == ["appended"]


def test_an_append_again_copies_only_what_is_new() -> None:
    written, first = file("a", "N"), file("a", "1")
    head = Snapshot(A1B1.commit, ROOT, (file("a", "2", 0, "a10"), file("a", "2", 1)))  # has a copy of the first
    copied = {"p=a/batch_id=N/kept-00000.parquet": file("a", "2", 0, "a10").sha256}
    assert first.sha256 == file("a", "2", 0, "a10").sha256
    outcome = rebase(NAME, A1B1, head, Change(Append({("a",): (written,)}), SCHEMA), copied, "FRESH")
    assert isinstance(outcome, Rebased)
    assert outcome.copies == (Copy("p=a/batch_id=2/part-00001.parquet", "p=a/batch_id=N/kept-00001.parquet"),)
    assert len(outcome.files) == 3


def test_an_append_moves_when_its_folder_has_what_is_not_there_any_more() -> None:
    copied = {"p=a/batch_id=N/kept-00000.parquet": file("a", "1").sha256}
    head = snapshot({"a": "2"})
    outcome = rebase(NAME, A1B1, head, Change(Append({("a",): (file("a", "N"),)}), SCHEMA), copied, "FRESH")
    assert isinstance(outcome, Rebased)
    assert {each.batch for each in outcome.files} == {"p=a/batch_id=FRESH"}
    assert {each.source for each in outcome.copies} == {file("a", "N").path, file("a", "2").path}


parts = st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"))


@given(parts, parts, parts, st.booleans())
def test_disjoint_changes_commute_and_others_are_kept(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str], append: bool
) -> None:
    def change(batch: str, where: dict[str, str], intent: type[Append] | type[Replace]) -> Append | Replace:
        return intent({(key,): (file(key, f"{batch}{value}"),) for key, value in where.items()})

    before = snapshot(base)
    first = rebased(before, before, change("T", theirs, Replace))
    head = Snapshot(before.commit, ROOT, first.files)
    second = rebased(before, head, change("O", ours, Append if append else Replace))
    if not append and set(ours) & set(theirs):
        assert isinstance(second, Conflict)
        return
    assert isinstance(second, Rebased)
    found = by_partition(Snapshot(before.commit, ROOT, second.files))
    for key in {*base, *ours, *theirs}:
        files = found[(key,)]
        assert len({each.batch for each in files}) == 1, "a partition is one folder"
        texts = {each.sha256 for each in files}
        if key in ours:
            assert file(key, f"O{ours[key]}").sha256 in texts
        if key not in ours or append:
            kept = theirs.get(key)
            there = file(key, f"T{kept}") if kept else file(key, base[key]) if key in base else None
            assert there is None or there.sha256 in texts
        if key not in ours:
            assert folder(files) == folder([there] if isinstance(there, DataFile) else [])


# What the metastore shows


@given(parts, parts)
def test_the_change_of_partitions_leads_from_one_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    old, new = (shown(ROOT, snapshot(each).files) for each in (before, after))
    change = partition_change(old, new)
    for _ in range(2):  # twice is as once
        there: dict[tuple[str, ...], PartitionRecord] = dict(old)
        there.update({each.values: each for each in (*change.add, *change.move)})
        for values in change.drop:
            there.pop(values, None)
        assert {key: each.location for key, each in there.items()} == {key: each.location for key, each in new.items()}
        old = there
    assert not {each.values for each in change.add} & {each.values for each in change.move}


def test_null_is_shown_as_hive_writes_it() -> None:
    null = DataFile((None,), "p=__HIVE_DEFAULT_PARTITION__/batch_id=1/part-00000.parquet", 1, 1, "", 0)
    assert list(shown(ROOT, [null])) == [("__HIVE_DEFAULT_PARTITION__",)]
