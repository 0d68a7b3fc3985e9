"""Asking the gate for a whole page: on a real store, in one look, and as if what runs were given back for a switch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub_extensions.admission.away import CLOSED
from hub_extensions.admission.database import Database
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.page_frame.gate import decide_all, foreseen
from hub_extensions.spawn_page.view import on_offer
from profiles.admission import Admit, Decision, Deny
from profiles.hours import Timetable
from profiles.lease import Request
from profiles.model import Catalog
from profiles.person import Person
from profiles.policy import Policies
from profiles.refusal import Reason
from profiles.snapshot import Snapshot

ADA = Person("ada", frozenset({"ml-team"}))


class CountingStore(Store):
    looks = 0

    def _snapshot(self, *asked: Any) -> Snapshot:
        self.looks += 1
        return super()._snapshot(*asked)


class AwayStore(Store):
    asked = 0

    def foresee_all(self, *asked: Any) -> tuple[Decision, ...]:
        self.asked += 1
        return super().foresee_all(*asked)

    def foresee(self, *asked: Any) -> Decision:
        self.asked += 1
        return super().foresee(*asked)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CountingStore]:
    database = Database(f"sqlite:///{tmp_path / 'leases.sqlite'}")
    database.migrate()
    yield CountingStore(database)


def policies(**rules: Any) -> Policies:
    return Policies.model_validate(rules)


def requests(catalog: Catalog, lease_id: str = "foreseen") -> dict[Any, Request]:
    return {key: Request.of(lease_id, ADA, "", plan) for key, plan in on_offer(catalog, ADA).items()}


def test_a_page_is_one_look_however_many_variants_it_has(catalog: Catalog, store: CountingStore, now: datetime) -> None:
    rules = policies(quotas={"all": {"per": "user", "servers": 1}}, budgets={"money": {"per": "user", "money": 9}})
    asked = requests(catalog)
    assert len(asked) > 8
    decided = decide_all(store, asked, rules, now)
    assert decided.keys() == asked.keys()
    assert store.looks == 1


def test_machines_with_budgets_of_their_own_are_one_look_each(
    catalog: Catalog, store: CountingStore, now: datetime
) -> None:
    rules = policies(
        budgets={name: {"per": "user", "money": 9, "profiles": [name]} for name in ("small", "gpu")},
    )
    decide_all(store, requests(catalog), rules, now)
    assert store.looks == 3, "small, gpu, and all that draw from neither"


def test_each_is_what_the_gate_itself_would_say(catalog: Catalog, store: CountingStore, now: datetime) -> None:
    rules = policies(
        quotas={"gpus": {"per": "user", "gpus": 2}, "big": {"per": "group", "memory": "100Gi"}},
        budgets={"money": {"per": "user", "money": 5, "profiles": ["gpu"]}},
    )
    asked = requests(catalog)
    decided = decide_all(store, asked, rules, now)
    assert {key: store.foresee(request, rules, now) for key, request in asked.items()} == decided
    assert {type(each) for each in decided.values()} == {Admit, Deny}


class TestSwitching:
    """`running`: a GPU for two hours at 2.50 an hour, five of a budget of six."""

    RULES = policies(
        quotas={"one": {"per": "user", "servers": 1}}, budgets={"money": {"per": "user", "money": 6}}
    )

    @pytest.fixture
    def decided(self, catalog: Catalog, store: CountingStore, now: datetime) -> dict[Any, Decision]:
        gpu = requests(catalog, "running")["gpu", ("1",)]
        began = now - timedelta(hours=2)
        assert isinstance(store.admit(gpu, self.RULES, began), Admit)
        store.began("running", began, began)
        return decide_all(store, requests(catalog, "running"), self.RULES, now)

    def test_the_server_that_runs_is_given_back(self, decided: dict[Any, Decision]) -> None:
        small = decided["small", ()]
        assert isinstance(small, Admit)
        assert small.standings[0].used == 0

    def test_what_it_has_used_stays_used(self, decided: dict[Any, Decision]) -> None:
        small, two_gpus = decided["small", ()], decided["gpu", ("2",)]
        assert (small.balances[0].used, small.balances[0].held) == (Decimal(5), Decimal(0))
        assert isinstance(two_gpus, Deny), "a euro does not pay for a quarter of an hour at 5 an hour"

    def test_a_second_server_is_refused_meanwhile(
        self, decided: dict[Any, Decision], catalog: Catalog, store: CountingStore, now: datetime
    ) -> None:
        assert isinstance(decided["small", ()], Admit)
        told = decide_all(store, requests(catalog), self.RULES, now)
        assert all(isinstance(each, Deny) for each in told.values())


@pytest.mark.parametrize("admit", [True, False])
async def test_while_the_database_is_away_a_page_says_what_a_start_would_hear(
    catalog: Catalog, now: datetime, tmp_path: Path, admit: bool
) -> None:
    place = tmp_path / "no-such-folder" / "leases.sqlite"
    rules = policies(
        quotas={"one": {"per": "user", "servers": 1}}, whenUnavailable="admit" if admit else "refuse"
    )
    gate = SqlGate(Store(Database(f"sqlite:///{place}")), lambda: rules, lambda: now)
    told = await foreseen(gate, requests(catalog), rules, now)
    gate.close()
    for each in told.values():
        assert isinstance(each, Admit) if admit else isinstance(each, Deny) and each.refusal == CLOSED


async def test_while_the_database_is_away_each_machine_keeps_its_own_hours_and_one_wait_is_enough(
    catalog: Catalog, now: datetime, tmp_path: Path
) -> None:
    weekend = catalog.profiles["gpu"].model_copy(update={"hours": Timetable.model_validate([{"days": ["sat-sun"]}])})
    hours = catalog.model_copy(update={"profiles": {**catalog.profiles, "gpu": weekend}})
    rules = policies(quotas={"one": {"per": "user", "servers": 1}}, whenUnavailable="admit")
    file = tmp_path / "leases.sqlite"
    database = Database(f"sqlite:///{file}", patience_s=0.2)
    database.migrate()
    store = AwayStore(database)
    gate = SqlGate(store, lambda: rules, lambda: now)
    file.rename(tmp_path / "aside.sqlite")
    told = await foreseen(gate, requests(hours), rules, now)
    gate.close()
    refused = {key for key, each in told.items() if isinstance(each, Deny)}
    assert refused == {key for key in told if key[0] == "gpu"}
    assert all(each.refusal.reason is Reason.OUTSIDE_HOURS for each in told.values() if isinstance(each, Deny))
    assert store.asked == 1


async def test_nothing_is_asked_about_nothing(now: datetime) -> None:
    assert await foreseen(None, {}, policies(), now) == {}
