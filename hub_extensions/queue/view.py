"""PURE: places in line as pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_extensions.page_frame.machine_words import Field, Moment, form_fields
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.queue.words import AWAY, NO_LINE, NotPossible
from profiles.frozen import EMPTY
from profiles.waiting import Waiting

#: Without JavaScript, how soon the page of one's places looks again.
REFRESH_S = 15


@dataclass(frozen=True)
class PlaceView:
    """`until`: it was called, and the machine is kept until then."""

    id: str
    machine: str
    server: str
    sentence: str
    itself: bool
    until: Moment | None = None
    #: Posts the start of the machine that is kept.
    start: str = ""
    fields: tuple[Field, ...] = ()
    #: For how long, in words; empty: until it is stopped.
    run_for: str = ""


@dataclass(frozen=True)
class QueuePage:
    places: tuple[PlaceView, ...]
    xsrf: str
    leave: str
    choose: str
    notice: Notice | None = None
    #: Servers that start at this moment, by name, with the page that follows each.
    starting: Mapping[str, str] = EMPTY

    @property
    def refresh_s(self) -> int | None:
        return REFRESH_S if self.places else None


def place_view(waiting: Waiting, sentence: str, now: datetime, timezone: str, start: str = "") -> PlaceView:
    """`sentence`: where in line it stands, as long as it has not been called."""
    until = None if waiting.kept_until is None else Moment.future(waiting.kept_until, now, timezone)
    return PlaceView(
        id=waiting.id,
        machine=waiting.request.display_name,
        server=waiting.request.server,
        sentence=sentence if until is None else "It is free, and kept for you.",
        itself=waiting.starts_itself,
        until=until,
        start=start,
        fields=form_fields(waiting.choice),
        run_for="" if waiting.run_for is None else waiting.run_for.human,
    )


def own(line: Iterable[Waiting], user: str) -> tuple[Waiting, ...]:
    return tuple(each for each in line if each.request.person.name == user)


DONE = {
    "joined": Notice("You are in line. You may close this page: your place is kept.", "", "joined"),
    "left": Notice("You have left the line.", "", "left"),
}
OFF_NOTICE = Notice(NO_LINE.sentence, NO_LINE.remedy, NO_LINE.reason)
AWAY_NOTICE = Notice(AWAY.sentence, AWAY.remedy, AWAY.reason, Tone.WARNING)


def warned(why: NotPossible) -> Notice:
    return Notice(why.sentence, why.remedy, str(why.reason), Tone.WARNING)
