"""`/hub/api/remuda/…`: the pages' facts for programs, with JupyterHub's tokens, scopes and errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import has_scope, needs_scope
from jupyterhub.user import User
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.capacity.handlers import room_of, sees_all, viewer_of
from hub_extensions.capacity.view import AWAY, NO_GATE, ShowHolders, Viewer
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler
from hub_extensions.page_frame.machine_words import pool_name
from hub_extensions.page_frame.meters import unique
from hub_extensions.shares_api import models
from hub_extensions.shares_api.openapi import document
from hub_extensions.shares_api.operation import Answer, dumped
from hub_extensions.spawn_page.view import on_offer
from hub_extensions.usage import sums
from hub_extensions.usage.currencies import in_other_currencies
from hub_extensions.usage.handlers import billed, filtered
from hub_extensions.usage.handlers import find as find_usage
from hub_extensions.usage.scope import Asked, Period, Whose
from profiles.amounts import total
from profiles.lease import Charge, Entry, Lease
from profiles.model import Catalog
from profiles.person import Person

MOST, USUAL = 1000, 100


class SharesApi(PageHandler, APIHandler):
    @property
    def gate(self) -> Any:
        gate = gate_of(self.settings)
        if gate is None:
            raise web.HTTPError(404, NO_GATE.sentence)
        return gate

    async def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """In the gate's thread; 503 while the database is away."""
        try:
            return await self.gate.call(function, *args)
        except DatabaseAway as e:
            raise web.HTTPError(503, f"{AWAY.sentence} {AWAY.remedy}") from e

    @property
    def me(self) -> str:
        """Empty for a service."""
        return str(self.current_user.name) if isinstance(self.current_user, User) else ""

    def is_mine(self, user_name: str) -> bool:
        """One's own, asked for with a token of one's own, a server's among them: whoever works in a machine may read
        there what is left and what it costs. The scope is the one that JupyterHub gives such tokens."""
        mine = bool(self.me) and user_name == self.me
        return mine and has_scope(f"users:activity!user={self.me}", self.parsed_scopes)

    def owner(self, name: str) -> Any:
        user = self.find_user(name)
        if user is None:
            raise web.HTTPError(404, "No access to resources or resources not found")
        return user

    def any_spawner(self) -> Any:
        """A spawner of this hub, whoever's: it knows the catalog, and what its pools can give."""
        if self.me:
            return self.current_user.spawner
        first = self.db.query(orm.User).first()
        if first is None:
            raise web.HTTPError(404, "This hub has no users yet, so nobody has used anything.")
        return self._user_from_orm(first).spawner

    def check_known(self) -> None:
        """As JupyterHub's API answers to those it does not know."""
        if self.current_user is None:
            raise web.HTTPError(403, "Missing or invalid credentials.")

    def answer(self, model: Answer) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(dumped(model))


class SharesHandler(SharesApi):
    async def get(self, user_name: str = "") -> None:
        user_name = user_name or self.me
        await (self._shares(user_name) if self.is_mine(user_name) else self._of(user_name=user_name))

    @needs_scope("read:users")
    async def _of(self, user_name: str) -> None:
        await self._shares(user_name)

    async def _shares(self, user_name: str) -> None:
        spawner, _ = self.owner(user_name).spawner, self.gate
        plans = on_offer(spawner.catalog, spawner.person)
        decisions = await self.foreseen(spawner, plans)
        standings, balances = unique(decisions.values())
        self.answer(
            models.Shares(
                user=user_name,
                currency=spawner.catalog.currency,
                machines=[models.MachineShare.of(plan, decisions[key]) for key, plan in plans.items()],
                quotas=[models.QuotaStanding.of(each) for each in standings],
                budgets=[models.BudgetBalance.of(each) for each in balances],
            )
        )


class CapacityHandler(SharesApi):
    async def get(self) -> None:
        if self.is_mine(self.me):
            await self._capacity(viewer_of(self, self.current_user))
        elif self.me:
            await self._mine(user_name=self.me)
        else:
            await self._all()

    @needs_scope("read:users")
    async def _mine(self, user_name: str) -> None:
        await self._capacity(viewer_of(self, self.current_user))

    @needs_scope("list:users")
    async def _all(self) -> None:
        await self._capacity(Viewer("", sees_all=sees_all(self), shown=ShowHolders.ADMINS))

    async def _capacity(self, viewer: Viewer) -> None:
        leases = await self.ask(self.gate.store.leases)
        spawner = self.any_spawner()
        room, catalog = await room_of(spawner) or {}, spawner.catalog
        self.answer(
            models.Capacity(
                pools=[
                    models.PoolCapacity(
                        pool=pool,
                        display_name=pool_name(catalog, pool),
                        granted=models.Amount.of(total(lease.amounts for lease in held)),
                        room=models.Amount.of(room[pool]) if pool in room else None,
                        holders=[_holder(lease, viewer) for lease in held],
                    )
                    for pool, held in _by_pool(leases, catalog).items()
                ]
            )
        )


def _by_pool(leases: tuple[Lease, ...], catalog: Catalog) -> dict[str, list[Lease]]:
    pools: dict[str, list[Lease]] = {pool: [] for pool in catalog.pools}
    for lease in leases:
        pools.setdefault(lease.pool, []).append(lease)
    return pools


def _holder(lease: Lease, viewer: Viewer) -> models.Holder:
    mine = lease.user == viewer.name
    return models.Holder.of(lease, shown=mine or viewer.holder(lease) == lease.user, mine=mine)


class OfSomebody(SharesApi):
    """Questions with `of` and `days`. Which scope is needed depends on whose usage it is."""

    #: Whether members of a group may ask about it, and which scope others need.
    for_members = False

    async def get(self) -> None:
        self.check_known()
        whose = Whose.parse(self.get_argument("of", ""), self.me)
        period = Period.parse(self.get_argument("days", ""), self.now, self._catalog.policies.timezone)
        if whose is None or period is None or (not whose.name and whose.kind != "everybody"):
            raise web.HTTPError(400, "Write of=me, of=user:NAME, of=group:NAME or of=everybody, and days=1 to 1000.")
        asked = Asked(whose, period)
        match whose.kind:
            case _ if sees_all(self):
                await self.tell(asked)
            case "user" if self.is_mine(whose.name):
                await self.tell(asked)
            case "user":
                await self._user(asked, user_name=whose.name)
            case "group" if self.for_members and self._is_member(whose.name):
                await self.tell(asked)
            case "group":
                await (self._group_sums if self.for_members else self._group_runs)(asked, group_name=whose.name)
            case "everybody":
                await self._everybody(asked)

    @needs_scope("read:users")
    async def _user(self, asked: Asked, user_name: str) -> None:
        await self.tell(asked)

    @needs_scope("read:groups")
    async def _group_sums(self, asked: Asked, group_name: str) -> None:
        await self.tell(asked)

    @needs_scope("read:users")
    async def _group_runs(self, asked: Asked, group_name: str) -> None:
        await self.tell(asked)

    @needs_scope("list:users")
    async def _everybody(self, asked: Asked) -> None:
        await self.tell(asked)

    def _is_member(self, group: str) -> bool:
        """And the token may read as much of its owner."""
        person = self.current_user.spawner.person if self.me else Person("")
        return group in person.groups and has_scope(f"read:users!user={self.me}", self.parsed_scopes, db=self.db)

    @property
    def _catalog(self) -> Catalog:
        _ = self.gate  # nothing to tell without one
        catalog: Catalog = self.any_spawner().catalog
        return catalog

    async def tell(self, asked: Asked) -> None:
        raise NotImplementedError


class UsageHandler(OfSomebody):
    for_members = True

    async def tell(self, asked: Asked) -> None:
        found = await self.ask(find_usage, self.gate.store, asked, 0)
        period, now, running, currency = asked.period, self.now, found.running, self._catalog.currency
        others = in_other_currencies(await self.ask(billed, self.gate.store, asked, currency), running, currency, now)
        drawn = sums.bars(found.used, running, period, now)
        everybody = asked.whose.kind == "everybody"
        self.answer(
            models.Usage(
                of=str(asked.whose),
                currency=currency,
                other_currencies={each.currency: each.amount for each in others},
                timezone=period.timezone,
                since=period.since,
                until=now,
                total=models.Used.of(sums.total_of(bar.charge for bar in drawn)),
                days=[models.UsedFrom(begins=bar.begins, **dict(models.Used.of(bar.charge))) for bar in drawn],
                users=_ranking(sums.by_user(found.users, running, period, now)) if everybody else None,
                groups=_ranking(sums.by_group(found.groups, running, period, now)) if everybody else None,
            )
        )


def _ranking(used: dict[str, Charge]) -> list[models.UsedBy]:
    return [models.UsedBy(name=name, **dict(models.Used.of(charge))) for name, charge in used.items()]


class LedgerHandler(OfSomebody):
    async def tell(self, asked: Asked) -> None:
        limit, before = self._limit(), self._before()
        entries = await self.ask(page_of_ledger, self.gate.store, asked, limit, before)
        more = len(entries) == limit
        self.answer(
            models.Ledger(
                entries=[models.LedgerEntry.of(entry) for entry in entries],
                next=_cursor(entries[-1]) if more else None,
            )
        )

    def _limit(self) -> int:
        text = self.get_argument("limit", str(USUAL))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST):
            raise web.HTTPError(400, f"Write limit=1 to {MOST}.")
        return int(text[:5])

    def _before(self) -> tuple[datetime, str] | None:
        text = self.get_argument("before", "")
        if not text:
            return None
        at, _, lease_id = text.partition(" ")
        try:
            return _known_moment(at), _known_name(lease_id)
        except (ValueError, OverflowError) as e:
            raise web.HTTPError(400, "Give as before what the page before had as next.") from e


def _known_moment(text: str) -> datetime:
    """In UTC. Raises `ValueError`, and `OverflowError` where no calendar goes."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _known_name(text: str) -> str:
    """Raises `ValueError` for what no database keeps."""
    if not text or "\0" in text:
        raise ValueError(text)
    return text


def _cursor(entry: Entry) -> str:
    return f"{entry.ended_at.isoformat().replace('+00:00', 'Z')} {entry.lease.id}"


def page_of_ledger(
    store: Any, asked: Asked, limit: int, before: tuple[datetime, str] | None
) -> tuple[Entry, ...]:
    """Runs in the gate's thread."""
    span = {"since": asked.period.since, "until": asked.period.until}
    return tuple(store.ledger(**span, **filtered(asked.whose), limit=limit, before=before))


class OpenApiHandler(APIHandler):
    """What can be asked, for whoever asks: it holds no secret."""

    def get(self) -> None:
        self.finish(document(self.hub.base_url))
