from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hub_extensions.usage.currencies import in_other_currencies, told
from profiles.quantity import Money
from tests.unit.admission.people import NOON, lease

USD = Money(Decimal(3), "USD")


def test_nothing_is_told_where_all_is_in_one_currency() -> None:
    running = (lease("1", began=NOON - timedelta(hours=1)),)
    assert in_other_currencies((), running, "EUR", NOON) == ()
    assert told((), "EUR") is None


def test_what_is_over_and_what_runs_are_told_by_currency() -> None:
    dollars = replace(lease("1", began=NOON - timedelta(hours=1)), price_per_hour=Money(Decimal(2), "USD"))
    others = in_other_currencies((USD, Money(Decimal(1), "CHF")), (dollars,), "EUR", NOON)
    assert others == (Money(Decimal(1), "CHF"), Money(Decimal(5), "USD"))
    notice = told(others, "EUR")
    assert notice is not None
    assert notice.sentence.startswith("CHF 1.00 and $5.00 of what follows was not billed in EUR")
    assert "Nothing is converted" in notice.remedy
