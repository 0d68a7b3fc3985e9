"""`/hub/usage` and its CSV: what was used, by whom as far as the reader may know, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web

from hub_extensions.admission.currencies import billed_otherwise
from hub_extensions.admission.database import DatabaseAway
from hub_extensions.admission.spent import used_by_each
from hub_extensions.capacity.handlers import sees_all
from hub_extensions.capacity.view import AWAY, NO_GATE
from hub_extensions.measured.figures import Measured
from hub_extensions.measured.seen import Seen, seen, with_columns
from hub_extensions.measured.store import MeasuredStore
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.meters import Meter, budget_meters, unique
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.render import render
from hub_extensions.spawn_page.view import on_offer
from hub_extensions.usage import sums
from hub_extensions.usage.currencies import in_other_currencies, told
from hub_extensions.usage.scope import Asked, Period, Whose, may_see, may_see_each
from hub_extensions.usage.view import (
    MANY,
    UsagePage,
    address,
    figures,
    heading_of,
    people_links,
    period_links,
    plot,
    rows,
    sessions,
)
from profiles.lease import Charge, Entry, Lease
from profiles.ledger_csv import write_ledger
from profiles.quantity import Money

#: Entries read at a time for the file.
BATCH = 2000


@dataclass(frozen=True)
class Found:
    """Everything of one question, read in one call to the gate's thread."""

    used: tuple[Any, ...]
    users: tuple[Any, ...]
    groups: tuple[Any, ...]
    entries: tuple[Entry, ...]
    running: tuple[Lease, ...]


def filtered(whose: Whose) -> dict[str, Any]:
    """Whose entries of the ledger."""
    return {whose.kind: whose.name} if whose.kind != "everybody" else {}


def find(store: Any, asked: Asked, limit: int) -> Found:
    """Runs in the gate's thread for reports. `limit` 0: no single sessions."""
    whose, span = asked.whose, {"since": asked.period.since, "until": asked.period.until}
    everybody = whose.kind == "everybody"
    used = store.used(**span, by="profile") if everybody else store.used(**span, by=whose.kind, name=whose.name)
    with store.database.reading() as connection:
        each = {by: used_by_each(connection, **span, by=by) if everybody else () for by in ("user", "group")}
    return Found(
        used=used,
        users=each["user"],
        groups=each["group"],
        entries=store.ledger(**span, **filtered(whose), limit=limit) if limit else (),
        running=sums.running_of(store.leases(), whose),
    )


def billed(store: Any, asked: Asked, currency: str) -> tuple[Money, ...]:
    """In other currencies. Runs in the gate's thread."""
    span = {"since": asked.period.since, "until": asked.period.until}
    return billed_otherwise(store.database, currency, **span, **filtered(asked.whose))


class UsageBase(PageHandler, BaseHandler):
    def asked(self) -> Asked:
        """What the address asks for. Raises 400 for what cannot be read, 403 for what is not for this person."""
        me, spawner = self.current_user, self.current_user.spawner
        whose = Whose.parse(self.get_argument("of", ""), me.name)
        period = Period.parse(self.get_argument("days", ""), self.now, self.timezone)
        if whose is None or period is None:
            raise web.HTTPError(400, "Write of=me, of=group:NAME or of=everybody, and days=1 to 1000.")
        if not may_see(whose, me.name, spawner.person.groups, sees_all(self)):
            raise web.HTTPError(403, "You may see your own usage, and the sums of groups that you are in.")
        return Asked(whose, period)

    async def show(self, page: UsagePage) -> None:
        html = framed(page.heading, render("usage.html", page=page))
        self.finish(await self.render_template("remuda_page.html", remuda=html))


def _only(heading: str, notice: Notice) -> UsagePage:
    """Nothing but what there is to say."""
    return UsagePage(heading, "", (), (), figures("", Charge(), ""), None, notice=notice)


class UsageHandler(UsageBase):
    @web.authenticated
    async def get(self) -> None:
        asked = self.asked()
        await self.show(await self._page(asked))

    async def _page(self, asked: Asked) -> UsagePage:
        gate, me, spawner, now = gate_of(self.settings), self.current_user.name, self.current_user.spawner, self.now
        whose, period, everything = asked.whose, asked.period, sees_all(self)
        heading, base = heading_of(whose, me), url_path_join(self.hub.base_url, "usage")
        if gate is None or spawner.catalog is None:
            return _only(heading, NO_GATE)
        each = may_see_each(whose, me, everything)
        try:
            found = await gate.report(find, gate.store, asked, MANY if each else 0)
            otherwise = await gate.report(billed, gate.store, asked, spawner.catalog.currency)
        except DatabaseAway:
            self.set_status(503)
            return _only(heading, AWAY)
        try:
            used = await gate.report(seen, gate.store, asked, found.entries, found.running)
        except DatabaseAway as e:
            self.log.warning("The usage page goes without what was measured: %s", e)
            used = Seen()
        currency, drawn = spawner.catalog.currency, sums.bars(found.used, found.running, period, now)
        return UsagePage(
            heading=heading,
            notice=told(in_other_currencies(otherwise, found.running, currency, now), currency),
            lead=f"Machines that run count with what they have used so far. Days begin at midnight, {period.timezone}.",
            people=people_links(whose, period, me, spawner.person.groups, everything, base),
            periods=period_links(whose, period, base),
            total=figures(
                f"In {period.days} days", sums.total_of(bar.charge for bar in drawn), currency, efficiency=used.total
            ),
            plot=plot(drawn, currency),
            budgets=await self._budgets(whose),
            sessions=sessions(found.entries, found.running, now, used.sessions, base, period.timezone) if each else (),
            shows_sessions=each,
            shows_people=whose.kind != "user",
            users=rows(
                sums.by_user(found.users, found.running, period, now), currency, "user", period, base, used.users
            )
            if whose.kind == "everybody"
            else (),
            groups=rows(
                sums.by_group(found.groups, found.running, period, now), currency, "group", period, base, used.groups
            )
            if whose.kind == "everybody"
            else (),
            csv_href=address(f"{base}.csv", str(whose), period.days),
            cut=len(found.entries) == MANY,
        )

    async def _budgets(self, whose: Whose) -> tuple[Meter, ...]:
        """The balances that are about this subject: a person's own page has those of their groups and the hub's too."""
        owner = self.find_user(whose.name) if whose.kind == "user" else self.current_user
        if owner is None:
            return ()
        spawner, person = owner.spawner, owner.spawner.person
        if whose.kind != "user":
            names = [name for (name,) in self.db.query(orm.Group.name)] if whose.kind == "everybody" else [whose.name]
            person = replace(person, groups=frozenset(names))
        decisions = await self.foreseen(spawner, on_offer(spawner.catalog, person), person)
        _, balances = unique(decisions.values())
        about = (each for each in balances if _is_about(each.pot.pot, whose))
        return budget_meters(about, spawner.catalog, self.current_user.name)


def _is_about(pot: Any, whose: Whose) -> bool:
    if whose.kind == "user":
        return True
    return pot.per in {"hub", "group"} if whose.kind == "everybody" else (pot.per, pot.subject) == ("group", whose.name)


class UsageCsvHandler(UsageBase):
    """The ledger's entries as a file, batch by batch: a year of a large hub is never in memory at once."""

    @web.authenticated
    async def get(self) -> None:
        asked = self.asked()
        gate = gate_of(self.settings)
        if gate is None:
            raise web.HTTPError(404, NO_GATE.sentence)
        if not may_see_each(asked.whose, self.current_user.name, sees_all(self)):
            raise web.HTTPError(403, "Single sessions of a group are for administrators; you may see its sums.")
        first, before = True, None
        while True:
            try:
                batch = await gate.report(entries_before, gate.store, asked, before)
                ids = [entry.lease.id for entry in batch]
                measured = await gate.report(MeasuredStore(gate.store.database).of, ids)
            except DatabaseAway:
                await self._away(asked, begun=not first)
                return
            if first:
                self.set_header("Content-Type", "text/csv; charset=utf-8")
                self.set_header("Content-Disposition", 'attachment; filename="usage.csv"')
            for line in _lines(batch, measured, header=first):
                self.write(line)
            if len(batch) < BATCH:
                break
            await self.flush()
            first, before = False, (batch[-1].ended_at, batch[-1].lease.id)

    async def _away(self, asked: Asked, *, begun: bool) -> None:
        """A page that says so; a file that has begun is broken off, so that half of it does not look whole."""
        if begun:
            self.log.warning("The database went away in the middle of usage.csv of %s", asked.whose)
            self.detach().close()
            return
        self.set_status(503)
        await self.show(_only(heading_of(asked.whose, self.current_user.name), AWAY))


def entries_before(store: Any, asked: Asked, before: Any) -> tuple[Entry, ...]:
    """Runs in the gate's thread for reports."""
    span = {"since": asked.period.since, "until": asked.period.until}
    return tuple(store.ledger(**span, **filtered(asked.whose), limit=BATCH, before=before))


def _lines(entries: tuple[Entry, ...], measured: Mapping[str, Measured], *, header: bool) -> Iterator[str]:
    lines = with_columns(write_ledger(entries), entries, measured)
    names = next(lines)
    if header:
        yield names
    yield from lines
