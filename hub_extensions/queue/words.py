"""PURE: what is said about waiting in line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub_extensions.page_frame import words
from profiles.expected import Expected

HOUR, DAY = 3600, 86400


class Why(StrEnum):
    """Stable codes: pages, the REST API and tests rely on them."""

    FREE_NOW = "free-now"
    NO_LINE = "no-line"
    TOO_MANY = "too-many-places"
    NO_PLACE = "no-such-place"
    NEVER = "more-than-there-is"


MEANING: dict[Why, str] = {
    Why.FREE_NOW: "The machine is free for this person: there is nothing to wait for.",
    Why.NO_LINE: "The hub has no line, or keeps no books.",
    Why.TOO_MANY: "The person waits for as many machines as one may.",
    Why.NO_PLACE: "There is no such place in line, or not any more, or it is somebody else's.",
    Why.NEVER: "The machine takes more than the rule ever allows.",
}


@dataclass(frozen=True, slots=True)
class NotPossible:
    """As `profiles.refusal.Refusal`."""

    reason: str
    sentence: str
    remedy: str
    status: int = 409

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}"


NO_LINE = NotPossible(
    Why.NO_LINE, "This hub has no line to wait in.", "Try again later, or choose another machine.", 404
)
NO_PLACE = NotPossible(
    Why.NO_PLACE,
    "This place in line is gone.",
    "Perhaps you were called, or left it in another tab: the page shows how it is now.",
    404,
)
AWAY = NotPossible(
    "admission-unavailable",
    "Who waits in line cannot be read or written at present.",
    "Nobody loses a place. Try again in a minute; if it happens again, tell your administrator.",
    503,
)


def free_now(machine: str) -> NotPossible:
    return NotPossible(Why.FREE_NOW, f"{machine} is free for you now: there is nothing to wait for.", "Just start it.")


def too_many(most: int) -> NotPossible:
    places = "one place" if most == 1 else f"{most} places"
    return NotPossible(
        Why.TOO_MANY, f"You wait in line already, and may have {places} at once.", "Leave one of them first."
    )


def never(machine: str, refusal_sentence: str, remedy: str) -> NotPossible:
    return NotPossible(Why.NEVER, f"Waiting for {machine} would not help: {lower(refusal_sentence)}", remedy)


def place_words(place: int, expected: Expected | None, now: datetime) -> str:
    """`You are 2nd in line; about 40 minutes (likely 20 minutes to 2 hours).`"""
    return f"You are {nth(place)} in line{_when(expected, now)}"


def would_be(place: int, expected: Expected | None, now: datetime) -> str:
    """`You would be 2nd in line; about 40 minutes (likely 20 minutes to 2 hours).`"""
    return f"You would be {nth(place)} in line{_when(expected, now)}"


def _when(expected: Expected | None, now: datetime) -> str:
    if expected is None:
        return ". How long that takes is not known."
    if expected.at is None or expected.soonest is None:
        assert expected.latest is not None, "something is known, or nothing was said"
        return f"; {about((expected.latest - now).total_seconds())} at most. How much sooner is not known."
    middle, soon = about((expected.at - now).total_seconds()), about((expected.soonest - now).total_seconds())
    if expected.latest is None:
        return f"; about {middle}, perhaps much longer."
    late = about((expected.latest - now).total_seconds())
    if soon == late:
        return f"; about {middle}."
    return f"; about {middle} (likely {soon} to {late})."


def about(seconds: float) -> str:
    """As exactly as anybody can know it: `5 minutes`, `40 minutes`, `2 hours`, `3 days`."""
    step = 60 if seconds < 600 else 300 if seconds < HOUR else 1800 if seconds < 6 * HOUR else HOUR
    if seconds >= 2 * DAY:
        step = DAY
    return words.duration(max(60, round(seconds / step) * step))


def nth(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    last = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in {11, 12, 13} else last}"


def lower(sentence: str) -> str:
    """For use within another sentence; names of groups and machines stay as they are."""
    first, _, rest = sentence.partition(" ")
    return f"{first.lower()} {rest}" if first in {"You", "All", "Everybody", "Others"} else sentence
