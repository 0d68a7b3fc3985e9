"""Measuring beside a server: a sampler's thread, a report every minute, and what works counted as activity."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from jupyter_server._tz import utcnow

from lab_extension.machine import machine_from
from lab_extension.measuring.activity import kernels_at_work, shells_of, terminals_at_work
from lab_extension.measuring.report import EVERY_S, Reports, report_url
from lab_extension.measuring.sampler import sampler_for

#: Under this name Jupyter Server takes our times into its own (`web_app.last_activity`).
SOURCE = "remuda"

log = logging.getLogger(__name__)


class Measuring:
    def __init__(self, settings: dict[str, Any], environ: Mapping[str, str], token: str, **http: Any) -> None:
        """`settings` are the web application's; `http` goes to JupyterHub's client (certificates)."""
        machine, url = machine_from(environ), report_url(environ)
        lease = str((machine or {}).get("spawn_id") or "")
        self._settings = settings
        self.sampler = sampler_for(environ, machine)
        self.reports = Reports(self.sampler, url, token, lease, **http) if url and lease else None

    async def go_on(self) -> None:
        """Until cancelled."""
        self.sampler.start()
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.note_work()
                if self.reports is not None:
                    await self.reports.send()
            except Exception:
                log.exception("A look at what works here failed; the next one is in %g s", EVERY_S)

    async def note_work(self) -> None:
        """What works now is activity, now."""
        if await self._works():
            self._settings["last_activity_times"][SOURCE] = utcnow()

    async def _works(self) -> bool:
        if kernels_at_work(self._settings["kernel_manager"]) or self.sampler.gpu_works:
            return True
        shells = shells_of(self._settings.get("terminal_manager"))
        return bool(shells) and await asyncio.to_thread(terminals_at_work, shells)

    async def end(self) -> None:
        if self.reports is not None:
            await self.reports.send_last()
