"""Dropping tables on real metastores, alone and among writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas
import pytest

import data_access as da
from data_access.errors import DataError, NotFoundError, Reason
from data_access.names import TableName
from data_access.tables import snapshot
from data_access.workspace import Workspace

T = "sandbox_ann.orders"
NAME = TableName.parse(T)
KINDS = ["sqlite+local", "hive+local", "glue+moto"]


def frame(day: int) -> pandas.DataFrame:
    return pandas.DataFrame({"day": [day], "x": [float(day)]})


def store(workspace: Workspace, day: int) -> da.Commit:
    return da.store_dataframe(frame(day), T, partition_by=["day"], workspace=workspace)


@pytest.mark.parametrize("workspace", KINDS, indirect=True)
def test_a_dropped_table_can_be_made_anew(workspace: Workspace) -> None:
    store(workspace, 1)
    store(workspace, 2)
    da.drop_table(T, workspace=workspace)
    with pytest.raises(NotFoundError):
        da.load_dataframe(T, workspace=workspace)
    assert store(workspace, 3).number == 1
    assert da.load_dataframe(T, workspace=workspace)["x"].tolist() == [3.0]
    assert [each.values for each in workspace.metastore.partitions(NAME)] == [("3",)]


@pytest.mark.parametrize("workspace", KINDS, indirect=True)
def test_a_table_that_is_held_at_the_last_moment_is_brought_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(workspace, 1)
    last = store(workspace, 2)
    drop = workspace.metastore.drop_table

    def held_first(name: TableName) -> None:
        da.anchor(T, workspace=workspace)
        drop(name)

    monkeypatch.setattr(workspace.metastore, "drop_table", held_first)
    with pytest.raises(DataError) as refused:
        da.drop_table(T, workspace=workspace)
    assert refused.value.reason == Reason.HELD
    assert da.load_dataframe(T, as_of=last.anchor, workspace=workspace)["x"].tolist() == [1.0, 2.0]
    assert store(workspace, 3).number == 3
    assert {each.values for each in workspace.metastore.partitions(NAME)} == {("1",), ("2",), ("3",)}


@pytest.mark.parametrize("workspace", KINDS, indirect=True)
def test_a_drop_among_writers(workspace: Workspace) -> None:
    """Each store is in the table that there is in the end, or it was dropped with the old one, or it says why not."""
    store(workspace, 0)

    def work(number: int) -> Any:
        try:
            return da.drop_table(T, workspace=workspace) if number == 4 else store(workspace, number)
        except DataError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(work, range(1, 9)))
    errors = [each for each in outcomes if isinstance(each, DataError)]
    assert {each.reason for each in errors} <= {Reason.UNKNOWN_TABLE, Reason.CONFLICT}, errors
    assert all("was dropped meanwhile" in str(each) for each in errors), errors
    assert not isinstance(outcomes[3], DataError), "the drop itself"
    snapshot.forget()
    try:
        found = da.load_dataframe(T, workspace=workspace)
    except NotFoundError:
        return  # nobody stored after it
    chain = {each.id for each in da.history(T, workspace=workspace)}
    there = {day for day, each in enumerate(outcomes, 1) if isinstance(each, da.Commit) and each.id in chain}
    assert set(found["day"]) == there
    assert {each.values for each in workspace.metastore.partitions(NAME)} == {(str(day),) for day in there}
