"""Values that no table has: the error names the column, the row and the value."""

from __future__ import annotations

import re
from typing import Any

import pandas
import pytest

from data_access.errors import Reason, SchemaError
from data_access.tables.frames import source_of
from data_access.tables.schema import table_schema


def test_a_frame_without_columns_makes_no_table() -> None:
    with pytest.raises(SchemaError, match=r"^The frame has no column\. A table needs at least one"):
        table_schema(source_of(pandas.DataFrame()).schema, [])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 2**70], "Column 'v' holds 1180591620717411303424 (row 1), and a whole number is at most"),
        ([{1}, {2, 3}], "Column 'v' holds sets, and a table has none"),
        ([None, frozenset({1})], "Column 'v' holds sets"),
        ([object()], "Column 'v' holds values of type object (row 0), which no table has"),
        ([pandas.DataFrame()], "Column 'v' holds values of type DataFrame (row 0)"),
    ],
)
def test_what_has_no_place_is_named(values: list[Any], said: str) -> None:
    frame = pandas.DataFrame({"ok": ["a"] * len(values), "v": pandas.Series(values, dtype=object)})
    with pytest.raises(SchemaError, match=re.escape(said)) as caught:
        source_of(frame)
    assert caught.value.reason is Reason.UNSUPPORTED_TYPE
