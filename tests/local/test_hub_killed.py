"""A Hub killed at each step of a start and of a stop: the next one knows every process that is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.local.hub_process import LocalHub, Person, using, wait_for

pytestmark = pytest.mark.local

#: The Hub kills itself as it comes to the step that `wish` names.
SETTINGS = """
mode: local
hub:
  extraConfig:
    killed: |
      import functools, os, signal
      from pathlib import Path
      from spawner import local

      def may_die_at(owner, name):
          step, wish = getattr(owner, name), Path({wish!r})

          @functools.wraps(step)
          def stepping(*args, **kwargs):
              if wish.exists() and wish.read_text() == name:
                  wish.unlink()
                  os.kill(os.getpid(), signal.SIGKILL)
              return step(*args, **kwargs)

          setattr(owner, name, stepping)

      for name in ("make_preexec_fn", "_answering", "machine_is_up", "tell_gate_it_began"):
          may_die_at(local.LocalWorkbenchSpawner, name)
      for name in ("note_reason", "clear_state"):
          may_die_at(local.LocalWorkbenchSpawner, name)
      for name in ("created_at", "end"):
          may_die_at(local, name)
catalog:
  policies: {{quotas: {{each: {{per: user, servers: 1}}}}}}
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """Each test finds it up, with nothing running, and leaves it so."""
    hub = LocalHub(tmp_path_factory.mktemp("killed") / "local")
    hub.write_settings(SETTINGS.format(wish=str(hub.folder / "wish")))
    with using(hub) as hub:
        yield hub


def dies(hub: LocalHub, step: str, do: Callable[[], httpx.Response]) -> None:
    (hub.folder / "wish").write_text(step)
    with ThreadPoolExecutor(1) as pool, contextlib.suppress(httpx.HTTPError):
        asked = pool.submit(do)
        assert hub.wait_end() == 1
        assert asked.result().status_code >= 500, "nobody was told that it worked"


def started(hub: LocalHub, ada: Person) -> psutil.Process:
    assert ada.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    ada.wait_ready()
    return hub.server_of("ada")


def in_use(ada: Person) -> int:
    return sum(pool["granted"]["servers"] for pool in ada.rest.get("/hub/api/remuda/capacity").json()["pools"])


def over(hub: LocalHub, ada: Person) -> None:
    if "" in ada.model()["servers"]:
        ada.stop()
    wait_for(lambda: "" not in ada.model()["servers"] and in_use(ada) == 0)
    wait_for(lambda: not hub.processes_of("ada"))


# `created_at` is the first thing done once there is a process, before its number is kept.
@pytest.mark.parametrize("step", ["created_at", "_answering", "machine_is_up", "tell_gate_it_began"])
def test_what_a_killed_hub_was_starting_is_taken_up(hub: LocalHub, step: str) -> None:
    ada = hub.person("ada")
    dies(hub, step, lambda: ada.start_by_rest({"profile": "small-cpu"}))
    server = hub.server_of("ada")
    hub.start()
    wait_for(lambda: ada.model()["servers"].get("", {}).get("ready"))
    assert hub.server_of("ada") == server
    assert ada.run("print('alive')").strip() == "alive"
    assert in_use(ada) == 1
    over(hub, ada)


def test_a_start_that_had_no_process_yet_holds_nothing(hub: LocalHub) -> None:
    ada = hub.person("ada")
    dies(hub, "make_preexec_fn", lambda: ada.start_by_rest({"profile": "small-cpu"}))
    assert hub.processes_of("ada") == []
    hub.start()
    wait_for(lambda: "" not in ada.model()["servers"] and in_use(ada) == 0)
    assert hub.processes_of("ada") == []


@pytest.mark.parametrize("step", ["note_reason", "clear_state", "end"])
def test_what_a_killed_hub_was_stopping_is_known_or_gone(hub: LocalHub, step: str) -> None:
    ada = hub.person("ada")
    server = started(hub, ada)
    ada.new_kernel()
    dies(hub, step, lambda: ada.rest.delete(ada.server_path()))
    hub.start()
    if server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        wait_for(lambda: ada.model()["servers"].get("", {}).get("ready"))
    over(hub, ada)
