"""How long those in line wait: tables, and what holds for every world."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.amounts import Amounts
from profiles.caps import Caps
from profiles.expected import Expected, expected
from profiles.frozen import freeze
from profiles.lease import KEPT, Lease, LeaseState, Request
from profiles.person import Person
from profiles.quantity import Money

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURLY = {"gpu": [3600.0] * 5}


def asks(name: str, gpus: int = 1, profile: str = "gpu") -> Request:
    return Request(
        lease_id=name,
        person=Person(name),
        server="",
        profile=profile,
        display_name="GPU",
        pool="gpus",
        amounts=Amounts(1, 1000, 2**30, freeze({"nvidia.com/gpu": gpus})),
        price_per_hour=Money(Decimal(1), "EUR"),
    )


def runs(
    name: str, *, ran: timedelta = timedelta(0), longest: timedelta | None = None, gpus: int = 1, profile: str = "gpu"
) -> Lease:
    request = asks(name, gpus, profile)
    return replace(Lease.hold(request, NOW - ran, longest), began_at=NOW - ran, state=LeaseState.RUNNING)


def gpus(n: int) -> Caps:
    return Caps(gpus=n)


def test_what_always_lasts_an_hour_is_free_when_the_hour_is_over() -> None:
    found = expected(gpus(1), [runs("a", ran=20 * MINUTE)], [asks("b")], HOURLY, NOW)
    at = NOW + 40 * MINUTE
    assert found == Expected(at, at, at)


def test_who_is_second_waits_for_the_first_as_well() -> None:
    found = expected(gpus(1), [runs("a", ran=20 * MINUTE)], [asks("b"), asks("c")], HOURLY, NOW)
    assert found is not None
    assert found.at == NOW + 100 * MINUTE


def test_two_machines_serve_two() -> None:
    leases = [runs("a", ran=20 * MINUTE), runs("b", ran=50 * MINUTE)]
    first, second = (expected(gpus(2), leases, [asks(n) for n in "cd"[: i + 1]], HOURLY, NOW) for i in range(2))
    assert first is not None and second is not None
    assert (first.at, second.at) == (NOW + 10 * MINUTE, NOW + 40 * MINUTE)


def test_where_the_past_says_nothing_only_the_last_moment_is_known() -> None:
    found = expected(gpus(1), [runs("a", longest=30 * MINUTE)], [asks("b")], {}, NOW)
    assert found == Expected(None, None, NOW + 30 * MINUTE)


def test_nothing_runs_on_after_it_has_to_stop() -> None:
    found = expected(gpus(1), [runs("a", longest=30 * MINUTE)], [asks("b")], HOURLY, NOW)
    assert found is not None
    assert found.at == found.latest == NOW + 30 * MINUTE


@pytest.mark.parametrize("lengths", [{}, {"gpu": [3600.0, 3600.0]}, {"other": [60.0] * 9}, {"gpu": [60.0] * 9}])
def test_what_nobody_can_know_is_not_said(lengths: dict[str, list[float]]) -> None:
    """No past, too little of it, another machine's, or none that lasted as long as this one does already."""
    assert expected(gpus(1), [runs("a", ran=20 * MINUTE)], [asks("b")], lengths, NOW) is None


def test_more_than_there_is_never_comes() -> None:
    assert expected(gpus(1), [runs("a")], [asks("b", gpus=2)], HOURLY, NOW) is None


def test_a_place_that_is_kept_becomes_a_run() -> None:
    place = replace(runs("a"), id=f"{KEPT}a", began_at=None)
    found = expected(gpus(1), [place], [asks("b")], HOURLY, NOW)
    assert found is not None
    assert found.at == NOW + 60 * MINUTE


def test_the_same_machines_give_the_same_answer() -> None:
    lengths = {"gpu": [float(n * 300) for n in range(1, 30)]}
    leases = [runs(name, ran=7 * MINUTE) for name in "abc"]
    one, other = (expected(gpus(3), leases, [asks("x"), asks("y")], lengths, NOW) for _ in range(2))
    assert one == other is not None


SECONDS = st.integers(60, 50_000)
WORLDS = st.tuples(
    st.integers(1, 6),
    st.lists(st.tuples(SECONDS, st.none() | SECONDS, st.integers(1, 2)), max_size=6),
    st.lists(st.integers(1, 2), min_size=1, max_size=5),
    st.lists(SECONDS.map(float), max_size=12).map(sorted),
)


@given(WORLDS)
def test_who_comes_later_is_never_told_less_and_nobody_that_a_machine_is_there_before_one_ends(
    world: tuple[int, list[tuple[int, int | None, int]], list[int], list[float]],
) -> None:
    there, out, line, past = world
    leases = [
        runs(
            f"l{n}",
            ran=timedelta(seconds=ran),
            longest=None if rest is None else timedelta(seconds=ran + rest),
            gpus=takes,
        )
        for n, (ran, rest, takes) in enumerate(out)
    ]
    asked = [asks(f"q{n}", takes) for n, takes in enumerate(line)]
    found = [expected(gpus(there), leases, asked[: n + 1], {"gpu": past}, NOW) for n in range(len(asked))]
    for before, after in pairwise(found):
        if after is None or after.at is None or after.soonest is None:
            continue
        assert before is not None and before.at is not None and before.soonest is not None, "who comes later knows more"
        assert before.soonest <= after.soonest
        assert before.at <= after.at
    for each in found:
        if each is not None and each.at is not None and each.soonest is not None:
            assert NOW <= each.soonest <= each.at
            assert each.latest is None or each.at <= each.latest
    first, used = found[0], sum(takes for _, _, takes in out)
    if first is not None and first.soonest is not None and used + line[0] > there:
        rests = [longer - ran for ran, _, _ in out for longer in past if longer > ran]
        ends = [*rests, *(rest for _, rest, _ in out if rest is not None)]
        assert first.soonest >= NOW + timedelta(seconds=min(ends))
