"""Tables under `make run`: a catalog and files in each person's home, with nothing set up, seen from every machine."""

from __future__ import annotations

import pytest

from tests.local.hub_process import LocalHub

pytestmark = pytest.mark.local

STORE = """
import pandas as pd
from data_access import load_dataframe, rollback, store_dataframe
frame = pd.DataFrame({"day": ["2026-11-20", "2026-11-21"], "amount": [1.5, 2.5]})
store_dataframe(frame, "sandbox_tabea", "orders", partition_by=["day"])
store_dataframe(frame.assign(amount=-1.0), "sandbox_tabea", "orders", partition_by=["day"])
"""

TAKE_BACK = """
from data_access import connect, history, load_dataframe, rollback
print(load_dataframe("sandbox_tabea", "orders")["amount"].tolist())
rollback("sandbox_tabea.orders", 1)
print(load_dataframe("sandbox_tabea", "orders")["amount"].tolist(), [c.by for c in history("sandbox_tabea.orders")])
print(connect().sandbox, connect().warehouse)
"""


def test_a_table_is_in_the_home_of_its_person_on_every_machine(hub: LocalHub) -> None:
    tabea = hub.person("tabea")
    assert tabea.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    tabea.wait_ready()
    tabea.run(STORE)
    tabea.stop()

    assert tabea.start_by_rest({"profile": "gpu"}).status_code in {201, 202}
    tabea.wait_ready()
    told = tabea.run(TAKE_BACK).splitlines()
    home = hub.folder / "homes" / "tabea"
    assert told == [
        "[-1.0, -1.0]",
        "[1.5, 2.5] ['tabea', 'tabea', 'tabea']",
        f"sandbox_tabea {(home / 'warehouse').as_uri()}",
    ]
    assert sorted(folder.name for folder in (home / "warehouse/sandbox_tabea/orders").iterdir()) == [
        "_remuda",
        "day=2026-11-20",
        "day=2026-11-21",
    ]
    tabea.stop()
