"""One lease's life: what it is to ask again or too late, to take up what was kept, to end. Within `Store`'s
transactions."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub_extensions.admission.books import LiveBook, promises_changed
from hub_extensions.admission.tables import LEDGER, QUEUE, RESERVATIONS
from profiles.admission import Admit, Decision, Deny
from profiles.cost import charge
from profiles.lease import EndReason, Entry, Lease, Request
from profiles.lease_book import LeaseBook
from profiles.policy import Policies
from profiles.pots import reserved_pots
from profiles.refusal import Reason, Refusal

IN_LEDGER = sa.select(LEDGER.c.lease_id).where(LEDGER.c.lease_id == sa.bindparam("lease_id"))


def take_up(connection: Connection, request: Request, policies: Policies, book: LiveBook, now: datetime) -> None:
    """Who starts gives up the place in line for that server, and has come for what they reserved."""
    if not book.waiting and not book.reservations:
        return
    name = request.person.name
    places = [each.id for each in book.waiting if each.is_for(request)]
    rules = {pot.pot.rule for pot in reserved_pots(policies, request)} if book.reservations else set()
    coming = [
        each.id
        for each in book.reservations
        if each.user == name and each.rule in rules and each.taken_at is None and each.holds(now)
    ]
    if places:
        connection.execute(sa.delete(QUEUE).where(QUEUE.c.id.in_(places)))
    if coming:
        connection.execute(sa.update(RESERVATIONS).where(RESERVATIONS.c.id.in_(coming)).values(taken_at=now))
    if places or coming:
        promises_changed(connection)


def settle(lease: Lease, at: datetime, reason: EndReason) -> Entry:
    """The entry of a lease that ended. What never began costs nothing, nor does what ended before it began by a clock
    that was wrong."""
    if lease.began_at is None:
        return Entry(lease=lease, ended_at=at, reason=EndReason.NEVER_RAN)
    ran = max(timedelta(0), at - lease.began_at)
    return Entry(lease=lease, ended_at=at, reason=reason, charge=charge(lease, ran))


def is_spent(connection: Connection, request: Request, held: Lease | None) -> bool:
    """The id stands for something else than what is asked: another start, or this one's past."""
    return has_ended(connection, request.lease_id) if held is None else not _is_for(held, request)


def has_ended(connection: Connection, lease_id: str) -> bool:
    return connection.execute(IN_LEDGER, {"lease_id": lease_id}).first() is not None


def places_kept(book: LeaseBook, request: Request) -> tuple[Lease, ...]:
    theirs = book.of_user(request.person.name)
    return tuple(lease for lease in theirs if lease.is_kept and lease.server == request.server)


def _is_for(held: Lease, request: Request) -> bool:
    return (held.user, held.server, held.profile, held.amounts, held.price_per_hour) == (
        request.person.name,
        request.server,
        request.profile,
        request.amounts,
        request.price_per_hour,
    )


def again(held: Lease, decision: Decision) -> Admit:
    """What was promised stays, whatever the rules have become since."""
    grant = decision.grant if isinstance(decision, Admit) else None
    standings, balances = decision.standings, decision.balances
    return Admit(held.longest, standings, balances, grant, held.closes_at, held.leaves_at, otherwise=held.longest)


def used_up(request: Request) -> Deny:
    sentence = f"This start of {request.display_name} is over already."
    return Deny(Refusal(Reason.ADMISSION_UNAVAILABLE, sentence, "Start the machine again."), rule="")
