"""`where=` with columns that are words of SQL, and what its errors say to whoever wrote it."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from data_access.errors import DataError
from data_access.tables.predicate import expression
from data_access.tables.where import predicate_of

TABLE = pa.table(
    {
        "row": [-1, 1], "select": [1, 2], "case": [1, 2], "map": [1, 2], "if": [1, 2], "any": [1, 2], "null": [1, 2],
        "current_date": [1, 2], "order": ["select row", "it's"], "日本": ["a", "b"],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("row < 0", [0]),
        ("ROW < 0 and Select = 1", [0]),
        ("case = 2 or map > 5", [1]),
        ("if = 1", [0]),
        ("not any = 1", [1]),
        ("current_date between 2 and 3", [1]),
        ("日本 = 'a' and row < 0", [0]),
        ("row < 0 and order = 'select row'", [0]),
        ("row > 0 and \"order\" = 'it''s'", [1]),
        ('"null" = 2', [1]),
    ],
)
def test_columns_may_be_words_of_sql(where: str, wanted: list[int]) -> None:
    found = predicate_of(where, TABLE.schema)
    assert found is not None
    kept = TABLE.append_column("n", pa.array([0, 1])).filter(expression(found))
    assert kept["n"].to_pylist() == wanted


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("row <", 'Columns that are named like words of SQL are quoted: "row".'),
        ("null = 1", 'Columns that are named like words of SQL are quoted: "null".'),
        ("row < 'a'", "Column 'row' is int64; 'a' is no value of it."),
        ("map + 1 > 2", "'\"map\" + 1 > 2' is no condition"),
        ("lower(日本) = 'a'", "= 'a'' is no condition"),
        ("map", "'\"map\"' alone is no condition: column 'map' is int64, not true or false."),
        ("map in ()", "'\"map\" IN ()' lists nothing"),
        ('日本 = "it\'s"', "If a text is meant, in single quotes: 'it''s'."),
        ("日本 = 'it's'", "A quote in a text is written twice: 'it''s'."),
    ],
)
def test_an_error_says_what_is_wrong_with_this_text(where: str, said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        predicate_of(where, TABLE.schema)
