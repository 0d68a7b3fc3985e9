"""PURE: what a look at everything that is promised gives reason to tell, and to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from hub_extensions.admission.ahead import Looked
from hub_extensions.notices.events import leaves_key
from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.page_frame.words import clock_in
from profiles.lease import Lease, LeaveWhy
from profiles.policy import Policies
from profiles.reservations import Reservation
from profiles.waiting import Waiting

WHY = {
    LeaveWhy.RESERVED: "somebody has reserved what it takes",
    LeaveWhy.LENT: "your group has borrowed it, and those it belongs to want it back",
}


def notices_of(looked: Looked, policies: Policies, now: datetime, busy: Collection[str] = ()) -> Iterator[Notice]:
    """`busy`: places whose server runs another machine, which nobody stops for them."""
    zone = policies.timezone
    for each in looked.called:
        yield called(each, zone, now, busy=each.id in busy)
    for each in looked.passed:
        yield passed(each, now)
    for each in looked.dropped:
        yield dropped(each, now)
    for leave, why in looked.told:
        if leave.lease.began_at is not None:
            yield _makes_room(leave.lease, leave.at, why, zone, now)
    for lease in looked.spared:
        if lease.began_at is not None and lease.leaves_at is not None:
            yield _may_stay(lease, lease.leaves_at, zone, now)
    for reservation in looked.released:
        yield _released(reservation, zone, now)


def called(waiting: Waiting, zone: str, now: datetime, *, busy: bool) -> Notice:
    machine = waiting.request.display_name
    assert waiting.kept_until is not None, "whoever is called has a machine kept"
    until = clock_in(zone, waiting.kept_until, now)
    do = "Start it by then; afterwards it goes to the next in line."
    if waiting.starts_itself and busy:
        do = f"Your server{_server(waiting)} runs another machine, which is not stopped for you: switch by then."
    elif waiting.starts_itself:
        do = "It is being started for you."
    text = f"Your {machine} is free, and kept for you until {until}. {do}"
    return _queue(waiting, "called", f"Your {machine} is free", text, now)


def passed(waiting: Waiting, now: datetime) -> Notice:
    machine = waiting.request.display_name
    text = f"{machine} was kept for you, and nobody started it, so it went to the next in line. You can wait again."
    return _queue(waiting, "passed", f"{machine} is kept for you no longer", text, now)


def dropped(waiting: Waiting, now: datetime) -> Notice:
    machine = waiting.request.display_name
    text = f"You waited for {machine}, which is not offered to you any more. Choose another machine."
    return _queue(waiting, "dropped", f"You no longer wait for {machine}", text, now)


def not_started(waiting: Waiting, sentence: str, now: datetime) -> Notice:
    machine = waiting.request.display_name
    text = f"It was your turn, and {machine} could not be started for you. {sentence}"
    return _queue(waiting, "not-started", f"Your {machine} could not be started", text, now)


def removed(waiting: Waiting, sender: str, now: datetime) -> Notice:
    """By an administrator."""
    machine = waiting.request.display_name
    text = f"An administrator has taken you out of the line for {machine}. Ask them why."
    notice = _queue(waiting, "removed", f"You no longer wait for {machine}", text, now)
    return Notice(
        to=notice.to,
        kind=notice.kind,
        key=notice.key,
        subject=notice.subject,
        text=text,
        at=now,
        link="queue",
        sender=sender,
    )


def _queue(waiting: Waiting, what: str, subject: str, text: str, now: datetime) -> Notice:
    return Notice(
        to=waiting.request.person.name,
        kind=Kind.QUEUE,
        key=f"queue/{waiting.id}/{what}",
        subject=subject,
        text=text,
        at=now,
        link="queue",
    )


def _server(waiting: Waiting) -> str:
    return f" “{waiting.request.server}”" if waiting.request.server else ""


def _makes_room(lease: Lease, at: datetime, why: LeaveWhy, zone: str, now: datetime) -> Notice:
    when = clock_in(zone, at, now)
    return Notice(
        to=lease.user,
        kind=Kind.STOPS_SOON,
        # It may be told, taken back, and told again.
        key=f"{leaves_key(lease, why, at)}/{now.isoformat()}",
        subject=f"Your {lease.display_name} stops at {when}",
        text=f"Your {lease.display_name} stops at {when}, because {WHY[why]}. Your home is kept: save what is open in "
        "the machine by then. You can wait in line for another one, or reserve a time of your own.",
        at=now,
        link="home",
    )


def _may_stay(lease: Lease, was_at: datetime, zone: str, now: datetime) -> Notice:
    return Notice(
        to=lease.user,
        kind=Kind.STOPS_SOON,
        key=f"stays/{lease.id}/{was_at.isoformat()}/{now.isoformat()}",
        subject=f"Your {lease.display_name} may stay",
        text=f"Your {lease.display_name} was to stop at {clock_in(zone, was_at, now)} to make room. Nobody needs that "
        "any more, and it goes on.",
        at=now,
        link="home",
    )


def _released(reservation: Reservation, zone: str, now: datetime) -> Notice:
    machine, began = reservation.display_name, clock_in(zone, reservation.begins_at, now)
    return Notice(
        to=reservation.user,
        kind=Kind.RESERVATION,
        key=f"reservation/{reservation.id}/released",
        subject=f"Your reservation of {machine} was released",
        text=f"You had reserved {machine} from {began} on and did not come, so others may have it. You can start it as "
        "anybody can, or reserve another time.",
        at=now,
        link="reservations",
    )
