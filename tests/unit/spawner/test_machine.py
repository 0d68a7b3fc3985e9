"""What every spawner of ours knows about machines, with no cluster and no hub."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.spawner import Spawner
from traitlets import TraitError

from profiles.choice import MachineChoice
from profiles.model import Catalog
from spawner.machine import CatalogMixin
from spawner.refused import FailedStart, Problem, RefusedStart

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
CATALOG = Catalog.model_validate(
    {
        "defaultProfile": "small",
        "pools": {"general": {}},
        "profiles": {
            "small": {"displayName": "Small", "pool": "general", "cpu": 1, "memory": "1Gi"},
            "big": {"pool": "general", "cpu": 8, "memory": "64Gi", "allow": {"groups": ["heavy"], "admins": True}},
        },
    }
)


class Bench(CatalogMixin, Spawner):
    async def start(self) -> str:
        return "http://127.0.0.1:1"

    async def stop(self, now: bool = False) -> None:
        return None

    async def poll(self) -> int | None:
        return None


def bench(user: Any = None, catalog: Any = CATALOG, **more: Any) -> Bench:
    return Bench(user=user or SimpleNamespace(name="ada"), catalog=catalog, **more)


def test_a_person_is_who_they_are_now() -> None:
    assert bench().person.groups == frozenset()
    group = SimpleNamespace(name="heavy")
    user = SimpleNamespace(name="ada", groups=[group], admin=True)
    ada = bench(user)
    assert (ada.person.name, ada.person.groups, ada.person.admin) == ("ada", {"heavy"}, True)
    user.groups.clear()
    assert ada.person.groups == frozenset()


@pytest.mark.parametrize(
    ("options", "reason", "status"),
    [
        ({"profile": "big"}, "forbidden-profile", 403),
        ({"profile": "gone"}, "unknown-profile", 400),
        ({"profile": 7}, "malformed-choice", 400),
        ({"cpu_limit": 99}, "malformed-choice", 400),
    ],
)
def test_a_choice_is_decided_at_the_start(options: dict[str, Any], reason: str, status: int) -> None:
    ada = bench(user_options=options)
    with pytest.raises(RefusedStart) as refused:
        ada.choose()
    assert (refused.value.reason, refused.value.status_code) == (reason, status)
    assert ada.failure is not None
    assert str(ada.failure.reason) == reason


@pytest.mark.parametrize("options", [{"profile": "small", "x": 1}, {"profile": 7}])
def test_what_could_not_be_read_is_not_taken_for_the_next_start(options: dict[str, Any]) -> None:
    kept = SimpleNamespace(user_options=options, server=None)
    ada = bench(user_options=options)
    ada.orm_spawner = kept
    with pytest.raises(RefusedStart):
        ada.choose()
    assert kept.user_options == {}
    ada.last_good_choice = MachineChoice(profile="small")
    ada.user_options = kept.user_options = options
    with pytest.raises(RefusedStart):
        ada.choose()
    assert kept.user_options == ada.user_options == {"profile": "small", "options": {}}
    assert ada.choose().profile_id == "small"


def test_how_long_a_machine_was_to_run_is_not_taken_for_the_next_start() -> None:
    asked = {"profile": "small", "options": {}, "run_for": "1h"}
    ada = bench(user_options=asked)
    ada.orm_spawner = SimpleNamespace(user_options=asked, server=None)
    machine = ada.begin_machine(ada.choose())
    assert (machine.max_lifetime_s, machine.ends_as_asked) == (3600, True)
    assert ada.orm_spawner.user_options == asked, "a start that failed is tried again as it was asked for"
    ada.machine_is_up(NOW)
    assert ada.orm_spawner.user_options == ada.user_options == {"profile": "small", "options": {}}
    assert ada.last_good_choice == MachineChoice(profile="small", options={})


def test_nothing_chosen_is_the_default_machine() -> None:
    assert bench().choose().profile_id == "small"


def test_a_catalog_that_changed_counts_from_the_next_start() -> None:
    shelf = [CATALOG]
    ada = bench(catalog=lambda: shelf[0], user_options={"profile": "small"})
    assert ada.choose().profile_id == "small"
    shelf[0] = Catalog.model_validate({"pools": {"general": {}}, "profiles": {}})
    with pytest.raises(RefusedStart):
        ada.choose()


def test_something_else_than_a_catalog_is_told_at_once() -> None:
    with pytest.raises(TraitError, match="must be a Catalog"):
        bench(catalog={"profiles": {}})


def test_state_survives_the_database() -> None:
    ada = bench()
    ada.begin_machine(ada.choose())
    ada.machine_is_up(NOW, node="node-1")
    again = bench()
    again.load_state(ada.get_state())
    assert again.machine == ada.machine
    assert again.machine is not None
    assert again.machine.started_at == NOW
    assert again.spawn_id == ada.spawn_id
    assert again.last_good_choice is not None
    assert again.last_good_choice.profile == "small"
    again.clear_state()
    assert (again.machine, again.spawn_id) == (None, "")
    assert again.last_good_choice is not None, "to go back to"


def test_a_failure_is_kept_until_the_next_start() -> None:
    ada = bench()
    ada.failure = Problem("out-of-memory", "It had 1 GiB.", "Take more.")
    ada.clear_state()
    again = bench()
    again.load_state(ada.get_state())
    assert again.failure == ada.failure
    again.begin_machine(again.choose())
    assert again.failure is None
    assert "failure" not in again.get_state()


@pytest.mark.parametrize(
    "state",
    [
        {"machine": {"profile_id": "x"}},
        {"machine": "text", "failure": 7, "last_good_choice": {"unknown": 1}},
        {"failure": {"reason": "only"}},
        {"machine": {"price_per_hour": {"amount": "many"}}},
    ],
    ids=str,
)
def test_state_of_another_version_never_keeps_a_hub_from_starting(state: dict[str, Any]) -> None:
    ada = bench()
    ada.load_state(state)
    assert ada.machine is None
    assert ada.failure is None


def test_ways_in_go_through_one_parser() -> None:
    ada = bench()
    assert ada.run_options_from_form({"profile": ["small"]}) == ada.options_from_query({"profile": ["small"]})
    for way in (ada.run_options_from_form, ada.options_from_query):
        with pytest.raises(RefusedStart):
            way({"profile": ["a", "b"]})


def test_what_is_shown_is_escaped_and_what_is_logged_is_not_shown() -> None:
    failed = FailedStart(Problem("r", "Node <b>", "Try & wait"), log_message="secret address")
    assert failed.message == "Node <b> Try & wait"
    assert "<b>" not in failed.message_html
    assert "&amp; wait" in failed.jupyterhub_html_message
    assert "secret" not in failed.message + failed.message_html
    assert "secret" in str(failed)
    assert failed.status_code == 503


def test_without_a_catalog_it_steps_aside() -> None:
    plain = bench(catalog=None)
    assert plain.apply_user_options is None
    assert plain.run_options_from_form({"anything": ["1"]}) == {"anything": ["1"]}
    assert plain.get_state() == {}
