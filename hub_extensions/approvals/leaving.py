"""An account is removed: what it asked for and was permitted ends with it, and what it was told and has reserved is
removed, so that a new one of that name has none. One that the books know keeps its name (`renaming`)."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.approvals import renaming
from hub_extensions.approvals.decide import Said
from hub_extensions.approvals.store import Approvals
from hub_extensions.audit.entry import Way
from hub_extensions.notices import Notices
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.queue.store import Line
from hub_extensions.reservations.store import Reservations
from profiles.person import Person


class LeavingHandler(UserAPIHandler):
    """JupyterHub's own, with one thing to do afterwards; the admin page removes and renames people by it, too."""

    async def delete(self, user_name: str) -> None:
        await super().delete(user_name)
        if self.get_status() == 204:
            await self._leave(user_name, "The account was removed.")

    @needs_scope("admin:users")
    async def patch(self, user_name: str) -> None:
        name = self._new_name(user_name)
        if name is not None:
            await self._refuse_to_rename(user_name, name)
        await super().patch(user_name)
        if name is not None and self.get_status() == 200:
            await self._leave(user_name, f"The account was renamed to {name}.")

    def _new_name(self, user_name: str) -> str | None:
        """None where the name stays, or where JupyterHub itself will say what is wrong with the request."""
        sent = self.get_json_body()
        name = sent.get("name") if isinstance(sent, dict) else None
        if not isinstance(name, str) or self.find_user(user_name) is None:
            return None
        name = self.authenticator.normalize_username(name)
        return None if name == user_name or self.find_user(name) is not None else name

    async def _refuse_to_rename(self, user_name: str, name: str) -> None:
        gate = gate_of(self.settings)
        if gate is not None:
            try:
                found = await gate.call(renaming.known, gate.store, user_name, datetime.now(UTC))
            except DatabaseAway:
                raise web.HTTPError(503, "%s", renaming.unknown(user_name)) from None
            if (why := renaming.refused(user_name, name, found)) is not None:
                raise web.HTTPError(409, "%s", why)
        # Asked last: a start that the books do not know yet is under way by now, or comes to bear the new name.
        servers = sum(spawner.active for spawner in self.find_user(user_name).spawners.values())
        if servers:
            raise web.HTTPError(409, "%s", renaming.still_runs(user_name, name, servers))

    async def _leave(self, user_name: str, why: str) -> None:
        gate = gate_of(self.settings)
        if gate is None:
            return
        said = Said(Person(self.current_user.name), datetime.now(UTC), why)
        try:
            await gate.call(Approvals(gate.store.database).leave, user_name, said, Way.REST)
            await gate.call(Notices(gate.store.database).leave, user_name)
            await gate.call(Reservations(gate.store).leave, user_name)
            await gate.call(Line(gate.store).leave_all, user_name)
        except DatabaseAway:
            # Nobody can say yes to an open ask any more: `desk` sees that the account is gone. A yes holds to its end.
            self.log.exception("What %s was permitted still holds. %s", user_name, why)
