"""PURE: somebody would like the machine that another person holds. Who holds it is told, and decides; the one who asks
need not know who that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hub_extensions.notices.notice import Kind, Notice
from hub_extensions.notices.post import cleaned
from hub_extensions.page_frame import notice as page
from hub_extensions.page_frame import words
from hub_extensions.page_frame.notice import Tone
from profiles.lease import Lease, LeaseState

MAX_MESSAGE = 500
#: The same person asks for the same machine once within this time, and so often a day in all.
AGAIN_AFTER, A_DAY = timedelta(hours=4), 10
LOOK_BACK = timedelta(days=1)

TOLD = page.Notice(
    "Whoever has the machine has been told, with your name and what you wrote.",
    "Nobody has to give one back: you will see here when it is free.",
    "asked-for",
)


def asking(
    lease: Lease | None, sender: str, message: str, sent: Iterable[Notice], now: datetime
) -> Notice | page.Notice:
    """What its holder is told, or why not. `sent` is what this person has caused others to be told in the last day."""
    if lease is None or lease.state is not LeaseState.RUNNING:
        return _no("gone", "That machine is not in use any more.", "It may be free: look at what you can start.")
    if lease.user == sender:
        return _no("own-machine", "That machine is your own.", "Your home page is where you stop it.")
    written = cleaned(message)
    if len(written) > MAX_MESSAGE:
        said = f"The message has {len(written):,} characters, and {MAX_MESSAGE} is the most."
        return _no("text-too-long", said, "Shorten it.")
    before = [notice for notice in sent if notice.kind is Kind.WANTED and notice.at > now - LOOK_BACK]
    last = max((notice.at for notice in before if notice.key.startswith(_about(lease, sender))), default=None)
    if last is not None and now - last < AGAIN_AFTER:
        said = f"You asked for this machine already, {words.ago(last, now)}, and its holder was told."
        return _no("asked-already", said, f"You can ask again {words.ahead(last + AGAIN_AFTER, now)}.")
    if len(before) >= A_DAY:
        said = f"You have asked for machines {len(before)} times within a day, and {A_DAY} is the most."
        free = min(notice.at for notice in before) + LOOK_BACK
        return _no("too-many-asks", said, f"You can ask again {words.ahead(free, now)}.")
    return _notice(lease, sender, written, now)


def _notice(lease: Lease, sender: str, written: str, now: datetime) -> Notice:
    server = f" (your server “{lease.server}”)" if lease.server else ""
    held = words.duration(lease.ran(now).total_seconds())
    said = f"{sender} would like to have your {lease.display_name}{server}, which has been running for {held}."
    do = "If you can do without it, stop it or switch to another one on your home page: your home stays as it is. "
    do += "If you need it, there is nothing to do."
    quoted = f"{sender} writes: “{written}”\n\n" if written else ""
    return Notice(
        to=lease.user,
        kind=Kind.WANTED,
        key=f"{_about(lease, sender)}{now.isoformat()}",
        subject=f"{sender} asks for your {lease.display_name}",
        text=f"{said}\n\n{quoted}{do}",
        at=now,
        link="home",
        sender=sender,
    )


def _about(lease: Lease, sender: str) -> str:
    return f"wanted/{lease.id}/{sender}/"


def _no(reason: str, sentence: str, remedy: str) -> page.Notice:
    return page.Notice(sentence, remedy, reason, Tone.WARNING)
