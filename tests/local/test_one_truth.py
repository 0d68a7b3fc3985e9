"""People start, stop, wait, leave, reserve and cancel, by page and over REST, in an order thrown by dice that always
fall alike. After each step all that tells of it says the same: cards, REST, pages, CSV, and what really runs."""

from __future__ import annotations

import csv
import io
import random
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local.hub_process import LocalHub, Person, wait_for
from tests.local.seen import main_of

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub:
  consecutiveFailureLimit: 0
  allowNamedServers: true
  config:
    JupyterHub:
      load_groups: {red: {users: [ada, bea, cy]}, blue: {users: [cy, dora]}, "grün/team": {users: [eve]}}
catalog:
  policies:
    queue: {perPerson: 3, keepFor: 60s}
    quotas:
      each: {per: user, servers: 2}
      gpus: {per: hub, gpus: 2}
      team: {per: group, servers: 2}
    budgets:
      pocket: {per: user, money: 50}
    reservations:
      cores: {profiles: [many-core], servers: 2, notice: 3s, clearBefore: 0s}
"""
API = "/hub/api/remuda"
GROUPS = {"ada": {"red"}, "bea": {"red"}, "cy": {"red", "blue"}, "dora": {"blue"}, "eve": {"grün/team"}}
MACHINES = [
    ("small-cpu", {"memory": "4Gi"}),
    ("many-core", {"memory": "64Gi"}),
    ("gpu", {"gpus": "1"}),
    ("gpu", {"gpus": "2"}),
]
STEPS = 12
LEFT = re.compile(r"(?:(?P<whose>.*): )?(?P<left>\d+) of (?P<limit>\d+) (?P<what>servers?|GPUs?) (?:left for you|free)")


def told(person: Person, path: str, **query: str) -> Any:
    answer = person.rest.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def variant(person: Person, profile: str, options: dict[str, str]) -> dict[str, Any]:
    """What the card of another server, which never runs, says of it."""
    profiles = person.http.get(f"/hub/remuda/shares/{person.path}/new").json()["profiles"]
    return dict(profiles[profile][next(iter(options.values()))])


def share(person: Person, profile: str, options: dict[str, str]) -> dict[str, Any]:
    """What REST says of it."""
    machines = told(person, "shares")["machines"]
    return dict(next(each for each in machines if (each["profile"], each["options"]) == (profile, options)))


@dataclass
class World:
    hub: LocalHub
    admin: Person
    people: dict[str, Person]
    ended: int = 0

    def running(self) -> dict[tuple[str, str], str]:
        """Profiles, by person and server."""
        users = self.admin.rest.get("/hub/api/users").json()
        return {
            (user["name"], name): server["user_options"]["profile"]
            for user in users
            for name, server in (user["servers"] or {}).items()
        }

    def holders(self) -> list[dict[str, Any]]:
        return [each for pool in told(self.admin, "capacity")["pools"] for each in pool["holders"]]

    def start(self, name: str, profile: str, options: dict[str, str], *, by_form: bool) -> None:
        """It does what the card and REST said just before, in the same words."""
        person, before = self.people[name], share(self.people[name], profile, options)
        lock = variant(person, profile, options)["lock"]
        assert before["admitted"] == (lock is None), (before, lock)
        if by_form:
            fields = {f"option.{profile}.{key}": value for key, value in options.items()}
            answer = person.start_by_form(profile=profile, **fields)
        else:
            answer = person.start_by_rest({"profile": profile, "options": options})
        if before["admitted"]:
            assert answer.status_code < 300, answer.text
            person.wait_ready()
            return
        assert lock is not None
        assert (lock["reason"], lock["sentence"]) == (before["reason"], before["sentence"])
        assert answer.status_code == 400
        refused = main_of(answer).one(role="alert").text if by_form else answer.json()["message"]
        assert before["sentence"] in refused

    def stop(self, name: str) -> None:
        self.people[name].stop()
        self.ended += 1

    def agrees(self, name: str) -> None:
        """`name`: who looks."""
        person, running, holders = self.people[name], self.running(), self.holders()
        places = told(self.admin, "queue", all="1")["places"]
        called = [(each["user"], each["profile"]) for each in places if each["kept_until"]]
        wanted = [*((user, profile) for (user, _), profile in running.items()), *called]
        assert sorted((each["user"], each["profile"]) for each in holders) == sorted(wanted)
        self._quotas(person, holders)
        self._ledger()
        mine = told(person, "queue")["places"]
        assert [each["id"] for each in mine] == [each["id"] for each in places if each["user"] == name]
        line, home = (main_of(person.http.get(f"/hub/{page}")).text for page in ("queue", "home"))
        for each in mine:
            head = re.split("[;.]", each["words"])[0]
            assert head in line
            assert head in home
        own = {each["id"]: each["state"] for each in told(person, "reservations")["reservations"]}
        everybody = told(self.admin, "reservations", of="everybody")["reservations"]
        assert own == {each["id"]: each["state"] for each in everybody if each["user"] == name}

    def _quotas(self, person: Person, holders: list[dict[str, Any]]) -> None:
        used: Counter[tuple[str, str]] = Counter()
        for each in holders:
            amounts = each["amounts"]
            used["each", each["user"]] += amounts["servers"]
            used["gpus", ""] += amounts["devices"].get("nvidia.com/gpu", 0)
            used["cores", ""] += amounts["servers"] if each["profile"] == "many-core" else 0
            for group in GROUPS[each["user"]]:
                used["team", group] += amounts["servers"]
        standings = told(person, "shares")["quotas"]
        for each in standings:
            assert each["used"] == used[each["rule"], each["subject"]], each
            assert each["used"] <= each["limit"], each
            assert each["left"] == max(0, each["limit"] - each["used"] - each["promised"])
        said = variant(person, "gpu", {"gpus": "1"})["shares"]
        lefts = {(each["subject"], each["resource"]): each["left"] for each in standings if each["rule"] != "cores"}
        for found in filter(None, map(LEFT.fullmatch, said)):
            whose, what = found["whose"], "gpus" if "GPU" in found["what"] else "servers"
            subject = person.name if whose is None else "" if whose.startswith("Everybody") else whose
            assert int(found["left"]) == lefts[subject, what], (said, standings)
        page = main_of(person.http.get("/hub/capacity")).one("section", aria_labelledby="rm-quotas").text
        (gpus,) = [each for each in standings if each["rule"] == "gpus"]
        left = f"{gpus['left']} left." if gpus["left"] else "Nothing is left"
        assert f"{gpus['used']} of 2 GPUs {left}" in page

    def _ledger(self) -> None:
        entries = told(self.admin, "ledger", of="everybody", limit="1000")["entries"]
        assert len(entries) == len({each["lease_id"] for each in entries}) == self.ended
        file = self.admin.http.get("/hub/usage.csv", params={"of": "everybody"}).text
        assert [row["lease_id"] for row in csv.DictReader(io.StringIO(file))] == [each["lease_id"] for each in entries]
        usage = told(self.admin, "usage", of="everybody")
        total = float(usage["total"]["money"])
        for parts in (usage["days"], usage["users"]):
            assert sum(float(each["money"]) for each in parts) == pytest.approx(total, abs=1e-6)
        assert total >= sum(float(each["money"]) for each in entries) - 1e-6


@pytest.fixture(scope="module")
def world(module_hub: LocalHub, admin: Person) -> World:
    people = {name: module_hub.person(name) for name in GROUPS}
    for person in people.values():
        assert person.http.get(f"/hub/spawn/{person.path}/new").status_code == 200
    return World(module_hub, admin, people)


def walk(world: World, dice: random.Random) -> None:
    name, (profile, options), by_form = dice.choice(sorted(GROUPS)), dice.choice(MACHINES), dice.random() < 0.5
    person, runs = world.people[name], (name, "") in world.running()
    match dice.choice(["start", "start", "start", "stop", "join", "leave", "reserve", "cancel"]):
        case "start" if not runs:
            world.start(name, profile, options, by_form=by_form)
        case "start" | "stop" if runs:
            world.stop(name)
        case "join":
            lock = variant(person, profile, options)["lock"]
            body = {"profile": profile, "options": options, "starts_itself": False}
            joined = person.rest.post(f"{API}/queue", json=body)
            assert joined.status_code in {201, 409}
            assert runs or lock is not None or joined.json()["reason"] == "free-now"
        case "leave":
            for each in told(person, "queue")["places"][:1]:
                assert person.rest.delete(f"{API}/queue/{each['id']}").status_code == 204
        case "reserve":
            begins = datetime.now(UTC) + timedelta(hours=dice.choice([2, 3, 30]))
            body = {"profile": "many-core", "begins_at": begins.isoformat(), "lasts": "1h"}
            assert person.rest.post(f"{API}/reservations", json=body).status_code in {201, 409}
        case "cancel":
            for each in told(person, "reservations")["reservations"][:1]:
                person.rest.delete(f"{API}/reservations/{each['id']}")


def test_everything_tells_the_same_after_each_step(world: World) -> None:
    dice = random.Random(20261122)
    for _ in range(STEPS):
        walk(world, dice)
        world.agrees(dice.choice(sorted(GROUPS)))
    for name in {user for user, _ in world.running()}:
        world.stop(name)
    wait_for(lambda: not world.running())


def test_what_somebody_comes_first_for_is_left_nowhere(world: World) -> None:
    """One of two GPUs is free, and cy waits for two."""
    for person in world.people.values():
        for each in told(person, "queue")["places"]:
            person.rest.delete(f"{API}/queue/{each['id']}")
    world.start("ada", "gpu", {"gpus": "1"}, by_form=False)
    joined = world.people["cy"].rest.post(
        f"{API}/queue", json={"profile": "gpu", "options": {"gpus": "2"}, "starts_itself": False}
    )
    assert joined.status_code == 201, joined.text
    world.agrees("eve")
    (gpus,) = [each for each in told(world.people["eve"], "shares")["quotas"] if each["rule"] == "gpus"]
    assert (gpus["used"], gpus["promised"], gpus["left"]) == (1, 2, 0)
    world.start("eve", "gpu", {"gpus": "1"}, by_form=True)
    world.stop("ada")
