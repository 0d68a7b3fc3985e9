"""`GET <hub>/health/remuda`: 200 when all is well, 503 with the reasons otherwise. No login, no secrets."""

from __future__ import annotations

from collections.abc import Callable

from jupyterhub.handlers.base import BaseHandler
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub_extensions.health.probe import WriteProbe
from hub_extensions.health.view import Health
from hub_extensions.page_frame.gate import gate_of


class HealthHandler(BaseHandler):
    """`profiles` counts the machines on offer at this moment."""

    def initialize(self, profiles: Callable[[], int], writing: WriteProbe) -> None:
        self._profiles, self._writing = profiles, writing

    async def prepare(self) -> None:
        """Nothing of JupyterHub's own preparation: a probe has no user and no cookie."""

    def check_xsrf_cookie(self) -> None:
        """A GET that changes nothing."""

    async def get(self) -> None:
        spawner_class = self.settings["spawner_class"]
        status = getattr(spawner_class, "watch_status", None)
        gate = gate_of(self.settings)
        unwritten = "" if gate is None else await self._writing.ask(gate.store.write_nothing)
        watch = status() if callable(status) else None
        health = Health(self._profiles(), self._database_answers(), watch, unwritten)
        self.set_status(200 if health.ok else 503)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(health.to_dict())

    def _database_answers(self) -> bool:
        try:
            self.db.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.db.rollback()
            return False
        return True
