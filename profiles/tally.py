"""Sums over the leases of one pot, kept up to date lease by lease: asking does not look at thousands of them again.

Exact: whole numbers throughout, microseconds for time and a rate per hour for what is used up. `LeaseBook` feeds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol

from profiles.amounts import Amounts, total
from profiles.frozen import EMPTY, FrozenDict
from profiles.lease import Lease

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Tally(Protocol):
    """Told of each lease that comes to the pot or goes; a lease that changes goes and comes."""

    def put(self, lease: Lease) -> None: ...
    def remove(self, lease: Lease) -> None: ...


class AmountsTally:
    """What leases hold at this moment."""

    def __init__(self, counts: Callable[[Lease], bool]) -> None:
        self._counts = counts
        self._servers = self._millicores = self._memory = 0
        self._devices: dict[str, int] = {}

    def put(self, lease: Lease) -> None:
        self._add(lease, 1)

    def remove(self, lease: Lease) -> None:
        self._add(lease, -1)

    def without(self, leases: Iterable[Lease]) -> Amounts:
        """The sum, but for these leases, which may or may not be among those counted."""
        out = total(lease.amounts for lease in leases if self._counts(lease))
        devices = {name: left for name, n in self._devices.items() if (left := n - out.devices.get(name, 0))}
        return Amounts(
            self._servers - out.servers,
            self._millicores - out.millicores,
            self._memory - out.memory,
            FrozenDict(devices) if devices else EMPTY,
        )

    def _add(self, lease: Lease, sign: int) -> None:
        if not self._counts(lease):
            return
        amounts = lease.amounts
        self._servers += sign * amounts.servers
        self._millicores += sign * amounts.millicores
        self._memory += sign * amounts.memory
        for name, count in amounts.devices.items():
            self._devices[name] = self._devices.get(name, 0) + sign * count


@dataclass(frozen=True, slots=True)
class Drain:
    """Rate × microseconds: used since the window began, and set aside for the rest of what was promised."""

    used: int = 0
    held: int = 0

    def __sub__(self, other: Drain) -> Drain:
        return Drain(self.used - other.used, self.held - other.held)


class _Course:
    """One lease's straight lines: set aside until it begins, used up from then on, promised until `end`."""

    __slots__ = ("aside", "began", "begun", "end", "old", "out", "promised", "rate")

    def __init__(self, rate: int, began: int | None, aside: int) -> None:
        self.rate, self.began, self.aside = rate, began, aside
        self.end = 0 if began is None else began + aside
        self.begun = self.promised = self.old = self.out = False


class DrainTally:
    """What leases use up as time passes. Between a beginning and the end of a promise each is a straight line, so the
    sum is one as well; moments at which a line bends wait in heaps. Time that goes backwards costs a new count."""

    def __init__(
        self, counts: Callable[[Lease], bool], rate: Callable[[Lease], int], aside: Callable[[Lease], timedelta]
    ) -> None:
        self._counts, self._rate, self._aside = counts, rate, aside
        self._courses: dict[str, _Course] = {}
        self._now = self._begin = 0
        self._count_anew(())

    def put(self, lease: Lease) -> None:
        if self._counts(lease):
            began = None if lease.began_at is None else micros_of(lease.began_at)
            course = _Course(self._rate(lease), began, self._aside(lease) // MICROSECOND)
            self._courses[lease.id] = course
            self._wait(course)

    def remove(self, lease: Lease) -> None:
        course = self._courses.pop(lease.id, None)
        if course is None:
            return
        course.out = True  # and is passed over where a heap still has it
        if not course.begun:
            self._waiting -= course.rate * course.aside
            return
        self._running -= course.rate
        self._running_began -= course.rate * (course.began or 0)
        if course.promised:
            self._promised -= course.rate
            self._promised_end -= course.rate * course.end
        if course.old:
            self._old -= course.rate
            self._old_began -= course.rate * (course.began or 0)

    def at(self, now: datetime, begin: datetime) -> Drain:
        """At this moment, in a window that began at `begin`."""
        moment, since = micros_of(now), micros_of(begin)
        if moment < self._now or since < self._begin:
            self._count_anew(self._courses.values())
        self._now, self._begin = moment, since
        self._pass()
        used = moment * self._running - self._running_began - (since * self._old - self._old_began)
        return Drain(used, self._waiting + self._promised_end - moment * self._promised)

    def _count_anew(self, courses: Iterable[_Course]) -> None:
        self._waiting = self._running = self._running_began = 0
        self._promised = self._promised_end = self._old = self._old_began = 0
        self._beginnings: list[tuple[int, int, _Course]] = []
        self._ends: list[tuple[int, int, _Course]] = []
        self._ages: list[tuple[int, int, _Course]] = []
        for course in courses:
            course.begun = course.promised = course.old = False
            self._wait(course)

    def _wait(self, course: _Course) -> None:
        self._waiting += course.rate * course.aside
        if course.began is not None:
            heappush(self._beginnings, (course.began, id(course), course))

    def _pass(self) -> None:
        """Every bend up to now."""
        while self._beginnings and self._beginnings[0][0] <= self._now:
            began, key, course = heappop(self._beginnings)
            if course.out:
                continue
            course.begun = course.promised = True
            self._waiting -= course.rate * course.aside
            self._running += course.rate
            self._running_began += course.rate * began
            self._promised += course.rate
            self._promised_end += course.rate * course.end
            heappush(self._ends, (course.end, key, course))
            heappush(self._ages, (began, key, course))
        while self._ends and self._ends[0][0] <= self._now:
            end, _, course = heappop(self._ends)
            if not course.out:
                course.promised = False
                self._promised -= course.rate
                self._promised_end -= course.rate * end
        while self._ages and self._ages[0][0] < self._begin:
            began, _, course = heappop(self._ages)
            if not course.out:
                course.old = True
                self._old += course.rate
                self._old_began += course.rate * began


def micros_of(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND
