"""Until when a machine with an end of its own may run instead: what is offered, and what is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_extensions.admission.longer import NotLonger, judge
from hub_extensions.keep_on.longer import as_it_runs, longer_form
from profiles.admission import Admit, Deny
from profiles.lease import Lease
from profiles.policy import Policies
from profiles.refusal import Reason, Refusal
from tests.unit.keep_on.test_keep_on import BERLIN, HOUR, NOW, lease, machine

MINUTE = timedelta(minutes=1)
RULES = Policies(timezone=BERLIN)
#: Started an hour ago for two.
TWO = lease(longest=2 * HOUR)
END = NOW + HOUR


def offered(last: datetime | None, out: Lease = TWO) -> list[timedelta]:
    """How much later than it stops now."""
    form = longer_form(out, last, BERLIN, "/go", NOW)
    return [time.at - END.replace(second=0) for time in form.times] if form else []


@pytest.mark.parametrize(
    ("last", "more"),
    [
        (datetime.max.replace(tzinfo=UTC), [HOUR, 2 * HOUR, 4 * HOUR]),
        (END + 4 * HOUR, [HOUR, 2 * HOUR, 4 * HOUR]),
        (END + 4 * HOUR - MINUTE, [HOUR, 2 * HOUR]),
        (END + 90 * MINUTE, [HOUR]),
        (END + 30 * MINUTE, [30 * MINUTE]),
        (END + 10 * MINUTE, []),
        (END, []),
        (END - HOUR, []),
        (None, []),
    ],
)
def test_later_by_some_hours_as_far_as_it_may(last: datetime | None, more: list[timedelta]) -> None:
    assert offered(last) == more


def test_what_has_no_end_needs_no_longer_one() -> None:
    assert offered(END + HOUR, lease()) == []
    assert offered(END + HOUR, replace(TWO, began_at=None)) == []
    assert longer_form(None, END + HOUR, BERLIN, "/go", NOW) is None


def test_times_are_by_the_hubs_clock_and_say_how_much_later() -> None:
    form = longer_form(TWO, NOW + 24 * HOUR, BERLIN, "/go", NOW)
    assert form is not None
    assert [time.said for time in form.times] == ["17:05, 1 hour more", "18:05, 2 hours more", "20:05, 4 hours more"]


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (Admit(None, closes_at=END + HOUR), "its hours, or the permission for it, are over then"),
        (Admit(None, clear_at=END + HOUR), "somebody else has reserved it from then on"),
    ],
)
def test_hours_grants_and_reservations_hold(decision: Admit, why: str) -> None:
    assert isinstance(judge(TWO, None, END + HOUR, decision, RULES, NOW), Lease)
    told = judge(TWO, None, END + HOUR + MINUTE, decision, RULES, NOW)
    assert isinstance(told, NotLonger)
    assert told.sentence == f"It can run until 17:05 (Europe/Berlin) at the latest: {why}."


def test_a_refusal_is_told_in_its_own_words() -> None:
    refusal = Refusal(Reason.GRANT_EXPIRED, "Your permission for GPU ended at 12:00 (UTC).", "Ask admins again.")
    told = judge(TWO, None, END + HOUR, Deny(refusal, "big"), RULES, NOW)
    assert told == NotLonger(
        "grant-expired", "It cannot run longer: Your permission for GPU ended at 12:00 (UTC).", "Ask admins again."
    )


@given(
    own=st.none() | st.integers(1, 40), closes=st.none() | st.integers(-2, 40), wanted=st.integers(-5, 60)
)
def test_never_beyond_any_of_them_and_never_shorter(own: int | None, closes: int | None, wanted: int) -> None:
    most = None if own is None else own * HOUR
    closes_at = None if closes is None else NOW + closes * HOUR
    outcome = judge(TWO, most, NOW + wanted * HOUR, Admit(None, closes_at=closes_at), RULES, NOW)
    allowed = wanted > 1 and (own is None or wanted + 1 <= own) and (closes is None or wanted <= closes)
    assert isinstance(outcome, Lease) is allowed
    if isinstance(outcome, Lease):
        assert outcome == replace(TWO, longest=(wanted + 1) * HOUR)


def test_the_machine_lives_as_long_as_its_lease() -> None:
    ran = as_it_runs(machine(max_lifetime_s=7200, run_for_s=7200), replace(TWO, longest=4 * HOUR))
    assert (ran.max_lifetime_s, ran.ends_as_asked) == (4 * 3600, True)
    up_later = as_it_runs(machine(started_at=NOW - HOUR + MINUTE), replace(TWO, longest=4 * HOUR))
    assert up_later.max_lifetime_s == 4 * 3600 - 60
    assert as_it_runs(machine(started_at=None), TWO).max_lifetime_s is None
