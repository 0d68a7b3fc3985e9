"""PURE: why a reservation is not possible, and what people are told about those that are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from profiles.access import who_may
from profiles.admission_words import amount, number
from profiles.booking import Reservable
from profiles.hours import WorkingHours
from profiles.quantity import Duration
from profiles.refusal import Refusal
from profiles.reservations import Reservation
from profiles.slots import Span

MAX_NOTE = 200
SHORTEST = timedelta(minutes=5)


class Why(StrEnum):
    """Stable codes: pages, the REST API and tests rely on them. A refusal of the catalog's or of a rule's keeps its own
    (`profiles.refusal.Reason`)."""

    OFF = "reservations-off"
    NOT_RESERVABLE = "not-reservable"
    MAY_NOT = "may-not-reserve"
    NO_TIME = "not-a-time"
    NO_LENGTH = "not-a-length-of-time"
    PAST = "in-the-past"
    TOO_LONG = "longer-than-allowed"
    TOO_FAR = "too-far-ahead"
    TOO_LONG_TEXT = "text-too-long"
    CLOSED = "closed-meanwhile"
    PERMISSION_ENDS = "permission-ends"
    TOO_MANY = "too-many-reservations"
    OVERLAPS_OWN = "overlaps-own"
    TAKEN = "reserved-already"
    IN_USE = "in-use"
    BEGUN = "begun-already"
    CHANGED = "changed-meanwhile"
    NOT_YOURS = "not-yours"
    NO_REASON = "no-reason"
    NO_SUCH = "no-such-reservation"
    OVER = "over-already"


MEANING: dict[Why, str] = {
    Why.OFF: "Nothing can be reserved on this hub.",
    Why.NOT_RESERVABLE: "No rule lets this machine be reserved.",
    Why.MAY_NOT: "The rule's `who` does not include this person.",
    Why.NO_TIME: "When it is to begin or end cannot be read.",
    Why.NO_LENGTH: "How long it lasts cannot be read, it ends before it begins, or it is shorter than 5 minutes.",
    Why.PAST: "It would begin in the past.",
    Why.TOO_LONG: "It is longer than the rule's `longest`.",
    Why.TOO_FAR: "It would end later than the rule's `ahead` allows.",
    Why.TOO_LONG_TEXT: "The note, or the reason, is longer than 200 characters.",
    Why.CLOSED: "The machine is closed for a part of that time.",
    Why.PERMISSION_ENDS: "The machine needs a yes, and the person's does not hold for all of that time.",
    Why.TOO_MANY: "The person has as many reservations ahead as the rule's `perPerson`.",
    Why.OVERLAPS_OWN: "The person has reserved the same machine for a part of that time already.",
    Why.TAKEN: "Too little is left at that time of what can be reserved.",
    Why.IN_USE: "It begins so soon that those who use it now could not be told in time.",
    Why.BEGUN: "It has begun, so only its end can be changed.",
    Why.CHANGED: "It was changed since what is sent was read.",
    Why.NOT_YOURS: "Only its holder can change it; an administrator can cancel it.",
    Why.NO_REASON: "On the page, whoever cancels somebody else's says why.",
    Why.NO_SUCH: "There is no such reservation, or it is not for this person to know.",
    Why.OVER: "The reservation is over, cancelled or released.",
}
STATUS: dict[str, int] = {
    **dict.fromkeys((Why.MAY_NOT, Why.NOT_YOURS, "forbidden-profile"), 403),
    **dict.fromkeys((Why.OFF, Why.NO_SUCH), 404),
    **dict.fromkeys((Why.CLOSED, Why.PERMISSION_ENDS, Why.TOO_MANY, Why.OVERLAPS_OWN, Why.TAKEN, Why.IN_USE), 409),
    **dict.fromkeys((Why.NOT_RESERVABLE, Why.OVER, "over-quota", "needs-approval", "grant-expired"), 409),
    **dict.fromkeys((Why.BEGUN, Why.CHANGED), 409),
}


@dataclass(frozen=True, slots=True)
class NotPossible:
    """`reason` is a `Why`, or the code of the refusal that it passes on."""

    reason: str
    sentence: str
    remedy: str

    @property
    def status(self) -> int:
        """Of an HTTP answer."""
        return STATUS.get(self.reason, 400)

    @classmethod
    def of(cls, refusal: Refusal) -> NotPossible:
        return cls(str(refusal.reason), refusal.sentence, refusal.remedy)


def when(at: datetime, timezone: str, now: datetime | None = None) -> str:
    """`Mon 4 May, 14:00`; with `now` and in another year, `Sat 4 May 2199, 14:00`."""
    local = at.astimezone(ZoneInfo(timezone))
    year = "" if now is None or local.year == now.astimezone(ZoneInfo(timezone)).year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year}, {clock(at, timezone)}"


def clock(at: datetime, timezone: str) -> str:
    """`14:00`; in an hour that comes twice because clocks go back, which one: `02:30 CET`."""
    local = at.astimezone(ZoneInfo(timezone))
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M %Z}" if twice else f"{local:%H:%M}"


def slot(begins_at: datetime, ends_at: datetime, timezone: str) -> str:
    """`Mon 4 May, 14:00 to 16:00`."""
    begin, end = (at.astimezone(ZoneInfo(timezone)) for at in (begins_at, ends_at))
    last = clock(ends_at, timezone) if begin.date() == end.date() else when(ends_at, timezone)
    return f"{when(begins_at, timezone)} to {last}"


def length(span: timedelta) -> str:
    return Duration(int(span.total_seconds())).human


def off() -> NotPossible:
    return NotPossible(
        Why.OFF, "Nothing can be reserved on this hub.", "Your administrator can allow it: “Reservations” in its guide."
    )


def not_reservable(machine: str) -> NotPossible:
    return NotPossible(Why.NOT_RESERVABLE, f"{machine} cannot be reserved.", "Choose another machine.")


def may_not(machine: str, reservable: Reservable) -> NotPossible:
    said = f"Only {who_may(reservable.who)} may reserve {machine}."
    return NotPossible(Why.MAY_NOT, said, "Ask your administrator if you need it, or use it without a reservation.")


def no_time() -> NotPossible:
    return NotPossible(Why.NO_TIME, "The day or the time cannot be read.", "Choose a day, and a time such as 14:00.")


def comes_never(at: datetime, timezone: str, later: datetime) -> NotPossible:
    said = f"{at:%H:%M} on {at:%a} {at.day} {at:%b} does not exist in {timezone}: clocks go forward there."
    return NotPossible(Why.NO_TIME, said, f"Choose another time, such as {later:%H:%M}.")


def comes_twice(at: datetime, timezone: str, both: tuple[datetime, ...]) -> NotPossible:
    said = f"{at:%H:%M} on {at:%a} {at.day} {at:%b} comes twice in {timezone}: clocks go back there."
    which = " or ".join(each.isoformat(timespec="minutes") for each in both)
    return NotPossible(Why.NO_TIME, said, f"Choose a time before or after that hour; programs can write {which}.")


def no_length() -> NotPossible:
    return NotPossible(Why.NO_LENGTH, "How long it is to last cannot be read.", "Choose for how long.")


def too_short(begins_at: datetime, ends_at: datetime, timezone: str) -> NotPossible:
    if ends_at <= begins_at:
        begin, end = when(begins_at, timezone, begins_at), when(ends_at, timezone, begins_at)
        said = f"It would end on {end}, and begin on {begin} ({timezone})."
        return NotPossible(Why.NO_LENGTH, said, "Choose an end that is later than the beginning.")
    said = f"{length(ends_at - begins_at)} is too short: a reservation lasts {length(SHORTEST)} at least."
    return NotPossible(Why.NO_LENGTH, said, "Choose a longer time.")


def unread_length() -> NotPossible:
    said = "How long it is to last cannot be read."
    return NotPossible(Why.NO_LENGTH, said, "Write it as 2h, 90m or 1h30m, or as a number of seconds.")


def one_end() -> NotPossible:
    said = "It is not said once when the reservation ends."
    return NotPossible(Why.NO_LENGTH, said, "Give exactly one of ends_at and lasts.")


def too_long_for_all(wanted: Duration) -> NotPossible:
    return NotPossible(Why.TOO_LONG, f"{wanted.human} is too long for any machine.", "Choose a shorter time.")


def too_early_a_year(year: int) -> NotPossible:
    return NotPossible(Why.PAST, f"The year {year} is over already.", "Choose a later time.")


def too_late_a_year(year: int) -> NotPossible:
    said = f"Nothing can be reserved as far ahead as the year {year}."
    return NotPossible(Why.TOO_FAR, said, "Choose an earlier time.")


def past(begins_at: datetime, timezone: str) -> NotPossible:
    said = f"{when(begins_at, timezone)} ({timezone}) is over already."
    return NotPossible(Why.PAST, said, "Choose a later time.")


def too_long(wanted: timedelta, reservable: Reservable) -> NotPossible:
    said = f"{length(wanted)} is too long: this machine can be reserved for {reservable.longest.human} at most."
    return NotPossible(Why.TOO_LONG, said, "Choose a shorter time, or make two reservations.")


def too_far(ends_at: datetime, reservable: Reservable, timezone: str, now: datetime) -> NotPossible:
    until, last = when(ends_at, timezone, now), now + timedelta(seconds=reservable.ahead.seconds)
    said = f"It would go on until {until}, and this machine can be reserved {reservable.ahead.human} ahead."
    return NotPossible(Why.TOO_FAR, said, f"Choose a time that ends by {when(last, timezone, now)} ({timezone}).")


def too_long_text(characters: int, what: str = "note") -> NotPossible:
    said = f"The {what} has {characters:,} characters, and {MAX_NOTE} is the most."
    return NotPossible(Why.TOO_LONG_TEXT, said, "Shorten it.")


def closed(machine: str, hours: WorkingHours, timezone: str) -> NotPossible:
    said = f"{machine} is closed for a part of that time: it is open {hours.words} ({timezone})."
    return NotPossible(Why.CLOSED, said, "Choose a time within its hours.")


def permission_ends(machine: str, ends_at: datetime, timezone: str) -> NotPossible:
    said = f"Your permission for {machine} ends on {when(ends_at, timezone)} ({timezone}), before the reservation does."
    return NotPossible(Why.PERMISSION_ENDS, said, "Choose a time within it, or ask again: “Ask for it” on its card.")


def too_many(there: int, reservable: Reservable) -> NotPossible:
    ahead = "1 reservation" if there == 1 else f"{there} reservations"
    said = f"You have {ahead} ahead, and may have {reservable.per_person} at most."
    return NotPossible(Why.TOO_MANY, said, "Cancel one that you do not need.")


def overlaps_own(other: Reservation, timezone: str) -> NotPossible:
    said = f"You have reserved {other.display_name} already: {slot(other.begins_at, other.ends_at, timezone)}."
    return NotPossible(Why.OVERLAPS_OWN, said, "Choose another time, or cancel that one first.")


def taken(  # noqa: PLR0913 - one sentence's parts
    reservation: Reservation, resource: str, limit: int, there: int, until: datetime, *, clear: timedelta, timezone: str
) -> NotPossible:
    """`2 of 2 GPUs are reserved until Mon 4 May, 16:00 (UTC), with 10 minutes between …; Large GPU needs 1.`"""
    machine, wanted = reservation.display_name, reservation.amounts.much(resource)
    if wanted > limit:
        said = f"{machine} needs {amount(resource, wanted)}, and {amount(resource, limit)} can be reserved at once."
        return NotPossible(Why.TAKEN, said, "Choose a smaller machine.")
    theirs = f"{number(resource, there)} of {amount(resource, limit)}"
    apart = f", with {length(clear)} between two reservations" if clear else ""
    needs = f"{machine} needs {number(resource, wanted)}"
    are = "is" if number(resource, there) == "1" else "are"
    said = f"{theirs} {are} reserved until {when(until, timezone)} ({timezone}){apart}; {needs}."
    return NotPossible(Why.TAKEN, said, "Choose another time: “Find a free time” proposes some.")


def in_use(machine: str, notice: timedelta, free_from: datetime, timezone: str) -> NotPossible:
    """`What Large GPU needs is in use, and …`"""
    said = (
        f"What {machine} needs is in use, and whoever has it is told {length(notice)} before: it can be reserved from "
        f"{when(free_from, timezone)} ({timezone}) on."
    )
    return NotPossible(Why.IN_USE, said, "Choose a later time, or wait in line for it.")


def cannot_go_on(machine: str, notice: timedelta) -> NotPossible:
    said = f"It cannot go on: others use what {machine} would need then, and whoever has it is told {length(notice)}"
    return NotPossible(Why.IN_USE, f"{said} before.", "Choose an earlier end, or ask again when something is free.")


def begun(reservation: Reservation, timezone: str) -> NotPossible:
    said = f"It began on {when(reservation.begins_at, timezone)} ({timezone}), so only its end can be changed."
    return NotPossible(Why.BEGUN, said, "Reserve another machine or time beside it, or end it and reserve anew.")


def ends_in_the_past(ends_at: datetime, timezone: str) -> NotPossible:
    said = f"It would have ended on {when(ends_at, timezone)} ({timezone}) already."
    return NotPossible(Why.PAST, said, "Choose a later end, or end it now.")


def changed_meanwhile(reservation: Reservation, timezone: str) -> NotPossible:
    now = f"{reservation.display_name}, {slot(reservation.begins_at, reservation.ends_at, timezone)} ({timezone})"
    said = f"This reservation was changed meanwhile: it is {now}."
    return NotPossible(Why.CHANGED, said, "Look at it as it is, and change it again if you still want to.")


def stays(reservation: Reservation, timezone: str) -> str:
    return f"It stays as it was: {slot(reservation.begins_at, reservation.ends_at, timezone)} ({timezone})."


def not_yours(name: str) -> NotPossible:
    return NotPossible(Why.NOT_YOURS, f"Only {name} can change this reservation.", "You can cancel it, with a reason.")


def no_reason(name: str) -> NotPossible:
    return NotPossible(Why.NO_REASON, "No reason is given.", f"Write one in a few words: {name} reads it.")


def no_such() -> NotPossible:
    return NotPossible(Why.NO_SUCH, "There is no such reservation.", "It may be over: see the list of yours.")


def over(reservation: Reservation) -> NotPossible:
    return NotPossible(Why.OVER, f"This reservation of {reservation.display_name} is over already.", "")


def proposals(found: tuple[Span, ...]) -> str:
    return "These times are free:" if found else "No time is free in the fortnight that follows."
