"""What the form offers, of a machine in several sizes."""

from __future__ import annotations

from hub_extensions.reservations import view
from tests.unit.reservations.test_pages import ADA, catalog


def test_what_can_never_be_reserved_is_not_offered() -> None:
    every, few = view.machines(catalog(gpus=8), ADA), view.machines(catalog(gpus=8, atMost={"gpus": 1}), ADA)
    assert {plan.gpus for plan in every.values()} > {plan.gpus for plan in few.values()} == {1}
