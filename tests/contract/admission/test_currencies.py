"""A hub whose currency was changed: what is in another is told, and nothing is converted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hub_extensions.admission.currencies import billed_otherwise, words
from hub_extensions.admission.store import Store
from profiles.admission import Admit, lease_of
from profiles.lease import EndReason, Lease, LeaseState
from profiles.quantity import Money
from tests.contract.admission.asking import HOUR, NOW, ask, rules

SPAN = {"since": NOW - timedelta(days=30), "until": NOW + timedelta(days=1)}


def run(store: Store, lease_id: str, price: Money, user: str = "ada", groups: tuple[str, ...] = ()) -> Lease:
    """An hour, over now."""
    request = replace(ask(lease_id, user, groups=groups), price_per_hour=price)
    lease = replace(lease_of(request, Admit(None), NOW - HOUR), state=LeaseState.RUNNING, began_at=NOW - HOUR)
    store.adopt(lease, NOW)
    store.ended(lease_id, NOW, EndReason.STOPPED, NOW)
    return lease


def test_what_was_billed_in_another_currency_is_found(store: Store) -> None:
    run(store, "1", Money(Decimal(2), "EUR"))
    assert billed_otherwise(store.database, "EUR", **SPAN) == ()
    run(store, "2", Money(Decimal(3), "USD"), groups=("ml",))
    run(store, "3", Money(Decimal(4), "USD"), "bob")
    run(store, "4", Money(Decimal(5), "CHF"), "bob")
    run(store, "5", Money(Decimal(0), "JPY"), "bob")
    usd, chf = Money(Decimal(7), "USD"), Money(Decimal(5), "CHF")
    assert billed_otherwise(store.database, "EUR", **SPAN) == (chf, usd)
    assert billed_otherwise(store.database, "USD", **SPAN) == (chf, Money(Decimal(2), "EUR"))
    assert billed_otherwise(store.database, "EUR", **SPAN, user="ada") == (Money(Decimal(3), "USD"),)
    assert billed_otherwise(store.database, "EUR", **SPAN, group="ml") == (Money(Decimal(3), "USD"),)
    assert billed_otherwise(store.database, "EUR", since=NOW + HOUR, until=NOW + 2 * HOUR) == ()


def test_a_budget_counts_other_currencies_as_they_stand(store: Store) -> None:
    run(store, "1", Money(Decimal(8), "USD"))
    policies = rules(budgets={"month": {"per": "user", "money": 10}})
    (balance,) = store.foresee(ask("2"), policies, NOW).balances
    assert (balance.used, balance.left) == (Decimal(8), Decimal(2))


def test_the_log_says_it_in_words(store: Store) -> None:
    eur = replace(run(store, "1", Money(Decimal(2), "EUR")))
    usd = run(store, "2", Money(Decimal(3), "USD"))
    assert words("EUR", [eur], ()) == ""
    told = words("EUR", [eur, usd, usd], billed_otherwise(store.database, "EUR", **SPAN))
    assert "has other amounts: $3.00; 2 machines run at a price in USD. Nothing is converted" in told
    free = replace(usd, price_per_hour=Money(Decimal(0), "USD"))
    assert words("EUR", [free], ()) == ""
