"""Killed Hubs, taken ports, broken settings, impatient people: nothing is lost and nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.local.hub_process import LocalHub, wait_for

pytestmark = pytest.mark.local
NewHub = Callable[[], LocalHub]


def test_a_killed_hub_leaves_servers_alone_and_takes_them_up_again(new_hub: NewHub):
    hub = new_hub().start()
    ada = hub.person("ada")
    ada.start_by_form(profile="small-cpu")
    ada.wait_ready()
    kernel = ada.new_kernel()
    ada.run("kept = 'in memory'", kernel)
    server = hub.server_of("ada")

    hub.hub.kill()
    assert hub.wait_end() == 1
    assert "ended by itself" in hub.said
    wait_for(lambda: not hub.programs("configurable-http-proxy"))
    assert server.is_running()

    hub.start()
    wait_for(lambda: ada.model()["servers"].get("", {}).get("ready"))
    assert ada.run("print(kept)", kernel).strip() == "in memory"
    assert hub.server_of("ada") == server
    assert hub.interrupt() == 0
    assert hub.left_behind() == []


def test_a_hub_killed_during_a_start_adopts_the_server(new_hub: NewHub):
    hub = new_hub().start()
    ada = hub.person("ada")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ada.start_by_rest, {"profile": "small-cpu"})
        wait_for(lambda: hub.processes_of("ada"))
        server = hub.server_of("ada")
        server.suspend()  # so that it cannot have answered when the Hub dies
        wait_for(lambda: hub.spawner_states() and "pid" in hub.spawner_states()[0])
        hub.hub.kill()
        assert hub.wait_end() == 1
        server.resume()
        with contextlib.suppress(httpx.HTTPError):
            assert asked.result().status_code >= 500, "nobody was told that it worked"

    hub.start()
    wait_for(lambda: ada.model()["servers"].get("", {}).get("ready"))
    assert hub.server_of("ada") == server
    assert ada.options["profile"] == "small-cpu"
    assert ada.run("print('alive')").strip() == "alive"


def test_a_process_that_got_a_servers_number_is_left_alone(new_hub: NewHub):
    """The Hub is away, the server ends, and its process number now belongs to somebody else (here: to this test)."""
    hub = new_hub().start()
    ada = hub.person("ada")
    ada.start_by_rest({"profile": "small-cpu"})
    ada.wait_ready()
    hub.hub.kill()
    hub.wait_end()
    server = hub.server_of("ada")
    server.kill()
    psutil.wait_procs([server], timeout=60)
    bystander = psutil.Popen(["sleep", "300"])
    try:
        changed = {**hub.spawner_states()[0], "pid": bystander.pid}
        with contextlib.closing(sqlite3.connect(hub.folder / "hub.sqlite")) as db, db:
            db.execute("update spawners set state = ? where server_id is not null", (json.dumps(changed),))
        hub.start()
        wait_for(lambda: "" not in ada.model()["servers"])
        assert bystander.is_running()
        assert bystander.status() != psutil.STATUS_ZOMBIE
    finally:
        bystander.kill()
        bystander.wait()


def test_a_taken_port_is_named_with_its_process_and_the_remedy(new_hub: NewHub):
    hub = new_hub()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", hub.port))
        taken.listen()
        hub.launch()
        assert hub.wait_end() == 1
    assert f"port {hub.port}" in hub.said
    assert "is taken by process" in hub.said
    assert "make run PORT=" in hub.said
    assert "Traceback" not in hub.said


def test_a_second_program_in_the_same_folder_says_where_the_first_is(new_hub: NewHub):
    first = new_hub().start()
    second = LocalHub(first.folder)
    second.launch()
    assert second.wait_end() == 1
    assert "already runs" in second.said
    assert first.url in second.said


def test_broken_settings_and_catalog_are_all_listed_and_nothing_starts(new_hub: NewHub):
    hub = new_hub()
    hub.write_settings("mode: local\ncull: {evry: 5}\nhub: {concurrentSpawnLimit: many}\n")
    hub.launch()
    assert hub.wait_end() == 1
    assert "2 to correct" in hub.said
    assert "did you mean 'every'?" in hub.said
    assert "hub.concurrentSpawnLimit" in hub.said
    assert "Traceback" not in hub.said

    hub.write_settings("mode: local\ncatalog: {profiles: {gpu: {pool: moon}, small-cpu: {pricePerHour: -1}}}\n")
    hub.launch()
    assert hub.wait_end() == 1
    assert "2 to correct" in hub.said
    assert "moon" in hub.said
    assert "pricePerHour" in hub.said
    assert "Traceback" not in hub.said
    assert hub.left_behind() == []


def test_ctrl_c_while_it_starts_leaves_nothing_behind(new_hub: NewHub):
    hub = new_hub()
    hub.launch()
    wait_for(lambda: hub.programs("jupyterhub_config.py"))
    assert hub.interrupt() == 0
    assert hub.left_behind() == []


def test_a_changed_catalog_shows_after_the_next_start_and_homes_stay(new_hub: NewHub):
    hub = new_hub().start()
    (hub.folder / "homes" / "ada").mkdir()
    (hub.folder / "homes" / "ada" / "work.txt").write_text("mine")
    login = hub.secret("user_password")
    assert hub.interrupt() == 0
    hub.write_settings(
        "mode: local\ncatalog: {profiles: {gpu: {enabled: false}, small-cpu: {displayName: Tiny one}}}\n"
    )
    hub.start()
    page = hub.person("ada").landed.text
    assert "Tiny one" in page
    assert 'value="gpu"' not in page
    assert hub.secret("user_password") == login
    assert (hub.folder / "homes" / "ada" / "work.txt").read_text() == "mine"


def test_a_server_nobody_uses_is_stopped_after_its_profiles_time_and_the_log_says_why(new_hub: NewHub):
    hub = new_hub()
    profiles = "{small-cpu: {idleTimeout: 5s}, gpu: {idleTimeout: never}}"
    hub.write_settings(f"mode: local\ncull: {{every: 1}}\ncatalog: {{profiles: {profiles}}}\n")
    hub.start()
    ada, bob = hub.person("ada"), hub.person("bob")
    bob.start_by_rest({"profile": "gpu"})
    bob.wait_ready()
    ada.start_by_rest({"profile": "small-cpu"})
    ada.wait_ready()
    server = hub.server_of("ada")
    ada.wait_gone()
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert "Stopping (idle) ada" in (hub.folder / "hub.log").read_text()
    assert bob.model()["servers"][""]["ready"]
