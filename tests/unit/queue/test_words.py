"""What is said about the line, and to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub_extensions.admission.ahead import Looked
from hub_extensions.notices.notice import Kind
from hub_extensions.queue.told import notices_of
from hub_extensions.queue.words import MEANING, Why, about, nth, place_words, would_be
from profiles.expected import Expected
from profiles.lease import KEPT, Lease, LeaveWhy
from profiles.policy import Policies
from profiles.reservations import Leave, Reservation
from profiles.waiting import Waiting
from tests.contract.admission.asking import NOW, ask

BERLIN = Policies(timezone="Europe/Berlin")
MINUTE = timedelta(minutes=1)


def waits(**more: object) -> Waiting:
    waiting = Waiting(id="p", request=ask(f"{KEPT}p", "bea"), joined_at=NOW)
    return replace(waiting, kept_until=NOW + 10 * MINUTE, **more)


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")]
)
def test_places(number: int, said: str) -> None:
    assert nth(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "1 minute"),
        (250, "4 minutes"),
        (2500, "40 minutes"),
        (3600, "1 hour"),
        (6000, "1 h 30 min"),
        (7300, "2 hours"),
        (40_000, "11 hours"),
        (200_000, "2 days"),
    ],
)
def test_no_more_exactly_than_anybody_can_know(seconds: int, said: str) -> None:
    assert about(seconds) == said


def at(minutes: int) -> datetime:
    return NOW + minutes * MINUTE


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (
            Expected(at(40), at(20), at(120)),
            "You are 2nd in line; about 40 minutes (likely 20 minutes to 2 hours).",
        ),
        (Expected(at(40), at(40), at(40)), "You are 2nd in line; about 40 minutes."),
        (Expected(at(40), at(20), None), "You are 2nd in line; about 40 minutes, perhaps much longer."),
        (Expected(None, None, at(60)), "You are 2nd in line; 1 hour at most. How much sooner is not known."),
        (None, "You are 2nd in line. How long that takes is not known."),
    ],
)
def test_how_long_it_takes(expected: Expected | None, said: str) -> None:
    assert place_words(2, expected, NOW) == said
    assert would_be(2, expected, NOW) == said.replace("You are", "You would be")


@pytest.mark.parametrize(
    ("itself", "busy", "part"),
    [
        (False, False, "Start it by then; afterwards it goes to the next in line."),
        (True, False, "It is being started for you."),
        (True, True, "runs another machine, which is not stopped for you: switch by then."),
        (False, True, "Start it by then"),
    ],
)
def test_who_is_called_reads_until_when_and_what_to_do(itself: bool, busy: bool, part: str) -> None:
    waiting = waits(starts_itself=itself)
    (notice,) = notices_of(Looked(called=(waiting,)), BERLIN, NOW, {"p"} if busy else ())
    assert (notice.to, notice.kind, notice.key, notice.link) == ("bea", Kind.QUEUE, "queue/p/called", "queue")
    assert notice.subject == "Your GPU is free"
    assert "kept for you until 10:40 (Europe/Berlin)" in notice.text
    assert part in notice.text


def test_who_did_not_come_and_whose_machine_is_gone_read_why() -> None:
    passed, dropped = notices_of(Looked(passed=(waits(),), dropped=(waits(),)), BERLIN, NOW)
    assert "nobody started it" in passed.text
    assert "not offered to you any more" in dropped.text
    assert passed.key != dropped.key


@pytest.mark.parametrize(
    ("why", "said"), [(LeaveWhy.RESERVED, "somebody has reserved"), (LeaveWhy.LENT, "those it belongs to want it back")]
)
def test_whose_machine_makes_room_reads_when_and_why_once(why: LeaveWhy, said: str) -> None:
    lease = replace(Lease.hold(ask("x", "ada"), NOW, None), began_at=NOW)
    looked = Looked(told=((Leave(lease, at(20)), why),))
    (notice,) = notices_of(looked, BERLIN, NOW)
    assert (notice.to, notice.kind, notice.subject) == (
        "ada",
        Kind.STOPS_SOON,
        "Your GPU stops at 10:50 (Europe/Berlin)",
    )
    assert said in notice.text
    assert [each.key for each in notices_of(looked, BERLIN, NOW)] == [notice.key]
    (later,) = notices_of(looked, BERLIN, at(1))
    assert later.key != notice.key, "it may stay after all, and then not: what is news is told again"
    kept = Leave(Lease.hold(ask("y"), NOW, None), at(20))
    assert not list(notices_of(Looked(told=((kept, why),)), BERLIN, NOW)), "nothing runs that could be saved"


def test_whose_reservation_is_released_reads_it() -> None:
    reservation = Reservation(
        id="r",
        rule="gpus",
        user="cy",
        groups=frozenset(),
        profile="gpu",
        display_name="GPU",
        amounts=ask("x").amounts,
        begins_at=NOW,
        ends_at=at(60),
        made_at=NOW,
    )
    (notice,) = notices_of(Looked(released=(reservation,)), BERLIN, NOW)
    assert (notice.to, notice.kind) == ("cy", Kind.RESERVATION)
    assert "did not come" in notice.text


def test_every_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Why)
