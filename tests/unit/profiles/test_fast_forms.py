"""What is reckoned quickly, for thousands of machines, is what is reckoned plainly: one by one, moment by moment."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from math import inf
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.amounts import Amounts, total
from profiles.borrowing import all_borrowed, owners_first
from profiles.caps import Caps
from profiles.expected import FEW, expected
from profiles.lease import Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import Pot, ReservedPot, drawn
from profiles.reservations import Reservation, clear_from, covers, for_others, promised_to, to_clear, unused
from profiles.reservations import _in_the_way as making_room
from profiles.slots import HOUR, Search, Span, beyond, free_slots, free_spans, held_from, in_the_way, within
from profiles.staying import Staying
from profiles.waiting import Waiting, before, wanted_before
from tests.unit.profiles.shares import NOW, lease, policies, request, reservation, waiting

USERS, MINUTE = ("ada", "bob", "eve", "cy"), timedelta(minutes=1)
ages = st.integers(0, 600).map(lambda minutes: minutes * MINUTE)


@st.composite
def machines(draw: st.DrawFn) -> list[Lease]:
    return [
        lease(
            f"l{number}",
            draw(st.sampled_from(USERS)),
            draw(st.sampled_from(["", "ml", "bio", "ml bio"])),
            gpus=draw(st.integers(0, 2)),
            ran=draw(ages),
            longest=draw(st.none() | st.integers(1, 1500).map(lambda minutes: minutes * MINUTE)),
        )
        for number in range(draw(st.integers(0, 7)))
    ]


promises = st.lists(
    st.builds(
        lambda number, user, begins, lasts, gpus: reservation(
            user, begins / 4, (begins + lasts) / 4, gpus, id=f"{user}{begins}{lasts}{gpus}{number}"
        ),
        st.integers(0, 9),
        st.sampled_from(USERS[:3]),
        st.integers(-4, 40),
        st.integers(1, 16),
        st.integers(1, 3),
    ),
    max_size=6,
)
rules = st.builds(
    lambda gpus, clear, notice: policies(
        reservations={"gpus": {"gpus": gpus, "clearBefore": clear, "notice": notice}}
    ),
    st.integers(1, 8),
    st.sampled_from(["0s", "10m", "30m"]),
    st.sampled_from(["0s", "1h", "3h"]),
)


def pot_of(which: Policies) -> ReservedPot:
    return ReservedPot.of("gpus", which.reservations["gpus"])


def there(pot: ReservedPot, book: LeaseBook, moment: datetime) -> list[Lease]:
    return [one for one in drawn(pot.pot, pot.quota, book) if one.ends_at is None or one.ends_at > moment]


# When it has to be clear.


def plainly_clear_from(
    pot: ReservedPot, promised: Sequence[Reservation], book: LeaseBook, wanted: Request
) -> datetime | None:
    name, clear = wanted.person.name, timedelta(seconds=pot.quota.clear_before.seconds)
    moments = {each.begins_at - clear for each in promised if each.user != name}
    if moments:
        moments |= {each.ends_at for each in promised if each.user == name}
    for moment in sorted(moment for moment in moments if moment > NOW):
        staying = [one for one in there(pot, book, moment) if one.id != wanted.lease_id]
        if covers(pot, unused(pot, promised, staying, name, moment), wanted.amounts):
            continue
        needed = total((*(one.amounts for one in staying), for_others(pot, promised, staying, name, moment)))
        if wanted.amounts.gpus and needed.gpus + wanted.amounts.gpus > pot.quota.gpus:
            return moment
    return None


@settings(max_examples=150, deadline=None)
@given(rules, promises, machines(), st.sampled_from(USERS), st.integers(0, 2))
def test_until_when_what_is_reserved_can_be_had(
    which: Policies, promised: list[Reservation], out: list[Lease], user: str, gpus: int
) -> None:
    pot, book, wanted = pot_of(which), LeaseBook(out), request(user, gpus=gpus)
    assert clear_from(pot, promised, book, wanted, NOW) == plainly_clear_from(pot, promised, book, wanted)


@settings(max_examples=150, deadline=None)
@given(rules, promises, machines())
def test_who_makes_room_is_found_at_every_moment(
    which: Policies, promised: list[Reservation], out: list[Lease]
) -> None:
    """Also at those that `to_clear` passes over, because all that runs fits beside what is promised."""
    pot, clear = pot_of(which), timedelta(seconds=which.reservations["gpus"].clear_before.seconds)
    upcoming = [each for each in promised if each.stands(NOW)]
    moments = {max(NOW, each.begins_at - clear) for each in upcoming} | {each.ends_at for each in upcoming}
    staying, plainly = Staying(pot, out, lambda one: one.ends_at), []
    for moment in sorted(moments):
        staying.pass_to(moment)
        plainly += [one.id for one in making_room(pot, promised_to(upcoming, moment, clear), staying)]
    assert [leave.lease.id for leave in to_clear(pot, promised, LeaseBook(out), NOW)] == plainly


# Free slots.


def plainly_in_the_way(
    pot: ReservedPot, promised: Sequence[Reservation], wanted: Reservation, book: LeaseBook
) -> tuple[Lease, ...]:
    earliest, first = NOW + timedelta(seconds=pot.quota.notice.seconds), held_from(pot, wanted, NOW)
    if first >= earliest:
        return ()
    clear, until = timedelta(seconds=pot.quota.clear_before.seconds), min(earliest, wanted.ends_at)
    all_of_them = [*(each for each in promised if each.stands(NOW)), wanted]
    for moment in sorted({first, *(at for each in all_of_them if first < (at := each.begins_at - clear) < until)}):
        staying = there(pot, book, moment)
        needed = total((*(one.amounts for one in staying), for_others(pot, all_of_them, staying, "", moment)))
        if wanted.amounts.gpus and needed.gpus > pot.quota.gpus:
            return tuple(one for one in staying if one.amounts.gpus)
    return ()


def plain_slots(search: Search, until: datetime, most: int) -> tuple[Span, ...]:
    """Moment by moment, each boundary of anything."""
    pot, wanted, promised = search.pot, search.wanted, search.reservations
    length, clear = wanted.ends_at - wanted.begins_at, timedelta(seconds=pot.quota.clear_before.seconds)
    soon = NOW + timedelta(seconds=pot.quota.notice.seconds) + clear
    others = [each for each in promised if each.user != wanted.user]
    free = free_spans(pot, others, wanted.amounts, NOW, until)
    begins = {NOW, soon, *(begin + clear for begin, _ in free), *(each.ends_at + clear for each in promised)}
    begins |= {each.ends_at for each in promised if each.user == wanted.user}
    begins |= {one.ends_at + clear for one in search.book if one.ends_at is not None}

    def can_be(begin: datetime) -> bool:
        slot = replace(wanted, begins_at=begin, ends_at=begin + length)
        return (
            within(held_from(pot, slot, NOW), slot.ends_at, free)
            and beyond(pot, promised, slot, NOW) is None
            and (begin >= soon or not plainly_in_the_way(pot, promised, slot, search.book))
        )

    first = next((at for at in sorted(begins) if NOW <= at <= until - length and can_be(at)), None)
    found = [] if first is None else [first]
    at = first.replace(minute=0) if first is not None else until
    while found and len(found) < most and at <= until - length:
        if at >= found[-1] + max(length, HOUR) and can_be(at):
            found.append(at)
        at += HOUR
    return tuple((at, at + length) for at in found)


@settings(max_examples=100, deadline=None)
@given(rules, promises, machines(), st.integers(1, 4), st.integers(1, 12), st.sampled_from(["ada", "dan"]))
def test_free_slots_and_who_is_in_the_way(  # noqa: PLR0917
    which: Policies, promised: list[Reservation], out: list[Lease], gpus: int, quarters: int, user: str
) -> None:
    pot, book = pot_of(which), LeaseBook(out)
    wanted = reservation(user, 0, quarters / 4, gpus, id="wanted")
    search = Search(pot=pot, reservations=promised, book=book, wanted=wanted)
    until = NOW + timedelta(hours=14)
    assert free_slots(search, NOW, until, NOW) == plain_slots(search, until, 5)
    assert in_the_way(pot, promised, wanted, book, NOW) == plainly_in_the_way(pot, promised, wanted, book)


# What is lent.

SHARED = policies(
    quotas={
        "share": {
            "per": "group", "gpus": 2, "servers": 3, "borrowing": {"within": "whole"},
            "overrides": {"groups": {"bio": {"gpus": 1}}},
        },
        "whole": {"per": "hub", "gpus": 6},
    }
)  # fmt: skip


def plainly_borrowed(book: LeaseBook) -> list[str]:
    found: dict[str, None] = {}
    for group in book.groups():
        left = {"gpus": 1 if group == "bio" else 2, "servers": 3}
        beyond = []
        for one in sorted(book.of_group(group), key=lambda one: (one.held_at, one.id)):
            if any((n := one.amounts.much(name)) and n > much for name, much in left.items()):
                beyond.append(one.id)
            else:
                left = {name: much - one.amounts.much(name) for name, much in left.items()}
        found |= dict.fromkeys(reversed(beyond))
    return list(found)


@settings(max_examples=100, deadline=None)
@given(machines(), st.lists(st.tuples(st.booleans(), machines()), max_size=4))
def test_who_borrows_and_who_is_first_follow_every_change_of_the_books(
    out: list[Lease], changes: list[tuple[bool, list[Lease]]]
) -> None:
    book, thought, whole = LeaseBook(out), {}, Pot("whole", "hub")
    line = tuple(
        waiting(str(n), user, group, pot=whole, gpus=gpus)
        for n, (user, group, gpus) in enumerate([("x", "ml", 1), ("y", "bio", 1), ("z", "ml bio", 2), ("w", "ml", 1)])
    )
    new = request("new", "ml", gpus=1)
    for come, some in [(True, []), *changes]:
        for one in some:
            if come:
                book.put(one)
            else:
                book.remove(one.id)
        anew = LeaseBook(book)
        assert sorted(all_borrowed(SHARED, book)) == sorted(plainly_borrowed(anew))
        kept = owners_first(line, new, whole, SHARED, book, thought)
        assert kept == owners_first(line, new, whole, SHARED, anew, {})
        assert list(book.copy()) == list(book)


@given(st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from([None, "a", "b"]), st.integers(0, 2)), max_size=6))
def test_who_comes_before_is_counted_for_all_pots_at_once(who: list[tuple[str, str | None, int]]) -> None:
    line: list[Waiting] = [
        waiting(str(n), user, pot=None if pot is None else Pot(pot, "hub"), gpus=gpus)
        for n, (user, pot, gpus) in enumerate(who)
    ]
    wanted = request("bob", gpus=1)
    for pot in (Pot("a", "hub"), Pot("b", "hub")):
        theirs = [each.request.amounts for each in before(line, wanted) if each.pot == pot]
        assert wanted_before(line, wanted).get(pot, (0, Amounts())) == (len(theirs), total(theirs))


# How long the line waits.


def plain_turn(
    limits: dict[str, int], running: list[tuple[float, Amounts]], line: list[tuple[Amounts, float]]
) -> float:
    numbers = count()
    used = {name: sum(takes.much(name) for _, takes in running) for name in limits}
    heap = [(end, next(numbers), takes) for end, takes in running]
    heapq.heapify(heap)
    at = 0.0
    for wants, lasts in line:
        while any((n := wants.much(name)) and used[name] + n > limits[name] for name in limits):
            if not heap or heap[0][0] == inf:
                return inf
            end, _, takes = heapq.heappop(heap)
            at = max(at, end)
            used = {name: n - takes.much(name) for name, n in used.items()}
        used = {name: n + wants.much(name) for name, n in used.items()}
        heapq.heappush(heap, (at + lasts, next(numbers), wants))
    return at


def plain_futures(caps: Caps, out: list[Lease], line: list[Request], past: list[float]) -> list[float]:
    limits = dict(caps.limits())

    def rests(seed: str, ran: float, most: float) -> list[float]:
        longer = past[bisect_right(past, ran) :]
        draw = Random(seed)
        return [
            min(most, longer[int(draw.random() * len(longer))] - ran) if len(longer) >= FEW else inf for _ in range(60)
        ]

    ends = [
        rests(one.id, one.ran(NOW).total_seconds(), inf if one.ends_at is None else (one.ends_at - NOW).total_seconds())
        for one in (replace(one, longest=one.longest and max(one.longest, one.ran(NOW))) for one in out)
    ]
    lasts = [rests(each.lease_id, 0.0, inf) for each in line]
    return sorted(
        plain_turn(
            limits,
            [(ends[n][future], one.amounts) for n, one in enumerate(out)],
            [(each.amounts, lasts[n][future]) for n, each in enumerate(line)],
        )
        for future in range(60)
    )


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries({}, optional={"gpus": st.integers(0, 5), "servers": st.integers(1, 8)}),
    machines(),
    st.lists(st.integers(0, 2), min_size=1, max_size=4),
    st.lists(st.integers(60, 50_000).map(float), max_size=12).map(sorted),
)
def test_how_long_the_line_waits(caps: dict[str, Any], out: list[Lease], wants: list[int], past: list[float]) -> None:
    line = [request(f"q{n}", lease_id=f"q{n}", gpus=gpus) for n, gpus in enumerate(wants)]
    found = expected(Caps(**caps), out, line, {"gpu": past}, NOW)
    futures = plain_futures(Caps(**caps), out, line, past)
    if futures[30] == inf:
        assert found is None or found.at is None
    else:
        assert found is not None
        assert (found.soonest, found.at) == (
            NOW + timedelta(seconds=futures[6]),
            NOW + timedelta(seconds=futures[30]),
        )
