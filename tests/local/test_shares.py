"""Quotas and budgets on a Hub: told before the click; refused by page, REST and replay in the same words; usage."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from profiles.ledger_csv import read_ledger
from tests.local.hub_process import LocalHub, Person, wait_for
from tests.local.seen import main_of
from tests.unit.pages.reading import Element, assert_accessible

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  allowNamedServers: true
  consecutiveFailureLimit: 0
  config: {JupyterHub: {load_groups: {research: {users: [bea, cy]}}}}
catalog:
  policies:
    quotas:
      one-each: {per: user, servers: 1}
      team: {per: group, servers: 5}
    budgets:
      pocket-money: {per: user, money: 0.10, profiles: [gpu]}
      plenty: {per: user, money: 200, profiles: [small-cpu]}
"""


@pytest.fixture(scope="module")
def hub(module_hub: LocalHub) -> LocalHub:
    return module_hub


@pytest.fixture(scope="module")
def ada(hub: LocalHub) -> Person:
    """Whose one machine runs."""
    person = hub.person("ada")
    assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    person.wait_ready()
    wait_for(lambda: "running" in person.http.get("/hub/usage").text)
    return person


def card(page: Element, profile: str) -> Element:
    return next(box for box in page.all(cls="rm-card") if box.one("input", type="radio")["value"] == profile)


def api(person: Person, path: str, **query: Any) -> Any:
    answer = person.rest.get(f"/hub/api/remuda/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal_on_card(person: Person, profile: str, server: str = "") -> str:
    page = main_of(person.http.get(f"/hub/spawn/{person.path}/{server}".rstrip("/")))
    return card(page, profile).one(cls="rm-lock").text


class TestBeforeTheClick:
    def test_a_card_says_what_is_left(self, hub: LocalHub) -> None:
        page = main_of(hub.person("dora").http.get("/hub/spawn"))
        assert_accessible(page)
        small = card(page, "small-cpu").one(cls="rm-shares", data_rm_fact="shares").text
        assert "1 of 1 server left for you" in small
        assert "€200.00 of €200.00 left this month" in small

    def test_a_budget_that_does_not_pay_for_it_locks_the_card(self, hub: LocalHub) -> None:
        gpu = card(main_of(hub.person("dora").http.get("/hub/spawn")), "gpu")
        assert gpu.one(cls="rm-lock")["data-rm-reason"] == "over-budget"
        assert gpu.one("input", type="radio").has("disabled")

    def test_the_pages_script_is_told_the_same(self, hub: LocalHub) -> None:
        dora = hub.person("dora")
        fieldset = main_of(dora.http.get("/hub/spawn")).one("fieldset")
        profiles = dora.http.get(fieldset["data-rm-shares"]).json()["profiles"]
        assert profiles["small-cpu"]
        assert all(facts["lock"] is None for facts in profiles["small-cpu"].values())
        assert all(facts["lock"]["reason"] == "over-budget" for facts in profiles["gpu"].values())

    def test_a_members_card_tells_of_the_group(self, bea: Person) -> None:
        page = main_of(bea.http.get("/hub/spawn"))
        shares = card(page, "small-cpu").one(cls="rm-shares", data_rm_fact="shares").text
        assert "research: 5 of 5 servers free" in shares


class TestRefused:
    """The second machine of somebody who may have one."""

    def test_page_rest_and_replay_say_the_same(self, ada: Person) -> None:
        assert ada.rest.put(ada.server_path("second")).status_code == 201
        said = refusal_on_card(ada, "small-cpu", "second")
        assert "1 server" in said
        posted = ada.http.post(
            f"/hub/spawn/{ada.path}/second",
            params={"_xsrf": ada.xsrf},
            data={"profile": "small-cpu", "_xsrf": ada.xsrf},
        )
        assert posted.status_code == 400
        notice = main_of(posted).one(role="alert")
        assert said in notice.text
        assert "over-quota" in notice.text
        rest = ada.start_by_rest({"profile": "small-cpu"}, "second")
        assert rest.status_code == 400, rest.text
        assert rest.json()["message"] == said
        replayed = ada.start_by_rest(None, "second")
        assert replayed.status_code == 400, replayed.text
        assert replayed.json()["message"] == said
        told = api(ada, "shares")["machines"]
        assert "admitted" in told[0]

    def test_nothing_was_started(self, ada: Person) -> None:
        assert not [name for name, server in ada.model()["servers"].items() if name and server.get("ready")]

    def test_home_says_beside_the_named_server_why_it_does_not_run(self, ada: Person) -> None:
        rows = main_of(ada.http.get("/hub/home")).all("tr", cls="home-server-row")
        (second,) = [row for row in rows if row["data-server-name"] == "second"]
        assert "You may have 1 server at once, and 1 is in use" in second.text

    def test_a_server_that_was_never_made_is_not_left_behind(self, ada: Person) -> None:
        """Its cards are those of a start beside what runs, whoever asks for them."""

        def named() -> set[str]:
            model = ada.rest.get("/hub/api/users/ada", params={"include_stopped_servers": "1"}).json()
            return set(model["servers"]) - {"", "second"}

        said = refusal_on_card(ada, "small-cpu", "third")
        facts = ada.http.get("/hub/remuda/shares/ada/third").json()["profiles"]["small-cpu"]
        assert {each["lock"]["reason"] for each in facts.values()} == {"over-quota"}
        assert ada.http.get("/hub/spawn/ada/third", params={"choose": "many-core"}).status_code == 200
        form = {"profile": "small-cpu", "_xsrf": ada.xsrf}
        posted = ada.http.post("/hub/spawn/ada/third", params={"_xsrf": ada.xsrf}, data=form)
        assert (posted.status_code, said in main_of(posted).text) == (400, True)
        assert named() == set()
        rest = ada.start_by_rest({"profile": "small-cpu"}, "third")
        assert (rest.status_code, rest.json()["message"]) == (400, said)
        assert named() == set()
        link = ada.http.get("/hub/spawn/ada/third", params={"profile": "small-cpu"})
        assert (link.status_code, "over-quota" in link.text) == (400, True), link.text
        assert named() == set()
        assert ada.http.get("/hub/spawn/ada/No Name!").status_code == 400

    def test_a_new_server_is_called_what_its_page_was_asked_for(self, hub: LocalHub) -> None:
        eli = hub.person("eli")
        page = main_of(eli.http.get("/hub/spawn/eli/mine", params={"display_name": "Über alles"}))
        action = next(form["action"] for form in page.all("form") if "display_name" in form["action"])
        eli.http.post(action, params=None, data={"profile": "small-cpu", "_xsrf": eli.xsrf})
        wait_for(lambda: eli.model()["servers"].get("mine", {}).get("ready"))
        assert eli.model()["servers"]["mine"]["display_name"] == "Über alles"
        eli.rest.delete(eli.server_path("mine"))
        wait_for(lambda: "mine" not in eli.model()["servers"])

    def test_a_switch_gives_back_what_runs(self, ada: Person) -> None:
        """One of one is in use, by the machine that would be left."""
        page = main_of(ada.http.get(f"/hub/switch/{ada.path}"))
        many = card(page, "many-core")
        assert many.one(cls="rm-lock").has("hidden")
        assert not many.one("input", type="radio").has("disabled")


class TestCapacity:
    def test_names_are_for_those_who_may_see_them(self, ada: Person, bea: Person, admin: Person) -> None:
        own = main_of(ada.http.get("/hub/capacity"))
        assert_accessible(own)
        assert "You" in [row.text for row in own.all("th", scope="row")]
        others = main_of(bea.http.get("/hub/capacity")).text
        assert "somebody" in others
        assert "ada" not in others.split()
        assert "ada" in main_of(admin.http.get("/hub/capacity")).text.split()

    def test_by_rest(self, ada: Person, bea: Person, admin: Person) -> None:
        def holders(person: Person) -> list[Any]:
            return [each for pool in api(person, "capacity")["pools"] for each in pool["holders"]]

        assert [(each["user"], each["mine"]) for each in holders(ada)] == [("ada", True)]
        assert [each["user"] for each in holders(bea)] == [None]
        assert [each["user"] for each in holders(admin)] == ["ada"]

    def test_the_menu_leads_there(self, ada: Person) -> None:
        home = ada.http.get("/hub/home").text
        assert 'href="/hub/capacity"' in home
        assert 'href="/hub/usage"' in home


class TestUsage:
    def test_what_runs_is_on_the_page(self, ada: Person) -> None:
        page = main_of(ada.http.get("/hub/usage"))
        assert_accessible(page)
        assert "running" in page.one("section", aria_labelledby="rm-sessions").text
        assert "Everybody" not in [link.text for link in page.all("a")]

    @pytest.mark.parametrize("of", ["user:ada", "everybody", "group:other"])
    def test_anothers_is_forbidden(self, ada: Person, of: str, bea: Person) -> None:
        assert bea.http.get("/hub/usage", params={"of": of}).status_code == 403
        assert bea.http.get("/hub/usage.csv", params={"of": of}).status_code == 403
        for question in ("usage", "ledger"):
            answer = bea.rest.get(f"/hub/api/remuda/{question}", params={"of": of})
            assert answer.status_code in {403, 404}, answer.text
            assert answer.json()["message"]

    def test_members_see_the_sums_of_their_group_and_no_sessions(self, bea: Person) -> None:
        page = bea.http.get("/hub/usage", params={"of": "group:research"})
        assert page.status_code == 200
        assert not main_of(page).all("section", aria_labelledby="rm-sessions")
        assert bea.http.get("/hub/usage.csv", params={"of": "group:research"}).status_code == 403
        assert api(bea, "usage", of="group:research")["users"] is None
        assert bea.rest.get("/hub/api/remuda/ledger", params={"of": "group:research"}).status_code in {403, 404}

    def test_an_administrator_sees_everybody(self, ada: Person, admin: Person) -> None:
        page = main_of(admin.http.get("/hub/usage", params={"of": "everybody"}))
        assert "ada" in page.one("section", aria_labelledby="rm-people").text
        assert "ada" in [each["name"] for each in api(admin, "usage", of="everybody")["users"]]
        assert admin.http.get("/hub/usage", params={"of": "user:ada"}).status_code == 200

    @pytest.mark.parametrize("query", [{"of": "nobody"}, {"days": "x"}, {"days": "0"}])
    def test_nonsense_is_told(self, ada: Person, query: dict[str, str]) -> None:
        assert ada.http.get("/hub/usage", params=query).status_code == 400
        assert ada.rest.get("/hub/api/remuda/usage", params=query).status_code == 400

    def test_a_run_that_is_over_is_a_receipt(self, hub: LocalHub) -> None:
        cy = hub.person("cy")
        assert cy.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
        cy.wait_ready()
        cy.stop()
        wait_for(lambda: api(cy, "ledger")["entries"])
        [entry] = api(cy, "ledger")["entries"]
        assert (entry["user"], entry["profile"], entry["reason"]) == ("cy", "small-cpu", "stopped")
        assert entry["groups"] == ["research"]
        answer = cy.http.get("/hub/usage.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        [read_back] = read_ledger(answer.text)
        assert read_back.lease.id == entry["lease_id"]
        assert read_back.charge.micros == round(float(entry["money"]) * 1_000_000)
        page = main_of(cy.http.get("/hub/usage"))
        assert "Small CPU" in page.one("section", aria_labelledby="rm-sessions").text
        assert api(cy, "ledger", limit=1)["next"], "a full page has a next one"
        assert api(cy, "ledger", limit=1, before=api(cy, "ledger", limit=1)["next"])["entries"] == []
        for before in ("0001-01-01T00:00+14:00 x", "9999-12-31T23:59-14:00 x", "2026-05-04T10:00 x", "2026-05-04"):
            answer = cy.rest.get("/hub/api/remuda/ledger", params={"before": before})
            assert (answer.status_code, "had as next" in answer.text) == (400, True)


class TestForPrograms:
    def test_the_description_needs_no_login(self, hub: LocalHub) -> None:
        described = httpx.get(f"{hub.url}/hub/api/remuda/openapi.json", timeout=60).json()
        assert described["servers"] == [{"url": "/hub/api/remuda"}]

    def test_without_a_token_there_is_nothing(self, hub: LocalHub) -> None:
        for question in ("shares", "capacity", "usage", "ledger"):
            answer = httpx.get(f"{hub.url}/hub/api/remuda/{question}", timeout=60)
            assert answer.status_code == 403, answer.text

    def test_shares_are_for_oneself(self, ada: Person, bea: Person) -> None:
        told = api(ada, "shares/ada")
        assert told["quotas"][0]["rule"] == "one-each"
        refused = next(each for each in told["machines"] if each["profile"] == "gpu")
        assert (refused["admitted"], refused["rule"]) == (False, "pocket-money")
        assert bea.rest.get("/hub/api/remuda/shares/ada").status_code == 404

    def test_a_notebook_reads_its_owners_with_its_servers_token(self, hub: LocalHub, ada: Person) -> None:
        token = hub.server_of("ada").environ()["JUPYTERHUB_API_TOKEN"]
        headers = {"Authorization": f"token {token}"}
        inside = httpx.Client(base_url=f"{hub.url}/hub/api/remuda", headers=headers, timeout=60)
        for question in ("shares", "shares/ada", "capacity", "usage", "ledger", "usage?of=user:ada"):
            answer = inside.get(question)
            assert answer.status_code == 200, answer.text
        assert [each["mine"] for pool in inside.get("capacity").json()["pools"] for each in pool["holders"]] == [True]
        for question in ("shares/bea", "usage?of=user:bea", "ledger?of=user:bea", "usage?of=everybody", "asks"):
            assert inside.get(question).status_code in {403, 404}, question

    def test_a_token_that_is_only_for_opening_servers_reads_nothing(self, hub: LocalHub, ada: Person) -> None:
        wanted = {"note": "narrow", "scopes": ["access:servers!user"]}
        made = ada.http.post("/hub/api/users/ada/tokens", json=wanted, headers={"X-XSRFToken": ada.xsrf}).json()
        narrow = {"Authorization": f"token {made['token']}"}
        for question in ("shares", "capacity", "usage", "ledger"):
            answer = httpx.get(f"{hub.url}/hub/api/remuda/{question}", headers=narrow, timeout=60)
            assert answer.status_code in {403, 404}, answer.text

    def test_metrics(self, ada: Person, admin: Person) -> None:

        def told() -> str:
            return admin.http.get("/hub/metrics").text

        wait_for(lambda: 'remuda_leases{pool="general",profile="small-cpu",state="running"} 1.0' in told())
        assert 'remuda_granted_cores{pool="general"}' in told()
