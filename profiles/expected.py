"""How long somebody in line waits, from what runs and from how long such machines ran before. Pure.

Many futures are played through: in each, every machine goes on for as long as one of the past runs of its kind did that
lasted longer than it has run by now, and at most until it has to stop. What people are told is the middle of them, and
the range that most of them lie in. The same machines give the same futures, so that a page that is loaded again says
the same.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    names = tuple(name for name, _ in caps.limits())
    limits = dict(caps.limits())
    running = [(_much(lease.amounts, names), _ends(lease, lengths, now, futures)) for lease in out]
    coming = [(_much(each.amounts, names), _lasts(each, lengths, futures)) for each in line]
    used = {name: sum(takes[name] for takes, _ in running) for name in names}
    by_then = _turn(
        limits,
        used,
        [(_must_end(lease, now), _much(lease.amounts, names)) for lease in out],
        [(_much(each.amounts, names), _longest(each.longest)) for each in line],
    )
    latest = None if by_then == inf else now + timedelta(seconds=by_then)
    found = sorted(
        _turn(
            limits,
            used,
            [(ends[future], takes) for takes, ends in running],
            [(takes, lasts[future]) for takes, lasts in coming],
        )
        for future in range(futures)
    )
    middle, late = found[futures // 2], found[futures - 1 - futures // APART]
    if middle == inf:
        return None if latest is None else Expected(None, None, latest)
    return Expected(
        at=now + timedelta(seconds=middle),
        soonest=now + timedelta(seconds=found[futures // APART]),
        latest=latest if late == inf else now + timedelta(seconds=late),
    )


def _turn(
    limits: Mapping[str, int],
    used: Mapping[str, int],
    ends: Iterable[tuple[float, Mapping[str, int]]],
    line: Iterable[tuple[Mapping[str, int], float]],
) -> float:
    """In one future: the second at which the last of the line starts."""
    running = [(end, number, takes) for number, (end, takes) in enumerate(ends)]
    heapq.heapify(running)
    at, number = 0.0, len(running)
    for wants, lasts in line:
        while any(n and used[name] + n > limits[name] for name, n in wants.items()):
            if not running or running[0][0] == inf:
                return inf
            end, _, takes = heapq.heappop(running)
            at = max(at, end)
            used = {name: n - takes[name] for name, n in used.items()}
        used = {name: n + wants[name] for name, n in used.items()}
        heapq.heappush(running, (at + lasts, number, wants))
        number += 1
    return at


def _ends(lease: Lease, lengths: Lengths, now: datetime, futures: int) -> list[float]:
    """Seconds from now, of each future."""
    past, ran = lengths.get(lease.profile, ()), lease.ran(now).total_seconds()
    return _rests(lease.id, past, ran, _must_end(lease, now), futures)


def _lasts(request: Request, lengths: Lengths, futures: int) -> list[float]:
    return _rests(request.lease_id, lengths.get(request.profile, ()), 0.0, _longest(request.longest), futures)


def _must_end(lease: Lease, now: datetime) -> float:
    """Seconds from now. A place that is kept becomes a run, as far as anybody knows."""
    if lease.is_kept:
        return _longest(lease.longest)
    return inf if lease.ends_at is None else max(0.0, (lease.ends_at - now).total_seconds())


def _longest(longest: timedelta | None) -> float:
    return inf if longest is None else longest.total_seconds()


def _rests(seed: str, lengths: Sequence[float], ran: float, most: float, futures: int) -> list[float]:
    """Where the past says nothing, nobody knows how much sooner than it must it ends: as if it never did."""
    longer = lengths[bisect_right(lengths, ran) :]
    if len(longer) < FEW:
        return [inf] * futures
    draw = Random(seed)  # noqa: S311 - the same for the same machine
    return [min(most, longer[int(draw.random() * len(longer))] - ran) for _ in range(futures)]


def _much(amounts: Amounts, names: Iterable[str]) -> dict[str, int]:
    return {name: amounts.much(name) for name in names}
