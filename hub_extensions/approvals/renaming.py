"""PURE but for `known`: whether an account may get another name. The books know people by their names and are never
rewritten, so quotas and budgets would begin anew for the new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub_extensions.admission.store import Store
from hub_extensions.admission.tables import LEDGER
from hub_extensions.approvals.ask import AskState
from hub_extensions.approvals.store import Approvals
from hub_extensions.page_frame.words import plural

MOST_ASKS = 1000


@dataclass(frozen=True, slots=True)
class Known:
    """What there is under a name: machines that are out and runs that were stay with it for good, the rest until it is
    over."""

    machines: int = 0
    runs: int = 0
    reservations: int = 0
    places: int = 0
    asks: int = 0
    permissions: int = 0


def known(store: Store, user: str, now: datetime) -> Known:
    asks = Approvals(store.database).of_user(user, limit=MOST_ASKS)
    with store.looking() as books:
        runs = sa.select(sa.func.count()).select_from(LEDGER).where(LEDGER.c.user_name == user)
        return Known(
            machines=len(books.leases.of_user(user)),
            runs=books.connection.execute(runs).scalar_one(),
            reservations=sum(each.user == user and each.stands(now) for each in books.reservations),
            places=sum(each.request.person.name == user for each in books.waiting),
            asks=sum(ask.state_at(now) is AskState.OPEN for ask in asks),
            permissions=sum(ask.holds(now) for ask in asks),
        )


def refused(user: str, name: str, found: Known) -> str | None:
    """Why this account keeps its name, and what to do instead; None where nothing is lost by another."""
    if found.machines or found.runs:
        has = _listed((found.machines, "machine", "in use"), (found.runs, "run", "in the ledger"), *_passing(found))
        return (
            f"{user} cannot be renamed to {name}: {user} has {has}, all under this name, and what is written there is "
            f"never rewritten; quotas and budgets would begin anew. Nothing was changed. Make a new account {name} "
            f"instead, and remove {user} when nobody needs it any more."
        )
    if has := _listed(*_passing(found)):
        return (
            f"{user} cannot be renamed to {name} yet: {user} has {has}. Nothing was changed. End these first, then "
            "rename the account."
        )
    return None


def still_runs(user: str, name: str, servers: int) -> str:
    """JupyterHub would lose its way to them: a server answers under the name that it was started for."""
    return (
        f"{user} cannot be renamed to {name}: {plural(servers, 'server')} of {user} would no longer be found under the "
        "new name. Nothing was changed. Stop what runs, starts or stops first."
    )


def unknown(user: str) -> str:
    return (
        f"Whether {user} may be renamed cannot be told at present: the books cannot be read. Nothing was changed. "
        "Try again in a minute."
    )


def _passing(found: Known) -> tuple[tuple[int, str, str], ...]:
    return (
        (found.reservations, "reservation", ""),
        (found.places, "place", "in line"),
        (found.asks, "ask", "without an answer"),
        (found.permissions, "permission", "in force"),
    )


def _listed(*counts: tuple[int, str, str]) -> str:
    there = [f"{plural(count, noun)} {where}".strip() for count, noun, where in counts if count]
    return f"{', '.join(there[:-1])} and {there[-1]}" if len(there) > 1 else "".join(there)
