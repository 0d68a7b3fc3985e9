"""A plausible day of people who do not exist: when they come, for which machines, how long they stay. Seeded.

The numbers are guesses of the common shape: two peaks a day, most sessions short and a few very long (log-normal),
most people on small machines, and a few who want GPUs nearly always. Whoever has a ledger uses `history` instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Budget, Quota
from profiles.resolve import resolve
from profiles.simulation.visit import Booking, Visit

#: Groups beside those that machines and rules name: there is always one that no rule names.
TEAMS = ("analytics", "research", "forecasting", "platform", "guests")
#: Hour of the day, spread in hours, share.
PEAKS = ((9.6, 0.9, 0.55), (13.8, 1.2, 0.35), (19.5, 1.5, 0.10))
#: Share of people, and how often they want a small machine, many cores, a GPU.
HABITS = ((0.60, (88, 10, 2)), (0.25, (50, 42, 8)), (0.15, (35, 10, 55)))
#: Hours of work by kind: median and sigma of the logarithm.
LENGTHS = ((2.5, 0.8), (1.2, 0.9), (2.0, 1.1))
COMES_ON = (0.75, 0.10)
"""Share of people at work on a weekday, on a day of the weekend."""
FORGETS = 0.35
STARTS_ITSELF = 0.5
"""Share of those in line for whom the Hub starts the machine; the others come when they have read that it is free."""
READS_AFTER = (0.07, 1.0)
"""Hours, median and sigma of the logarithm."""
NO_SHOWS = 0.15
"""Share of reserved times at which nobody comes, beside those at which somebody does."""
SLOT = timedelta(minutes=30)
MANY_CORES = 8000
LONGEST_VISIT = timedelta(hours=36)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invention:
    """How many people, which days, and the seed that makes them these people and no others."""

    users: int = 500
    days: int = 1
    first_day: date = date(2026, 3, 2)
    seed: int = 1
    reserving: float = 0.1
    """Share of people who reserve what can be reserved."""


def invent(catalogs: Sequence[Catalog], invention: Invention) -> tuple[Visit, ...]:
    """Visits for the machines of the first catalog; people are named, and grouped, by the rules of all of them.

    The same seed gives the same visits. Each person's own do not depend on how many others there are.
    """
    named = sorted({name for catalog in catalogs for name in _groups(catalog)})
    groups = [*named, *(team for team in TEAMS if team not in named)][: max(len(named) + 1, len(TEAMS))]
    names = sorted({name for catalog in catalogs for name in _names(catalog)})[: invention.users]
    names += [f"user-{number:03}" for number in range(1, invention.users - len(names) + 1)]
    visits = [visit for name in names for visit in _visits(name, groups, catalogs[0], invention)]
    return tuple(sorted(visits, key=lambda visit: (visit.comes_at, visit.id)))


def invent_bookings(visits: Iterable[Visit], invention: Invention) -> tuple[Booking, ...]:
    """Some people reserve what they come for, hours or days before, and now and then a time at which they do not come.
    Whether the machine can be reserved, its rules say."""
    made = [booking for visit in visits for booking in _bookings(visit, invention)]
    return tuple(sorted(made, key=lambda booking: (booking.made_at, booking.id)))


def _bookings(visit: Visit, invention: Invention) -> Iterator[Booking]:
    if Random(f"{invention.seed}/{visit.person.name}/reserves").random() >= invention.reserving:  # noqa: S311
        return
    chance = Random(f"{invention.seed}/{visit.id}/reserves")  # noqa: S311
    minutes = (visit.comes_at.minute % 30) + visit.comes_at.second / 60
    begins_at = visit.comes_at - timedelta(minutes=minutes)
    wanted = SLOT * -(-(visit.comes_at - begins_at + visit.works_for) // SLOT)
    shown = [begins_at]
    if chance.random() < NO_SHOWS:
        shown.append(begins_at + SLOT * chance.randint(-12, 12) + timedelta(days=1))
    for number, at in enumerate(shown):
        yield Booking(
            id=f"{visit.id}-reserved-{number + 1}",
            person=visit.person,
            choice=visit.choice,
            made_at=at - _length(chance, 8.0, 1.2, timedelta(days=10)),
            begins_at=at,
            ends_at=at + wanted,
        )


def answers_after(chance: Random) -> timedelta:
    """How long somebody who is called takes to come; at once: the Hub starts their machine."""
    return timedelta(0) if chance.random() < STARTS_ITSELF else _length(chance, *READS_AFTER, timedelta(hours=2))


def patience_of(chance: Random) -> timedelta:
    return _length(chance, 1.0, 0.8, timedelta(hours=8))


def span_of(catalog: Catalog, invention: Invention) -> tuple[datetime, datetime]:
    zone = ZoneInfo(catalog.policies.timezone)
    begin = datetime.combine(invention.first_day, time(), zone)
    end = datetime.combine(invention.first_day + timedelta(days=invention.days), time(), zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


def _groups(catalog: Catalog) -> Iterator[str]:
    policies = catalog.policies
    for profile in catalog.profiles.values():
        yield from profile.allow.groups
    for rule in _rules(catalog):
        yield from rule.groups
        yield from rule.overrides.groups
    for approval in policies.approvals.values():
        yield from approval.exempt.groups if approval.exempt is not None else ()
    for reservable in policies.reservations.values():
        yield from reservable.who.groups


def _rules(catalog: Catalog) -> Iterator[Quota | Budget]:
    yield from catalog.policies.quotas.values()
    yield from catalog.policies.budgets.values()


def _names(catalog: Catalog) -> Iterator[str]:
    for rule in _rules(catalog):
        yield from rule.users
        yield from rule.overrides.users


def _visits(name: str, groups: Sequence[str], catalog: Catalog, invention: Invention) -> Iterator[Visit]:
    chance = Random(f"{invention.seed}/{name}")  # noqa: S311, people who do not exist keep no secrets
    person = Person(name, _memberships(groups, chance))
    habit = chance.choices([kinds for _, kinds in HABITS], [share for share, _ in HABITS])[0]
    machines = _machines(catalog, person)
    zone = ZoneInfo(catalog.policies.timezone)
    for number in range(invention.days):
        day = invention.first_day + timedelta(days=number)
        if not machines or chance.random() >= COMES_ON[day.weekday() >= 5]:
            continue
        for each, hour in enumerate(sorted(_hours(chance))):
            kind, plan = _wanted(machines, habit, chance)
            at = datetime.combine(day, time(), zone).astimezone(UTC)
            yield Visit(
                id=f"{day.isoformat()}-{name}-{each + 1}",
                person=person,
                server="" if each == 0 else str(each + 1),
                choice=_choice(catalog, plan, chance),
                comes_at=at + timedelta(seconds=int(hour * 3600)),
                works_for=_length(chance, *LENGTHS[kind], LONGEST_VISIT),
                forgets=chance.random() < FORGETS,
                patience=patience_of(chance),
                retries_after=timedelta(seconds=chance.randint(300, 1200)),
                answers_after=answers_after(Random(f"{invention.seed}/{name}/{number}/{each}/answers")),  # noqa: S311
            )


def _memberships(groups: Sequence[str], chance: Random) -> frozenset[str]:
    """One each, the first ones largest; every seventh person is in two."""
    weights = [1 / (place + 1) for place in range(len(groups))]
    count = 2 if chance.random() < 1 / 7 else 1
    return frozenset(chance.choices(groups, weights, k=count))


def _machines(catalog: Catalog, person: Person) -> list[tuple[int, MachinePlan]]:
    """What this person may have, by kind: 0 small, 1 many cores, 2 GPU."""
    plans = (resolve(catalog, MachineChoice(name), person) for name in catalog.profiles)
    return [(_kind(plan), plan) for plan in plans if isinstance(plan, MachinePlan)]


def _kind(plan: MachinePlan) -> int:
    if plan.gpus:
        return 2
    return 1 if plan.cpu.request.millicores >= MANY_CORES else 0


def _wanted(
    machines: Sequence[tuple[int, MachinePlan]], habit: Sequence[int], chance: Random
) -> tuple[int, MachinePlan]:
    count = [sum(kind == each for kind, _ in machines) for each in range(3)]
    return chance.choices(machines, [habit[kind] / count[kind] for kind, _ in machines])[0]


def _choice(catalog: Catalog, plan: MachinePlan, chance: Random) -> MachineChoice:
    """Mostly the machine as it is offered; else the nearer choices more often than the far ones."""
    options = {}
    for name, option in catalog.profiles[plan.profile_id].options.items():
        if chance.random() < 0.2:
            choices = list(option.choices)
            options[name] = chance.choices(choices, [1 / (place + 1) for place in range(len(choices))])[0]
    return MachineChoice(plan.profile_id, options)


def _hours(chance: Random) -> Iterable[float]:
    """When a person comes on a day: once, often twice, seldom more."""
    count = chance.choices((1, 2, 3, 4), (40, 35, 18, 7))[0]
    for _ in range(count):
        mean, spread, _ = chance.choices(PEAKS, [share for _, _, share in PEAKS])[0]
        yield min(23.9, max(0.0, chance.gauss(mean, spread)))


def _length(chance: Random, median_hours: float, sigma: float, most: timedelta) -> timedelta:
    hours = math.exp(chance.gauss(math.log(median_hours), sigma))
    return min(most, max(timedelta(minutes=3), timedelta(seconds=int(hours * 3600))))
