"""Before the books have been compared with what runs, nobody is let in by them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub_extensions.admission.boot import ReconciledGate
from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from hub_extensions.admission.task import FirstLook
from profiles.admission import Admit, Deny
from profiles.policy import Policies
from profiles.refusal import Reason
from tests.unit.admission.people import lease

ONE_EACH = Policies.model_validate({"quotas": {"each": {"per": "user", "servers": 1}}})
ADMIT = ONE_EACH.model_copy(update={"when_unavailable": "admit"})


class Door:
    def __init__(self, folder: Path, policies: Policies) -> None:
        self.store = Store(Database(f"sqlite:///{folder}/books.sqlite"))
        gate = SqlGate(self.store, policies=lambda: policies, clock=lambda: datetime.now(UTC))
        self.look = FirstLook()
        self.gate = ReconciledGate(gate, self.look, lambda: policies)


async def test_a_start_waits_for_the_first_look(tmp_path: Path) -> None:
    door = Door(tmp_path, ONE_EACH)
    asked = asyncio.ensure_future(door.gate.admit(lease().request()))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not asked.done()
    assert not door.store.leases()
    door.look.over()
    assert isinstance(await asked, Admit)
    assert len(door.store.leases()) == 1


@pytest.mark.parametrize(("policies", "reason"), [(ONE_EACH, Reason.ADMISSION_UNAVAILABLE), (ADMIT, None)])
async def test_where_the_books_are_away_nobody_waits(tmp_path: Path, policies: Policies, reason: Reason | None) -> None:
    door = Door(tmp_path, policies)
    door.look.failed(DatabaseAway("away"))
    decision = await door.gate.admit(lease().request())
    assert (decision.refusal.reason if isinstance(decision, Deny) else None) == reason
    assert not door.store.leases(), "they may be back, and nobody has compared them with what runs"


async def test_the_look_that_succeeds_after_others_opens_the_door(tmp_path: Path) -> None:
    door = Door(tmp_path, ONE_EACH)
    door.look.failed(DatabaseAway("away"))
    door.look.over()
    assert isinstance(await door.gate.admit(lease().request()), Admit)
    door.look.failed(DatabaseAway("away again"))
    assert isinstance(await door.gate.admit(lease().request()), Admit), "then it is the gate's own answer that counts"


async def test_a_hub_that_learns_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_extensions.admission.boot.FIRST_LOOK_S", 0.01)
    refused = await Door(tmp_path, ONE_EACH).gate.admit(lease().request())
    assert isinstance(refused, Deny)
    assert "has just come back" in refused.refusal.sentence
    assert isinstance(await Door(tmp_path, Policies()).gate.admit(lease().request()), Admit)
