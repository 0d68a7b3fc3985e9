"""What was billed in another currency than the catalog's, so that it can be told: nothing converts it.

Sums and budgets add such amounts as they stand, and say so wherever they are shown: a budget that began anew with each
change of currency would be one that nobody has used anything of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hub_extensions.admission.database import Database, DatabaseAway
from hub_extensions.admission.tables import LEDGER, LEDGER_GROUPS
from profiles.frozen import EMPTY
from profiles.lease import MICRO, Lease
from profiles.lease_book import LeaseBook
from profiles.policy import LONGEST
from profiles.pots import BudgetPot, Pot, drawing
from profiles.quantity import Money

if TYPE_CHECKING:
    from hub_extensions.admission.gate import SqlGate

#: How long until the database is asked again, where it was away at the Hub's boot.
AGAIN_S = 60.0
#: No budget looks back further.
LOOK_BACK = timedelta(seconds=LONGEST.seconds)


def billed_otherwise(  # noqa: PLR0913 - what can be asked of a ledger, by name
    database: Database,
    currency: str,
    *,
    since: datetime,
    until: datetime,
    user: str | None = None,
    group: str | None = None,
) -> tuple[Money, ...]:
    """By currency, of runs that ended from …, before …. Where there is none, which is the rule, an index says so."""
    asked = (
        sa.select(LEDGER.c.currency, sa.func.sum(LEDGER.c.micros).label("micros"))
        .where((LEDGER.c.currency < currency) | (LEDGER.c.currency > currency))
        .where(LEDGER.c.ended_at >= since, LEDGER.c.ended_at < until, LEDGER.c.micros > 0)
        .group_by(LEDGER.c.currency)
        .order_by(LEDGER.c.currency)
    )
    if user is not None:
        asked = asked.where(LEDGER.c.user_name == user)
    if group is not None:
        asked = asked.join(LEDGER_GROUPS, LEDGER_GROUPS.c.lease_id == LEDGER.c.lease_id)
        asked = asked.where(LEDGER_GROUPS.c.group_name == group)
    with database.reading() as connection:
        return tuple(Money(Decimal(int(row.micros)) / MICRO, row.currency) for row in connection.execute(asked))


def billed_in(
    connection: sa.Connection, pots: Iterable[BudgetPot], book: LeaseBook, others: Collection[str]
) -> Mapping[Pot, tuple[str, ...]]:
    """Which of these currencies each budget in money has amounts of, in its window: of what is over and what runs.
    Without such currencies, which is the rule, nothing is asked."""
    if not others:
        return EMPTY
    found: dict[Pot, tuple[str, ...]] = {}
    for pot in pots:
        if pot.budget.unit == "money":
            going = book.found((pot.pot.per, pot.pot.subject), pot.budget, partial(_currencies, pot))
            here = [each for each in sorted(others) if each in going or _billed(connection, pot, each)]
            if here:
                found[pot.pot] = tuple(here)
    return found


def _currencies(pot: BudgetPot, leases: Iterable[Lease]) -> frozenset[str]:
    return frozenset(lease.price_per_hour.currency for lease in drawing(pot.budget, leases) if lease.began_at)


def _billed(connection: sa.Connection, pot: BudgetPot, currency: str) -> bool:
    ledger, scope = LEDGER.c, pot.budget
    asked = sa.select(ledger.lease_id).where(
        ledger.currency == currency, ledger.ended_at > pot.begin, ledger.micros > 0
    )
    users = [pot.pot.subject] if pot.pot.per == "user" else list(scope.users)
    groups = [pot.pot.subject] if pot.pot.per == "group" else list(scope.groups)
    if groups:
        asked = asked.join(LEDGER_GROUPS, LEDGER_GROUPS.c.lease_id == ledger.lease_id)
    columns = (
        (ledger.user_name, users),
        (LEDGER_GROUPS.c.group_name, groups),
        (ledger.profile, list(scope.profiles)),
        (ledger.pool, list(scope.pools)),
    )
    for column, names in columns:
        if names:
            asked = asked.where(column.in_(names))
    return connection.execute(asked.limit(1)).first() is not None


async def warn_of_currencies(
    app: Any, gate: SqlGate, currency: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """In the Hub's log, once after its boot; and from then on budgets say which of these are in them."""
    while True:
        now = clock()
        try:
            leases = await gate.call(gate.store.leases)
            billed = await gate.call(_in_the_last_year, gate.store.database, currency, now)
        except DatabaseAway:
            await asyncio.sleep(AGAIN_S)
            continue
        prices = [lease.price_per_hour for lease in leases if lease.price_per_hour.amount]
        # All there can be until the Hub starts again: what starts from now on is in the catalog's.
        gate.store.other_currencies = frozenset(each.currency for each in (*prices, *billed)) - {currency}
        if warning := words(currency, leases, billed):
            app.log.warning("%s", warning)
        return


def _in_the_last_year(database: Database, currency: str, now: datetime) -> tuple[Money, ...]:
    return billed_otherwise(database, currency, since=now - LOOK_BACK, until=now + timedelta(days=1))


def words(currency: str, leases: Iterable[Lease], billed: Iterable[Money]) -> str:
    """Empty where all is in the catalog's currency."""
    prices = (lease.price_per_hour for lease in leases)
    running = [price.currency for price in prices if price.amount and price.currency != currency]
    parts = [each.human for each in billed]
    if running:
        machines = "1 machine runs" if len(running) == 1 else f"{len(running)} machines run"
        parts.append(f"{machines} at a price in {', '.join(sorted(set(running)))}")
    if not parts:
        return ""
    return (
        f"The catalog's currency is {currency}, and the ledger of the last year has other amounts: {'; '.join(parts)}. "
        "Nothing is converted: budgets and sums add them as they stand. If the currency was changed by mistake, set it "
        "back; if it was meant, mind that budgets in money count the old amounts until their window is over."
    )
