"""Whether the books can be written is told by writing: locked, on a full disk, without a server; and nobody waits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub_extensions.admission.database import Database, DatabaseAway, plainly
from hub_extensions.admission.store import Store
from hub_extensions.health.probe import WriteProbe
from tests.contract.admission.asking import NOW
from tests.contract.admission.conftest import SHARED, Place

ROOT = Path(__file__).parents[3]
#: So long the books wait for a lock, and whoever asks the probe must not.
WAITS_S = 5.0
#: A limit on the size of files is the nearest thing to a full disk that needs no disk: nothing more can be written.
FULL = """
import resource, sys
from hub_extensions.admission.database import Database, DatabaseAway, plainly
from hub_extensions.admission.store import Store

store = Store(Database(sys.argv[1]))
store.write_nothing()
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1, most))
store.leases()
try:
    store.write_nothing()
except DatabaseAway as e:
    print(plainly(e))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store.write_nothing()
print("written again")
"""


@pytest.mark.parametrize("place", SHARED, indirect=True)
async def test_what_is_locked_cannot_be_written_and_nobody_waits_for_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub_extensions.health.probe.EVERY_S", 0.0)
    store, probe = Store(Database(place.url, patience_s=WAITS_S)), WriteProbe()
    store.seen(NOW)
    assert await probe.ask(store.write_nothing) == ""
    other = Database(place.url, patience_s=60)
    with other.writing():
        assert await _told(probe, store, True) in {"database is locked", "QueryCanceled"}
    await _told(probe, store, False)
    assert store.last_seen() == NOW, "and nothing is left of it"
    other.close()
    store.database.close()


async def _told(probe: WriteProbe, store: Store, wrong: bool) -> str:
    """Asked over and over again, as Kubernetes does."""
    until = time.monotonic() + 60
    while (began := time.monotonic()) < until:
        why = await probe.ask(store.write_nothing)
        assert time.monotonic() - began < WAITS_S
        if bool(why) is wrong:
            return why
        await asyncio.sleep(0.05)
    raise TimeoutError


def test_a_full_disk_reads_and_cannot_be_written(tmp_path: Path) -> None:
    script = [sys.executable, "-c", FULL, f"sqlite:///{tmp_path}/remuda.sqlite"]
    told = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert told in (["disk I/O error", "written again"], ["database or disk is full", "written again"])


def test_nobody_is_told_where_the_server_is() -> None:
    store = Store(Database("postgresql+psycopg://remuda:s3cret@127.0.0.1:1/hub"))
    with pytest.raises(DatabaseAway) as away:
        store.write_nothing()
    assert plainly(away.value) == "OperationalError"
