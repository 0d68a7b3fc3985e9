"""The cards as the gate sees them now: for the pages that show them, and for the script that keeps them true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_extensions.approvals.handlers import choice_of
from hub_extensions.capacity.handlers import room_of
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler
from hub_extensions.page_frame.unmade import spawner_for
from hub_extensions.queue.desk import LineDesk
from hub_extensions.spawn_page.nearest import Variant, nearest_of
from hub_extensions.spawn_page.notes import notes_of
from hub_extensions.spawn_page.view import (
    Cards,
    Outlook,
    cards_for,
    chosen_run_for,
    lengths_with,
    on_offer,
    variants_of,
)
from profiles.admission import Decision, Deny, pays_for
from profiles.amounts import Amounts, total
from profiles.choice import MachineChoice, readable_run_for
from profiles.lease import Lease
from profiles.plan import MachinePlan
from profiles.quantity import Duration
from profiles.refusal import Reason


async def outlook_of(
    handler: PageHandler, user: Any, spawner: Any, choice: MachineChoice | None = None
) -> Outlook | None:
    """None without a gate, or without a catalog to ask about."""
    if gate_of(handler.settings) is None or spawner.catalog is None:
        return None
    plans = on_offer(spawner.catalog, spawner.person, choice)
    decisions = await handler.foreseen(spawner, plans, switch=spawner.ready)
    shorter = await handler.foreseen(spawner, worth_asking(plans, decisions, choice), switch=spawner.ready)
    line = await LineDesk(handler).on_cards(user, spawner, plans, decisions)
    room = await room_of(spawner) or {}
    taken = taken_of(line.picture.leases if line.picture is not None else ())
    policies, now, none = spawner.catalog.policies, handler.now, Amounts()
    notes = {
        key: notes_of(plan, decisions.get(key), room.get(plan.pool_id), taken.get(plan.pool_id, none), policies, now)
        for key, plan in plans.items()
    }
    nearest = nearest_of(plans, decisions)
    return Outlook(decisions, now, handler.timezone, notes, line.waits, line.places, nearest, shorter)


def worth_asking(
    plans: Mapping[Variant, MachinePlan], decisions: Mapping[Variant, Decision], choice: MachineChoice | None
) -> dict[tuple[Variant, Duration], MachinePlan]:
    """PURE: machines for so long that may be had where they are refused for as long as one likes. Only what is left of
    a budget makes a difference; whatever is let in for long is let in for less."""
    lengths = lengths_with(chosen_run_for(choice))
    return {
        (key, each): plans[key].lasting(each)
        for key, decision in decisions.items()
        if isinstance(decision, Deny) and decision.refusal.reason is Reason.OVER_BUDGET
        for each in lengths
        if (paid := pays_for(decision.balances)) is not None and each.seconds <= paid.total_seconds()
    }


def taken_of(leases: Iterable[Lease]) -> Mapping[str, Amounts]:
    """PURE: by pool."""
    by_pool: dict[str, list[Amounts]] = {}
    for lease in leases:
        by_pool.setdefault(lease.pool, []).append(lease.amounts)
    return {pool: total(each) for pool, each in by_pool.items()}


def chosen_in(handler: PageHandler) -> MachineChoice | None:
    """`?choose=…&option.….…=…&run_for=…`: what a link shows as chosen. It starts nothing."""
    profile = handler.get_argument("choose", "")
    return choice_of(handler.request.query_arguments, profile) if profile else None


async def live_cards(
    handler: PageHandler, user: Any, spawner: Any, choice: MachineChoice | None, **more: Any
) -> Cards:
    """`more` as in `view.cards_for`."""
    outlook = await outlook_of(handler, user, spawner, choice)
    cards = cards_for(spawner.catalog, spawner.person, choice, outlook=outlook, **more)
    if outlook is None:
        return cards
    ask = url_path_join(handler.hub.base_url, "approvals", "ask")
    here = handler.hub_path("switch" if spawner.ready else "spawn", user, spawner.name)
    length = chosen_run_for(choice)
    return replace(
        cards,
        live=handler.hub_path("remuda/shares", user, spawner.name, run_for=str(length or "")),
        ask=ask,
        join=handler.hub_path("queue/join", user, spawner.name),
        leave=url_concat(url_path_join(handler.hub.base_url, "queue", "leave"), {"next": here}),
        choose=here,
        reserve=url_path_join(handler.hub.base_url, "reservations"),
    )


class SharesHandler(PageHandler, BaseHandler):
    """GET: the facts of every variant of every card, in the words of the page, for the page's own script."""

    @web.authenticated
    def get(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._get(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("servers")
    async def _get(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        spawner = spawner_for(user, server_name)
        choice = MachineChoice(run_for=readable_run_for(self.get_argument("run_for", "")))
        outlook, length = await outlook_of(self, user, spawner, choice), chosen_run_for(choice)
        variants = variants_of(spawner.catalog, spawner.person, outlook, length) if outlook else {}
        self.set_header("Cache-Control", "no-store")
        self.finish(
            {
                "profiles": {
                    profile: {key: asdict(facts) for key, facts in each.items()} for profile, each in variants.items()
                }
            }
        )
