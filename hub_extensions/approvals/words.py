"""PURE: why something about an ask is not possible: what happened, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub_extensions.approvals.ask import ANSWER_WITHIN, Ask, AskState
from profiles.access import who_may
from profiles.grants import Grant
from profiles.moments import clock_in
from profiles.policy import Approval
from profiles.quantity import Duration
from profiles.refusal import Refusal


class Why(StrEnum):
    """Stable codes: pages, the REST API and tests rely on them."""

    NOT_NEEDED = "no-yes-needed"
    COVERED = "permitted-already"
    ASKED_ALREADY = "asked-already"
    TOO_MANY = "too-many-asks"
    NO_REASON = "reason-missing"
    TOO_LONG_TEXT = "text-too-long"
    BAD_LENGTH = "not-a-length-of-time"
    TOO_LONG = "longer-than-allowed"
    MORE_THAN_ASKED = "more-than-asked"
    OTHER_MACHINE = "another-machine"
    OWN_ASK = "own-ask"
    NOT_YOURS = "not-your-ask"
    NOT_AN_APPROVER = "not-an-approver"
    ANSWERED = "answered-already"
    UNANSWERED = "unanswered-too-long"
    NO_GRANT = "no-permission-to-revoke"
    RULE_GONE = "rule-gone"
    ASKER_GONE = "asker-gone"
    MACHINE_GONE = "machine-gone"
    NO_SUCH_ASK = "no-such-ask"


MEANING: dict[Why, str] = {
    Why.NOT_NEEDED: "No rule asks for a yes to this machine, for this person.",
    Why.COVERED: "There is a yes to it already, and it holds.",
    Why.ASKED_ALREADY: "The same person has an open ask for the same machine.",
    Why.TOO_MANY: "The person has as many open asks as one may have.",
    Why.NO_REASON: "An ask says what the machine is for, and a comment something.",
    Why.TOO_LONG_TEXT: "A reason or comment is longer than 2,000 characters.",
    Why.BAD_LENGTH: "How long the yes is to hold cannot be read, or is less than 15 minutes.",
    Why.TOO_LONG: "The rule's `longest` is shorter than what was asked for or granted.",
    Why.MORE_THAN_ASKED: "A yes gives at most what was asked for.",
    Why.OTHER_MACHINE: "A yes is to the machine that was asked for, not to another one.",
    Why.OWN_ASK: "Nobody answers their own ask.",
    Why.NOT_YOURS: "Only the person who asked may do this.",
    Why.NOT_AN_APPROVER: "The rule's `approvers` do not include this person.",
    Why.ANSWERED: "Somebody was first: the ask has its answer.",
    Why.UNANSWERED: "Nobody answered within 14 days, so the ask is closed.",
    Why.NO_GRANT: "There is no yes in force that could be taken back.",
    Why.RULE_GONE: "The rule that asked for a yes has been removed since.",
    Why.ASKER_GONE: "The person who asked has no account any more, or it is a new one of the same name.",
    Why.MACHINE_GONE: "The machine is not on offer to the person who asked any more, or not like that.",
    Why.NO_SUCH_ASK: "There is no such ask, or it is not for the reader's eyes.",
}

#: Statuses of pages and REST, where it is not 409: what was sent does not fit what is.
STATUS: dict[Why, int] = {
    Why.NO_REASON: 400,
    Why.TOO_LONG_TEXT: 400,
    Why.BAD_LENGTH: 400,
    Why.TOO_LONG: 400,
    Why.MORE_THAN_ASKED: 400,
    Why.OTHER_MACHINE: 400,
    Why.OWN_ASK: 403,
    Why.NOT_YOURS: 403,
    Why.NOT_AN_APPROVER: 403,
    Why.NO_SUCH_ASK: 404,
    Why.TOO_MANY: 429,
}


@dataclass(frozen=True, slots=True)
class NotPossible:
    """The sentences are plain text: whoever renders them escapes them."""

    reason: Why
    sentence: str
    remedy: str

    @property
    def status(self) -> int:
        return STATUS.get(self.reason, 409)


def not_needed(display_name: str) -> NotPossible:
    return NotPossible(Why.NOT_NEEDED, f"{display_name} needs no yes from anybody.", "Start it on the spawn page.")


def covered(display_name: str, grant: Grant, now: datetime, timezone: str) -> NotPossible:
    said = f"You have permission for {display_name} until {clock_in(timezone, grant.ends_at, now)}."
    return NotPossible(Why.COVERED, said, "Start it on the spawn page; ask again when it has ended.")


def asked_already(ask: Ask, now: datetime, timezone: str) -> NotPossible:
    when = clock_in(timezone, ask.asked_at, now)
    said = f"You asked for {ask.terms.display_name} at {when}, and that ask is still open."
    return NotPossible(Why.ASKED_ALREADY, said, "Wait for the answer, add a comment to it, or withdraw it first.")


def too_many(count: int) -> NotPossible:
    said = f"You have {count} open asks, as many as one person may have."
    return NotPossible(Why.TOO_MANY, said, "Withdraw one that you no longer need.")


def no_reason() -> NotPossible:
    return NotPossible(Why.NO_REASON, "The ask does not say what it is for.", "Write a sentence about it.")


def no_comment() -> NotPossible:
    return NotPossible(Why.NO_REASON, "The comment is empty.", "Write something in it, or choose an answer.")


def too_long_text(length: int, most: int) -> NotPossible:
    said = f"The text has {length:,} characters, and {most:,} is the most."
    return NotPossible(Why.TOO_LONG_TEXT, said, "Shorten it; a link to the rest is fine.")


def bad_length() -> NotPossible:
    said = "How long the yes is to hold could not be read."
    return NotPossible(Why.BAD_LENGTH, said, "Give a whole number of hours or days, such as 2 days.")


def too_short(lasts: timedelta) -> NotPossible:
    said = f"A yes for {length(lasts)} is too short to start a machine by."
    return NotPossible(Why.BAD_LENGTH, said, "Give 15 minutes at least.")


def too_long(lasts: timedelta, approval: Approval) -> NotPossible:
    said = f"A yes to this machine holds for {approval.longest.human} at most, not for {length(lasts)}."
    return NotPossible(Why.TOO_LONG, said, "Choose a shorter time; one can ask again when it has ended.")


def more_than_asked(wanted: str, asked: str) -> NotPossible:
    said = f"That would give {wanted}, and {asked} was asked for."
    return NotPossible(Why.MORE_THAN_ASKED, said, "Choose no more than was asked for, or let the person ask anew.")


def other_machine(wanted: str, asked: str) -> NotPossible:
    said = f"The ask is for {asked}, not for {wanted}."
    return NotPossible(Why.OTHER_MACHINE, said, "Refuse it with a comment, and let the person ask for the other one.")


def own_ask() -> NotPossible:
    return NotPossible(Why.OWN_ASK, "Nobody answers their own ask.", "Somebody else of those who may has to.")


def not_yours(ask: Ask) -> NotPossible:
    said = f"This is an ask of {ask.user}, and only {ask.user} can withdraw it."
    return NotPossible(Why.NOT_YOURS, said, "If you may answer it, say no instead.")


def not_an_approver(approval: Approval) -> NotPossible:
    said = f"Only {who_may(approval.approvers)} may answer this."
    return NotPossible(Why.NOT_AN_APPROVER, said, "Ask one of them.")


def closed(ask: Ask, now: datetime, timezone: str) -> NotPossible:
    """The second of two answers is told who was first, and with what."""
    state = ask.state_at(now)
    if state is AskState.EXPIRED:
        said = f"Nobody answered within {ANSWER_WITHIN.days} days, so the ask was closed."
        return NotPossible(Why.UNANSWERED, said, f"{ask.user} can ask again.")
    when = f" at {clock_in(timezone, ask.answered_at, now)}" if ask.answered_at else ""
    if state is AskState.WITHDRAWN:
        return NotPossible(Why.ANSWERED, f"{ask.user} withdrew it{when}.", "There is nothing left to do.")
    if state is AskState.REFUSED:
        return NotPossible(Why.ANSWERED, f"{ask.answered_by} said no{when}.", f"{ask.user} can ask again.")
    until = f", until {clock_in(timezone, ask.ends_at, now)}" if ask.ends_at else ""
    if state is AskState.REVOKED and ask.revoked_at:
        said = f"{ask.revoked_by} took the yes back at {clock_in(timezone, ask.revoked_at, now)}."
        return NotPossible(Why.ANSWERED, said, f"{ask.user} can ask again.")
    said = f"{ask.answered_by} said yes{when}{until}."
    return NotPossible(Why.ANSWERED, said, "A yes that is in force can be taken back.")


def no_grant(ask: Ask, now: datetime, timezone: str) -> NotPossible:
    if ask.ends_at is not None and ask.state is AskState.GRANTED:
        said = f"The permission ended by itself at {clock_in(timezone, ask.ends_at, now)}."
    elif ask.state is AskState.REVOKED and ask.revoked_at is not None:
        said = f"{ask.revoked_by} took it back at {clock_in(timezone, ask.revoked_at, now)} already."
    else:
        said = f"There is no yes to take back: the ask is {ask.state}."
    return NotPossible(Why.NO_GRANT, said, "There is nothing left to do.")


def rule_gone(ask: Ask) -> NotPossible:
    said = f"The rule “{ask.rule}” is gone: {ask.terms.display_name} needs no yes by it any more."
    return NotPossible(Why.RULE_GONE, said, f"{ask.user} can withdraw the ask.")


def asker_gone(ask: Ask) -> NotPossible:
    said = f"{ask.user}, who asked, has no account here any more."
    return NotPossible(Why.ASKER_GONE, said, "Say no, and the ask is closed.")


def machine_gone(ask: Ask, refusal: Refusal) -> NotPossible:
    said = f"{ask.user} could not start it with a yes: {refusal.sentence}"
    return NotPossible(Why.MACHINE_GONE, said, "Say no with a comment, or choose what is still on offer.")


def no_such_ask() -> NotPossible:
    said = "There is no such ask, or it is not yours to see."
    return NotPossible(Why.NO_SUCH_ASK, said, "Look at your list of asks.")


def length(lasts: timedelta) -> str:
    """`3 days`, `12 hours`."""
    return Duration(int(lasts.total_seconds())).human
