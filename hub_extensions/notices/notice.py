"""Values: what one person is told, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a notice is about. Values and the webhooks' payload name them: they stay as they are."""

    BUDGET = "budget"
    """A budget is nearly or wholly used up."""
    STOPS_SOON = "stops-soon"
    STOPPED = "stopped"
    """A machine was stopped, because its time was over or its budget was."""
    UNUSED = "unused"
    """A machine runs and does little."""
    ASKED = "asked"
    """Somebody asks for a machine that needs this person's yes."""
    ANSWERED = "answered"
    """What was said to an ask of this person's."""
    WANTED = "wanted"
    """Somebody would like the machine that this person holds."""
    RESERVATION = "reservation"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`text` is plain sentences, in paragraphs. `link` is a path under the hub, as `capacity`. `sender` is the name of
    the person who caused it, if one did; it is shown, and what that person wrote is untrusted text.

    `key` says what happened: whoever was told of it is not told again, so that who posts need not remember.
    """

    to: str
    kind: Kind
    key: str
    subject: str
    text: str
    at: datetime
    link: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice as its person's list has it."""

    id: int
    notice: Notice
    read_at: datetime | None = None
