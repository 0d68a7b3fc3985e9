"""Who may get another name, and what is said to whoever may not."""

from __future__ import annotations

import pytest

from hub_extensions.approvals.renaming import Known, refused, still_runs


def test_a_name_that_nothing_is_known_under_may_change() -> None:
    assert refused("yan", "yann", Known()) is None


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Known(machines=1), "1 machine in use"),
        (Known(runs=12), "12 runs in the ledger"),
        (Known(machines=2, runs=1, places=1), "2 machines in use, 1 run in the ledger and 1 place in line"),
    ],
)
def test_what_stays_in_the_books_keeps_the_name_for_good(found: Known, says: str) -> None:
    sentence = refused("yan", "yann", found)
    assert sentence is not None
    assert f"yan has {says}, all under this name" in sentence
    assert "Make a new account yann instead" in sentence


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Known(reservations=1), "1 reservation"),
        (Known(asks=1, permissions=2), "1 ask without an answer and 2 permissions in force"),
        (Known(reservations=2, places=2), "2 reservations and 2 places in line"),
    ],
)
def test_what_is_open_is_ended_first(found: Known, says: str) -> None:
    sentence = refused("yan", "yann", found)
    assert sentence is not None
    assert f"yet: yan has {says}. Nothing was changed. End these first" in sentence


def test_servers_that_the_books_do_not_know_are_stopped_first() -> None:
    assert "1 server of yan would no longer be found" in still_runs("yan", "yann", 1)
