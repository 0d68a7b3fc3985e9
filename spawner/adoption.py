"""A hub that comes back finds its servers again, those that were still starting included.

JupyterHub's own check after a restart asks `poll`, then `get_url`, then waits for the server to answer, and *stops*
whatever has not answered in time. A server killed mid-start has no address in the database, so it is always stopped.
Here `get_url` carries an interrupted start through to its end, and the wait is patient with servers that run.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from jupyterhub.objects import Server
from jupyterhub.spawner import Spawner
from traitlets import HasTraits

from spawner.answering import Answer, until_answer
from spawner.podstate import Ended, liveness
from spawner.refused import FailedStart, Problem, StartError

#: How long a running server may take to answer before it is believed without an answer, in seconds.
PATIENCE_S = 10.0
CANCELLED = Problem("start-cancelled", "The start was cancelled.", "Choose a machine whenever you are ready.")


class AdoptionMixin(HasTraits):
    """In front of KubeSpawner, behind CatalogMixin. Does nothing while there is no catalog."""

    #: Read from the database: a former hub process died in the middle of this start / of this stop.
    _start_interrupted = False
    _stop_interrupted = False
    _adopted: asyncio.Future[None] | None = None
    _adoption_failure: StartError | None = None
    #: The answer that the start itself waited for; JupyterHub's own wait is then over at once.
    _answer: Answer | None = None

    @property
    def server(self) -> Server | None:
        server = Spawner.server.fget(self)
        if server is not None and self.catalog is not None:
            # JupyterHub holds on to its own Server object, so its wait is redirected rather than the object replaced.
            server.wait_up = partial(self._wait_up_patiently, server)
        return server

    @server.setter
    def server(self, server: Server | None) -> None:
        Spawner.server.fset(self, server)

    async def get_url(self) -> str:
        """Asked of servers that were found after a restart. Never raises: JupyterHub would not survive it."""
        if self.catalog is None:
            return await super().get_url()
        if self._start_interrupted:
            self._start_interrupted = False
            return await self._adopt()
        pod = self.present_pod()
        if pod is not None and (pod.get("status") or {}).get("podIP"):
            return self._with_base(self._get_pod_url(pod))
        return self.server.url

    async def _adopt(self) -> str:
        """Take the start over: to pages and to the proxy it is a pending spawn again."""
        self._spawn_pending = True
        self._adopted = self._spawn_future = _future()
        resuming = asyncio.get_running_loop().create_task(self.resume_start())
        # Who cancels a start cancels its future: JupyterHub for DELETE, the Stop button.
        self._adopted.add_done_callback(lambda future: resuming.cancel() if future.cancelled() else None)
        try:
            url = await resuming
        except asyncio.CancelledError:
            if not self._adopted.cancelled():  # the hub is ending: not the person's wish
                resuming.cancel()
                raise
            self.failure = CANCELLED
            self._adopted = self._spawn_future = _future()  # JupyterHub asks it for its exception
            return self._give_up(FailedStart(CANCELLED))
        except StartError as e:
            return self._give_up(e)
        except Exception:
            self.log.exception("Taking over the start of %s failed", self._log_name)
            return self._give_up(FailedStart(self.generic_failure))
        self.log.info("Took over the interrupted start of %s: it runs at %s", self._log_name, url)
        self.server.proto = url.partition(":")[0]
        return self._with_base(url)

    def _give_up(self, failure: StartError) -> str:
        """Some address: JupyterHub's wait for it fails at once."""
        self._adoption_failure = failure
        self._adopted.set_exception(failure)
        return str(self.server.url)

    def _with_base(self, url: str) -> str:
        return url.rstrip("/") + self.server.base_url

    async def _wait_up_patiently(
        self,
        server: Server,
        timeout: float = 10,  # noqa: ASYNC109  (the signature of `Server.wait_up`)
        http: bool = False,
        ssl_context: Any = None,
        extra_path: str = "",
    ) -> Answer:
        """Stands in for `Server.wait_up`; raising TimeoutError here makes JupyterHub stop the server."""
        if self._adoption_failure is not None:
            raise TimeoutError(str(self._adoption_failure))
        if self._answer is not None:
            answer, self._answer = self._answer, None
            return answer
        url = server.url.rstrip("/") + "/" + extra_path
        limit = min(timeout, PATIENCE_S) if self._check_pending else timeout
        try:
            async with asyncio.timeout(limit):
                return await until_answer(url, tls=ssl_context)
        except TimeoutError:
            if not self._check_pending or self._has_surely_ended():
                raise
            self.log.warning("%s runs but has not answered in %i s; leaving it alone", self._log_name, limit)
            return Answer(status=0)

    def _has_surely_ended(self) -> bool:
        return self.pods_are_fresh and isinstance(liveness(self.present_pod()), Ended)

    def finish_adoption(self) -> None:
        """JupyterHub is about to end its check: from then on this is a ready server like any other."""
        adopted = self._adopted
        if adopted is not None and not adopted.done():
            asyncio.get_running_loop().create_task(self._give_route(adopted))

    async def _give_route(self, adopted: asyncio.Future[None]) -> None:
        # JupyterHub adds routes only when *all* checks are over, which one slow start may hold up for minutes.
        proxy = self.user.settings.get("proxy")
        try:
            if proxy is not None:
                await proxy.add_user(self.user, self.name)
        except Exception:
            self.log.warning("No route to %s yet; the hub's next check of the proxy adds it", self._log_name)
        finally:
            self._spawn_pending = False
            self._spawn_future = self._adopted = None
            if not adopted.done():
                adopted.set_result(None)


def _future() -> asyncio.Future[None]:
    """Somebody may look at it or nobody: a failure must not be reported as never retrieved."""
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
