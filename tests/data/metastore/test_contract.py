"""What every metastore does, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data_access.errors import ConflictError, DataError, NotFoundError, Reason, SchemaError
from data_access.metastore.base import (
    HEAD,
    DatabaseRecord,
    HiveColumn,
    Metastore,
    PartitionChange,
    PartitionRecord,
    Swap,
)
from data_access.names import TableName
from tests.data.metastore.tables import COLUMNS, KEYS, ORDERS, make_orders, orders, partition, to_head, with_head

NULL = "__HIVE_DEFAULT_PARTITION__"
#: Values that are escaped, look like something else, or are long.
ODD = [
    "2026-11-20", "-1", "01", "1", "a/b", "a=b", "a%2Fb", "100 %", "köln", "日本語", "🐎", "it's", '"quoted"', "a b",
    " lead", "trail ", "*?[]{}^#\\:", "tab\there", "line\nbreak", "\x7f", NULL, "x" * 250, "é" * 200, "UPPER", "upper",
    "a+b", "a&b<c>",
]  # fmt: skip


def refused(call: Callable[[], object], kind: type[DataError], reason: Reason) -> str:
    """The message of the error that `call` must raise."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.reason is reason, caught.value
    return str(caught.value)


# Databases


def test_a_database_comes_and_goes(metastore: Metastore, tmp_path: Path) -> None:
    record = DatabaseRecord("sales", f"file://{tmp_path}/sales.db", "ann", "Verkäufe 🐎", {"team": "ü"})
    metastore.create_database(record)
    found = metastore.database("sales")
    assert (found.name, found.owner, found.comment, dict(found.parameters)) == (
        "sales",
        "ann",
        record.comment,
        {"team": "ü"},
    )
    assert found.location.replace("file://", "file:") == record.location.replace("file://", "file:")
    assert "sales" in metastore.databases()
    assert metastore.tables("sales") == []
    assert metastore.records("sales") == []
    metastore.drop_database("sales")
    assert "sales" not in metastore.databases()


def test_what_is_wrong_about_a_database_is_said(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    again = DatabaseRecord("sales", f"file://{tmp_path}/other")
    assert "'sales'" in refused(lambda: metastore.create_database(again), DataError, Reason.ALREADY_THERE)
    assert "1 table " in refused(lambda: metastore.drop_database("sales"), DataError, Reason.BAD_ARGUMENT)
    for call in (metastore.database, metastore.tables, metastore.records, metastore.drop_database):
        said = refused(lambda call=call: call("sale"), NotFoundError, Reason.UNKNOWN_DATABASE)
        assert "Did you mean sales?" in said
        assert metastore.place in said


# Tables


def test_a_table_goes_round(metastore: Metastore, tmp_path: Path) -> None:
    made = make_orders(metastore, tmp_path)
    found = metastore.table(ORDERS)
    assert (found.name, found.columns, found.partition_keys) == (ORDERS, COLUMNS, KEYS)
    assert (found.owner, found.comment, found.format) == ("ann", made.comment, "parquet")
    assert dict(made.parameters).items() <= dict(found.parameters).items()
    assert found.head == "0:start:0000"
    assert found.root == made.root
    assert found.location.replace("file://", "file:") == made.location.replace("file://", "file:")
    assert found.created is not None
    assert found.created.tzinfo is not None
    assert metastore.tables("sales") == ["orders"]
    assert [record.name for record in metastore.records("sales")] == [ORDERS]
    metastore.drop_table(ORDERS)
    assert metastore.tables("sales") == []


def test_what_is_wrong_about_a_table_is_said(metastore: Metastore, tmp_path: Path) -> None:
    table = make_orders(metastore, tmp_path)
    assert "'sales.orders'" in refused(lambda: metastore.create_table(table), DataError, Reason.ALREADY_THERE)
    missing, elsewhere = TableName("sales", "order"), TableName("sale", "orders")
    calls: list[Callable[[TableName], object]] = [
        metastore.table,
        metastore.drop_table,
        lambda name: list(metastore.partitions(name)),
        lambda name: metastore.partitions_of(name, [("a", "b")]),
        lambda name: metastore.change_partitions(name, PartitionChange(drop=(("a", "b"),))),
        lambda name: metastore.swap(Swap("0:start:0000", replace(with_head(table, "1:a:b"), name=name))),
    ]
    for call in calls:
        said = refused(lambda call=call: call(missing), NotFoundError, Reason.UNKNOWN_TABLE)
        assert "Did you mean orders?" in said
        said = refused(lambda call=call: call(elsewhere), NotFoundError, Reason.UNKNOWN_DATABASE)
        assert "Did you mean sales?" in said
    nowhere = orders(tmp_path, elsewhere)
    refused(lambda: metastore.create_table(nowhere), NotFoundError, Reason.UNKNOWN_DATABASE)


def test_many_tables_are_listed_in_order(metastore: Metastore, tmp_path: Path) -> None:
    names = [f"t{number:03d}" for number in range(30)]
    for name in reversed(names):
        make_orders(metastore, tmp_path, TableName("sales", name))
    assert metastore.tables("sales") == names
    assert [record.name.table for record in metastore.records("sales")] == names


def test_names_of_128_characters_and_tables_without_partitions(metastore: Metastore, tmp_path: Path) -> None:
    name = TableName("d" * 100, "t" * 128)
    metastore.create_database(DatabaseRecord(name.database, f"file://{tmp_path}/d.db"))
    metastore.create_table(replace(orders(tmp_path, name), partition_keys=(), location=f"file://{tmp_path}/t"))
    assert metastore.table(name).partition_keys == ()
    assert list(metastore.partitions(name)) == []
    with metastore.lock(name, "ann", 5) as lock:
        lock.check()


def test_a_table_is_made_under_its_lock(metastore: Metastore, tmp_path: Path) -> None:
    metastore.create_database(DatabaseRecord("sales", f"file://{tmp_path}/sales.db"))
    with metastore.lock(TableName("sales", "orders"), "ann", 5) as lock:
        lock.check()
        metastore.create_table(orders(tmp_path, TableName("sales", "orders")))
        lock.check()
    assert metastore.tables("sales") == ["orders"]


# The commit point


def test_a_swap_replaces_the_record(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    before = metastore.table(ORDERS)
    wider = replace(
        with_head(before, "1:next:1111"),
        location=f"file://{tmp_path}/elsewhere",
        columns=(*COLUMNS, HiveColumn("später", "string", "added")),
        comment="changed",
        parameters={**before.parameters, HEAD: "1:next:1111", "fresh": "yes"},
    )
    metastore.swap(Swap("0:start:0000", wider))
    after = metastore.table(ORDERS)
    assert (after.head, after.columns, after.comment) == ("1:next:1111", wider.columns, "changed")
    assert after.location.endswith("/elsewhere")
    assert after.parameters["fresh"] == "yes"
    assert after.parameters["note"] == before.parameters["note"]
    assert after.created == before.created
    fewer = {key: value for key, value in after.parameters.items() if key not in ("fresh", HEAD)}
    metastore.swap(Swap("1:next:1111", replace(after, parameters={**fewer, HEAD: "2:x:y"}, comment=None)))
    last = metastore.table(ORDERS)
    assert "fresh" not in last.parameters
    assert last.comment is None


def test_a_swap_that_comes_second_changes_nothing(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    table = metastore.table(ORDERS)
    metastore.swap(to_head(table, "1:winner:1111"))
    late = replace(to_head(table, "1:loser:2222"), table=replace(with_head(table, "1:loser:2222"), comment="never"))
    said = refused(lambda: metastore.swap(late), ConflictError, Reason.CONFLICT)
    assert "sales.orders" in said
    assert "0:start:0000" in said
    assert "1:winner:1111" in said
    found = metastore.table(ORDERS)
    assert found.head == "1:winner:1111"
    assert found.comment != "never"


def test_a_table_of_others_is_never_swapped(metastore: Metastore, tmp_path: Path, kind: str) -> None:
    make_orders(metastore, tmp_path)
    foreign = replace(orders(tmp_path, TableName("sales", "foreign")), parameters={"by": "somebody"})
    metastore.create_table(foreign)
    assert metastore.table(foreign.name).head is None
    swap = Swap("0:start:0000", with_head(foreign, "1:a:b"))
    refused(lambda: metastore.swap(swap), ConflictError, Reason.CONFLICT)
    assert metastore.table(foreign.name).head is None


def test_partitions_change_with_the_head_or_not_at_all(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    table = metastore.table(ORDERS)
    new = partition(tmp_path, "2026-11-20", "köln")
    swap = to_head(table, "1:a:1111", PartitionChange(add=(new,)))
    if not metastore.capabilities.partitions_with_swap:
        refused(lambda: metastore.swap(swap), DataError, Reason.NOT_SUPPORTED)
        assert metastore.table(ORDERS).head == "0:start:0000"
        return
    metastore.swap(swap)
    assert list(metastore.partitions(ORDERS)) == [new]
    late = to_head(table, "1:b:2222", PartitionChange(drop=(new.values,)))
    refused(lambda: metastore.swap(late), ConflictError, Reason.CONFLICT)
    assert list(metastore.partitions(ORDERS)) == [new]


def test_several_tables_at_once_or_clearly_not(metastore: Metastore, tmp_path: Path) -> None:
    names = [TableName("sales", name) for name in ("a", "b", "c")]
    for name in names:
        make_orders(metastore, tmp_path, name)
    tables = [metastore.table(name) for name in names]
    swaps = [to_head(table, "1:all:1111", PartitionChange(add=(partition(tmp_path, "x", "y"),))) for table in tables]
    if not metastore.capabilities.several_tables:
        refused(lambda: metastore.swap_many(swaps), DataError, Reason.NOT_SUPPORTED)
        return
    metastore.swap_many(list(reversed(swaps)))
    assert [metastore.table(name).head for name in names] == ["1:all:1111"] * 3
    metastore.swap(to_head(metastore.table(names[1]), "2:b:2222"))
    second = [to_head(with_head(table, "1:all:1111"), "2:all:3333") for table in tables]
    said = refused(lambda: metastore.swap_many(second), ConflictError, Reason.CONFLICT)
    assert "sales.b" in said
    assert [metastore.table(name).head for name in names] == ["1:all:1111", "2:b:2222", "1:all:1111"]
    metastore.swap_many([])


# Partitions


def test_odd_values_of_partitions_go_round(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    there = {value: partition(tmp_path, value, "köln/süd") for value in ODD}
    metastore.change_partitions(ORDERS, PartitionChange(add=tuple(there.values())))
    listed = {each.values: each for each in metastore.partitions(ORDERS)}
    assert set(listed) == {each.values for each in there.values()}
    for each in there.values():
        assert metastore.partitions_of(ORDERS, [each.values]) == [listed[each.values]], each.values
        assert listed[each.values].location.endswith("batch_id=a")
        assert listed[each.values].parameters["rows"] == "3"
    moved = tuple(replace(each, location=f"file://{tmp_path}/moved/batch_id=b") for each in there.values())
    metastore.change_partitions(ORDERS, PartitionChange(move=moved))
    assert all(each.location.endswith("/batch_id=b") for each in metastore.partitions(ORDERS))
    metastore.change_partitions(ORDERS, PartitionChange(drop=tuple(each.values for each in moved[::2])))
    assert {each.values for each in metastore.partitions(ORDERS)} == {each.values for each in moved[1::2]}


def test_changes_of_partitions_may_be_repeated(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    one, two, three = (partition(tmp_path, day, "x") for day in ("1", "2", "3"))
    metastore.change_partitions(ORDERS, PartitionChange(add=(one, two)))
    change = PartitionChange(
        add=(replace(one, location=f"file://{tmp_path}/one"),),  # there: it moves
        move=(replace(three, location=f"file://{tmp_path}/three"),),  # not there: it comes
        drop=(two.values, ("nowhere", "x")),  # the other is not there: nothing
    )
    for _ in range(2):
        metastore.change_partitions(ORDERS, change)
        found = {each.values[0]: each.location.rpartition("/")[2] for each in metastore.partitions(ORDERS)}
        assert found == {"1": "one", "3": "three"}
    metastore.change_partitions(ORDERS, PartitionChange())
    assert len(list(metastore.partitions(ORDERS))) == 2


def test_partitions_that_are_not_there_are_not_returned(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    one = partition(tmp_path, "1", "x")
    metastore.change_partitions(ORDERS, PartitionChange(add=(one,)))
    asked = [("1", "x"), ("1", "y"), ("x", "1"), ("é" * 300, "z"), ("1", "x")]
    assert [each.values for each in metastore.partitions_of(ORDERS, asked)] == [("1", "x")]
    assert metastore.partitions_of(ORDERS, []) == []


def test_a_value_that_is_too_long_is_refused_by_name(metastore: Metastore, tmp_path: Path) -> None:
    limit = metastore.capabilities.partition_value_length
    make_orders(metastore, tmp_path)
    fits = partition(tmp_path, "v" * (limit or 3000), "x")
    metastore.change_partitions(ORDERS, PartitionChange(add=(fits,)))
    assert [each.values for each in metastore.partitions(ORDERS)] == [fits.values]
    if limit is None:
        return
    long = PartitionRecord(("v" * (limit + 1), "x"), f"file://{tmp_path}/long")
    said = refused(
        lambda: metastore.change_partitions(ORDERS, PartitionChange(add=(long,))), DataError, Reason.BAD_PARTITION
    )
    assert f"{limit + 1} characters" in said
    assert "day" in said


def test_a_dropped_table_leaves_no_partitions(metastore: Metastore, tmp_path: Path) -> None:
    make_orders(metastore, tmp_path)
    metastore.change_partitions(ORDERS, PartitionChange(add=(partition(tmp_path, "1", "x"),)))
    metastore.drop_table(ORDERS)
    metastore.create_table(orders(tmp_path))
    assert list(metastore.partitions(ORDERS)) == []


# Beside the port


def test_a_change_of_types_that_is_not_taken_says_so(metastore: Metastore, tmp_path: Path) -> None:
    """Widening goes everywhere; Hive refuses what it could not read."""
    make_orders(metastore, tmp_path)
    table = metastore.table(ORDERS)
    wider = (HiveColumn("id", "bigint"), HiveColumn("amount", "decimal(20,2)"))
    metastore.swap(Swap("0:start:0000", replace(with_head(table, "1:a:b"), columns=wider)))
    assert metastore.table(ORDERS).columns == wider
    narrow = (HiveColumn("id", "bigint", "narrow again"), HiveColumn("amount", "decimal(10,2)"))
    metastore.swap(Swap("1:a:b", replace(with_head(table, "1b:a:b"), columns=narrow)))
    found = metastore.table(ORDERS)
    assert found.head == "1b:a:b"
    assert found.columns in (narrow, (narrow[0], wider[1])), "Hive keeps the wider type, and takes the rest"
    other = (HiveColumn("id", "array<string>"), HiveColumn("amount", "decimal(20,2)"))
    try:
        metastore.swap(Swap("1b:a:b", replace(with_head(table, "2:a:b"), columns=other)))
    except SchemaError as error:
        assert "id" in str(error)
        assert metastore.table(ORDERS).head == "1b:a:b"


def test_two_clients_see_each_other(another: Callable[[], Metastore], tmp_path: Path) -> None:
    first, second = another(), another()
    make_orders(first, tmp_path)
    second.swap(to_head(second.table(ORDERS), "1:second:1"))
    assert first.table(ORDERS).head == "1:second:1"
    second.close()
    assert second.table(ORDERS).head == "1:second:1", "a closed one opens again"
