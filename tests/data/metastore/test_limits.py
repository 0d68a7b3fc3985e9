"""What a Hive Metastore has no room for is refused before anything is committed, so that no table gets stuck."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables.log import history
from data_access.tables.store import store_dataframe
from data_access.workspace import Workspace


def test_a_partition_that_could_never_be_shown_is_not_committed(workspaces: Callable[..., Workspace]) -> None:
    workspace = workspaces("hive", "local")

    def store(value: str) -> int:
        frame = pa.table({"id": [1], "shop": [value]})
        return store_dataframe(frame, "sandbox_ann", "orders", partition_by=["shop"], workspace=workspace).number

    assert store("x") == 1
    for value in ("y" * 300, "nul\0"):
        with pytest.raises(DataError) as caught:
            store(value)
        assert caught.value.reason is Reason.BAD_PARTITION
        assert "shop" in str(caught.value)
    assert store("z") == 2
    assert [commit.number for commit in history("sandbox_ann.orders", workspace=workspace)] == [2, 1]
    shown = workspace.metastore.partitions(TableName("sandbox_ann", "orders"))
    assert sorted(partition.values[0] for partition in shown) == ["x", "z"]
