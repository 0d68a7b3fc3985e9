"""How long those in line wait, from the Hub's own history. What was found is remembered for a while: every page with
cards asks, and most ask the same."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub_extensions.queue.decide import place_of
from hub_extensions.queue.store import Picture
from hub_extensions.queue.words import place_words, would_be
from profiles.expected import Expected, Lengths, expected
from profiles.lease import EndReason, Entry, Lease, Request
from profiles.policy import Policies
from profiles.pots import Pot, QuotaPot, ReservedPot, drawing, quota_pots, reserved_pots
from profiles.reservations import clear_time
from profiles.waiting import Waiting, before

SETTING = "remuda_forecast"
#: What the past says is read so often, over so many days, from so many runs at most.
READ_EVERY, BACK, MOST_RUNS = timedelta(minutes=5), timedelta(days=30), 3_000
#: An answer is as good as new for so long.
FRESH, REMEMBERED = timedelta(seconds=15), 500


class Forecast:
    """One for the Hub. `look` reads; everything else only reckons."""

    def __init__(self) -> None:
        self._lengths: Lengths = {}
        self._read_at: datetime | None = None
        self._known: dict[object, tuple[datetime, Expected | None]] = {}

    async def look(self, gate: Any, now: datetime) -> None:
        """Raises `DatabaseAway`; what is known stays."""
        if self._read_at is None or not timedelta(0) <= now - self._read_at < READ_EVERY:
            entries = await gate.call(gate.store.ledger, since=now - BACK, until=now, limit=MOST_RUNS)
            self._lengths, self._read_at = lengths_of(entries), now

    def place(self, waiting: Waiting, picture: Picture, policies: Policies, now: datetime) -> str:
        """`You are 2nd in line; about 40 minutes (likely 20 minutes to 2 hours).`"""
        if waiting.pot is None:
            return "You are in line: you get it as soon as it can be had."
        return place_words(
            place_of(waiting, picture.line), self._expect(waiting.request, waiting.pot, picture, policies, now), now
        )

    def would_be(self, request: Request, pot: Pot | None, picture: Picture, policies: Policies, now: datetime) -> str:
        """The same for whoever does not wait yet."""
        if pot is None:
            return "You can wait until it can be had."
        place = 1 + sum(each.pot == pot for each in before(picture.line, request))
        return would_be(place, self._expect(request, pot, picture, policies, now), now)

    def _expect(
        self, request: Request, pot: Pot, picture: Picture, policies: Policies, now: datetime
    ) -> Expected | None:
        ahead = tuple(each.request for each in before(picture.line, request) if each.pot == pot)
        key = pot, request.profile, request.amounts, tuple(each.lease_id for each in ahead)
        at, known = self._known.get(key, (None, None))
        if at is None or not timedelta(0) <= now - at < FRESH:
            if len(self._known) > REMEMBERED:
                self._known.clear()
            known = expect(request, ahead, pot, picture, policies, self._lengths, now)
            self._known[key] = now, known
        return known


def expect(  # noqa: PLR0913, PLR0917 - who, behind whom, for what, in which world
    request: Request,
    ahead: Sequence[Request],
    pot: Pot,
    picture: Picture,
    policies: Policies,
    lengths: Lengths,
    now: datetime,
) -> Expected | None:
    """PURE. None also where reservations come in between: what they leave is not foreseen."""
    pots = (*quota_pots(policies, request), *reserved_pots(policies, request))
    found = next((each for each in pots if each.pot == pot), None)
    if found is None:
        return None
    outcome = expected(found.caps, _drawing(found, picture.leases), (*ahead, request), lengths, now)
    if outcome is None:
        return outcome
    # Whichever rule it waits for: what gets free may be reserved by then.
    clear = {each.pot.rule: clear_time(each.quota) for each in pots if isinstance(each, ReservedPot)}
    theirs = (each for each in picture.reservations if each.rule in clear and each.user != request.person.name)
    until = outcome.latest or outcome.at or now
    between = any(each.stands(now) and each.begins_at - clear[each.rule] <= until for each in theirs)
    return None if between else outcome


def _drawing(pot: QuotaPot | ReservedPot, leases: Iterable[Lease]) -> tuple[Lease, ...]:
    per, subject = pot.pot.per, pot.pot.subject
    there = {
        "hub": lambda lease: True,
        "user": lambda lease: lease.user == subject,
        "group": lambda lease: subject in lease.groups,
        "profile": lambda lease: lease.profile == subject,
    }[per]
    return tuple(drawing(pot.quota, filter(there, leases)))


def lengths_of(entries: Iterable[Entry]) -> Lengths:
    """PURE: seconds that past runs lasted, by profile, shortest first."""
    found: dict[str, list[float]] = {}
    for entry in entries:
        if entry.reason is not EndReason.NEVER_RAN:
            found.setdefault(entry.lease.profile, []).append(float(entry.charge.seconds))
    return {profile: sorted(lengths) for profile, lengths in found.items()}


def forecast_of(settings: MutableMapping[str, Any]) -> Forecast:
    """The Hub's one: handlers share its settings."""
    forecast: Forecast = settings.setdefault(SETTING, Forecast())
    return forecast
