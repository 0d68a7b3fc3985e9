"""When a server stops, and why; the clock is an argument."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub_extensions.culler.decide import Decision, Keep, ServerFacts, Stop, StopReason, decide
from hub_extensions.settings import Cull
from profiles.machine import RunningMachine
from profiles.quantity import Money

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CULL = Cull(timeout=3600, max_age=0)

MACHINE = RunningMachine(
    profile_id="gpu",
    display_name="GPU",
    pool_id="gpu",
    cpu_cores=4,
    memory_bytes=2**34,
    gpus=1,
    price_per_hour=Money(Decimal("2.50"), "EUR"),
    options={},
    spawn_id="s",
    started_at=NOON,
    idle_timeout_s=1800,
    max_lifetime_s=8 * 3600,
    node=None,
)


def server(machine: RunningMachine | None = MACHINE, **changes: object) -> ServerFacts:
    plain = ServerFacts(name="ada", settled=True, started=NOON, last_activity=NOON, machine=machine)
    return replace(plain, **changes)


def reason(decision: Decision) -> str:
    return decision.reason if isinstance(decision, Stop) else "keep"


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        (server(), timedelta(minutes=29, seconds=59), "keep"),
        (server(), timedelta(minutes=30), StopReason.IDLE),
        (server(last_activity=NOON + 7 * HOUR + HOUR / 2), 8 * HOUR - timedelta(seconds=1), "keep"),
        (server(last_activity=NOON + 8 * HOUR), 8 * HOUR, StopReason.LIFETIME),
        (server(settled=False), 99 * HOUR, "keep"),
        (server(replace(MACHINE, idle_timeout_s=None, max_lifetime_s=None)), 999 * HOUR, "keep"),
        (server(replace(MACHINE, idle_timeout_s=None)), 8 * HOUR, StopReason.LIFETIME),
        # The machine's own clock starts when it is up, JupyterHub's when somebody asked for it.
        (server(replace(MACHINE, started_at=NOON + HOUR / 4)), timedelta(minutes=44), "keep"),
        (server(replace(MACHINE, started_at=None)), timedelta(minutes=30), StopReason.IDLE),
        (server(replace(MACHINE, started_at=None), started=None), 99 * HOUR, "keep"),
        (server(None), timedelta(minutes=59), "keep"),
        (server(None), HOUR, StopReason.IDLE),
        # A clock that was set back, or activity never reported, does not make a fresh server idle.
        (server(last_activity=NOON - 99 * HOUR), timedelta(minutes=1), "keep"),
        (server(last_activity=None), timedelta(minutes=1), "keep"),
    ],
)
def test_when_and_why(facts: ServerFacts, after: timedelta, expected: str):
    assert reason(decide(facts, CULL, NOON + after)) == expected


def test_the_settings_count_where_there_is_no_machine():
    assert reason(decide(server(None), Cull(timeout=0, max_age=0), NOON + 999 * HOUR)) == "keep"
    assert reason(decide(server(None), Cull(timeout=0, max_age=7200), NOON + 2 * HOUR)) == StopReason.LIFETIME


def test_administrators_may_be_spared():
    admin = server(owner_is_admin=True)
    assert reason(decide(admin, Cull(admin_users=False), NOON + 99 * HOUR)) == "keep"
    assert reason(decide(admin, Cull(admin_users=True), NOON + HOUR)) == StopReason.IDLE


def test_the_sentence_names_server_machine_and_time():
    stop = decide(server(), CULL, NOON + timedelta(minutes=31))
    assert isinstance(stop, Stop)
    assert stop.sentence == "ada on GPU: nothing was done for 31 minutes"


limits = st.none() | st.integers(min_value=1, max_value=10**6)
seconds = st.integers(min_value=0, max_value=10**6)


@given(limits, limits, seconds, seconds)
def test_the_page_and_the_culler_agree(idle: int | None, lifetime: int | None, active: int, now: int):
    """`RunningMachine.stops_at` is what pages show."""
    machine = replace(MACHINE, idle_timeout_s=idle, max_lifetime_s=lifetime)
    moment, last = NOON + timedelta(seconds=now), NOON + timedelta(seconds=active)
    shown = machine.stops_at(moment, last)
    decision = decide(server(machine, last_activity=last), CULL, moment)
    if isinstance(decision, Keep):
        assert decision.until == shown
    else:
        assert shown is not None
        assert shown <= moment


KEPT = replace(MACHINE, keep_alive_at_most_s=12 * 3600)


@pytest.mark.parametrize(
    ("facts", "after", "expected"),
    [
        (server(KEPT, kept_until=NOON + 3 * HOUR), 3 * HOUR - timedelta(seconds=1), "keep"),
        (server(KEPT, kept_until=NOON + 3 * HOUR), 3 * HOUR, StopReason.IDLE),
        (server(KEPT, kept_until=NOON + HOUR / 4), HOUR / 2, StopReason.IDLE),
        (server(KEPT, kept_until=NOON + 99 * HOUR), 8 * HOUR - timedelta(seconds=1), "keep"),
        (server(KEPT, kept_until=NOON + 99 * HOUR), 8 * HOUR, StopReason.LIFETIME),
        # The books were not read since the Hub's boot: nobody knows yet who keeps what on.
        (server(KEPT, kept_known=False), 7 * HOUR, "keep"),
        (server(KEPT, kept_known=False), 8 * HOUR, StopReason.LIFETIME),
        (server(MACHINE, kept_known=False), HOUR / 2, StopReason.IDLE),
    ],
)
def test_a_machine_that_is_kept_on(facts: ServerFacts, after: timedelta, expected: str) -> None:
    assert reason(decide(facts, CULL, NOON + after)) == expected
