"""What a machine used, from inside it to the receipt; a machine that is kept on. A Hub and its servers, for real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.local.hub_process import LocalHub, Person, hub_with, wait_for
from tests.unit.pages.reading import Element, assert_accessible, read

pytestmark = pytest.mark.local

GIB = 2**30
SETTINGS = """
mode: local
hub: {allowNamedServers: true, consecutiveFailureLimit: 0}
catalog:
  currency: EUR
  profiles:
    large:
      displayName: Large
      pool: general
      cpu: 16
      memory: 64Gi
      pricePerHour: 3600
      idleTimeout: 1h
      keepAliveAtMost: 12h
    small-cpu: {displayName: Small CPU, cpu: 2, memory: 8Gi, pricePerHour: 0.10, idleTimeout: 1h}
  pools: {general: {}}
  policies: {timezone: Europe/Berlin}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    with hub_with(SETTINGS, tmp_path_factory.mktemp("receipts")) as hub:
        yield hub


def main_of(answer: httpx.Response) -> Element:
    text = answer.text
    return read(text[text.index("<main") : text.index("</main>") + len("</main>")]).one("main")


class Inside:
    """What a program in the person's server has: its environment."""

    def __init__(self, hub: LocalHub, person: str) -> None:
        environ = hub.server_of(person).environ()
        self.lease = json.loads(environ["REMUDA_MACHINE"])["spawn_id"]
        headers = {"Authorization": f"token {environ['JUPYTERHUB_API_TOKEN']}", "Content-Type": "application/json"}
        self.http = httpx.Client(base_url=hub.url, headers=headers, timeout=60)

    def report(self, person: str = "ada", lease: str = "", **figures: Any) -> httpx.Response:
        usual = {"covered_s": 700.0, "cpu_s": 300.0, "memory_peak": 3.0 * GIB, "sustained_cores": 1.5, "peak_cores": 9}
        body = {"lease": lease or self.lease, "run": "of-the-test", "figures": {**usual, **figures}}
        return self.http.post(f"/hub/api/remuda/measured/{person}", content=json.dumps(body))


@pytest.fixture
def ada(hub: LocalHub) -> Iterator[Person]:
    """On a large machine."""
    person = hub.person("ada")
    assert person.start_by_rest({"profile": "large"}).status_code in {201, 202}
    person.wait_ready()
    yield person
    if person.model()["servers"]:
        person.stop()


def receipt(person: Person, lease: str) -> httpx.Response:
    return person.http.get(f"/hub/usage/receipt/{lease}")


def test_a_server_reports_itself_and_the_receipt_says_what_it_used(hub: LocalHub, ada: Person) -> None:
    inside = Inside(hub, "ada")
    ada.run("sum(range(3_000_000))")
    so_far = main_of(receipt(ada, inside.lease))
    assert_accessible(so_far)
    assert "so far" in so_far.text
    ada.stop()
    wait_for(lambda: "Memory" in receipt(ada, inside.lease).text)  # its last report, said while it ended
    page = main_of(receipt(ada, inside.lease))
    assert_accessible(page)
    assert "of 64 GiB at most" in page.one("section", aria_labelledby="rm-used").text
    assert "too little to say" in page.text
    sessions = main_of(ada.http.get("/hub/usage")).one("section", aria_labelledby="rm-sessions")
    assert sessions.all("a", href=f"/hub/usage/receipt/{inside.lease}")
    rows = ada.http.get("/hub/usage.csv").text.splitlines()
    line = next(dict(zip(rows[0].split(","), row.split(","), strict=True)) for row in rows if inside.lease in row)
    assert float(line["cpu_seconds"]) > 0
    assert int(line["memory_peak"]) > 10 * 2**20


def test_a_smaller_machine_would_have_done(hub: LocalHub, ada: Person) -> None:
    inside = Inside(hub, "ada")
    assert inside.report().status_code == 204
    wait_for(lambda: "€0.00 so far" not in main_of(receipt(ada, inside.lease)).text)  # a second at least
    ada.stop()
    page = main_of(receipt(ada, inside.lease))
    assert "Small CPU (2 cores, 8 GiB) would have been enough for this session, and €" in page.one(id="rm-smaller").text
    assert receipt(hub.person("admin"), inside.lease).status_code == 200
    other = receipt(hub.person("bea"), inside.lease)
    assert other.status_code == 404
    assert "somebody else's" in main_of(other).text
    assert inside.report().status_code in {401, 403}, "the token ended with its server"


def test_what_is_not_ones_own_is_refused_in_words(hub: LocalHub, ada: Person) -> None:
    bea = hub.person("bea")
    assert bea.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    bea.wait_ready()
    inside, hers = Inside(hub, "ada"), Inside(hub, "bea")
    assert hers.report("ada", inside.lease).status_code in {403, 404}
    refused = inside.report("ada", hers.lease)
    assert refused.status_code == 409
    assert "another start" in refused.json()["message"]
    for figures in ({"cpu_s": -1.0}, {"cpu_s": float("nan")}, {"memory_peak": 1e300}, {"covered_s": 9e5}):
        refused = inside.report(**figures)
        assert refused.status_code == 400
        assert next(iter(figures)) in refused.json()["message"]
    bea.stop()


def test_kept_on_until_a_time_and_taken_back(hub: LocalHub, ada: Person) -> None:
    home = main_of(ada.http.get("/hub/home"))
    assert_accessible(home)
    form = next(each for each in home.all("form") if each.has("data-rm-keep"))
    assert "Times are those of Europe/Berlin" in form.text
    last = form.all("option")[-1]["value"]
    assert timedelta(hours=11.9) < datetime.fromisoformat(last) - datetime.now(UTC) <= timedelta(hours=12)
    posted = ada.http.post(form["action"], params={"_xsrf": ada.xsrf}, data={"_xsrf": ada.xsrf, "until": last})
    assert posted.status_code == 200
    page = main_of(posted)
    assert_accessible(page)
    assert "Kept on until" in page.text
    machine = ada.rest.get("/hub/api/remuda/machine").json()["machine"]
    assert machine["stops_at"] == machine["kept_until"] == last
    further = (datetime.fromisoformat(last) + timedelta(hours=3)).isoformat()
    refused = ada.http.post(form["action"], params={"_xsrf": ada.xsrf}, data={"_xsrf": ada.xsrf, "until": further})
    assert refused.status_code == 400
    assert "12 hours ahead at most" in refused.text
    bea = hub.person("bea")
    forged = bea.http.post(form["action"], params={"_xsrf": bea.xsrf}, data={"_xsrf": bea.xsrf, "until": last})
    assert forged.status_code in {403, 404}
    back = ada.http.post(form["action"], params={"_xsrf": ada.xsrf}, data={"_xsrf": ada.xsrf, "take-back": "1"})
    assert "Kept on until" not in main_of(back).text
    assert ada.rest.get("/hub/api/remuda/machine").json()["machine"]["kept_until"] is None
