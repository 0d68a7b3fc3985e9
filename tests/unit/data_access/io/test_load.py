"""What the words of `load_dataframe` mean."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.tables import load
from data_access.tables.model import Anchor

ANCHOR = Anchor(TableName("sales", "orders"), 42, "01J0000000000000000000000")


@pytest.mark.parametrize(
    ("namespace", "resource", "as_of", "means"),
    [
        ("sales", "Orders", None, (TableName("sales", "orders"), None)),
        ("sales.orders", None, 7, (TableName("sales", "orders"), 7)),
        (ANCHOR, None, None, (TableName("sales", "orders"), ANCHOR)),
        (str(ANCHOR), None, None, (TableName("sales", "orders"), ANCHOR)),
    ],
)
def test_a_table_may_be_named_in_several_ways(
    namespace: object, resource: object, as_of: object, means: object
) -> None:
    assert load._place(namespace, resource) is None  # type: ignore[arg-type]
    assert load._named(namespace, resource, as_of) == means  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "place", ["s3://bucket/x.parquet", "folder/x.csv", "x.json.gz", "/tmp/x.parquet", Path("x.csv")]
)
def test_a_path_is_no_table(place: str | Path) -> None:
    assert load._place(place, None) == str(place)


def test_a_file_is_loaded_filtered_and_cut(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"a": range(10), "b": list("abcdefghij")})
    frame.to_parquet(tmp_path / "x.parquet")
    place = str(tmp_path / "x.parquet")
    assert load.load_dataframe(place, where="a > 6", columns=["b"])["b"].tolist() == ["h", "i", "j"]
    assert load.load_dataframe(place, into="polars", limit=2).rows() == [(0, "a"), (1, "b")]
    assert load.load_dataframe(tmp_path / "x.parquet").equals(frame)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: load.load_dataframe("sales", "orders", into="numpy"), "There is no into='numpy'"),
        (lambda: load.load_batches("sales", "orders", rows=0), "rows=0 is too small: 1 is the least"),
    ],
)
def test_words_that_mean_nothing_are_refused_before_anything_is_asked(call: object, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        call()  # type: ignore[operator]
    assert caught.value.reason is Reason.BAD_ARGUMENT
