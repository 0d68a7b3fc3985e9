"""Who did what, about whom, when: written once and never changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from hub_extensions.page_frame.routes import add_frame, add_routes
from hub_extensions.startup import when_hub_is_up

#: Between tries to write down changed policies while the database is away.
AGAIN_S = 15.0


def register(c: Any, catalog: Any) -> None:
    """After the gate is registered."""
    from hub_extensions.admission.database import DatabaseAway
    from hub_extensions.audit.entering import WatchedSelfHandler
    from hub_extensions.audit.handlers import AuditHandler
    from hub_extensions.audit.record import record_policies
    from hub_extensions.audit.watch import WatchedAuthorizeHandler
    from hub_extensions.page_frame.gate import gate_of

    async def begin_audit(app: Any) -> None:
        gate, now = gate_of(app.tornado_settings), datetime.now(UTC)
        app.template_vars.update(remuda_audit=gate is not None)  # in place, beside what the admin has set there
        while gate is not None:
            try:
                changed = await record_policies(gate, catalog.policies, now)
            except DatabaseAway as e:
                app.log.warning("Policies are compared with the audit's later: %s", e)
                await asyncio.sleep(AGAIN_S)
                continue
            if changed is not None:
                app.log.info("Policies have changed: %s", "; ".join(changed.details["changes"]))
            return

    add_frame(c)
    add_routes(
        (r"/audit", AuditHandler),
        (r"/api/oauth2/authorize", WatchedAuthorizeHandler),
        (r"/api/user", WatchedSelfHandler),
    )
    when_hub_is_up(begin_audit)
