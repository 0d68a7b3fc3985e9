"""Who may write which database; names of commits and places."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.config import Settings
from data_access.errors import ForbiddenError, Reason
from data_access.names import TableName
from data_access.tables import places
from data_access.tables.ids import is_ulid, ulid, ulid_time
from data_access.tables.namespaces import Allowed, Refused, check_may_write, may_write, own_sandbox

GRANTED = Settings(grants={"sales": ("ann",), "sandbox_team": ("ann", "bob"), "raw_*": ("*",)})


@pytest.mark.parametrize(
    ("user", "database", "expected"),
    [
        ("ann", "sandbox_ann", Allowed(production=False)),
        ("ann", "sandbox_bob", "another user's sandbox"),
        ("bob", "sandbox_team", Allowed(production=False)),
        ("eve", "sandbox_team", "another user's sandbox"),
        ("ann", "sales", Allowed(production=True)),
        ("bob", "sales", "a production database, and 'bob' is not among those"),
        ("eve", "raw_orders", Allowed(production=True)),
        ("eve", "sales_raw", "a production database"),
        ("ann", "default", "a production database"),
    ],
)
def test_who_may_write(user: str, database: str, expected: Allowed | str) -> None:
    decided = may_write(user, database, GRANTED)
    if isinstance(expected, Allowed):
        assert decided == expected
        return
    assert isinstance(decided, Refused)
    assert expected in decided.sentence
    assert f"'{own_sandbox(user, GRANTED)}'" in decided.remedy
    with pytest.raises(ForbiddenError) as refused:
        check_may_write(user, database, GRANTED)
    assert refused.value.reason == Reason.FORBIDDEN


def test_nobody_gets_anothers_sandbox_by_a_like_name() -> None:
    names = ["ann.lee", "ann-lee", "ann_lee", "Ann_lee", "ann.lee@example.org", "ann_lee_"]
    boxes = {own_sandbox(each, GRANTED) for each in names}
    assert len(boxes) == len(names)
    assert own_sandbox("ann_lee", GRANTED) == "sandbox_ann_lee"


@given(st.text(min_size=1, max_size=300))
def test_a_sandbox_is_a_name_that_a_database_may_have(user: str) -> None:
    box = own_sandbox(user, GRANTED)
    assert TableName.of(box, "t").database == box
    assert isinstance(may_write(user, box, Settings()), Allowed)


def test_ids_sort_by_time_and_say_it() -> None:
    early, late = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (1, 2))
    assert ulid(early) < ulid(late)
    assert ulid_time(ulid(early)) == early
    assert len({ulid(early) for _ in range(1000)}) == 1000
    with pytest.raises(ValueError, match="no ULID"):
        ulid_time("42")


@given(st.integers(0, 10**9), st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_paths_say_what_they_hold(number: int, moment: datetime) -> None:
    id_ = ulid(moment)
    assert is_ulid(id_)
    assert places.commit_of(places.manifest(number, id_)) == (number, id_)
    assert places.commit_of(places.file_list(number, id_)) == (number, id_)
    assert places.batch_of(f"{places.batch('day=1', id_)}/part-0.parquet") == id_
    assert places.commit_of(places.tag("v1")) is None
    assert places.batch_of(places.manifest(number, id_)) is None
