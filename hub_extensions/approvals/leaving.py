"""An account is removed or renamed: what it asked for and was permitted ends with it, and what it was told and has
reserved is removed, so that a new one of that name has none."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyterhub.apihandlers.users import UserAPIHandler

from hub_extensions.admission.database import DatabaseAway
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

    async def patch(self, user_name: str) -> None:
        await super().patch(user_name)
        name = (self.get_json_body() or {}).get("name", user_name)
        if self.get_status() == 200 and name != user_name:
            await self._leave(user_name, f"The account was renamed to {name}.")

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
