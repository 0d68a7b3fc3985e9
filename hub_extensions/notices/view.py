"""PURE: notices -> what their page and home show of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub_extensions.notices.notice import Kept, Kind
from hub_extensions.page_frame import notice as page
from hub_extensions.page_frame.machine_words import Moment
from hub_extensions.page_frame.notice import Tone

#: Home says these itself, from what is so at the moment.
SAID_BY_HOME = frozenset({Kind.ASKED, Kind.ANSWERED, Kind.STOPPED})
ON_HOME = 3
#: What is older is no news: home shows how things are now.
NEWS = timedelta(days=1)
LABELS = {
    Kind.BUDGET: "Budget",
    Kind.STOPS_SOON: "Stops soon",
    Kind.STOPPED: "Stopped",
    Kind.UNUSED: "Unused",
    Kind.ASKED: "Approval",
    Kind.ANSWERED: "Approval",
    Kind.WANTED: "Asked for",
    Kind.RESERVATION: "Reservation",
    Kind.QUEUE: "Queue",
}
LINKS = {
    "home": "Your machine",
    "usage": "Usage",
    "capacity": "Who uses what",
    "approvals": "The ask",
    "reservations": "Reservations",
    "queue": "Your place in line",
    "spawn": "Choose a machine",
}
OFF = page.Notice("This hub keeps no notices.", "It has no database for them.", "off")
AWAY = page.Notice(
    "Notices cannot be read at present.",
    "Try again in a minute; if it happens again, tell your administrator.",
    "database-away",
    Tone.WARNING,
)
DONE = {
    "mail": page.Notice("Notices come to you by e-mail, too.", "", "mail"),
    "no-mail": page.Notice("You get no notices by e-mail from now on.", "They are still shown here.", "no-mail"),
}


@dataclass(frozen=True)
class NoticeView:
    id: int
    label: str
    subject: str
    #: Paragraphs.
    text: tuple[str, ...]
    at: Moment
    unread: bool
    href: str
    link: str
    #: The lease of the machine that it says when it stops.
    stops: str | None = None


@dataclass(frozen=True)
class NoticesPage:
    notices: tuple[NoticeView, ...]
    unread: int
    xsrf: str
    root: str
    notice: page.Notice | None = None
    #: Whether this person gets mail; None: the hub sends none.
    by_mail: bool | None = None
    #: There may be older ones than these.
    cut: bool = False

    @property
    def older_unread(self) -> int:
        """Unread ones that are too old to be among these."""
        return self.unread - sum(each.unread for each in self.notices)


@dataclass(frozen=True)
class HomeNotices:
    """The latest unread ones, and how many more there are."""

    shown: tuple[NoticeView, ...] = ()
    more: int = 0
    root: str = ""

    def beside(self, running: Collection[str]) -> HomeNotices:
        """The latest that matter beside these machines, by their leases."""
        shown = tuple(_current(self.shown, running))[:ON_HOME]
        return replace(self, shown=shown, more=self.more + len(self.shown) - len(shown))


NOTHING = HomeNotices()


def view_of(kept: Kept, hub: str, now: datetime, timezone: str) -> NoticeView:
    """`hub` is the path of the hub, as `/hub/`."""
    notice = kept.notice
    return NoticeView(
        id=kept.id,
        label=LABELS[notice.kind],
        subject=notice.subject,
        text=tuple(part.strip() for part in notice.text.split("\n\n") if part.strip()),
        at=Moment.past(notice.at, now, timezone),
        unread=kept.read_at is None,
        href=f"{hub}{notice.link}" if notice.link else "",
        link=LINKS.get(notice.link.partition("/")[0].partition("?")[0], "More about it"),
        stops=notice.stops,
    )


def home_notices(unread: Iterable[Kept], hub: str, now: datetime, timezone: str) -> HomeNotices:
    """`unread`: newest first. What is no news any more is for the list alone; `HomeNotices.beside` has the rest."""
    told = [kept for kept in unread if kept.notice.kind not in SAID_BY_HOME]
    news = tuple(view_of(kept, hub, now, timezone) for kept in told if now - kept.notice.at <= NEWS)
    return HomeNotices(news, len(told) - len(news), f"{hub}notices")


def _current(news: Iterable[NoticeView], running: Collection[str]) -> Iterator[NoticeView]:
    """Of when a machine stops only what was said last, and only as long as it runs."""
    said: set[str] = set()
    for view in news:
        if view.stops is not None:
            if view.stops not in running or view.stops in said:
                continue
            said.add(view.stops)
        yield view
