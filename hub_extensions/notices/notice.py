"""Values: what one person is told, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a notice is about. Helm values and what webhooks get name them: they stay as they are."""

    BUDGET = "budget"
    STOPS_SOON = "stops-soon"
    STOPPED = "stopped"
    UNUSED = "unused"
    ASKED = "asked"
    ANSWERED = "answered"
    WANTED = "wanted"
    RESERVATION = "reservation"
    QUEUE = "queue"


#: What each kind tells, and whom; the how-to says the same.
MEANING: dict[Kind, str] = {
    Kind.BUDGET: "A budget that this person's machine draws from has reached one of its `warnAt` percentages.",
    Kind.STOPS_SOON: "This person's machine is stopped in 15 minutes or less, has to make room, or may stay after all.",
    Kind.STOPPED: "This person's machine was stopped because its time was over or its budget used up.",
    Kind.UNUSED: "This person's machine runs and does little.",
    Kind.ASKED: "Somebody asks for a machine that this person may say yes to, or comments on such an ask.",
    Kind.ANSWERED: "What was said to this person's ask: yes, no, changed, commented, taken back.",
    Kind.WANTED: "Somebody would like the machine that this person has.",
    Kind.RESERVATION: "Something about a reservation.",
    Kind.QUEUE: "Something about a place in a queue.",
}


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

    @property
    def stops(self) -> str | None:
        """The lease of the machine that it says when it stops, as in `stops/LEASE/…` or `stays/LEASE/…`."""
        return self.key.split("/")[1] if self.kind is Kind.STOPS_SOON and "/" in self.key else None


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice as its person's list has it."""

    id: int
    notice: Notice
    read_at: datetime | None = None
