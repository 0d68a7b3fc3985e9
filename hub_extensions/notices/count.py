"""How many unread notices somebody has, for the menu of every page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from jinja2 import Environment, pass_environment

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.notices.store import Notices
from hub_extensions.page_frame.gate import gate_of

#: No page waits longer for its menu.
PATIENCE_S = 1.0


async def show_in_menu(app: Any) -> None:
    """In place, beside what the admin has set there."""
    gate = gate_of(app.tornado_settings)
    if gate is None:
        return
    notices = Notices(gate.store.database)

    async def counted(name: str) -> int:
        try:
            return int(await asyncio.wait_for(gate.call(notices.unread, name), PATIENCE_S))
        except (DatabaseAway, TimeoutError):
            return 0

    @pass_environment
    def unread(environment: Environment, name: str) -> int | Awaitable[int]:
        """Pages of errors are rendered without the event loop: they show none."""
        return counted(name) if environment.is_async else 0

    app.template_vars.update(remuda_unread=lambda _user: unread)  # JupyterHub calls what can be called
