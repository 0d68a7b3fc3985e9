"""The ledger's CSV: what is written is read back, and what is wrong is told all at once."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.amounts import Amounts
from profiles.cost import charge
from profiles.frozen import FrozenDict
from profiles.lease import EndReason, Entry, Lease, LeaseState
from profiles.ledger_csv import COLUMNS, LedgerErrors, read_ledger, write_ledger
from profiles.quantity import Money

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
_moments = st.integers(0, 10**8).map(lambda seconds: MONDAY + timedelta(seconds=seconds))
_times = st.tuples(_moments, st.integers(0, 900), st.integers(0, 10**6))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    held, waited, ran = draw(_times)
    began = held + timedelta(seconds=waited)
    reason = draw(st.sampled_from([each for each in EndReason if each is not EndReason.NEVER_RAN]))
    if draw(st.integers(0, 9)) == 0:
        began, ran, reason = None, 0, EndReason.NEVER_RAN
    devices = draw(st.dictionaries(st.sampled_from(["nvidia.com/gpu", "nvidia.com/mig-1g.5gb"]), st.integers(1, 8)))
    lease = Lease(
        id=draw(_texts),
        user=draw(_texts),
        groups=draw(st.frozensets(_texts, max_size=3)),
        server=draw(st.one_of(st.just(""), _texts)),
        profile=draw(_texts),
        display_name=draw(_texts),
        pool=draw(_texts),
        amounts=Amounts(1, draw(st.integers(0, 10**5)), draw(st.integers(0, 2**40)), FrozenDict(devices)),
        price_per_hour=Money(draw(st.decimals(0, 999, places=4)), "EUR"),
        state=LeaseState.HELD if began is None else LeaseState.RUNNING,
        held_at=held,
        began_at=began,
    )
    ended = (began or held) + timedelta(seconds=ran)
    return Entry(lease=lease, ended_at=ended, reason=reason, charge=charge(lease, lease.ran(ended)))


@settings(max_examples=40)
@given(st.lists(entries(), max_size=5, unique_by=lambda entry: entry.lease.id))
def test_what_is_written_is_read_back(written: list[Entry]) -> None:
    assert read_ledger("".join(write_ledger(written))) == tuple(written)


@settings(max_examples=40)
@given(st.lists(entries(), min_size=1, max_size=3, unique_by=lambda entry: entry.lease.id))
def test_no_cell_is_a_formula_to_a_spreadsheet(written: list[Entry]) -> None:
    rows = list(csv.reader(io.StringIO("".join(write_ledger(written)), newline="")))[1:]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def _row(**changes: str) -> str:
    cells = {
        "lease_id": "a1",
        "user": "ada",
        "groups": "ml-team;ops",
        "server": "",
        "profile": "gpu",
        "pool": "gpu",
        "servers": "1",
        "millicores": "4000",
        "memory": "34359738368",
        "devices": "nvidia.com/gpu=1",
        "price_per_hour": "2.50",
        "currency": "EUR",
        "began_at": "2026-03-02T09:00:00Z",
        "ended_at": "2026-03-02T11:30:00Z",
        **changes,
    }
    return ",".join(f'"{cells[name]}"' for name in COLUMNS)


def _file(*rows: str) -> str:
    return "\n".join([",".join(COLUMNS), *rows])


def test_a_ledger_of_the_needed_columns_alone_is_enough() -> None:
    (entry,) = read_ledger("\ufeff" + _file(_row()))
    assert entry.lease.groups == {"ml-team", "ops"}
    assert entry.lease.held_at == entry.lease.began_at == MONDAY
    assert entry.lease.amounts.gpus == 1
    assert entry.reason is EndReason.STOPPED
    assert entry.charge.money == Decimal("6.25")


def test_unknown_columns_and_another_order_do_no_harm() -> None:
    cells = dict(zip(COLUMNS, next(csv.reader([_row()])), strict=True))
    turned = ["note", *reversed(COLUMNS)]
    text = ",".join(turned) + "\n" + ",".join({**cells, "note": "kept"}[name] for name in turned) + "\n\n"
    assert read_ledger(text) == read_ledger(_file(_row()))


def test_a_clock_that_is_behind_spoils_no_ledger() -> None:
    """The Hub says when a machine was held, its node when it began."""
    row = f"{_row()},2026-03-02T09:00:01Z\n"
    (entry,) = read_ledger(",".join([*COLUMNS, "held_at"]) + "\n" + row)
    assert entry.lease.held_at == entry.lease.began_at == MONDAY


def test_every_mistake_is_told_with_line_and_column() -> None:
    text = _file(
        _row(),
        _row(lease_id="a2", millicores="4.5", price_per_hour="2,50"),
        _row(lease_id="a3", server="two\nlines", began_at="2026-03-02 09:00"),
        _row(lease_id="a4", user="", ended_at=""),
        _row(),
        _row(lease_id="a6", devices="nvidia.com/gpu", currency="euro", ended_at="2026-03-02T08:00:00Z"),
        "a7,too,short",
    )
    with pytest.raises(LedgerErrors) as raised:
        read_ledger(text, "march.csv")
    places = [(error.line, error.column) for error in raised.value.errors]
    assert places == [
        (3, "millicores"),
        (3, "price_per_hour"),
        (4, "began_at"),
        (6, "user"),
        (6, "ended_at"),
        (7, "lease_id"),
        (8, "devices"),
        (8, "currency"),
        (8, "ended_at"),
        (9, ""),
    ]
    told = str(raised.value).splitlines()
    assert told[0] == "march.csv:3: column 'millicores': '4.5' is not a count — write a whole number, 0 or more"
    assert "has no time zone" in told[2]
    assert "is also on line 2" in told[5]


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("servers", "9" * 5000, "is not a count"),
        ("devices", "nvidia.com/gpu=" + "9" * 5000, "is not a device and its count"),
        ("price_per_hour", "1e30", "per hour is more than 1000000"),
        ("began_at", "0001-01-01T00:00:00+14:00", "is outside the calendar"),
        ("ended_at", "9999-12-31T23:59:59-12:00", "is outside the calendar"),
    ],
)
def test_what_no_ledger_can_hold_is_a_mistake_like_others(column: str, value: str, word: str) -> None:
    with pytest.raises(LedgerErrors, match=word) as raised:
        read_ledger(_file(_row(**{column: value})))
    assert [error.column for error in raised.value.errors] == [column]


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("", "no columns"),
        ("lease_id,user", "no columns groups, server"),
        (";".join(COLUMNS), "not separated by commas"),
    ],
)
def test_a_file_that_is_no_ledger_is_told_as_a_whole(header: str, word: str) -> None:
    with pytest.raises(LedgerErrors, match=word):
        read_ledger(f"{header}\n1,2\n")
