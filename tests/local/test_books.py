"""What a Hub on this computer keeps in its books: one entry per run, whoever or whatever ended it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.hub_process import LocalHub
from tests.people import Person, wait_for

pytestmark = pytest.mark.local

SETTINGS = """
mode: local
hub: {config: {LocalWorkbenchSpawner: {poll_interval: 1}}}  # how soon a process that ended by itself is missed
catalog:
  policies: {quotas: {each: {per: user, servers: 1}}}
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    hub = LocalHub(tmp_path / "local")
    hub.write_settings(SETTINGS)
    try:
        yield hub.start()
    finally:
        hub.kill_everything()


def held(person: Person) -> int:
    """Servers that are granted to anybody."""
    answer = person.rest.get("/hub/api/remuda/capacity")
    assert answer.status_code == 200, answer.text
    return sum(pool["granted"]["servers"] for pool in answer.json()["pools"])


def entries(person: Person) -> list[dict[str, Any]]:
    answer = person.rest.get("/hub/api/remuda/ledger")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


def started(person: Person) -> Person:
    assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    person.wait_ready()
    return person


def test_the_probe_says_that_the_books_cannot_be_written_and_does_not_wait_for_it(hub: LocalHub) -> None:
    [file] = Path(hub.folder).glob("**/remuda.sqlite")

    def told() -> httpx.Response:
        return httpx.get(f"{hub.url}/hub/health/remuda", timeout=3)  # as long as Kubernetes waits

    wait_for(lambda: told().status_code == 200)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait_for(lambda: told().status_code == 503)
        assert told().json()["database"] == {"ok": False, "problem": "cannot be written (database is locked)"}
    wait_for(lambda: told().status_code == 200)


def test_each_run_is_one_entry_however_it_ended(hub: LocalHub) -> None:
    ann = started(hub.person("ann"))
    assert held(ann) == 1
    ann.stop()
    wait_for(lambda: [entry["reason"] for entry in entries(ann)] == ["stopped"])

    started(ann)
    hub.server_of("ann").kill()
    ann.wait_gone()
    wait_for(lambda: [entry["reason"] for entry in entries(ann)] == ["ended", "stopped"])

    started(ann)
    assert hub.interrupt() == 0, hub.said  # Ctrl-C stops the servers first
    hub.start()
    ann = hub.person("ann")
    assert (held(ann), len(entries(ann))) == (0, 3)

    started(ann)
    hub.hub.kill()
    hub.wait_end()
    hub.start()
    ann = hub.person("ann")
    wait_for(lambda: ann.model()["servers"].get("", {}).get("ready"))
    assert (held(ann), len(entries(ann))) == (1, 3), "it has run on, and nobody was billed twice"
    ann.stop()
    wait_for(lambda: len(entries(ann)) == 4)
    assert all(entry["seconds"] >= 0 for entry in entries(ann))


def test_a_file_that_is_gone_is_told_on_every_page_and_found_again(hub: LocalHub) -> None:
    ann = started(hub.person("ann"))
    [file] = Path(hub.folder).glob("**/remuda.sqlite")
    moved = [(part, part.with_name(f"aside-{part.name}")) for part in file.parent.glob("remuda.sqlite*")]
    for part, aside in moved:
        part.rename(aside)
    for path in ("/hub/usage", "/hub/usage.csv"):
        answer = ann.http.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["content-type"].startswith("text/html")
        assert "Your usage and cost</h1>" in answer.text
        assert "cannot be read at present" in answer.text
    assert ann.start_by_rest({"profile": "small-cpu"}, "second").status_code == 400
    assert not file.exists(), "no empty one is begun"
    for part, aside in moved:
        aside.rename(part)
    assert ann.http.get("/hub/usage.csv").headers["content-type"].startswith("text/csv")
    assert held(ann) == 1
    ann.stop()
    wait_for(lambda: len(entries(ann)) == 1)
    assert "deleted or moved while the Hub ran" in (hub.folder / "hub.log").read_text()
