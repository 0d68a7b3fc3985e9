from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub_extensions.page_frame.machine_words import Moment, form_fields, of_plan, option_words
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import PASSED_ON, Notice, Tone
from hub_extensions.page_frame.render import render
from hub_extensions.pending.view import (
    NotRunningPage,
    PendingPage,
    Ways,
    failed_start,
    not_running,
    pending_title,
    stopping_message,
)
from profiles.choice import MachineChoice
from profiles.model import Catalog
from profiles.person import Person
from profiles.quantity import Duration
from tests.unit.pages.reading import Element, assert_accessible, read

NO_ROOM = Notice("No node has room.", "Try later.", "no-room", Tone.DANGER)
SMALL, GPU = MachineChoice("small"), MachineChoice("gpu", {"gpus": "2"})


@pytest.fixture
def pending(catalog: Catalog, ada: Person, now: datetime) -> PendingPage:
    plan = Menu(catalog, ada).plan(GPU)
    assert plan is not None
    return PendingPage(
        title="Starting GPU",
        stopping=False,
        machine=of_plan(plan, catalog),
        leaving=None,
        since=Moment.past(now - timedelta(seconds=14), now, "UTC"),
        progress_url="/hub/api/remuda/progress/ada?_xsrf=t",
        next_url="/user/ada/lab",
        cancel_url="/hub/stop/ada",
        xsrf="token",
        message="The image is being downloaded.",
    )


def show(part: str, page: Any) -> Element:
    html = read(str(render(part, page=page)))
    assert_accessible(html)
    return html


@pytest.fixture
def ways(catalog: Catalog, ada: Person) -> Ways:
    return Ways(Menu(catalog, ada), wanted=GPU, previous=SMALL, action="/hub/spawn/ada?next=%2Fx", xsrf="token")


def labels(page: NotRunningPage) -> list[str]:
    return [form.label for form in page.forms]


def test_the_pending_page_says_which_machine_at_what_price_and_where(pending: PendingPage) -> None:
    html = show("pending.html", pending)
    assert html.one("h1").text == "Starting GPU"
    facts = {row.one("dt").text: row.one("dd").text for row in html.one(cls="rm-stats").all("div")}
    assert facts == {"Price": "€5.00 per hour", "Pool": "GPU nodes", "Asked for": "14:04 (UTC) 14 seconds ago"}
    assert "8 cores · 32 GiB · 2 NVIDIA GPUs" in html.text
    assert html.one(role="status").text == "The image is being downloaded."
    assert html.one(role="progressbar")["aria-label"] == "Starting GPU"


def test_the_script_finds_its_stream_and_where_to_go(pending: PendingPage) -> None:
    page = show("pending.html", pending).one(id="rm-pending")
    assert page["data-rm-progress"] == "/hub/api/remuda/progress/ada?_xsrf=t"
    assert page["data-rm-next"] == "/user/ada/lab"


def test_a_start_can_be_cancelled_and_a_stop_cannot(pending: PendingPage) -> None:
    form = show("pending.html", pending).one("form")
    assert (form["action"], form.one("button").text) == ("/hub/stop/ada", "Cancel the start")
    assert not show("pending.html", replace(pending, stopping=True)).all("button")


def test_the_pending_page_of_an_unknown_machine_still_works(pending: PendingPage) -> None:
    html = show("pending.html", replace(pending, machine=None, since=None, notice=PASSED_ON["already-starting"]))
    assert "already starting" in html.text


@pytest.mark.parametrize(
    ("name", "leaving", "stopping", "title"),
    [
        ("GPU", None, False, "Starting GPU"),
        ("GPU", "Small CPU", True, "Switching from Small CPU to GPU"),
        ("GPU", "Small CPU", False, "Switching from Small CPU to GPU"),
        ("GPU", None, True, "Stopping GPU"),
        (None, "Small CPU", True, "Stopping Small CPU"),
        (None, None, True, "Stopping your machine"),
        (None, None, False, "Starting your machine"),
    ],
)
def test_titles(name: str | None, leaving: str | None, stopping: bool, title: str) -> None:
    assert pending_title(name, leaving, stopping=stopping) == title


def test_a_slow_stop_says_more_the_longer_it_takes() -> None:
    said = [stopping_message("Small CPU", waited) for waited in (0, 20, 60)]
    assert len(set(said)) == 3
    assert all("Small CPU" in message for message in said)
    assert "60 seconds" in said[2]
    assert "your machine" in stopping_message(None, 0)


class TestFailedStart:
    def test_reason_and_the_ways_on(self, ways: Ways) -> None:
        page = failed_start(ways, NO_ROOM)
        assert page.title == "GPU could not be started"
        assert labels(page) == ["Try again", "Start Small CPU instead"]
        html = show("not_running.html", page)
        assert html.one(role="alert").text == "No node has room. Try later. Reason code: no-room"
        again, before = html.all("form")
        assert {f["name"]: f["value"] for f in again.all("input")} == {
            "_xsrf": "token",
            "profile": "gpu",
            "option.gpu.gpus": "2",
        }
        assert {f["name"]: f["value"] for f in before.all("input")} == {"_xsrf": "token", "profile": "small"}
        assert before["action"] == "/hub/spawn/ada?next=%2Fx"
        assert html.one("a", id="start").text == "Choose another machine"

    def test_a_full_home_offers_a_rescue_start_first(self, ways: Ways) -> None:
        page = failed_start(ways, replace(NO_ROOM, reason="home-full"))
        assert labels(page) == ["Rescue start", "Try again", "Start Small CPU instead"]
        assert ("rescue", "1") in page.forms[0].fields
        assert [form.primary for form in page.forms] == [True, False, False]
        assert "delete files" in show("not_running.html", page).text

    def test_the_machine_before_is_not_offered_when_it_is_the_same(self, ways: Ways) -> None:
        assert labels(failed_start(replace(ways, previous=GPU), NO_ROOM)) == ["Try again"]
        assert labels(failed_start(replace(ways, previous=None), NO_ROOM)) == ["Try again"]

    def test_the_same_machine_with_other_options_is_another(self, ways: Ways) -> None:
        page = failed_start(replace(ways, previous=MachineChoice("gpu", {"gpus": "1"})), NO_ROOM)
        assert labels(page) == ["Try again", "Start GPU instead"]

    def test_what_is_no_longer_allowed_is_not_offered(self, ways: Ways) -> None:
        page = failed_start(replace(ways, wanted=MachineChoice("big"), previous=MachineChoice("gone")), NO_ROOM)
        assert page.forms == ()
        assert page.title == "The machine could not be started"
        assert show("not_running.html", page).one("a", id="start").text == "Choose a machine"

    def test_without_a_catalog_there_is_still_a_page(self, ways: Ways, ada: Person) -> None:
        assert failed_start(replace(ways, menu=Menu(None, ada)), NO_ROOM).forms == ()


class TestNotRunning:
    def test_it_offers_the_last_machine_in_one_click(self, ways: Ways) -> None:
        html = show("not_running.html", not_running(ways))
        form = html.one("form")
        assert form.one("button").text == "Start GPU"
        assert "€5.00 per hour" in form.text
        assert not html.all(role="alert")

    def test_it_says_why_the_last_run_ended(self, ways: Ways) -> None:
        html = show("not_running.html", not_running(ways, replace(NO_ROOM, reason="evicted")))
        assert "evicted" in html.one(role="alert").text
        assert "lack of activity" not in html.text

    def test_a_newcomer_chooses(self, ways: Ways) -> None:
        html = show("not_running.html", not_running(replace(ways, wanted=None)))
        assert not html.all("form")
        assert html.one("a", id="start")["href"] == ways.action


def test_nothing_becomes_html(nasty_catalog: Catalog, nasty: str, pending: PendingPage) -> None:
    choice = MachineChoice("open", {"o": "a"})
    plan = Menu(nasty_catalog, Person(nasty)).plan(choice)
    assert plan is not None
    ways = Ways(Menu(nasty_catalog, Person(nasty)), choice, None, nasty, nasty)
    shown = [
        show("not_running.html", failed_start(ways, Notice(nasty, nasty, nasty, Tone.DANGER))),
        show("pending.html", replace(pending, title=nasty, machine=of_plan(plan, nasty_catalog), message=nasty)),
    ]
    for html in shown:
        assert not html.all("script")
        assert nasty in html.one("h1").text


def test_it_says_for_how_long_where_that_was_asked(pending: PendingPage) -> None:
    assert "How long" not in show("pending.html", pending).text
    html = show("pending.html", replace(pending, life="for 2 hours, as you asked"))
    assert "How long for 2 hours, as you asked" in html.one(cls="rm-stats").text


def test_the_same_again_is_for_as_long_as_was_asked(ways: Ways) -> None:
    page = failed_start(replace(ways, wanted=replace(GPU, run_for=Duration(4 * 3600))), NO_ROOM)
    again = next(form for form in page.forms if form.label == "Try again")
    assert again.note == "For 4 hours, as you asked."
    assert ("run_for", "4h") in again.fields


def test_only_choices_that_say_something_new_are_listed(catalog: Catalog) -> None:
    assert option_words(catalog, "many", {"memory": "128", "image": "geo"}) == ("Software: Geo",)
    assert option_words(catalog, "gone", {"image": "geo"}) == ("image: geo",)
    assert option_words(None, "many", {}) == ()


def test_a_rescue_is_posted_only_when_it_is_asked_for() -> None:
    assert form_fields(GPU) == (("profile", "gpu"), ("option.gpu.gpus", "2"))
    assert form_fields(MachineChoice("a", {}, rescue=True)) == (("profile", "a"), ("rescue", "1"))
    assert form_fields(MachineChoice(None), rescue=True) == (("rescue", "1"),)
