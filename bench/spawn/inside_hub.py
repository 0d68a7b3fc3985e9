"""Runs inside both hubs: what a hub asks of the Kubernetes API, its CPU time, and the moments of a start.

All of it are Prometheus figures beside JupyterHub's own, read from /hub/metrics when a start is over. Loaded by the
plain hub's configuration file and, as an `extraConfig`, by the chart's.
"""

import contextvars
import time

import aiohttp
from jupyterhub.proxy import Proxy
from jupyterhub.user import User
from prometheus_client import Counter, Gauge

REQUESTS = Counter("bench_kubernetes_requests", "Requests to the Kubernetes API", ["verb", "what"])
MOMENT = Gauge("bench_moment", "Wall clock of each moment of a user's last start, in seconds", ["user", "moment"])
Gauge("bench_cpu_seconds", "CPU time of the hub's process, finer than process_cpu_seconds_total").set_function(
    time.process_time
)
#: Whose start a request to the API belongs to: tasks inherit it from `User.spawn`.
starting: contextvars.ContextVar[str] = contextvars.ContextVar("starting", default="")


def mark(user: str, moment: str) -> None:
    MOMENT.labels(user=user, moment=moment).set(time.time())


def count_requests() -> None:
    # Both stacks speak to the API through aiohttp; JupyterHub speaks to its proxy through it, too.
    request = aiohttp.ClientSession._request

    async def counted(self, method, url, **kwargs):
        path, _, query = str(url).partition("?")
        if "/api/v1/" not in path and "/apis/" not in path:
            return await request(self, method, url, **kwargs)
        what = next((kind for kind in KINDS if kind in path.split("/")), "other")
        watch = "watch=" in query or "watch" in (kwargs.get("params") or {})
        REQUESTS.labels(verb="WATCH" if watch else method, what=what).inc()
        user = starting.get() if (method, what) == ("POST", "pods") else ""
        if user:
            mark(user, "pod asked")
        response = await request(self, method, url, **kwargs)
        if user:
            mark(user, "pod created")
        return response

    aiohttp.ClientSession._request = counted


KINDS = ("persistentvolumeclaims", "persistentvolumes", "pods", "events", "nodes", "volumeattachments")


def mark_starts() -> None:
    spawn, wait_up, add_user = User.spawn, User._wait_up, Proxy.add_user

    async def marked_spawn(self, *args, **kwargs):
        starting.set(self.name)
        mark(self.name, "start began")
        return await spawn(self, *args, **kwargs)

    async def marked_wait_up(self, spawner):
        mark(self.name, "address known")
        result = await wait_up(self, spawner)
        mark(self.name, "answer seen")
        return result

    async def marked_add_user(self, user, *args, **kwargs):
        result = await add_user(self, user, *args, **kwargs)
        mark(user.name, "routed")
        return result

    User.spawn, User._wait_up, Proxy.add_user = marked_spawn, marked_wait_up, marked_add_user


count_requests()
mark_starts()
