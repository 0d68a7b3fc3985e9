"""The only Kubernetes I/O that is ours: raw JSON dicts in and out, one HTTP client per process.

The generated client's typed models cost more CPU per start than the hub's own work, so only its
configuration loading (in-cluster, kubeconfig, exec plugins) is used, never its models.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import Configuration

from spawner.retry import AlreadyThere, ApiError, Expired, NotFound, Unreachable

Json = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """Where a kind of object lives in the API."""

    api: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None, name: str | None = None, part: str = "") -> str:
        parts = [self.api]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if part:
            parts.append(part)
        return "/".join(parts)


POD = Kind("/api/v1", "pods")
CLAIM = Kind("/api/v1", "persistentvolumeclaims")
EVENT = Kind("/api/v1", "events")
SECRET = Kind("/api/v1", "secrets")
SERVICE = Kind("/api/v1", "services")
NODE = Kind("/api/v1", "nodes", namespaced=False)
VOLUME = Kind("/api/v1", "persistentvolumes", namespaced=False)
NAMESPACE = Kind("/api/v1", "namespaces", namespaced=False)
STORAGE_CLASS = Kind("/apis/storage.k8s.io/v1", "storageclasses", namespaced=False)
#: Created, never kept: the answer says whether this very client may do something.
ACCESS_REVIEW = Kind("/apis/authorization.k8s.io/v1", "selfsubjectaccessreviews", namespaced=False)
ATTACHMENT = Kind("/apis/storage.k8s.io/v1", "volumeattachments", namespaced=False)


@dataclass(frozen=True)
class Select:
    """Which objects of a kind: label and field selectors in the API's own notation."""

    labels: str = ""
    fields: str = ""

    def query(self) -> dict[str, str]:
        query = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in query.items() if value}


EVERYTHING = Select()


class Cluster(Protocol):
    """What the spawner needs of a Kubernetes API. Errors: see `retry.ClusterError`."""

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json: ...

    async def list(
        self, kind: Kind, namespace: str | None, select: Select = EVERYTHING, *, from_cache: bool = False
    ) -> Json:
        """A `…List` object. `from_cache` may be slightly old, and spares etcd."""
        ...

    async def create(self, kind: Kind, namespace: str | None, body: Json) -> Json: ...

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Json, *, strategic: bool = False
    ) -> Json:
        """A JSON merge patch, or Kubernetes' own kind, which can take one item out of a list."""
        ...

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, *, grace_s: int | None = None, uid: str | None = None
    ) -> None:
        """Ask for removal; with `uid`, only of that very object (otherwise ApiError 409)."""
        ...

    def watch(
        self, kind: Kind, namespace: str | None, select: Select, resource_version: str
    ) -> AsyncGenerator[Json, None]:
        """Watch events after `resource_version`, bookmarks included; ends when the server ends it.

        The first item is always `{"type": "OPENED"}`: the server has accepted the watch.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Access:
    """How to reach the API server, where the environment's own configuration is not enough."""

    host: str = ""
    ca_cert: str = ""
    verify_tls: bool | None = None


#: An admission webhook may take 10 s; after that an answer is not worth waiting for.
REQUEST = aiohttp.ClientTimeout(total=10, sock_connect=5)
#: A watch is silent for at most a minute (bookmarks); longer silence means a dead connection.
WATCH = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)


#: A session whose credentials have expired is closed when its last requests are over.
SESSION_LINGERS_S = 15.0


@dataclass(frozen=True)
class Request:
    """One exchange with the API; `verb` is an HTTP method, or WATCH."""

    verb: str
    kind: Kind
    namespace: str | None
    name: str | None = None
    query: Mapping[str, str] | None = None
    body: Json | None = None
    part: str = ""  # a subresource, such as `status`
    strategic: bool = False

    def arguments(self) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if self.body is not None:
            patch = "strategic-merge-patch+" if self.strategic else "merge-patch+"
            headers["Content-Type"] = f"application/{patch if self.verb == 'PATCH' else ''}json"
        return {
            "params": self.query,
            "data": None if self.body is None else json.dumps(self.body),
            "timeout": WATCH if self.verb == "WATCH" else REQUEST,
            "headers": headers,
        }


class ApiCluster:
    """The real one."""

    watch_length_s = 290

    def __init__(self, access: Access | None = None) -> None:
        self._access = access or Access()
        self._configuration: Configuration | None = None
        self._session: aiohttp.ClientSession | None = None
        self._connecting = asyncio.Lock()
        #: Requests sent, by verb and kind: the benchmark reads it.
        self.requests: dict[str, int] = {}

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        return await self.send(Request("GET", kind, namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, select: Select = EVERYTHING, *, from_cache: bool = False
    ) -> Json:
        query = select.query()
        if from_cache:
            query["resourceVersion"] = "0"
        return await self.send(Request("GET", kind, namespace, query=query))

    async def create(self, kind: Kind, namespace: str | None, body: Json) -> Json:
        return await self.send(Request("POST", kind, namespace, body=body))

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, body: Json, *, strategic: bool = False
    ) -> Json:
        return await self.send(Request("PATCH", kind, namespace, name, body=body, strategic=strategic))

    async def delete(
        self, kind: Kind, namespace: str | None, name: str, *, grace_s: int | None = None, uid: str | None = None
    ) -> None:
        options: Json = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if uid:
            options["preconditions"] = {"uid": uid}
        await self.send(Request("DELETE", kind, namespace, name, body=options))

    async def watch(
        self, kind: Kind, namespace: str | None, select: Select, resource_version: str
    ) -> AsyncGenerator[Json, None]:
        query = select.query() | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(self.watch_length_s),
        }
        async with self._exchange(Request("WATCH", kind, namespace, query=query)) as response:
            yield {"type": "OPENED"}
            with _wrapped():
                async for line in response.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise api_error(event["object"].get("code", 500), event["object"])
                    yield event

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, request: Request) -> Json:
        for renewed in (False, True):
            try:
                async with self._exchange(request) as response:
                    with _wrapped():
                        return json.loads(await response.read())
            except ApiError as e:
                if e.status != 401 or renewed:
                    raise
        raise AssertionError("unreachable: the second pass returns or raises")

    def _exchange(self, request: Request) -> _Exchange:
        label = f"{request.verb} {request.kind.plural}"
        self.requests[label] = self.requests.get(label, 0) + 1
        return _Exchange(self, request)

    async def connected(self) -> tuple[aiohttp.ClientSession, Configuration]:
        async with self._connecting:
            if self._configuration is None:
                self._configuration = await self.configure()
            if self._session is None or self._session.closed:
                self._session = open_session(self._configuration)
            return self._session, self._configuration

    async def configure(self) -> Configuration:
        """Read how to reach the API, and as whom; again whenever it says 401."""
        return await load_configuration(self._access)

    async def forget_credentials(self) -> None:
        """Tokens and certificates rotate: read them again at the next request."""
        self._configuration, session, self._session = None, self._session, None
        if session is not None:
            # Others may still be reading from it: let them finish, then close.
            asyncio.get_running_loop().call_later(SESSION_LINGERS_S, _close_soon, session)


class _Exchange:
    """Async context manager around one HTTP exchange; turns every failure into a ClusterError."""

    def __init__(self, cluster: ApiCluster, request: Request) -> None:
        self._cluster, self._request = cluster, request
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        request, arguments = self._request, self._request.arguments()
        with _wrapped():
            session, configuration = await self._cluster.connected()
            token = await configuration.get_api_key_with_prefix("BearerToken")
            if token:
                arguments["headers"]["Authorization"] = token
            url = configuration.host.rstrip("/") + request.kind.path(request.namespace, request.name, request.part)
            method = "GET" if request.verb == "WATCH" else request.verb
            try:
                response = await session.request(method, url, **arguments)
            except aiohttp.ClientSSLError:
                await self._cluster.forget_credentials()  # the authority's certificate may have been replaced
                raise
            if response.status == 401:
                await self._cluster.forget_credentials()
            if response.status >= 300:
                text = await response.text()
                response.release()
                status: Json = {"message": text}
                with suppress(ValueError):
                    status = json.loads(text)
                raise api_error(response.status, status, response.headers.get("Retry-After"))
        self._response = response
        return response

    async def __aexit__(self, *exc_info: object) -> None:
        if self._response is not None:
            self._response.release()


class _wrapped:
    """aiohttp's and the operating system's errors become `Unreachable`, once, here."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError)):
            raise Unreachable(f"{type(error).__name__}: {error}") from error


def api_error(code: int, status: Mapping[str, Any], retry_after: str | None = None) -> ApiError:
    """The API server's `Status` object as the exception the callers tell apart."""
    reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    seconds: float | None = None
    with suppress(KeyError, TypeError, ValueError):
        seconds = float(retry_after if retry_after is not None else status["details"]["retryAfterSeconds"])  # type: ignore[arg-type]
    if code == 404:
        kind: type[ApiError] = NotFound
    elif code == 409 and reason == "AlreadyExists":
        kind = AlreadyThere
    elif code == 410:
        kind = Expired
    else:
        kind = ApiError
    return kind(code, reason, message, seconds)


async def load_configuration(access: Access) -> Configuration:
    """In-cluster service account, else the kubeconfig."""
    configuration = Configuration()
    try:
        kube_config.load_incluster_config(client_configuration=configuration)
    except kube_config.ConfigException:
        try:
            await kube_config.load_kube_config(client_configuration=configuration)
        except kube_config.ConfigException as e:
            raise Unreachable(f"no Kubernetes credentials: {e}") from e
    if access.host:
        configuration.host = access.host
    if access.ca_cert:
        configuration.ssl_ca_cert = access.ca_cert
    if access.verify_tls is not None:
        configuration.verify_ssl = access.verify_tls
    return configuration


def open_session(configuration: Configuration) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if getattr(configuration, "disable_strict_ssl_verification", False):
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    connector = aiohttp.TCPConnector(limit=0, ssl=context, socket_factory=_impatient_socket, keepalive_timeout=60)
    # A watch event holds a whole object on one line; etcd's limit for one is 1.5 MiB.
    return aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=2**21)


def _close_soon(session: aiohttp.ClientSession) -> None:
    task = asyncio.ensure_future(session.close())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()


def _impatient_socket(address: Any) -> socket.socket:
    """Keep-alives find a vanished API server in about 25 s; the kernel's default is two hours."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 25_000)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return sock
