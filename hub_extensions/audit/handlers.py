"""`/hub/audit`, for administrators: who did what, newest first, as a page and as CSV."""

from __future__ import annotations

from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_extensions.admission.database import DatabaseAway
from hub_extensions.audit.entry import AuditEntry, Filter
from hub_extensions.audit.store import entries
from hub_extensions.audit.view import MOST_IN_CSV, PER_PAGE, Asked, audit_page, csv_of
from hub_extensions.page_frame.gate import gate_of
from hub_extensions.page_frame.hub import PageHandler, framed
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.page_frame.render import render

OFF = Notice("This hub keeps no audit: admission is off.", "", "off")
AWAY = Notice(
    "The audit cannot be read at the moment: the database it is kept in does not answer.",
    "Try again in a minute.",
    "database-away",
    Tone.DANGER,
)


class AuditHandler(PageHandler, BaseHandler):
    @web.authenticated
    @needs_scope("admin-ui")
    async def get(self) -> None:
        asked = Asked(*(self.get_argument(name, "") for name in ("person", "action", "since", "until", "before")))
        wants_csv = self.get_argument("format", "") == "csv"
        gate, found, notice = gate_of(self.settings), (), None
        if gate is None:
            notice = OFF
        else:
            try:
                wanted, limit = asked.filter(self.timezone), MOST_IN_CSV if wants_csv else PER_PAGE
                found = await gate.call(read, gate.store.database, wanted, limit)
            except DatabaseAway:
                self.set_status(503)
                notice = AWAY
        self.set_header("Cache-Control", "no-store")
        if wants_csv and notice is None:
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", 'attachment; filename="audit.csv"')
            self.finish(csv_of(found))
            return
        page = audit_page(found, asked, self.now, self.hub.base_url, self.timezone, notice)
        self.finish(
            await self.render_template("remuda_page.html", remuda=framed("Audit", render("audit.html", page=page)))
        )


def read(database: Any, wanted: Filter, limit: int) -> tuple[AuditEntry, ...]:
    """Runs in the gate's thread."""
    with database.reading() as connection:
        return entries(connection, wanted, limit)
