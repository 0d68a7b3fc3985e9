"""Arguments of a wrong type or size are refused with their name, before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest

import data_access as api
from data_access.arguments import at_least, text, whole
from data_access.errors import DataError, Reason
from data_access.workspace import Workspace

FRAME = pandas.DataFrame({"day": ["a", "b"], "n": [1, 2]})
NAME = "sandbox_ann.orders"


def test_numbers_may_be_numpys() -> None:
    assert whole(0, numpy.int64(3), "limit", "of rows") == 3
    assert at_least(0, numpy.float32(0.5), "keep_days", "of days") == 0.5
    assert text("why", "message") == "why"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home: Path = tmp_path_factory.mktemp("home")
    made = api.connect(metastore=f"sqlite:///{home}/catalog.sqlite", warehouse=str(home / "warehouse"), user="ann")
    api.store_dataframe(FRAME, "sandbox_ann", "orders", partition_by="day", workspace=made)
    return made


CALLS: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], str]] = [
    (api.store_dataframe, (FRAME, NAME), {"message": 3}, "message=3 is of type int, not a text"),
    (api.store_dataframe, (FRAME, NAME), {"partition_by": 1}, "partition_by=1 names no columns"),
    (api.store_dataframe, (FRAME, NAME), {"comments": "abc"}, "comments='abc' says nothing of columns"),
    (api.store_dataframe, ("sandbox_ann", "orders", FRAME), {}, "is a text, and this is of type DataFrame"),
    (api.load_dataframe, (NAME,), {"limit": "3"}, "limit='3' is no whole number"),
    (api.load_dataframe, (NAME,), {"limit": -1}, "limit=-1 is too small"),
    (api.load_batches, (NAME,), {"rows": 0.5}, "rows=0.5 is no whole number"),
    (api.history, (NAME,), {"limit": -1}, "limit=-1 is too small"),
    (api.history, (3,), {}, "A table's name is a text"),
    (api.rollback, (NAME, None), {}, "to=None names no commit"),
    (api.rollback, (NAME, 1), {"message": 3}, "message=3"),
    (api.diff, (1, 2), {}, "1 names no commit of a table"),
    (api.tag, (NAME, "v1"), {"note": 3}, "note=3"),
    (api.anchor, (NAME,), {"note": 3}, "note=3"),
    (api.release, (None,), {}, "None is no anchor"),
    (api.drop_partitions, (NAME, {}), {}, "partitions={} names no partition"),
    (api.drop_partitions, (NAME, []), {}, r"partitions=\[\] names no partition"),
    (api.drop_partitions, (NAME, None), {}, "partitions=None names no partition"),
    (api.gc, (NAME,), {"keep_days": -1}, "keep_days=-1 is too small"),
    (api.gc, (NAME,), {"keep_days": "3"}, "keep_days='3' is no number"),
    (api.gc, (NAME,), {"keep_last": 1.5}, "keep_last=1.5 is no whole number"),
]


@pytest.mark.parametrize(("call", "given", "named", "said"), CALLS)
def test_a_wrong_argument_is_named_and_nothing_happens(
    workspace: Workspace, call: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        call(*given, **named, workspace=workspace)
    assert caught.value.reason in (Reason.BAD_ARGUMENT, Reason.BAD_NAME, Reason.BAD_PARTITION)
    assert [each.number for each in api.history(NAME, workspace=workspace)] == [1]


def test_a_store_after_the_block_of_several_is_refused(workspace: Workspace) -> None:
    with api.several(workspace) as commit:
        pass
    with pytest.raises(DataError, match=r"is over, so sandbox_ann\.orders would never be committed"):
        commit.store_dataframe(FRAME, NAME)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (api.load_dataframe, {"columns": ["m"]}),
        (api.load_dataframe, {"partitions": ["z"]}),
        (api.load_dataframe, {"where": "m > 1"}),
        (api.drop_partitions, {"partitions": ["z"]}),
    ],
)
def test_errors_name_the_table(workspace: Workspace, call: Callable[..., Any], named: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=f"^{NAME}: "):
        call(NAME, **named, workspace=workspace)
    frame = pandas.DataFrame({"n": [1], "span": [pandas.Timedelta("1s")]})
    with pytest.raises(DataError, match=r"sandbox_ann\.fresh: Column 'span' is a duration"):
        api.store_dataframe(frame, "sandbox_ann.fresh", workspace=workspace)
