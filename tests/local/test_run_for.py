"""For how long a machine is to run: by the page's form and over REST, remembered by nobody, and forged in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.local.hub_process import LocalHub, Person, wait_for

pytestmark = pytest.mark.local


def test_a_form_starts_it_for_so_long_and_the_next_one_does_not(hub: LocalHub):
    runa = hub.person("runa")
    assert 'name="run_for"' in runa.http.get("/hub/spawn").text
    answer = runa.start_by_form(profile="small-cpu", run_for="2h")
    assert answer.status_code in {200, 302}, answer.text
    runa.wait_ready()
    home = runa.http.get("/hub/home").text
    assert "2 hours after its start, as you asked" in home
    assert runa.options == {"profile": "small-cpu", "options": {}}
    runa.stop()
    assert runa.start_by_rest().status_code in {201, 202}
    runa.wait_ready()
    assert "as you asked" not in runa.http.get("/hub/home").text
    runa.stop()


def test_the_same_start_over_rest_and_what_is_beyond_the_machines_own_limit_is_cut(hub: LocalHub):
    remy = hub.person("remy")
    assert remy.start_by_rest({"profile": "gpu", "run_for": "90h"}).status_code in {201, 202}
    remy.wait_ready()
    facts = remy.rest.get("/hub/api/remuda/machine/remy").json()["machine"]
    assert "24 hours after its start at the latest" in facts["stops_words"], "cut, and not said to be what was asked"
    assert facts["stops_at"] is not None
    remy.stop()


@pytest.mark.parametrize(
    ("run_for", "reason"),
    [
        ("-4h", "malformed-choice"),
        (-14400, "malformed-choice"),
        ("until the cows come home", "malformed-choice"),
        (["4h"], "malformed-choice"),
        (True, "malformed-choice"),
        ("0h", "run-for-out-of-bounds"),
        (0, "run-for-out-of-bounds"),
        ("9m", "run-for-out-of-bounds"),
        ("1000000h", "run-for-out-of-bounds"),
    ],
)
def test_forged_lengths_are_refused_by_rest(hub: LocalHub, run_for: object, reason: str):
    mallory = hub.person("mallory")
    answer = mallory.start_by_rest({"profile": "small-cpu", "run_for": run_for})
    assert (answer.status_code, answer.reason_phrase, answer.json()["reason"]) == (400, reason, reason)
    assert mallory.start_by_rest({"profile": "staff-only"}).status_code == 403, "the next choice is what it says"


@pytest.mark.parametrize("run_for", ["-4h", "9m", "1000000h", "<b>", "4 hours"])
def test_forged_lengths_are_refused_by_the_form(hub: LocalHub, run_for: str):
    mallory = hub.person("mallory")
    answer = mallory.start_by_form(profile="small-cpu", run_for=run_for)
    assert answer.status_code == 400
    assert "malformed-choice" in answer.text or "run-for-out-of-bounds" in answer.text
    assert "<b>" not in answer.text
    assert "" not in mallory.model()["servers"]


def test_a_refused_form_and_a_link_keep_the_length(hub: LocalHub):
    lina = hub.person("lina")
    refused = lina.start_by_form(profile="staff-only", run_for="4h")
    assert refused.status_code == 403
    assert '<option value="4h" selected>' in refused.text
    link = lina.http.get("/hub/spawn/lina", params={"choose": "gpu", "run_for": "3h"})
    assert '<option value="3h" selected>' in link.text
    odd = lina.http.get("/hub/spawn/lina", params={"choose": "gpu", "run_for": "1000000h"})
    assert '<option value="" selected>' in odd.text



def test_a_switch_is_for_so_long_too(hub: LocalHub):
    swan = hub.person("swan")
    swan.start_by_form(profile="small-cpu", run_for="1h")
    swan.wait_ready()
    page = swan.http.get("/hub/switch/swan").text
    assert '<option value="" selected>' in page, "what was asked for is over with the machine"
    fields = {"_xsrf": swan.xsrf, "start": "many-core", "run_for": "2h"}
    forged = swan.http.post("/hub/switch/swan", params={"_xsrf": swan.xsrf}, data={**fields, "run_for": "-2h"})
    assert forged.status_code == 400
    swan.http.post("/hub/switch/swan", params={"_xsrf": swan.xsrf}, data=fields)
    wait_for(lambda: machine_of(swan)["state"] == "running" and machine_of(swan)["machine"]["profile"] == "many-core")
    assert "2 hours after its start, as you asked" in machine_of(swan)["machine"]["stops_words"]
    swan.stop()


def test_it_is_made_longer_from_home(hub: LocalHub):
    lona = hub.person("lona")
    lona.start_by_form(profile="small-cpu", run_for="2h")
    lona.wait_ready()
    home = lona.http.get("/hub/home").text
    assert "Let it run until" in home
    before = stops(lona)
    assert run_until(lona, before + timedelta(hours=2)).headers["location"].endswith("/hub/home?notice=runs-longer")
    after = stops(lona)
    assert abs((after - before) - timedelta(hours=2)) < timedelta(minutes=1)
    assert "after its start, as you asked" in lona.http.get("/hub/home").text
    for until, status in (("soon", 400), ("2026-11-22T10:00", 400), (before.isoformat(), 409)):
        assert run_until(lona, until).status_code == status
    stranger = hub.person("stranger")
    stranger.http.get("/hub/home")
    assert run_until(stranger, after + timedelta(hours=1), of="lona").status_code in {403, 404}
    assert stops(lona) == after
    lona.stop()
    assert run_until(lona, after + timedelta(hours=1)).status_code == 409


def test_a_machine_without_an_end_offers_no_later_one(hub: LocalHub):
    oda = hub.person("oda")
    oda.start_by_form(profile="small-cpu")
    oda.wait_ready()
    assert "Let it run until" not in oda.http.get("/hub/home").text
    assert run_until(oda, datetime.now(UTC) + timedelta(hours=1)).status_code == 409
    oda.stop()


def machine_of(person: Person) -> dict[str, Any]:
    return dict(person.rest.get(f"/hub/api/remuda/machine/{person.path}").json())


def stops(person: Person) -> datetime:
    return datetime.fromisoformat(machine_of(person)["machine"]["stops_at"])


def run_until(person: Person, until: datetime | str, of: str = "") -> httpx.Response:
    text = until if isinstance(until, str) else until.isoformat()
    path = f"/hub/run-until/{of or person.path}"
    data = {"_xsrf": person.xsrf, "until": text}
    return person.http.post(path, params={"_xsrf": person.xsrf}, data=data, follow_redirects=False)
