"""What PostgreSQL is asked for, and what it is not told."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data_access.config import DatabaseSettings
from data_access.errors import DataError, Reason
from data_access.query.postgres import DatabaseColumn, Postgres, _column, select

ID = _column("id", "bigint", None, -1)
NAME = _column('na"me', "text", None, -1)
TEXT = _column("country", "character varying", None, 6)
PRICE = _column("price", "numeric", None, ((12 << 16) | 2) + 4)
ANY = _column("any", "numeric", None, -1)
MOOD = _column("mood", "mood", None, -1)
X = _column("x", "double precision", None, -1)


def asked(filter_: pc.Expression | None, *columns: DatabaseColumn) -> str:
    return select("public", "t", columns, filter_)


def value(kind: pa.DataType, of: object) -> pa.Scalar:
    return pa.scalar(of, kind)


def test_types() -> None:
    assert PRICE.arrow == pa.decimal128(12, 2)
    assert (ANY.arrow, ANY.compares) == (pa.float64(), False)
    assert (MOOD.arrow, MOOD.select) == (pa.string(), '"mood"::text')
    assert _column("tags", "text[]", "text", -1).arrow == pa.list_(pa.string())
    assert _column("huge", "numeric", None, ((50 << 16) | 2) + 4).arrow == pa.float64()


def test_names_are_quoted() -> None:
    assert asked(None, NAME) == 'select "na""me" from "public"."t"'


@pytest.mark.parametrize(
    ("filter_", "condition"),
    [
        (pc.field("id") > value(pa.int64(), 5), '"id" > 5'),
        (pc.field("country") == value(pa.string(), "it's"), "\"country\" = 'it''s'"),
        (pc.field("price") >= value(pa.decimal128(12, 2), Decimal("1.50")), '"price" >= 1.50'),
        (pc.field("x") < value(pa.float64(), 1e300), "\"x\" < '1e+300'::double precision"),
        (pc.field("id").is_valid() & (pc.field("id") != value(pa.int64(), 1)), '("id" is not null and "id" <> 1)'),
        ((pc.field("id") == value(pa.int64(), 1)) | pc.field("x").is_null(), '("id" = 1 or "x" is null)'),
    ],
)
def test_what_is_told(filter_: pc.Expression, condition: str) -> None:
    assert asked(filter_, ID, TEXT, PRICE, X).endswith(f" where {condition}")


@pytest.mark.parametrize(
    "filter_",
    [
        pc.field("country") > value(pa.string(), "a"),  # the server's collation orders otherwise
        pc.field("country") != value(pa.string(), "a"),  # it may hold texts equal that are not the same bytes
        pc.field("country") == value(pa.string(), "a\0"),  # it can't hold that
        pc.field("mood") == value(pa.string(), "a"),  # `mood`'s text is not how `mood` is compared
        pc.field("any") == value(pa.float64(), 0.1),  # rounded on its way here
        (pc.field("id") == value(pa.int64(), 1)) | (pc.field("country") > value(pa.string(), "a")),
    ],
)
def test_what_might_count_otherwise_is_not_told(filter_: pc.Expression) -> None:
    assert " where " not in asked(filter_, ID, TEXT, ANY, MOOD)


def test_half_of_an_and_is_told() -> None:
    filter_ = (pc.field("id") == value(pa.int64(), 1)) & (pc.field("country") > value(pa.string(), "a"))
    assert asked(filter_, ID, TEXT).endswith(' where ("id" = 1)')


def test_another_kind_of_database() -> None:
    with pytest.raises(DataError) as caught:
        Postgres("crm", DatabaseSettings(url="mysql://ann:secret@host/db"))
    assert caught.value.reason is Reason.BAD_CONFIGURATION
    assert "secret" not in str(caught.value)
