"""How long somebody in line waits, from what runs and from how long such machines ran before. Pure.

Many futures are played through: in each, every machine goes on for as long as one of the past runs of its kind did that
lasted longer than it has run by now, and at most until it has to stop. What people are told is the middle of them, and
the range that most of them lie in. The same machines give the same futures, so that a page that is loaded again says
the same.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf
from random import Random

from profiles.amounts import Amounts
from profiles.caps import Caps
from profiles.lease import Lease, Request

#: Seconds that past runs lasted, by profile, shortest first.
Lengths = Mapping[str, Sequence[float]]
#: With fewer past runs that lasted so long, nobody can say when a machine goes.
FEW = 3
#: Futures; fewer where there are many machines. One of ten lies before what is said, and one after.
FUTURES, LEAST_FUTURES, MOST_ENDS, APART = 60, 15, 6_000, 10
#: Machines whose futures are remembered; some megabytes.
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Expected:
    """Half of the futures give a machine by `at`, most between `soonest` and `latest`; None: nobody knows how late.
    Where the past says nothing, only `latest` is known: by then everything before it has to have stopped."""

    at: datetime | None
    soonest: datetime | None
    latest: datetime | None


def expected(
    caps: Caps, leases: Iterable[Lease], line: Sequence[Request], lengths: Lengths, now: datetime
) -> Expected | None:
    """When the last of the line gets its machine, where all of these draw from one pot, and each waits for those before
    it. None: that is not known, which is said rather than a wrong number."""
    out = tuple(leases)
    futures = max(LEAST_FUTURES, min(FUTURES, MOST_ENDS // (len(out) + len(line) + 1)))
    limits = dict(caps.limits())
    used = {name: sum(lease.amounts.much(name) for lease in out) for name in limits}
    wanted = [_much(each.amounts, limits) for each in line]
    # What is enough for all who wait keeps nobody waiting, and no machine that has none of the rest is waited for.
    limits = {name: most for name, most in limits.items() if used[name] + sum(each[name] for each in wanted) > most}
    used = {name: used[name] for name in limits}
    wanted = [{name: each[name] for name in limits} for each in wanted]
    out = tuple(lease for lease in out if any(lease.amounts.much(name) for name in limits))
    running = [_much(lease.amounts, limits) for lease in out]
    must_end = [_must_end(lease, now) for lease in out]
    ends = [_ends(lease, must, lengths, now, futures) for lease, must in zip(out, must_end, strict=True)]
    lasts = [_lasts(each, lengths, futures) for each in line]
    by_then = _turn(limits, used, running, must_end, wanted, [_longest(each.longest) for each in line])
    latest = None if by_then == inf else now + timedelta(seconds=by_then)
    found = sorted(
        _turn(limits, used, running, of_each, wanted, of_line)
        for of_each, of_line in zip(_by_future(ends, futures), _by_future(lasts, futures), strict=True)
    )
    middle, late = found[futures // 2], found[futures - 1 - futures // APART]
    if middle == inf:
        return None if latest is None else Expected(None, None, latest)
    return Expected(
        at=now + timedelta(seconds=middle),
        soonest=now + timedelta(seconds=found[futures // APART]),
        latest=latest if late == inf else now + timedelta(seconds=late),
    )


def _by_future(of_each: Sequence[Sequence[float]], futures: int) -> Iterable[Sequence[float]]:
    return zip(*of_each, strict=True) if of_each else [()] * futures


def _turn(  # noqa: PLR0913, PLR0917 - a world, and one of its futures
    limits: Mapping[str, int],
    used: Mapping[str, int],
    running: Sequence[Mapping[str, int]],
    ends: Sequence[float],
    line: Sequence[Mapping[str, int]],
    lasts: Sequence[float],
) -> float:
    """In one future: the second at which the last of the line starts. `ends` are those of the machines that run,
    `lasts` is how long those of the line will."""
    # Sorted once: of thousands of machines only the first ones to end are looked at.
    order = sorted(range(len(running)), key=ends.__getitem__)
    begun: list[tuple[float, int, Mapping[str, int]]] = []
    at, passed, left = 0.0, 0, dict(used)
    for number, (wants, runs) in enumerate(zip(line, lasts, strict=True)):
        while any(n and left[name] + n > limits[name] for name, n in wants.items()):
            end = ends[order[passed]] if passed < len(order) else inf
            if begun and begun[0][0] < end:
                end, _, takes = heapq.heappop(begun)
            elif end == inf:
                return inf
            else:
                takes = running[order[passed]]
                passed += 1
            at = max(at, end)
            for name, n in takes.items():
                left[name] -= n
        for name, n in wants.items():
            left[name] += n
        heapq.heappush(begun, (at + runs, number, wants))
    return at


def _ends(lease: Lease, must_end: float, lengths: Lengths, now: datetime, futures: int) -> Sequence[float]:
    """Seconds from now, of each future."""
    past, ran = lengths.get(lease.profile, ()), lease.ran(now).total_seconds()
    return _rests(lease.id, past, ran, must_end, futures)


def _lasts(request: Request, lengths: Lengths, futures: int) -> Sequence[float]:
    return _rests(request.lease_id, lengths.get(request.profile, ()), 0.0, _longest(request.longest), futures)


def _must_end(lease: Lease, now: datetime) -> float:
    """Seconds from now. A place that is kept becomes a run, as far as anybody knows."""
    if lease.is_kept:
        return _longest(lease.longest)
    return inf if lease.ends_at is None else max(0.0, (lease.ends_at - now).total_seconds())


def _longest(longest: timedelta | None) -> float:
    return inf if longest is None else longest.total_seconds()


def _rests(seed: str, lengths: Sequence[float], ran: float, most: float, futures: int) -> Sequence[float]:
    """Where the past says nothing, nobody knows how much sooner than it must it ends: as if it never did."""
    first = bisect_right(lengths, ran)
    longer = len(lengths) - first
    if longer < FEW:
        return (inf,) * futures
    rests = [lengths[first + int(drawn * longer)] - ran for drawn in _draws(seed, futures)]
    return rests if most == inf else [min(most, rest) for rest in rests]


@lru_cache(maxsize=REMEMBERED)
def _draws(seed: str, futures: int) -> array[float]:
    """The same for the same machine. To begin a row of random numbers takes longer than all else."""
    draw = Random(seed)  # noqa: S311 - no secret
    return array("d", (draw.random() for _ in range(futures)))


def _much(amounts: Amounts, names: Iterable[str]) -> dict[str, int]:
    return {name: amounts.much(name) for name in names}
