"""The Hub is told every minute what was used so far, and once more at the end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from lab_extension.measuring.sampler import Sampler

EVERY_S = 60.0
#: The last report goes out while the server ends, which waits no longer for it.
LAST_S = 1.5

log = logging.getLogger(__name__)


def report_url(environ: Mapping[str, str]) -> str:
    """`…/hub/api/remuda/measured/<user>[/<server>]`; empty where no Hub is known."""
    api, user = environ.get("JUPYTERHUB_API_URL", ""), environ.get("JUPYTERHUB_USER", "")
    if not api or not user:
        return ""
    names = (user, environ.get("JUPYTERHUB_SERVER_NAME", ""))
    return "/".join([api.rstrip("/"), "remuda/measured", *(quote(name, safe="@") for name in names if name)])


class Reports:
    """`lease` is the id of this machine's start; `run` tells this process from another one on the same machine, whose
    count began anew."""

    def __init__(self, sampler: Sampler, url: str, token: str, lease: str, **http: Any) -> None:
        self.sampler, self.url, self.lease, self.run = sampler, url, lease, uuid4().hex
        self._headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        self._http, self._said = http, ""

    def body(self) -> dict[str, Any]:
        return {"lease": self.lease, "run": self.run, "figures": self.sampler.figures()}

    async def send(self) -> bool:
        """Whether the Hub took it. A report that did not arrive is made good by the next one."""
        from jupyterhub.httpclient import fetch

        try:
            await fetch(self.url, method="POST", headers=self._headers, data=json.dumps(self.body()), **self._http)
        except Exception as e:  # the Hub is away, or is one without these pages: this server works all the same
            self._say(f"The Hub did not take what this machine used: {e}")
            return False
        self._said = ""
        return True

    async def send_last(self) -> None:
        try:
            self.sampler.stop()
            await asyncio.to_thread(self.sampler.look)
            await asyncio.wait_for(self.send(), LAST_S)
        except Exception as e:
            log.debug("The last report did not go out: %s: %s", type(e).__name__, e)

    def _say(self, sentence: str) -> None:
        """Once for each different trouble: a Hub that is away for a night is one line in the log."""
        if sentence != self._said:
            log.info("%s", sentence)
        self._said = sentence
