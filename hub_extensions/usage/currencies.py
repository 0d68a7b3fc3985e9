"""PURE: amounts in another currency are not added without a word."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hub_extensions.page_frame.notice import Notice
from hub_extensions.usage.sums import so_far
from profiles.lease import Lease
from profiles.quantity import Money


def in_other_currencies(
    billed: Iterable[Money], running: Iterable[Lease], currency: str, now: datetime
) -> tuple[Money, ...]:
    """By currency, what is over and what runs."""
    sums: dict[str, Money] = {}
    going = (Money(so_far(lease, now).money, lease.price_per_hour.currency) for lease in running)
    for each in (*billed, *going):
        if each.amount and each.currency != currency:
            sums[each.currency] = sums[each.currency] + each if each.currency in sums else each
    return tuple(sums[name] for name in sorted(sums))


def told(others: Iterable[Money], currency: str) -> Notice | None:
    amounts = " and ".join(each.human for each in others)
    if not amounts:
        return None
    return Notice(
        f"{amounts} of what follows was not billed in {currency}: the hub's currency has changed.",
        "Nothing is converted: sums and budgets add such amounts as they stand.",
        "other-currency",
    )
