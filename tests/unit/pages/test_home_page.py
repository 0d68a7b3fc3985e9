from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.machine_home.view import HomePage, machine_facts, server_view
from hub_extensions.page_frame.notice import PASSED_ON
from hub_extensions.page_frame.render import render
from hub_extensions.page_frame.server import Links, ServerNow, ServerState
from profiles.choice import MachineChoice
from profiles.machine import RunningMachine
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Money
from profiles.resolve import resolve
from tests.unit.pages.reading import Element, assert_accessible, read

LINKS = Links("/hub/home", "/user/ada/", "/hub/spawn/ada", "/hub/switch/ada", "/hub/stop/ada", "/hub/spawn-pending/ada")


@pytest.fixture
def gpu(catalog: Catalog, ada: Person, now: datetime) -> RunningMachine:
    plan = resolve(catalog, MachineChoice("gpu", {"gpus": "2"}), ada)
    assert isinstance(plan, MachinePlan)
    return RunningMachine.of(plan, "spawn-1", now - timedelta(minutes=84))


def server(machine: RunningMachine | None, now: datetime, **more: Any) -> ServerNow:
    given = {"state": ServerState.RUNNING, "last_activity": now - timedelta(minutes=5)} | more
    return ServerNow(name="", display_name="", machine=machine, links=LINKS, **given)


def page(catalog: Catalog, now: datetime, here: ServerNow, **more: Any) -> Element:
    home = HomePage("Your machine", server_view(here, catalog, now), "token", **more)
    html = read(str(render("home.html", page=home)))
    assert_accessible(html)
    return html


def test_which_machine_since_when_until_when_at_what_price(
    catalog: Catalog, gpu: RunningMachine, now: datetime
) -> None:
    html = page(catalog, now, server(gpu, now))
    assert html.one("h2").text == "GPU"
    facts = {row.one("dt").text: row.one("dd").text for row in html.one(cls="rm-stats").all("div")}
    assert facts == {
        "Since": "12:41 (UTC) 1 h 24 min ago",
        "Until": "14:30 (UTC) in 25 minutes",
        "Price": "€5.00 per hour €7.00 so far",
        "Pool": "GPU nodes",
    }
    assert "8 cores · 32 GiB · 2 GPUs" in html.text
    assert "after 30 minutes without activity, and 8 hours after its start at the latest" in html.text


def test_open_switch_and_stop(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    html = page(catalog, now, server(gpu, now))
    assert html.one("a", id="start")["href"] == "/user/ada/"
    assert html.one("a", id="rm-switch")["href"] == "/hub/switch/ada"
    stop = html.one("form", method="post")
    assert stop["action"] == "/hub/stop/ada"
    assert stop.one("button").text == "Stop"


def test_without_limits_it_runs_until_it_is_stopped(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    endless = replace(gpu, idle_timeout_s=None, max_lifetime_s=None)
    html = page(catalog, now, server(endless, now))
    assert "you stop it" in html.one(cls="rm-stats").text


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((2, 2), "and 2 hours after its start, as you asked."),
        ((8, 90), "and 8 hours after its start at the latest, not the 3 days 18 h that you asked for."),
        ((8, None), "and 8 hours after its start at the latest."),
    ],
)
def test_whose_wish_its_end_is(
    catalog: Catalog, gpu: RunningMachine, now: datetime, hours: tuple[int, int | None], said: str
) -> None:
    life, asked = (None if each is None else each * 3600 for each in hours)
    html = page(catalog, now, server(replace(gpu, max_lifetime_s=life, run_for_s=asked), now))
    assert said in html.text


def test_an_end_that_activity_does_not_move(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    assert "Activity moves the time" in page(catalog, now, server(gpu, now)).text
    short = replace(gpu, idle_timeout_s=8 * 3600, max_lifetime_s=2 * 3600, run_for_s=2 * 3600)
    assert "Activity moves the time" not in page(catalog, now, server(short, now)).text


def test_a_free_machine_has_no_cost(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    html = page(catalog, now, server(replace(gpu, price_per_hour=Money(Decimal(0), "EUR")), now))
    assert "free" in html.text
    assert "so far" not in html.text


def test_the_first_moments_are_not_free(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    html = page(catalog, now, server(replace(gpu, started_at=now - timedelta(seconds=2)), now))
    assert "under €0.01 so far" in html.text


def test_nothing_running(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, now, server(None, now, state=ServerState.STOPPED), notice=PASSED_ON["stopped"])
    assert html.one("a", id="start")["href"] == "/hub/spawn/ada"
    assert html.one(role="status").text.startswith("Your machine has stopped.")
    assert not html.all("form")


def test_a_stopped_server_shows_no_machine_even_when_one_is_remembered(
    catalog: Catalog, gpu: RunningMachine, now: datetime
) -> None:
    assert "€" not in page(catalog, now, server(gpu, now, state=ServerState.STOPPED)).text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (ServerState.STARTING, "Starting GPU"),
        (ServerState.SWITCHING, "Switching GPU"),
        (ServerState.STOPPING, "GPU is stopping"),
        (ServerState.RUNNING, "Running GPU"),
        (ServerState.STOPPED, "Nothing is running"),
    ],
)
def test_states(catalog: Catalog, gpu: RunningMachine, now: datetime, state: ServerState, says: str) -> None:
    assert says in page(catalog, now, server(gpu, now, state=state)).text


@pytest.mark.parametrize("state", ServerState)
def test_the_page_looks_again_only_while_something_changes(
    catalog: Catalog, gpu: RunningMachine, now: datetime, state: ServerState
) -> None:
    home = HomePage("", server_view(server(gpu, now, state=state), catalog, now), "")
    settled = {ServerState.RUNNING, ServerState.STOPPED}
    assert home.refresh_s == (None if state in settled else 3)


def test_a_start_under_way_can_be_followed_and_cancelled(catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
    html = page(catalog, now, server(gpu, now, state=ServerState.STARTING))
    assert html.one("a", id="start")["href"] == LINKS.follow
    assert html.one("form")["action"] == LINKS.stop
    assert "so far" not in html.text


def test_a_server_without_a_machine_of_the_catalog(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, now, server(None, now))
    assert "without a machine from the catalog" in html.text
    assert html.one("a", id="start")["href"] == "/user/ada/"


def test_named_servers_keep_their_list(catalog: Catalog, gpu: RunningMachine, now: datetime, nasty: str) -> None:
    running = replace(server(gpu, now), name="second", display_name=nasty)
    stopped = replace(server(None, now, state=ServerState.STOPPED), name="third")
    named = tuple(server_view(each, catalog, now) for each in (running, stopped))
    named = (named[0], replace(named[1], why=f"Stopped: {nasty}"))
    html = page(catalog, now, server(gpu, now), named=named, named_allowed=True, named_limit=3)
    assert not html.all("script")
    rows = html.one("tbody").all("tr", cls="home-server-row")
    assert [row["data-server-name"] for row in rows] == ["second", "third"]
    assert nasty in rows[0].text
    assert f"Stopped: {nasty}" in rows[1].text
    assert "up to 3" in html.text
    assert rows[1].one("a", id="start-third")
    assert not page(catalog, now, server(gpu, now)).all("table")


def test_nothing_becomes_html(nasty_catalog: Catalog, gpu: RunningMachine, now: datetime, nasty: str) -> None:
    nasty_machine = replace(gpu, display_name=nasty, pool_id=nasty, options={nasty: nasty})
    html = page(nasty_catalog, now, server(nasty_machine, now))
    assert not html.all("script")
    assert html.one("h2").text == nasty


class TestJson:
    def test_a_running_machine(self, catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
        facts = machine_facts(server(replace(gpu, node="node-7"), now), catalog, now)
        assert facts["state"] == "running"
        assert facts["links"]["switch"] == "/hub/switch/ada"
        assert facts["machine"] == {
            "profile": "gpu",
            "display_name": "GPU",
            "pool": "gpu",
            "pool_display_name": "GPU nodes",
            "cpu_cores": 8.0,
            "memory_bytes": 32 * 2**30,
            "gpus": 2,
            "options": {"gpus": "2"},
            "price_per_hour": {"amount": "5.0", "currency": "EUR", "human": "€5.00"},
            "price_words": "€5.00 per hour",
            "cost_so_far": "€7.00",
            "started_at": "2026-03-02T12:41:00+00:00",
            "stops_at": "2026-03-02T14:30:00+00:00",
            "kept_until": None,
            "stops_words": "It stops after 30 minutes without activity, and 8 hours after its start at the latest.",
            "node": "node-7",
        }

    def test_nothing_running(self, catalog: Catalog, gpu: RunningMachine, now: datetime) -> None:
        facts = machine_facts(server(gpu, now, state=ServerState.STOPPED), catalog, now)
        assert facts["machine"] is None
        assert facts["state"] == "stopped"
