"""What one person does with another's servers, noted as it happens. Nobody is noted for what they do with their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jupyterhub import orm
from jupyterhub.apihandlers.auth import OAuthAuthorizeHandler
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.user import User

from hub_extensions.audit.entry import Action, Way
from hub_extensions.audit.record import record
from hub_extensions.page_frame.gate import gate_of
from profiles.frozen import EMPTY


class Watched:
    """Mixed into JupyterHub's handlers, in front: every start and stop of a request goes through these two."""

    async def spawn_single_user(self, user: Any, server_name: str = "", *more: Any, **named: Any) -> Any:
        outcome = await super().spawn_single_user(user, server_name, *more, **named)  # type: ignore[misc]
        await note(self, Action.SERVER_STARTED, user, server_name)
        return outcome

    async def stop_single_user(self, user: Any, server_name: str = "") -> Any:
        machine = machine_of(user, server_name)
        outcome = await super().stop_single_user(user, server_name)  # type: ignore[misc]
        await note(self, Action.SERVER_STOPPED, user, server_name, machine)
        return outcome


class WatchedAuthorizeHandler(OAuthAuthorizeHandler):
    """The way into a running server: the Hub gives its browser session a code. What is done in there is the server's
    to log."""

    async def get(self) -> None:
        await super().get()
        await self._note()

    async def post(self) -> None:
        super().post()
        await self._note()

    async def _note(self) -> None:
        if self.current_user is None or "code" not in parse_qs(urlsplit(self._headers.get("Location", "")).query):
            return
        client = self.db.query(orm.OAuthClient).filter_by(identifier=self.get_argument("client_id", "")).first()
        if client is not None and client.spawner is not None:
            owner = self.find_user(client.spawner.user.name)
            await note(self, Action.SERVER_OPENED, owner, client.spawner.name)


async def note(  # noqa: PLR0913, PLR0917 (who, what, whose, which and what else are what is noted)
    handler: Any,
    action: Action,
    user: Any,
    server_name: str,
    machine: str = "",
    more: Mapping[str, str] = EMPTY,
) -> None:
    """One entry, if the server is not the actor's own. Never raises for a database that is away."""
    actor = handler.current_user
    if actor is None or user is None or (actor.name == user.name and isinstance(actor, User)):
        return
    details = {"server": server_name, "machine": machine or machine_of(user, server_name), **more}
    if not isinstance(actor, User):
        details["by"] = "a service"
    way = Way.REST if isinstance(handler, APIHandler) else Way.PAGE
    gate = gate_of(handler.settings)
    await record(gate, actor.name, action, user.name, details, datetime.now(UTC), way)


def machine_of(user: Any, server_name: str) -> str:
    spawner = user.spawners[server_name] if server_name in user.orm_user.orm_spawners else None
    machine = getattr(spawner, "machine", None)
    return machine.display_name if machine is not None else ""
