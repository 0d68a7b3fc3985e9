"""People who use a Hub over HTTP: with a browser's cookies on its pages, with a token for REST and in their servers."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import websocket


class Hub(Protocol):
    """Where a Hub is, and what its first login is."""

    @property
    def url(self) -> str: ...

    def secret(self, name: str) -> str:
        """`user_password` or `admin_password`."""
        ...


class Person:
    """Somebody with a browser's cookies, and a token for REST."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name = hub, name
        self.path = quote(name, safe="@~")
        self.http = httpx.Client(base_url=hub.url, follow_redirects=True, timeout=60)
        page = self.http.get("/hub/login")
        assert page.status_code == 200, page.text
        password = hub.secret("admin_password" if name == "admin" else "user_password")
        fields = {"username": name, "password": password, "_xsrf": self.xsrf}
        answer = self.http.post("/hub/login", data=fields, params={"next": "/hub/spawn"})
        assert answer.status_code == 200, answer.text
        self.landed = answer
        made = self.http.post(
            f"/hub/api/users/{self.path}/tokens",
            json={"note": "test"},
            headers={"X-XSRFToken": self.xsrf, "Referer": hub.url},
        )
        assert made.status_code == 201, made.text
        self.token = made.json()["token"]
        self.rest = httpx.Client(base_url=hub.url, headers={"Authorization": f"token {self.token}"}, timeout=60)

    @property
    def xsrf(self) -> str:
        for cookie in self.http.cookies.jar:
            if cookie.name == "_xsrf" and cookie.path == "/hub/":
                return str(cookie.value)
        raise AssertionError("no _xsrf cookie")

    # Servers.

    def start_by_form(self, **fields: str) -> httpx.Response:
        self.http.get("/hub/spawn")
        return self.http.post(
            f"/hub/spawn/{self.path}", params={"_xsrf": self.xsrf}, data={**fields, "_xsrf": self.xsrf}
        )

    def start_by_rest(self, body: Any = None, server: str = "") -> httpx.Response:
        """`server`: a named one, beside the default."""
        return self.rest.post(self.server_path(server), json=body)

    def server_path(self, server: str = "") -> str:
        return f"/hub/api/users/{self.path}/" + (f"servers/{quote(server)}" if server else "server")

    def follow(self, server: str = "") -> list[dict[str, Any]]:
        """Every event of the present start, to its end."""
        told: list[dict[str, Any]] = []
        with self.rest.stream("GET", f"{self.server_path(server)}/progress", timeout=180) as events:
            assert events.status_code == 200, events.read()
            for event in sse(events):
                told.append(event)
                if event.get("ready") or event.get("failed"):
                    break
        return told

    def wait_ready(self, server: str = "") -> dict[str, Any]:
        """Follow the start's own progress to its end; the last event."""
        told = self.follow(server)
        assert told and told[-1].get("ready"), told[-1:]
        return told[-1]

    def stop(self, server: str = "") -> None:
        answer = self.rest.delete(self.server_path(server))
        assert answer.status_code in {202, 204}, answer.text
        if answer.status_code == 202:
            self.wait_gone(server)

    def wait_gone(self, server: str = "") -> None:
        """Not running any more; a named server stays in the list, stopped."""
        wait_for(lambda: self.model()["servers"].get(server, {}).get("stopped", True))

    def stop_all_of(self, *names: str) -> None:
        """For administrators: whatever these people run or start, ended and gone. All are asked for before one is
        waited for: a pod takes seconds to go."""
        left = list(dict.fromkeys(names))

        def asked_and_gone() -> bool:
            left[:] = [name for name in left if not self._asked_and_gone(name)]
            return not left

        wait_for(asked_and_gone, 180, every=0.5)

    def _asked_and_gone(self, name: str) -> bool:
        person = quote(name, safe="@~")
        answer = self.rest.get(f"/hub/api/users/{person}")
        servers = [] if answer.status_code == 404 else list(answer.json()["servers"])
        for server in servers:  # the page's own Stop, which also cancels a start
            path = f"/hub/stop/{person}/{quote(server)}" if server else f"/hub/stop/{person}"
            self.http.post(path, params={"_xsrf": self.xsrf}, data={"_xsrf": self.xsrf})
        return not servers

    def model(self) -> dict[str, Any]:
        answer = self.rest.get(f"/hub/api/users/{self.path}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model()["servers"][""]["user_options"])

    # In the server.

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self.rest.request(method, f"/user/{self.path}/api/{path}", **more)
        assert answer.status_code < 300, (answer.status_code, answer.text)
        return answer.json() if answer.text else None

    def new_kernel(self) -> str:
        return str(self.ask("POST", "kernels", json={"name": "python3"})["id"])

    def run(self, code: str, kernel: str | None = None) -> str:
        """What the code printed, in a kernel of this person's server. Raises when the code does."""
        kernel = kernel or self.new_kernel()
        address = f"{self.hub.url.replace('http', 'ws')}/user/{self.path}/api/kernels/{kernel}/channels"
        channel = websocket.create_connection(address, header=[f"Authorization: token {self.token}"], timeout=60)
        try:
            return execute(channel, code)
        finally:
            channel.close()


def execute(channel: websocket.WebSocket, code: str) -> str:
    message, session = uuid.uuid4().hex, uuid.uuid4().hex
    request = {
        "header": {
            "msg_id": message,
            "msg_type": "execute_request",
            "username": "",
            "session": session,
            "version": "5.3",
        },
        "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
        "parent_header": {},
        "metadata": {},
        "channel": "shell",
        "buffers": [],
    }
    channel.send(json.dumps(request))
    printed = ""
    while True:
        got = json.loads(channel.recv())
        if got["parent_header"].get("msg_id") != message:
            continue
        kind = got["header"]["msg_type"]
        if kind == "stream":
            printed += got["content"]["text"]
        elif kind == "error":
            raise AssertionError("\n".join(got["content"]["traceback"]))
        elif kind == "status" and got["content"]["execution_state"] == "idle":
            return printed


def sse(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


def wait_for(condition: Callable[[], Any], seconds: float = 60, every: float = 0.05) -> None:
    """Until the condition holds, looking twenty times a second."""
    waited, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not become true in {seconds:g} s"
        waited.wait(every)
