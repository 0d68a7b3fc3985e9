"""A real JupyterHub in this process, with its database in a file, in front of a fake cluster.

`kill` is a SIGKILL as the cluster sees it: not one more request comes from that process. `start` again is the restart:
a new application on the same database, with JupyterHub's own checks of the servers it finds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyterhub import orm, roles
from jupyterhub.app import JupyterHub
from jupyterhub.proxy import Proxy
from kubernetes_asyncio import client
from traitlets.config import Config

from spawner.cluster import EVERYTHING, Cluster, Json, Kind, Select
from spawner.kubernetes import WorkbenchSpawner
from spawner.sharing import Sharing


class Process:
    """One hub process's way to the cluster; closed by its death."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.dead = False
        #: Called before each request with its verb and kind; a test may kill the process there.
        self.before: Callable[[str, Kind], None] | None = None
        self.after: Callable[[str, Kind], None] | None = None

    async def _pass(self, verb: str, kind: Kind, request: Any) -> Any:
        if self.before is not None:
            self.before(verb, kind)
        await self._halt_if_dead(request)
        result = await request
        if self.after is not None:
            self.after(verb, kind)
        await self._halt_if_dead(None)
        return result

    async def _halt_if_dead(self, request: Any) -> None:
        if self.dead:
            if request is not None:
                request.close()
            await asyncio.Event().wait()

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        return await self._pass("get", kind, self._cluster.get(kind, namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, select: Select = EVERYTHING, *, from_cache: bool = False
    ) -> Json:
        return await self._pass("list", kind, self._cluster.list(kind, namespace, select, from_cache=from_cache))

    async def create(self, kind: Kind, namespace: str | None, body: Json) -> Json:
        return await self._pass("create", kind, self._cluster.create(kind, namespace, body))

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Json, *, strategic: bool = False
    ) -> Json:
        request = self._cluster.patch(kind, namespace, name, body, strategic=strategic)
        return await self._pass("patch", kind, request)

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, *, grace_s: int | None = None, uid: str | None = None
    ) -> None:
        await self._pass("delete", kind, self._cluster.delete(kind, namespace, name, grace_s=grace_s, uid=uid))

    async def watch(
        self, kind: Kind, namespace: str | None, select: Select, resource_version: str
    ) -> AsyncGenerator[Json, None]:
        async for event in self._cluster.watch(kind, namespace, select, resource_version):
            await self._halt_if_dead(None)
            yield event

    async def close(self) -> None:
        return None


class MemoryProxy(Proxy):
    """Routes in a dict that outlives the hub, as a proxy's own process does."""

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        ROUTES[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        ROUTES.pop(routespec, None)

    async def get_all_routes(self) -> dict[str, Any]:
        return dict(ROUTES)


ROUTES: dict[str, dict[str, Any]] = {}


class Answerer:
    """A single-user server as far as the hub can tell: it answers, or it does not."""

    def __init__(self) -> None:
        self.silent = False
        self.asked = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            if not self.silent:
                writer.write(b"HTTP/1.1 200 OK\r\nX-JupyterHub-Version: 6.1.1\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Hub:
    """One JupyterHub after another on one database."""

    def __init__(self, cluster: Cluster, folder: Path, catalog: Any, home: Any, **traits: Any) -> None:
        self.cluster, self.folder, self.catalog, self.home, self.traits = cluster, folder, catalog, home, traits
        self.app: JupyterHub | None = None
        self.process: Process | None = None
        self.sharing: Sharing | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._before: set[asyncio.Task[Any]] = set()

    async def start(self, *, wait_for_checks: bool = True) -> None:
        self._before = asyncio.all_tasks()
        process = self.process = Process(self.cluster)
        sharing = self.sharing = Sharing()

        class Spawner(WorkbenchSpawner):
            open_cluster = staticmethod(lambda access: process)

        Spawner.sharing = sharing
        config = Config()
        config.JupyterHub.spawner_class = Spawner
        config.JupyterHub.db_url = f"sqlite:///{self.folder}/hub.sqlite"
        config.JupyterHub.cookie_secret = b"x" * 32
        config.JupyterHub.proxy_class = MemoryProxy
        config.JupyterHub.authenticator_class = "dummy"
        config.JupyterHub.allow_named_servers = True
        config.JupyterHub.init_spawners_timeout = 1
        config.JupyterHub.log_level = logging.CRITICAL
        config.JupyterHub.hub_connect_ip = "127.0.0.1"
        config.Authenticator.allow_all = True
        config.Spawner.http_timeout = 1
        config.WorkbenchSpawner.catalog = lambda: self.catalog
        config.WorkbenchSpawner.home = self.home
        config.WorkbenchSpawner.namespace = "hub"
        config.WorkbenchSpawner.poll_interval = 0
        for name, value in self.traits.items():
            setattr(config.WorkbenchSpawner, name, value)
        JupyterHub.clear_instance()
        self.app = JupyterHub.instance(config=config, log=logging.getLogger("hub-under-test"))
        await self.app.initialize([])
        # `JupyterHub.start` is what lets the checks finish their work with the proxy.
        self.app._start_future.set_result(None)
        if wait_for_checks:
            await self.checks_done()

    async def checks_done(self) -> None:
        assert self.app is not None
        async with asyncio.timeout(60):
            while self._busy():  # noqa: ASYNC110  (JupyterHub has no event for it)
                await asyncio.sleep(0.005)
        await self.app.proxy.check_routes(self.app.users, {})

    def _busy(self) -> bool:
        spawners = (spawner for user in self.app.users.values() for spawner in user.spawners.values())
        return any(spawner.pending for spawner in spawners)

    def user(self, name: str, *, admin: bool = False, groups: tuple[str, ...] = ()) -> Any:
        assert self.app is not None
        db = self.app.db
        orm_user = orm.User.find(db, name)
        if orm_user is None:
            orm_user = orm.User(name=name, admin=admin)
            db.add(orm_user)
            db.commit()
            roles.assign_default_roles(db, entity=orm_user)
        for group in groups:
            found = orm.Group.find(db, group) or orm.Group(name=group)
            if found not in orm_user.groups:
                orm_user.groups.append(found)
        db.commit()
        return self.app.users[orm_user]

    def begin(self, user: Any, options: dict[str, Any] | None = None, server_name: str = "") -> asyncio.Task[Any]:
        """As a request to spawn does: the future is what pages wait for."""
        spawning = user.spawn(server_name, "", options)
        task = asyncio.ensure_future(self._finish(user, server_name, spawning))
        task.add_done_callback(lambda t: None if t.cancelled() else t.exception())
        spawner = user.get_or_create_spawner(server_name, "", replace_failed=True)
        spawner._spawn_pending = True
        spawner._spawn_future = task
        return task

    async def _finish(self, user: Any, server_name: str, spawning: Any) -> Any:
        spawner = None
        try:
            await spawning
            spawner = user.spawners[server_name]
            spawner._proxy_pending = True
            await self.app.proxy.add_user(user, server_name)
            spawner.add_poll_callback(self._ended, user, server_name)
        finally:
            spawner = user.spawners.get(server_name)
            if spawner is not None:
                spawner._spawn_pending = spawner._proxy_pending = False
                if spawner._spawn_future is not None and asyncio.current_task() is spawner._spawn_future:
                    failed = not spawner.server
                    if not failed:
                        spawner._spawn_future = None
        return spawner

    async def _ended(self, user: Any, server_name: str) -> None:
        await self.app.proxy.delete_user(user, server_name)
        await user.stop(server_name)

    async def spawn(self, user: Any, options: dict[str, Any] | None = None, server_name: str = "") -> Any:
        return await self.begin(user, options, server_name)

    async def stop(self, user: Any, server_name: str = "") -> None:
        await self.app.proxy.delete_user(user, server_name)
        await user.stop(server_name)

    async def kill(self) -> None:
        """Nothing more reaches the cluster or the database from here on."""
        assert self.process is not None and self.app is not None
        self.process.dead = True
        # What `finally` blocks write while tasks are cancelled would never be written by a killed process.
        self.app.db.rollback()
        self.app.db.commit = self.app.db.rollback
        mine = asyncio.all_tasks() - self._before - {asyncio.current_task()}
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)
        self.app.db.close()
        JupyterHub.clear_instance()
        self.app = None


#: What the fixture of tests/hub gives: `await start_hub(catalog, home, **traits)`.
StartHub = Callable[..., Awaitable[Hub]]


def no_kubeconfig(monkeypatch: Any) -> None:
    """KubeSpawner's constructor wants credentials; the fake cluster needs none."""
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    monkeypatch.setattr(
        "kubespawner.spawner.shared_client", lambda kind: _Api(client.ApiClient.__new__(client.ApiClient))
    )


class _Api:
    def __init__(self, api_client: Any) -> None:
        api_client.configuration = client.Configuration()
        self.api_client = api_client
