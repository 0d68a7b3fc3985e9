"""Reserving over a real Hub's pages, its REST API and a calendar's address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.local.hub_process import LocalHub, Person, wait_for
from tests.local.seen import main_of, said

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub: {consecutiveFailureLimit: 0}
catalog:
  policies:
    timezone: Europe/Berlin
    reservations:
      gpus: {profiles: [gpu], gpus: 1, longest: 8h, notice: 30m, clearBefore: 5m}
      cores: {profiles: [many-core], servers: 1, notice: 3s, clearBefore: 0s, noShow: 45s}
"""
ROOT = "/hub/reservations"
API = "/hub/api/remuda/reservations"


@pytest.fixture(scope="module")
def hub(module_hub: LocalHub) -> LocalHub:
    return module_hub


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Person:
    return hub.person("ada")


def soon(**ahead: float) -> datetime:
    return (datetime.now(UTC) + timedelta(**ahead)).replace(microsecond=0)


def post(person: Person, path: str, **fields: str) -> httpx.Response:
    return person.http.post(path, data={**fields, "_xsrf": person.xsrf})


def reserve(person: Person, begins: datetime, lasts: str = "2h", **more: Any) -> httpx.Response:
    body = {"profile": "gpu", "options": {"gpus": 1}, "begins_at": begins.isoformat(), "lasts": lasts, **more}
    return person.http.post(API, json=body, headers={"X-XSRFToken": person.xsrf})


def cancel(person: Person, reservation_id: str) -> httpx.Response:
    return person.http.delete(f"{API}/{reservation_id}", headers={"X-XSRFToken": person.xsrf})


def test_a_search_on_the_page_a_slot_and_its_end(ada: Person) -> None:
    form = main_of(ada.http.get(ROOT, params={"profile": "gpu"}))
    chosen = [option["value"] for option in form.all("option") if option.has("selected")]
    assert chosen[0].startswith("profile=gpu&")
    day = soon(days=2)
    asked = {"machine": chosen[0], "day": f"{day:%Y-%m-%d}", "from": "14:00", "lasts": "120", "note": "Workshop <b>"}
    found = post(ada, ROOT, do="find", **asked)
    assert "These times are free" in main_of(found).text
    assert "_xsrf" not in str(found.url)
    first = main_of(found).one("div", cls="rm-free").all("form")[0]
    fields = {field["name"]: field["value"] for field in first.all("input")}
    assert fields["begins"].endswith("+00:00")
    made = post(ada, ROOT, **fields)
    assert said(made).startswith("It is reserved.")
    assert "Workshop <b>" in main_of(made).text
    assert "14:00 to 16:00" in main_of(made).text, "by the policies' clock"
    [kept] = ada.http.get(API).json()["reservations"]
    assert (kept["state"], kept["note"], kept["rule"]) == ("ahead", "Workshop <b>", "gpus")

    again = post(ada, ROOT, do="book", **asked)
    assert again.status_code == 409
    assert "overlaps-own" in said(again)
    ended = post(ada, f"{ROOT}/{kept['id']}")
    assert "The reservation is over" in said(ended)
    assert ada.http.get(API).json()["reservations"][0]["state"] == "cancelled"


def change(person: Person, made: httpx.Response, **said: Any) -> httpx.Response:
    return person.http.patch(f"{API}/{made.json()['id']}", json=said, headers={"X-XSRFToken": person.xsrf})


def test_one_is_changed_over_rest_and_its_calendar_has_the_same_event(ada: Person, bea: Person, admin: Person) -> None:
    begins = soon(days=6).replace(minute=0, second=0)
    made, other = reserve(ada, begins), reserve(bea, begins + timedelta(hours=6))
    assert (made.status_code, other.status_code) == (201, 201), made.text + other.text
    longer = change(ada, made, lasts="3h", note="Longer", revision=0)
    assert longer.status_code == 200, longer.text
    assert (longer.json()["revision"], longer.json()["note"]) == (1, "Longer")
    taken = change(ada, made, begins_at=(begins + timedelta(hours=5)).isoformat())
    assert (taken.status_code, taken.json()["reason"]) == (409, "reserved-already")
    assert "It stays as it was" in taken.json()["message"]
    stale = change(ada, made, lasts="1h", revision=0)
    assert (stale.status_code, stale.json()["reason"]) == (409, "changed-meanwhile")
    for person, reason, status in ((bea, "no-such-reservation", 404), (admin, "not-yours", 403)):
        foreign = change(person, made, lasts="1h")
        assert (foreign.status_code, foreign.json()["reason"]) == (status, reason)
    for sent, reason in (
        ({"lasts": "1h", "ends_at": "2030-01-01T10:00"}, "not-a-length-of-time"),
        ({"begins_at": "2027-03-28T02:30"}, "not-a-time"),
        ({"profile": "nothing"}, "unknown-profile"),
        ({"ends_at": begins.isoformat()}, "not-a-length-of-time"),
    ):
        answer = change(ada, made, **sent)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), answer.text
    assert change(ada, made, what=1).status_code == 400
    url = main_of(post(ada, f"{ROOT}/feed", do="new")).one("input", cls="rm-feed-url")["value"]
    feed = httpx.get(url).text
    [event] = [each for each in feed.split("BEGIN:VEVENT") if made.json()["id"] in each]
    assert "SEQUENCE:1" in event
    assert "Changed a reservation" in main_of(admin.http.get("/hub/audit")).text
    cancel(ada, made.json()["id"])
    cancel(bea, other.json()["id"])
    over = change(ada, made, lasts="1h")
    assert (over.status_code, over.json()["reason"]) == (409, "over-already")


def test_one_is_changed_on_its_page(ada: Person, bea: Person) -> None:
    day = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=7)).replace(hour=9, minute=0)
    day = day.replace(second=0, microsecond=0)
    made, other = reserve(ada, day), reserve(bea, day + timedelta(hours=4))
    path = f"{ROOT}/{made.json()['id']}/change"
    form = main_of(ada.http.get(path)).all("form")[0]
    fields = {field["name"]: field["value"] for field in form.all("input")}
    assert (fields["from"], fields["until"], fields["revision"]) == ("09:00", "11:00", "0")
    done = post(ada, path, **{**fields, "until": "12:30", "machine": "", "do": "change"})
    assert said(done).startswith("The reservation is changed.")
    assert "09:00 to 12:30" in main_of(done).text
    stale = post(ada, path, **{**fields, "until": "12:00"})
    assert (stale.status_code, "changed-meanwhile" in said(stale)) == (409, True)
    fields["revision"] = "1"
    taken = post(ada, path, **{**fields, "from": "12:00", "until": "14:00"})
    assert (taken.status_code, "It stays as it was" in said(taken)) == (409, True)
    proposals = main_of(taken).one("div", cls="rm-free").all("form")
    moved = post(ada, path, **{field["name"]: field["value"] for field in proposals[0].all("input")})
    assert said(moved).startswith("The reservation is changed.")
    same = post(ada, path, machine="", do="change")
    assert said(same).startswith("Nothing was to be changed.")
    assert post(ada, path, do="zap").status_code == 400
    for path_, status in ((f"{ROOT}/{other.json()['id']}/change", 404), (f"{ROOT}/{'0' * 32}/change", 404)):
        assert ada.http.get(path_).status_code == status
        assert post(ada, path_, until="12:00").status_code == status
    cancel(ada, made.json()["id"])
    cancel(bea, other.json()["id"])
    assert ada.http.get(path).status_code == 409


def test_what_has_begun_can_only_end_otherwise(ada: Person) -> None:
    made = reserve(ada, soon(), "1h")
    assert made.status_code == 201, made.text
    path = f"{ROOT}/{made.json()['id']}/change"
    page = main_of(ada.http.get(path))
    assert "only its end can be changed" in page.text
    assert [field["name"] for field in page.all("input") if field.attrs.get("type") in {"date", "time"}] == [
        "until-day", "until",
    ]  # fmt: skip
    moved = change(ada, made, begins_at=soon(minutes=10).isoformat())
    assert (moved.status_code, moved.json()["reason"]) == (409, "begun-already")
    longer = change(ada, made, lasts="2h")
    assert longer.status_code == 200, longer.text
    cancel(ada, made.json()["id"])


def test_an_administrator_cancels_on_the_calendar_with_a_reason(ada: Person, bea: Person, admin: Person) -> None:
    made = reserve(ada, soon(days=2))
    path = f"{ROOT}/{made.json()['id']}"
    assert post(bea, path, reason="I want it").status_code == 404
    [form, *_] = [each for each in main_of(admin.http.get(ROOT)).all("form") if each["action"] == path]
    assert [field["name"] for field in form.all("input")] == ["_xsrf", "reason"]
    empty = post(admin, path, reason=" ")
    assert (empty.status_code, "ada reads it" in said(empty)) == (400, True)
    gone = post(admin, path, reason="The node is\nrepaired <b>.")
    assert said(gone).startswith("The reservation is cancelled.")
    told = ada.http.get("/hub/api/remuda/notices").json()["notices"][0]
    assert told["text"].endswith("They say: “The node is repaired <b>.”")
    assert "The node is repaired <b>." in main_of(admin.http.get("/hub/audit")).text
    assert "Cancelled by admin" in main_of(ada.http.get(ROOT)).text


def test_somebody_elses_start_stops_when_the_reservation_begins(ada: Person, bea: Person) -> None:
    begins = soon(hours=2)
    assert bea.start_by_form(profile="gpu", **{"option.gpu.gpus": "1"}).status_code == 200
    bea.wait_ready()
    made = reserve(ada, begins)
    assert made.status_code == 201, made.text
    told = bea.http.get("/hub/api/remuda/notices").json()["notices"][0]
    assert "because somebody has reserved what it takes" in told["text"]
    full = reserve(bea, begins + timedelta(hours=1))
    assert (full.status_code, full.json()["reason"]) == (409, "reserved-already")
    page = main_of(bea.http.get("/hub/capacity"))
    assert "Reserved" in page.text
    assert "ada" not in main_of(bea.http.get(ROOT)).text, "names are for those who may see them"
    assert cancel(bea, made.json()["id"]).status_code == 404
    assert cancel(ada, made.json()["id"]).json()["state"] == "cancelled"
    bea.stop()


def test_the_machine_of_others_makes_room_and_who_does_not_come_loses_the_slot(ada: Person, bea: Person) -> None:
    assert bea.start_by_form(profile="many-core").status_code == 200
    bea.wait_ready()
    at_once = reserve(ada, soon(seconds=1), profile="many-core", options={})
    assert (at_once.status_code, at_once.json()["reason"]) == (409, "in-use")
    made = reserve(ada, soon(seconds=12), profile="many-core", options={})
    assert made.status_code == 201, made.text
    wait_for(lambda: not bea.model()["servers"], 60)
    refused = bea.start_by_form(profile="many-core")
    assert "reserved" in said(refused)
    kept = ada.http.get(API).json()["reservations"]
    assert {each["state"] for each in kept if each["id"] == made.json()["id"]} <= {"kept", "released"}
    wait_for(lambda: state_of(ada, made) == "released", 120)
    wait_for(lambda: "was released" in ada.http.get("/hub/api/remuda/notices").text)
    again = reserve(ada, soon(), profile="many-core", options={})
    assert again.status_code == 201, again.text
    assert ada.start_by_form(profile="many-core").status_code == 200
    ada.wait_ready()
    assert state_of(ada, again) == "taken"
    cancel(ada, again.json()["id"])
    ada.stop()


def state_of(person: Person, made: httpx.Response) -> str:
    kept = person.http.get(API).json()["reservations"]
    return str(next(each["state"] for each in kept if each["id"] == made.json()["id"]))


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"begins_at": "yesterday"}, 400, "not-a-time"),
        ({"begins_at": "2001-01-01T10:00"}, 400, "in-the-past"),
        ({"lasts": "9h"}, 400, "longer-than-allowed"),
        ({"lasts": "9999d"}, 400, "longer-than-allowed"),
        ({"lasts": "999999999d"}, 400, "longer-than-allowed"),
        ({"lasts": "1h30"}, 400, "not-a-length-of-time"),
        ({"lasts": "∞"}, 400, "not-a-length-of-time"),
        ({"lasts": None}, 400, "not-a-length-of-time"),
        ({"begins_at": "9999-12-31T10:00"}, 400, "too-far-ahead"),
        ({"ends_at": "2030-01-01T10:00"}, 400, "not-a-length-of-time"),
        ({"begins_at": "2199-01-01T10:00Z"}, 400, "too-far-ahead"),
        ({"profile": "nothing"}, 400, "unknown-profile"),
        ({"profile": "small-cpu", "options": {}}, 409, "not-reservable"),
        ({"options": {"gpus": 2}}, 409, "reserved-already"),
        ({"note": "x" * 300}, 400, "text-too-long"),
    ],
)
def test_what_is_refused_says_why(ada: Person, sent: dict[str, Any], status: int, reason: str) -> None:
    body = {"profile": "gpu", "begins_at": soon(days=1).isoformat(), "lasts": "2h", **sent}
    answer = ada.http.post(API, json=body, headers={"X-XSRFToken": ada.xsrf})
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text


def test_a_note_that_is_too_long_is_counted_as_it_was_written(ada: Person) -> None:
    value = main_of(ada.http.get(ROOT, params={"profile": "gpu"})).all("option")[0]["value"]
    asked = {"machine": value, "day": f"{soon(days=2):%Y-%m-%d}", "from": "14:00", "lasts": "60"}
    assert "The note has 10,000 characters, and 200 is the most." in said(post(ada, ROOT, note="x" * 10_000, **asked))


def test_a_button_that_is_none_does_nothing(ada: Person) -> None:
    before = ada.http.get(API).json()
    asked = {"machine": "profile=gpu&gpus=1", "day": f"{soon(days=9):%Y-%m-%d}", "from": "14:00", "lasts": "60"}
    for path in (ROOT, f"{ROOT}/feed"):
        answer = post(ada, path, do="zap", **asked)
        assert (answer.status_code, "names nothing that this page can do" in answer.text) == (400, True)
    assert ada.http.get(API).json() == before


@pytest.mark.parametrize("reservation_id", ["x", "12345", "0" * 32])
def test_what_is_not_there_says_so(ada: Person, reservation_id: str) -> None:
    gone = cancel(ada, reservation_id)
    assert (gone.status_code, gone.json()["reason"]) == (404, "no-such-reservation")
    page = post(ada, f"{ROOT}/{reservation_id}")
    assert (page.status_code, "There is no such reservation." in said(page)) == (404, True)


def test_slots_and_who_may_read_everybodys(ada: Person, admin: Person) -> None:
    slots = ada.http.get(f"{API}/slots", params={"profile": "gpu", "lasts": "3h"}).json()["slots"]
    assert len(slots) == 5
    assert slots == sorted(slots, key=lambda each: each["begins_at"])
    assert ada.http.get(API, params={"of": "everybody"}).status_code == 403
    assert admin.http.get(API, params={"of": "everybody"}).status_code == 200


def test_a_calendar_reads_them_with_a_secret_alone(hub: LocalHub, ada: Person) -> None:
    made = reserve(ada, soon(days=3), note="Meeting; with, commas").json()
    page = main_of(post(ada, f"{ROOT}/feed", do="new"))
    url = page.one("input", cls="rm-feed-url")["value"]
    assert "rm-feed-url" not in ada.http.get(ROOT).text, "shown once"
    with httpx.Client(timeout=60) as anybody:
        feed = anybody.get(url)
        assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
        assert f"UID:{made['id']}@" in feed.text
        assert "Meeting\\; with\\, commas" in feed.text
        assert anybody.get(url[:-3] + "xyz").status_code == 404
        post(ada, f"{ROOT}/feed", do="remove")
        assert anybody.get(url).status_code == 404
    cancel(ada, made["id"])


def test_what_somebody_has_reserved_goes_with_the_account(hub: LocalHub, admin: Person, ada: Person) -> None:
    eve = hub.person("eve")
    begins = soon(days=5)
    assert reserve(eve, begins, note="Only for eve").status_code == 201
    assert cancel(eve, reserve(eve, begins + timedelta(days=1), note="Not even ended").json()["id"]).status_code == 200
    assert reserve(ada, begins).status_code == 409
    gone = admin.http.delete("/hub/api/users/eve", headers={"X-XSRFToken": admin.xsrf})
    assert gone.status_code == 204
    new = hub.person("eve")
    assert new.http.get(API).json()["reservations"] == []
    assert "You have reserved nothing." in main_of(new.http.get(ROOT)).text
    made = reserve(ada, begins)
    assert made.status_code == 201
    for scopes, refused in ((["list:users", "servers!user"], 404), (["list:users"], 403)):
        asked = {"note": "sees all", "scopes": scopes}
        token = admin.http.post("/hub/api/users/admin/tokens", json=asked, headers={"X-XSRFToken": admin.xsrf}).json()
        with httpx.Client(base_url=hub.url, headers={"Authorization": f"token {token['token']}"}) as reads_only:
            assert reads_only.delete(f"{API}/{made.json()['id']}").status_code == refused
    told = admin.http.delete(f"{API}/{made.json()['id']}", headers={"X-XSRFToken": admin.xsrf})
    assert told.json()["over_by"] == "admin"
    assert "admin has cancelled your reservation" in ada.http.get("/hub/api/remuda/notices").text
    assert "Cancelled somebody’s reservation" in main_of(admin.http.get("/hub/audit")).text


def test_what_was_reserved_before_the_rule_went_is_still_there_to_cancel(new_hub: Callable[[], LocalHub]) -> None:
    hub = new_hub()
    hub.write_settings(SETTINGS)
    hub.start()
    made = reserve(hub.person("ada"), soon(days=2), note="Before")
    assert made.status_code == 201, made.text
    hub.interrupt()
    hub.write_settings("mode: local\n")
    hub.start()
    ada, bea = hub.person("ada"), hub.person("bea")
    assert "Before" not in main_of(bea.http.get(ROOT)).text
    page = main_of(ada.http.get(ROOT))
    assert "Nothing can be reserved on this hub." in page.text
    assert "Before" in page.text
    [end] = [form["action"] for form in page.all("form") if form["action"].endswith(made.json()["id"])]
    assert "The reservation is over" in said(post(ada, end))
    assert state_of(ada, made) == "cancelled"
