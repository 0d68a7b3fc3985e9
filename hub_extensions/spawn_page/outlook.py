"""The cards as the gate sees them now: for the pages that show them, and for the script that keeps them true."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from tornado import web

from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler
from hub_extensions.spawn_page.view import Cards, Outlook, cards_for, on_offer, variants_of
from profiles.choice import MachineChoice


async def outlook_of(handler: PageHandler, spawner: Any, choice: MachineChoice | None = None) -> Outlook | None:
    """None without a gate, or without a catalog to ask about."""
    if gate_of(handler.settings) is None or spawner.catalog is None:
        return None
    plans = on_offer(spawner.catalog, spawner.person, choice)
    return Outlook(await handler.foreseen(spawner, plans, switch=spawner.ready), handler.now)


async def live_cards(
    handler: PageHandler, user: Any, spawner: Any, choice: MachineChoice | None, **more: Any
) -> Cards:
    """`more` as in `view.cards_for`."""
    outlook = await outlook_of(handler, spawner, choice)
    cards = cards_for(spawner.catalog, spawner.person, choice, outlook=outlook, **more)
    if outlook is None:
        return cards
    ask = url_path_join(handler.hub.base_url, "approvals", "ask")
    return replace(cards, live=handler.hub_path("remuda/shares", user, spawner.name), ask=ask)


class SharesHandler(PageHandler, BaseHandler):
    """GET: the facts of every variant of every card, in the words of the page, for the page's own script."""

    @web.authenticated
    def get(self, user_name: str | None = None, server_name: str = "") -> Any:
        return self._get(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("servers")
    async def _get(self, user_name: str, server_name: str) -> None:
        user = self.user_named(user_name)
        known = server_name in user.orm_user.orm_spawners
        spawner = user.spawners[server_name] if known else user.spawner
        outlook = await outlook_of(self, spawner)
        variants = variants_of(spawner.catalog, spawner.person, outlook) if outlook else {}
        self.set_header("Cache-Control", "no-store")
        self.finish(
            {
                "profiles": {
                    profile: {key: asdict(facts) for key, facts in each.items()} for profile, each in variants.items()
                }
            }
        )
