"""What a person sees of their notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hub_extensions.notices import Kept, Kind, Notice
from hub_extensions.notices.view import LABELS, ON_HOME, NoticesPage, home_notices, view_of
from hub_extensions.page_frame.render import render
from tests.unit.pages.reading import Element, assert_accessible, read

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WANTED = Notice(
    to="ada",
    kind=Kind.WANTED,
    key="1",
    subject="bea asks for your GPU",
    text="First.\n\nbea writes: “<script>alert(1)</script>\nsecond line”",
    at=NOW - timedelta(hours=1),
    link="home",
    sender="bea",
)


def page(*kept: Kept, unread: int = 0, by_mail: bool | None = None, cut: bool = False) -> Element:
    views = tuple(view_of(each, "/hub/", NOW, "UTC") for each in kept)
    made = NoticesPage(views, unread, "x", "/hub/notices", None, by_mail, cut)
    return read(str(render("notices.html", page=made)))


def test_of_many_it_says_that_these_are_the_newest_and_what_older_ones_are_unread() -> None:
    html = page(Kept(7, WANTED), unread=3, cut=True)
    assert "These are the newest 1. 2 older unread ones are not among them" in html.text
    assert "older" not in page(Kept(7, WANTED), unread=1, cut=True).text
    assert "newest" not in page(Kept(7, WANTED), unread=1).text


def test_the_list_shows_what_is_unread_and_lets_it_be_read() -> None:
    html = page(Kept(7, WANTED), Kept(6, replace(WANTED, key="0", link=""), NOW), unread=1)
    assert_accessible(html)
    first, second = html.all("li", cls="rm-told")
    assert "rm-unread" in first["class"] and "rm-unread" not in second["class"]
    assert first.one("input", name="id")["value"] == "7"
    assert first.one("a")["href"] == "/hub/home"
    assert not second.all("form") and not second.all("a")
    assert first.all("p")[0].text == "First."
    assert not html.all("script"), "what people write stays text"
    assert "Mark all as read" in html.text
    assert "1 unread" in html.text


def test_without_any_it_says_so() -> None:
    html = page()
    assert_accessible(html)
    assert "Nothing so far." in html.text
    assert "Mark all" not in html.text
    assert "e-mail" not in html.text, "this hub sends none"


def test_mail_has_one_switch() -> None:
    on, off = page(by_mail=True), page(by_mail=False)
    assert on.one("input", name="by-mail")["value"] == "no"
    assert "Send me no mail" in on.text
    assert off.one("input", name="by-mail")["value"] == "yes"
    assert_accessible(off)


def test_home_shows_the_latest_and_not_what_it_says_itself() -> None:
    kept = [Kept(n, replace(WANTED, key=str(n))) for n in range(ON_HOME + 2)]
    kept.insert(0, Kept(99, replace(WANTED, kind=Kind.ANSWERED)))
    told = home_notices(kept, "/hub/", NOW, "UTC").beside(())
    assert [view.id for view in told.shown] == [0, 1, 2]
    assert (told.more, told.root) == (2, "/hub/notices")
    assert home_notices((), "/hub/", NOW, "UTC").shown == ()


def test_home_shows_no_stop_that_is_over_or_said_anew_and_nothing_old() -> None:
    def stops(number: int, key: str, ago: timedelta = timedelta(hours=1)) -> Kept:
        return Kept(number, replace(WANTED, kind=Kind.STOPS_SOON, key=key, at=NOW - ago))

    kept = [
        stops(9, "stays/a/1"),
        stops(8, "leaves/a/reserved/2"),
        stops(7, "stops/b/time/3"),
        Kept(6, WANTED),
        stops(5, "stops/c/time/3", timedelta(days=2)),
    ]
    told = home_notices(kept, "/hub/", NOW, "UTC").beside({"a", "c"})
    assert [view.id for view in told.shown] == [9, 6]
    assert told.more == 3, "the list has all of them"


def test_every_kind_has_its_word() -> None:
    assert set(LABELS) == set(Kind)
