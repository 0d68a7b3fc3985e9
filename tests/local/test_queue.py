"""Waiting in line on a real Hub: over REST, on pages without a script, and in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.hub_process import LocalHub, Person, wait_for
from tests.unit.pages.reading import assert_accessible, read

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  allowNamedServers: true
catalog:
  policies:
    queue: {perPerson: 1}
    quotas:
      gpus: {per: hub, gpus: 1}
    budgets:
      none: {per: user, money: 0.01, profiles: [many-core]}
"""
QUEUE = "/hub/api/remuda/queue"


@pytest.fixture(scope="module")
def hub(module_hub: LocalHub) -> LocalHub:
    """Ada has the GPU."""
    ada = module_hub.person("ada")
    assert ada.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
    ada.wait_ready()
    return module_hub


def wait_in_line(person: Person, **body: Any) -> dict[str, Any]:
    answer = person.rest.post(QUEUE, json={"profile": "gpu", "starts_itself": False, **body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def places(person: Person) -> list[dict[str, Any]]:
    return list(person.rest.get(QUEUE).json()["places"])


def test_over_rest_one_waits_looks_and_leaves(hub: LocalHub, bea: Person) -> None:
    place = wait_in_line(bea)
    assert (place["user"], place["display_name"], place["place"]) == ("bea", "GPU", 1)
    assert place["words"].startswith("You are 1st in line")
    (found,) = places(bea)
    assert found["id"] == place["id"]
    assert found["words"].startswith("You are 1st in line")
    again = wait_in_line(bea, starts_itself=True)
    assert (again["id"], again["starts_itself"]) == (place["id"], True)
    assert bea.rest.delete(f"{QUEUE}/{place['id']}").status_code == 204
    assert places(bea) == []
    for gone in (place["id"], "12345", "x-Y_z"):
        answer = bea.rest.delete(f"{QUEUE}/{gone}")
        assert (answer.status_code, answer.json()["reason"]) == (404, "no-such-place")
        assert answer.json()["message"].startswith("This place in line is gone.")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"profile": "small-cpu"}, 409, "free-now"),
        ({"profile": "many-core"}, 409, "over-budget"),
        ({"profile": "gpu", "options": {"gpus": 2}}, 409, "more-than-there-is"),
        ({"profile": "nothing"}, 400, "unknown-profile"),
    ],
)
def test_what_cannot_be_waited_for_says_why(
    hub: LocalHub, bea: Person, body: dict[str, Any], status: int, reason: str
) -> None:
    answer = bea.rest.post(QUEUE, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert places(bea) == []


def test_others_places_are_nobodys_business_but_an_administrators_and_that_is_kept_in_the_audit(
    hub: LocalHub, bea: Person, admin: Person
) -> None:
    place = wait_in_line(bea)
    cleo = hub.person("cleo")
    assert cleo.rest.get(QUEUE, params={"all": "1"}).status_code == 403
    assert cleo.rest.delete(f"{QUEUE}/{place['id']}").status_code in {403, 404}
    everybody = admin.rest.get(QUEUE, params={"all": "1"}).json()["places"]
    assert [(each["user"], each["words"]) for each in everybody] == [("bea", None)]
    assert admin.rest.delete(f"{QUEUE}/{place['id']}").status_code == 204
    assert places(bea) == []
    assert "Took somebody out of the line" in admin.http.get("/hub/audit").text
    assert "You no longer wait for GPU" in bea.http.get("/hub/notices").text


def post(person: Person, path: str, **fields: str) -> Any:
    return person.http.post(path, data={**fields, "_xsrf": person.xsrf})


def test_with_plain_forms_one_waits_and_leaves(hub: LocalHub, bea: Person) -> None:
    card = bea.http.get("/hub/spawn").text
    assert "You would be 1st in line" in card
    page = post(bea, "/hub/queue/join/bea", tell="gpu", **{"option.gpu.gpus": "1"})
    assert page.status_code == 200
    assert_accessible(read(page.text).one("main"))
    assert "You are 1st in line" in page.text
    assert "You are 1st in line" in bea.http.get("/hub/home").text
    (place,) = places(bea)
    facts = bea.http.get("/hub/remuda/shares/bea").json()["profiles"]["gpu"]["1"]
    assert (facts["place"]["id"], facts["wait"]) == (place["id"], "")
    assert "nothing at the moment" in post(bea, "/hub/queue/leave", leave=place["id"]).text
    assert post(bea, "/hub/queue/leave", leave=place["id"]).status_code == 404


def test_a_server_that_is_not_there_yet_can_be_waited_for(hub: LocalHub, bea: Person) -> None:
    page = post(bea, "/hub/queue/join/bea/fresh", tell="gpu", **{"option.gpu.gpus": "1"})
    assert (page.status_code, "You are 1st in line" in page.text) == (200, True), page.text
    (place,) = places(bea)
    assert place["server"] == "fresh"
    assert bea.rest.delete(f"{QUEUE}/{place['id']}").status_code == 204
    bea.rest.delete("/hub/api/users/bea/servers/fresh", params={"remove": "1"})
    refused = post(bea, "/hub/queue/join/bea/never", tell="small-cpu")
    assert (refused.status_code, "free-now" in refused.text) == (409, True)
    known = bea.rest.get("/hub/api/users/bea", params={"include_stopped_servers": "1"}).json()["servers"]
    assert "never" not in known, "who is refused a place leaves no server behind"


def test_who_is_refused_a_start_may_wait_instead(hub: LocalHub, bea: Person) -> None:
    refused = bea.start_by_rest({"profile": "gpu"})
    assert refused.status_code >= 400 or refused.status_code == 202
    wait_for(lambda: "Wait for it in line" in bea.http.get("/user/bea/lab").text)


def test_it_starts_by_itself_when_it_is_given_back(hub: LocalHub, bea: Person) -> None:
    wait_in_line(bea, starts_itself=True)
    hub.person("ada").rest.delete("/hub/api/users/ada/server")
    wait_for(lambda: bea.rest.get("/hub/api/users/bea").json()["servers"].get("", {}).get("ready"))
    assert places(bea) == []
    assert "is being started for you" in bea.http.get("/hub/notices").text


def test_an_account_that_is_removed_waits_for_nothing(hub: LocalHub, bea: Person, admin: Person) -> None:
    dora = hub.person("dora")
    wait_in_line(dora)
    assert admin.rest.delete("/hub/api/users/dora").status_code == 204
    assert [each["user"] for each in admin.rest.get(QUEUE, params={"all": "1"}).json()["places"]] == []


def test_who_runs_another_machine_is_told_and_switches(hub: LocalHub, bea: Person) -> None:
    """Bea has the GPU by now. Nobody stops cleo's machine for her place in line."""
    cleo = hub.person("cleo")
    assert cleo.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    cleo.wait_ready()
    cards = cleo.http.get("/hub/switch/cleo").text
    assert "Wait for it, and tell me" in cards and "start it for me" not in cards
    place = wait_in_line(cleo, starts_itself=True)
    bea.rest.delete("/hub/api/users/bea/server")
    wait_for(lambda: "kept for you until" in cleo.http.get("/hub/queue").text)
    assert "which is not stopped for you" in cleo.http.get("/hub/notices").text
    assert [each["id"] for each in places(cleo)] == [place["id"]]
    machine = cleo.rest.get("/hub/api/remuda/machine").json()["machine"]
    assert machine["profile"] == "small-cpu"
    (form,) = [each for each in read(cleo.http.get("/hub/queue").text).all("form") if "switch" in each["action"]]
    fields = {each["name"]: each["value"] for each in form.all("input")}
    assert cleo.http.post(form["action"], data=fields | {"_xsrf": cleo.xsrf}).status_code == 200
    wait_for(lambda: (cleo.rest.get("/hub/api/remuda/machine").json()["machine"] or {}).get("profile") == "gpu", 60)
    assert places(cleo) == []
