"""A hub whose currency was changed: what is in another is told, and nothing is converted."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hub_extensions.admission.currencies import billed_otherwise, warn_of_currencies, words
from hub_extensions.admission.gate import SqlGate
from hub_extensions.admission.store import Store
from profiles.admission import Admit, Deny, lease_of
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


def test_a_budget_says_that_it_has_other_currencies_in_it(store: Store) -> None:
    """Only that of whom it was billed to, for as long as its window reaches back."""
    run(store, "1", Money(Decimal(8), "USD"), groups=("ml",))
    policies = rules(
        budgets={
            "month": {"per": "user", "money": 10},
            "team": {"per": "group", "money": 20},
            "gpu": {"per": "user", "money": 20, "profiles": ["gpu-large"]},
            "all": {"per": "hub", "money": 20},
            "hours": {"per": "user", "machineHours": 20},
        }
    )
    assert [each.others for each in store.foresee(ask("2"), policies, NOW).balances] == [()] * 3, "nobody has looked"
    store.other_currencies = frozenset({"USD", "CHF"})

    def others(user: str, now: datetime = NOW) -> dict[str, tuple[str, ...]]:
        decision = store.foresee(ask("2", user, groups=("ml",)), policies, now)
        return {each.pot.pot.rule: each.others for each in decision.balances if each.others}

    assert others("ada") == {"month": ("USD",), "team": ("USD",), "all": ("USD",)}
    assert others("bob") == {"team": ("USD",), "all": ("USD",)}
    assert others("ada", NOW + timedelta(days=40)) == {}
    runs = replace(run(store, "3", Money(Decimal(2), "CHF"), "cy"), id="4")
    store.adopt(runs, NOW)
    assert others("cy")["month"] == ("CHF",), "of what runs and of what is over"
    [refused] = [store.foresee(ask("5", price="99"), policies, NOW)]
    assert isinstance(refused, Deny)
    assert refused.refusal.sentence.endswith(" Some of it was billed in USD: such amounts count as they stand.")


async def test_a_hub_looks_for_other_currencies_when_it_boots(store: Store) -> None:
    run(store, "1", Money(Decimal(8), "USD"))
    gate = SqlGate(store, policies=rules, clock=lambda: NOW)

    class App:
        log = logging.getLogger(__name__)

    await warn_of_currencies(App(), gate, "EUR", lambda: NOW)
    assert store.other_currencies == {"USD"}
    await warn_of_currencies(App(), gate, "USD", lambda: NOW)
    assert store.other_currencies == frozenset()
    gate.close()


def test_the_log_says_it_in_words(store: Store) -> None:
    eur = replace(run(store, "1", Money(Decimal(2), "EUR")))
    usd = run(store, "2", Money(Decimal(3), "USD"))
    assert words("EUR", [eur], ()) == ""
    told = words("EUR", [eur, usd, usd], billed_otherwise(store.database, "EUR", **SPAN))
    assert "has other amounts: $3.00; 2 machines run at a price in USD. Nothing is converted" in told
    free = replace(usd, price_per_hour=Money(Decimal(0), "USD"))
    assert words("EUR", [free], ()) == ""
