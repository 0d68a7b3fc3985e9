"""Asking for a machine that somebody else holds: what its holder reads, and how often one may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hub_extensions.capacity.asking import A_DAY, AGAIN_AFTER, asking
from hub_extensions.notices import Kind, Notice
from hub_extensions.page_frame import notice as page
from profiles.amounts import Amounts
from profiles.lease import Lease, LeaseState
from profiles.quantity import Money

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADAS = Lease(
    id="1",
    user="ada",
    groups=frozenset(),
    server="",
    profile="gpu",
    display_name="GPU",
    pool="gpu",
    amounts=Amounts(1, 8000, 2**30),
    price_per_hour=Money(Decimal(1), "EUR"),
    state=LeaseState.RUNNING,
    held_at=NOW - 3 * HOUR,
    began_at=NOW - 3 * HOUR,
)


def told(ago: timedelta, lease: str = "1", kind: Kind = Kind.WANTED) -> Notice:
    at = NOW - ago
    return Notice(to="ada", kind=kind, key=f"wanted/{lease}/bea/{at}", subject="", text="", at=at, sender="bea")


def test_the_holder_reads_who_asks_what_they_write_and_what_to_do() -> None:
    said = asking(ADAS, "bea", "  Only for\r\nan hour\x07 ", [], NOW)
    assert isinstance(said, Notice)
    assert (said.to, said.sender, said.kind, said.link) == ("ada", "bea", Kind.WANTED, "home")
    assert said.subject == "bea asks for your GPU"
    assert said.text == (
        "bea would like to have your GPU, which has been running for 3 hours.\n\n"
        "bea writes: “Only for\nan hour”\n\n"
        "If you can do without it, stop it or switch to another one on your home page: your home stays as it is. "
        "If you need it, there is nothing to do."
    )
    named = asking(replace(ADAS, server="train"), "bea", "", [], NOW)
    assert isinstance(named, Notice)
    assert "your GPU (your server “train”)" in named.text
    assert "writes" not in named.text


@pytest.mark.parametrize(
    ("lease", "sender", "message", "sent", "reason"),
    [
        (None, "bea", "", (), "gone"),
        (replace(ADAS, state=LeaseState.HELD, began_at=None), "bea", "", (), "gone"),
        (ADAS, "ada", "", (), "own-machine"),
        (ADAS, "bea", "x" * 500, (), None),
        (ADAS, "bea", "x" * 501, (), "text-too-long"),
        (ADAS, "bea", "", (told(AGAIN_AFTER - timedelta(seconds=1)),), "asked-already"),
        (ADAS, "bea", "", (told(AGAIN_AFTER),), None),
        (ADAS, "bea", "", (told(HOUR, "11"),), None),
        (ADAS, "bea", "", tuple(told(n * HOUR, str(n + 2)) for n in range(A_DAY)), "too-many-asks"),
        (ADAS, "bea", "", tuple(told((n + 15) * HOUR, str(n + 2)) for n in range(A_DAY)), None),
        (ADAS, "bea", "", tuple(told(n * HOUR, str(n + 2), Kind.ANSWERED) for n in range(A_DAY)), None),
    ],
)
def test_who_may_ask_when(
    lease: Lease | None, sender: str, message: str, sent: tuple[Notice, ...], reason: str | None
) -> None:
    said = asking(lease, sender, message, sent, NOW)
    assert (said.reason if isinstance(said, page.Notice) else None) == reason
    if isinstance(said, page.Notice):
        assert said.sentence and said.remedy, "what happened, and what to do"
        assert "ada" not in said.sentence.split()


def test_how_long_one_has_to_wait_is_said() -> None:
    early = asking(ADAS, "bea", "", [told(HOUR)], NOW)
    assert isinstance(early, page.Notice)
    assert early.sentence == "You asked for this machine already, 1 hour ago, and its holder was told."
    assert early.remedy == "You can ask again in 3 hours."
    many = asking(ADAS, "bea", "", [told((n + 1) * HOUR, str(n + 2)) for n in range(A_DAY)], NOW)
    assert isinstance(many, page.Notice)
    assert many.remedy == "You can ask again in 14 hours."
