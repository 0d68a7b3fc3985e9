"""What the pages do to servers: refusals, races, switches, and a Hub that ends in the middle of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.local.held import Held
from tests.local.hub_process import LocalHub, Person, sse, using, wait_for
from tests.local.seen import main_of, said

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  allowNamedServers: true
  consecutiveFailureLimit: 2
catalog:
  profiles:
    staff-only: {extends: small-cpu, displayName: Staff only, allow: {everyone: false, admins: true}}
    slow-start: {extends: small-cpu, displayName: Slow start, env: {PYTHONPATH: "%(slow)s"}}
    never-up:
      extends: small-cpu
      displayName: Never up
      startTimeout: 2s
      env: {JUPYTERHUB_SERVICE_URL: "http://127.0.0.1:1/"}
"""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Lets servers on the machine "Slow start" come up."""
    return Held(tmp_path_factory.mktemp("held"))


def configured(hub: LocalHub, held: Held) -> LocalHub:
    hub.write_settings(SETTINGS % {"slow": held.folder})
    return hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, held: Held) -> Iterator[LocalHub]:
    with using(configured(LocalHub(tmp_path_factory.mktemp("pages") / "local"), held)) as hub:
        yield hub


def title(answer: httpx.Response) -> str:
    return main_of(answer).one("h1").text


def facts(person: Person, server: str = "") -> dict[str, Any]:
    answer = person.rest.get(f"/hub/api/remuda/machine/{person.name}{server}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until(person: Person, state: str, server: str = "") -> dict[str, Any]:
    wait_for(lambda: facts(person, server)["state"] == state, 60)
    return facts(person, server)


def post(person: Person, path: str, **fields: str) -> httpx.Response:
    return person.http.post(path, data={**fields, "_xsrf": person.xsrf})


def running(hub: LocalHub, name: str, machine: str = "small-cpu") -> Person:
    person = hub.person(name)
    assert person.start_by_form(profile=machine).status_code == 200
    until(person, "running")
    return person


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"profile": "staff-only"}, 403, "forbidden-profile"),
        ({"start": "staff-only", "profile": "small-cpu"}, 403, "forbidden-profile"),
        ({"profile": "mainframe"}, 400, "unknown-profile"),
        ({"profile": "gpu", "option.gpu.gpus": "99"}, 400, "option-out-of-bounds"),
        ({"profile": "gpu", "option.gpu.colour": "red"}, 400, "unknown-option"),
        ({"evil": "yes"}, 400, "malformed-choice"),
        ({"profile": "../../etc"}, 400, "malformed-choice"),
    ],
)
def test_a_tampered_form_comes_back_with_the_reason(hub: LocalHub, fields: dict, status: int, reason: str) -> None:
    mallory = hub.person("mallory")
    for path in ("/hub/spawn", "/hub/spawn/mallory"):
        answer = post(mallory, path, **fields)
        assert answer.status_code == status
        assert title(answer) == "Pick a machine"
        assert f"Reason code: {reason}" in said(answer)
    assert facts(mallory)["state"] == "stopped"


def test_a_refused_choice_is_kept_as_far_as_it_is_on_offer(hub: LocalHub) -> None:
    page = main_of(post(hub.person("mallory"), "/hub/spawn", profile="gpu", **{"option.gpu.gpus": "99"}))
    assert page.one("input", checked="")["value"] == "gpu"


def test_a_link_with_a_refused_choice_says_why(hub: LocalHub) -> None:
    answer = hub.person("mallory").http.get("/hub/spawn?opt-profile=staff-only")
    assert answer.status_code == 403
    assert "forbidden-profile" in said(answer)


@pytest.mark.parametrize("path", ["/hub/spawn", "/hub/switch", "/hub/stop"])
def test_a_post_without_the_pages_token_changes_nothing(hub: LocalHub, path: str) -> None:
    answer = hub.person("mallory").http.post(path, data={"profile": "small-cpu"})
    assert answer.status_code == 403
    assert title(answer) == "This page was out of date"


def test_of_three_starts_at_once_one_wins_and_the_others_follow_it(hub: LocalHub, held: Held) -> None:
    ada = hub.person("ada")
    machines = ("slow-start", "gpu", "many-core")
    with ThreadPoolExecutor(3) as pool:
        tabs = [
            httpx.Client(base_url=hub.url, cookies=ada.http.cookies, follow_redirects=True, timeout=60)
            for _ in machines
        ]
        forms = [{"_xsrf": ada.xsrf, "profile": machine} for machine in machines]
        answers = list(pool.map(lambda tab, form: tab.post("/hub/spawn", data=form), tabs, forms))
    assert [answer.status_code for answer in answers] == [200] * 3, [answer.text[-2000:] for answer in answers]
    assert "pending spawn" not in "".join(answer.text for answer in answers)
    held.let_go("ada")
    winner = until(ada, "running")["machine"]["display_name"]
    for answer in answers:
        if "spawn-pending" in answer.url.path:
            assert title(answer) == f"Starting {winner}"
    again = post(ada, "/hub/spawn", profile="gpu")
    assert again.url.path == "/hub/home"
    assert "already running" in said(again)
    ada.stop()


def test_a_switch_stops_starts_and_tells_what_it_does(hub: LocalHub, held: Held) -> None:
    ada = running(hub, "switcher")
    answer = post(ada, "/hub/switch?next=/user/switcher/lab/tree/notes.txt", start="slow-start")
    assert title(answer) == "Switching from Small CPU to Slow start"
    assert main_of(answer).one(id="rm-pending")["data-rm-next"] == "/user/switcher/lab/tree/notes.txt"
    with ada.rest.stream("GET", "/hub/api/remuda/progress/switcher", timeout=60) as stream:
        # Another tab, in the middle: nothing is disturbed, and it sees the same.
        for path, fields in [("/hub/switch", {"profile": "gpu"}), ("/hub/spawn", {"profile": "gpu"})]:
            second = post(ada, path, **fields)
            assert title(second) == "Switching from Small CPU to Slow start"
            assert "already" in said(second)
        assert title(ada.http.get("/hub/spawn")) == "Switching from Small CPU to Slow start"
        held.let_go("switcher")
        events = list(sse(stream))
    assert events[-1]["ready"]
    progress = [event["progress"] for event in events]
    assert progress == sorted(progress)
    assert "Server requested" not in [event["message"] for event in events]
    assert until(ada, "running")["machine"]["profile"] == "slow-start"
    assert ada.options == {"profile": "slow-start", "options": {"memory": "4Gi"}}
    ada.stop()


def test_the_choice_is_checked_before_anything_is_stopped(hub: LocalHub) -> None:
    ada = running(hub, "careful")
    before = hub.server_of("careful").pid
    for fields, reason in [
        ({"profile": "staff-only"}, "forbidden-profile"),
        ({"profile": "mainframe"}, "unknown-profile"),
        ({"profile": "gpu", "option.gpu.gpus": "99"}, "option-out-of-bounds"),
        ({"nonsense": "1"}, "malformed-choice"),
    ]:
        answer = post(ada, "/hub/switch", **fields)
        assert answer.status_code in {400, 403}
        assert reason in said(answer)
        assert title(answer) == "Switch machine"
    assert facts(ada)["state"] == "running"
    assert hub.server_of("careful").pid == before
    ada.stop()


def test_a_failed_switch_offers_the_machine_before(hub: LocalHub) -> None:
    ada = running(hub, "unlucky", "gpu")
    post(ada, "/hub/switch?next=/user/unlucky/lab/tree/x", profile="never-up")
    until(ada, "stopped")
    page = ada.http.get("/hub/spawn-pending/unlucky?next=/user/unlucky/lab/tree/x")
    assert title(page) == "Never up could not be started"
    assert "start-timeout" in said(page)
    forms = {form.one("button").text: form for form in main_of(page).all("form")}
    assert set(forms) == {"Try again", "Start GPU instead"}
    old = forms["Start GPU instead"]
    back = ada.http.post(old["action"], data={field["name"]: field["value"] for field in old.all("input")})
    assert back.url.params.get("next", back.url.path) == "/user/unlucky/lab/tree/x", "on the way, or there already"
    assert until(ada, "running")["machine"]["profile"] == "gpu"
    ada.stop()


@pytest.mark.parametrize(
    "next_url",
    ["//evil.example", "/\\evil.example", "https:evil.example", "%2f%2fevil.example", "/user/bob/lab", "/hub/logout"],
)
def test_next_leads_nowhere_else(hub: LocalHub, next_url: str) -> None:
    ada = hub.person("nexter")
    if facts(ada)["state"] == "stopped":
        running(hub, "nexter")
    page = main_of(ada.http.get("/hub/switch", params={"next": next_url}))
    assert page.one("form")["action"] == "/hub/switch/nexter"
    assert page.one(cls="rm-back").one("a")["href"] == "/hub/home"


def test_other_peoples_machines_are_out_of_reach_except_for_admins(hub: LocalHub) -> None:
    bob, mallory, admin = running(hub, "bob"), hub.person("mallory"), hub.person("admin")
    assert mallory.http.get("/hub/switch/bob").status_code == 404
    assert mallory.rest.get("/hub/api/remuda/machine/bob").status_code == 404
    assert mallory.rest.get("/hub/api/remuda/progress/bob").status_code == 404
    for path in ("/hub/switch/bob", "/hub/stop/bob", "/hub/spawn/bob"):
        assert post(mallory, path, profile="gpu").status_code == 404
    assert facts(bob)["machine"]["profile"] == "small-cpu"
    assert httpx.get(f"{hub.url}/hub/api/remuda/machine", timeout=60).status_code == 403

    assert title(post(admin, "/hub/switch/bob", profile="gpu")) == "Switching from Small CPU to GPU"
    assert until(bob, "running")["machine"]["profile"] == "gpu"
    # Bob's own rights count, not the admin's.
    assert "forbidden-profile" in said(post(admin, "/hub/switch/bob", profile="staff-only"))
    post(admin, "/hub/stop/bob")
    until(bob, "stopped")


def test_a_server_may_ask_about_its_own_machine_with_its_own_token(hub: LocalHub) -> None:
    ada = running(hub, "asker", "gpu")
    code = (
        "import json, os, urllib.request as u\n"
        "ask = lambda who: u.Request(os.environ['JUPYTERHUB_API_URL'] + '/remuda/machine/' + who,"
        " headers={'Authorization': 'token ' + os.environ['JUPYTERHUB_API_TOKEN']})\n"
        "print(json.dumps(json.load(u.urlopen(ask('asker')))))\n"
        "try: print(u.urlopen(ask('bob')).status)\n"
        "except u.HTTPError as e: print(e.code)"
    )
    own, other = ada.run(code).strip().splitlines()
    machine = json.loads(own)["machine"]
    assert (machine["profile"], machine["price_words"]) == ("gpu", "€2.50 per hour")
    assert machine["stops_at"] > machine["started_at"]
    assert other == "404"
    ada.stop()


def test_a_named_server_switches_alone(hub: LocalHub) -> None:
    ada = running(hub, "named")
    assert post(ada, "/hub/spawn/named/second", profile="small-cpu").status_code == 200
    until(ada, "running", "/second")
    post(ada, "/hub/switch/named/second?next=/user/named/second/lab", profile="gpu")
    wait_for(lambda: (facts(ada, "/second")["machine"] or {}).get("profile") == "gpu", 60)
    until(ada, "running", "/second")
    assert facts(ada)["machine"]["profile"] == "small-cpu"
    rows = main_of(ada.http.get("/hub/home")).all("tr", cls="home-server-row")
    assert [row.one("th").text for row in rows] == ["second"]
    assert "GPU" in rows[0].text
    post(ada, "/hub/stop/named/second")
    until(ada, "stopped", "/second")
    assert facts(ada)["state"] == "running"
    ada.stop()


def test_a_start_is_cancelled_by_stop(hub: LocalHub) -> None:
    ada = hub.person("hasty")
    assert title(ada.start_by_form(profile="slow-start")) == "Starting Slow start"
    home = post(ada, "/hub/stop")
    assert home.url.path == "/hub/home"
    until(ada, "stopped")
    assert title(ada.http.get("/user/hasty/lab")) == "Your machine is not running"


def test_a_hub_that_ends_in_the_middle_of_a_switch_leaves_a_usable_page(
    new_hub: Callable[[], LocalHub], held: Held
) -> None:
    hub = configured(new_hub(), held).start()
    ada = running(hub, "ada")
    post(ada, "/hub/switch", profile="slow-start")
    hub.hub.kill()
    held.let_go("ada")
    hub.wait_end()
    hub.start()
    page = ada.http.get("/hub/home")
    assert page.status_code == 200
    wait_for(lambda: facts(ada)["state"] in {"stopped", "running"}, 60)
    if facts(ada)["state"] == "stopped":
        spawn = main_of(ada.http.get("/hub/spawn"))
        assert spawn.one("input", checked="")["value"] == "slow-start", "what was wanted is offered first"
        post(ada, "/hub/spawn", profile="small-cpu")
    assert until(ada, "running")["machine"]["profile"] in {"small-cpu", "slow-start"}
