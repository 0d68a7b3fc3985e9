"""Sets of checks as objects: what is kept is what was said, for ever."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_access.checks import (
    custom,
    foreign_key,
    freshness,
    in_range,
    in_set,
    matches,
    no_drift,
    not_null,
    row_count,
    unique,
)
from data_access.checks.declare import as_checks
from data_access.checks.stored import CheckSet, decode, encode, ready
from data_access.errors import CorruptError, DataError, Reason
from data_access.tables.model import Column, Schema

names = st.text(min_size=1, max_size=6)
values = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.decimals(allow_nan=False, allow_infinity=False),
)
about = st.fixed_dictionaries(
    {}, optional={"note": st.text(), "severity": st.sampled_from(["warn", "stop"]), "author": names, "name": names}
)
columns = st.lists(names, min_size=1, max_size=3)
checks = st.one_of(
    st.builds(lambda c, a: not_null(*c, **a), columns, about),
    st.builds(lambda c, x, a: unique(*c, across=x, **a), columns, st.sampled_from(["table", "store"]), about),
    st.builds(lambda c, v, a: in_range(c, v, **a), names, values, about),
    st.builds(lambda c, v, a: in_set(c, v, **a), names, st.lists(values, min_size=1, max_size=4), about),
    st.builds(lambda c, a: matches(c, r"\d+", **a), names, about),
    st.builds(lambda n, f, a: row_count(n, factor=f, **a), st.integers(0), st.floats(1.1, 1e6), about),
    st.builds(lambda c, s, a: freshness(c, s, **a), names, st.timedeltas(timedelta(microseconds=1)), about),
    st.builds(lambda c, a: foreign_key(c, "a.b", as_of="v1", **a), columns, about),
    st.builds(lambda c, p, a: no_drift(*c, psi=p, **a), columns, st.floats(0.01, 9), about),
)


@given(st.lists(checks, max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_is_kept_comes_back(some: list) -> None:
    name, data = encode(some)
    back = decode(memoryview(data), name, "x.json")
    assert list(back) == some
    assert encode(back) == (name, data)
    for one, other in zip(back, some, strict=True):
        assert type(getattr(one, "low", None)) is type(getattr(other, "low", None))
        assert [*map(type, getattr(one, "values", ()))] == [*map(type, getattr(other, "values", ()))]


def test_the_form_of_a_set_does_not_change() -> None:
    """Sets that were kept stay readable: this one was written by the first version."""
    kept = {
        "format": 1,
        "checks": [
            {"kind": "not_null", "name": "n", "severity": "stop", "note": "why", "author": "ann", "columns": ["id"]},
            {"kind": "in_range", "name": "r", "severity": "warn", "note": "", "author": None, "column": "t",
             "low": {"datetime": "2026-01-01T00:00:00+00:00"}, "high": {"decimal": "1.50"}, "closed": "left"},
            {"kind": "freshness", "name": "f", "severity": "stop", "note": "", "author": None, "column": "t",
             "within": "129600.s"},
        ],
    }  # fmt: skip
    data = json.dumps(kept).encode()
    first, second, third = decode(data, __import__("hashlib").sha256(data).hexdigest(), "x")
    assert first == not_null("id", name="n", note="why", author="ann")
    assert (second.low, second.high) == (datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.50"))
    assert third.within == timedelta(hours=36)


def test_an_object_that_was_changed_is_refused() -> None:
    name, data = encode([not_null("id")])
    with pytest.raises(CorruptError, match=r"x\.json are not what was committed"):
        decode(data.replace(b"id", b"no"), name, "x.json")


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"format": 2, "checks": []}', b'{"format": 1, "checks": [{"kind": "?"}]}']
)
def test_an_object_that_nobody_knows_is_refused(body: bytes) -> None:
    import hashlib

    with pytest.raises(CorruptError, match="Perhaps a newer data_access wrote them"):
        decode(body, hashlib.sha256(body).hexdigest(), "x.json")


def test_a_function_is_kept_as_text_and_never_comes_back_as_code() -> None:
    def adds_up(frame: object) -> bool:
        """It adds up."""
        return bool(frame)

    schema = Schema((Column("id", "int64", "bigint"),), (), "")
    check = ready(custom(adds_up), schema, "ann")
    name, data = encode([check])
    (back,) = decode(data, name, "x")
    assert (back.run, back.author, back.assumption) == (None, "ann", "It adds up")
    assert back.source.startswith("def adds_up(frame: object) -> bool:")
    assert back == check


def test_a_set_is_about_columns_that_there_are() -> None:
    schema = Schema((Column("amount", "int64", "bigint"),), (Column("day", "date32[day]", "date"),), "")
    assert ready(not_null("amount", "day"), schema, "ann").author == "ann"
    with pytest.raises(DataError, match="Did you mean amount") as refused:
        ready(in_range("amuont", 0), schema, "ann")
    assert refused.value.reason == Reason.UNKNOWN_COLUMN


def test_code_without_text_is_not_kept() -> None:
    schema = Schema((), (), "")
    with pytest.raises(DataError, match="can't be found"):
        ready(custom(len), schema, "ann")


def test_names_are_unique_and_find_checks() -> None:
    with pytest.raises(DataError, match="Two checks are named 'not_null\\(id\\)'"):
        as_checks([not_null("id"), not_null("id", note="other")])
    several = CheckSet(as_checks([not_null("id"), in_set("x", ["a"], name="kinds")]))
    assert several["kinds"] is several[1]
    assert repr(several).splitlines() == [
        "2 checks",
        "",
        "what holds           if not  name",
        "───────────────────  ──────  ────────────",
        "id is never missing  stops   not_null(id)",
        "x is always a        stops   kinds",
    ]
    assert "id is never missing" in several._repr_html_()
    assert repr(CheckSet()) == "No checks"
    with pytest.raises(DataError, match="Did you mean kinds"):
        several["kind"]


@pytest.mark.parametrize(
    ("check", "name", "sentence"),
    [
        (not_null("a", "b"), "not_null(a, b)", "a and b are never missing"),
        (unique("a"), "unique(a)", "a is unique in the table"),
        (
            unique("a", "b", across="store"),
            "unique(a, b, across=store)",
            "a and b together are unique in what is stored at once",
        ),
        (in_range("a", 0, 10_000), "in_range(a, 0, 10,000)", "a is between 0 and 10,000"),
        (in_range("a", 0, closed="right"), "in_range(a, 0, …, closed=right)", "a is above 0"),
        (in_range("a", None, date(2026, 1, 1)), "in_range(a, …, 2026-01-01)", "a is at most 2026-01-01"),
        (
            in_range("a", time(8), time(17), closed="left"),
            "in_range(a, 08:00:00, 17:00:00, closed=left)",
            "a is at least 08:00:00 and below 17:00:00",
        ),
        (in_set("a", {"y", "x"}), "in_set(a, x, y)", "a is one of x and y"),
        (row_count(1, 2), "row_count(low=1, high=2)", "between 1 and 2 rows are stored at once"),
        (
            row_count(percent=20, last=3),
            "row_count(percent=20, last=3)",
            "a partition has as many rows as usual, within 20 %",
        ),
        (freshness("a", "36h"), "freshness(a, 36 hours)", "the newest a is at most 36 hours old"),
        (foreign_key("a", "crm.b", "id"), "foreign_key(a, crm.b(id))", "every a is in crm.b as id"),
        (no_drift("a", psi=0.1), "no_drift(a, psi=0.1)", "a is distributed as at the last commit"),
    ],
)  # fmt: skip
def test_checks_name_and_say_themselves(check: object, name: str, sentence: str) -> None:
    assert (check.name, check.sentence()) == (name, sentence)  # type: ignore[attr-defined]
