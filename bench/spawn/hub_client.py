"""A person at a Hub, over HTTP: log in, start, wait, stop; and what the Hub says of its own cost."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import requests

_METRIC = re.compile(r"^(\w+)(?:\{([^}]*)\})? ([0-9.eE+-]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Figures:
    """/hub/metrics at one moment: the hub's CPU seconds, its requests to the Kubernetes API, a user's last start."""

    cpu_s: float
    requests: dict[str, float]
    moments: dict[str, dict[str, float]]


@dataclass
class HubClient:
    """One logged-in user."""

    url: str
    user: str
    password: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False  # no proxy of this computer's between client and hub

    def log_in(self) -> None:
        page = self.session.get(f"{self.url}/hub/login", timeout=30)
        page.raise_for_status()
        answer = self.session.post(
            f"{self.url}/hub/login",
            data={"username": self.user, "password": self.password, "_xsrf": self.xsrf},
            headers={"Referer": f"{self.url}/hub/login"},
            allow_redirects=False,
            timeout=30,
        )
        if answer.status_code != 302:
            raise RuntimeError(f"{self.url}: login of {self.user} answered {answer.status_code}")
        self.session.get(f"{self.url}/hub/home", timeout=30).raise_for_status()

    @property
    def xsrf(self) -> str:
        # The Hub's cookie, not the one that a single-user server sets below /user/.
        return next(
            c.value for c in self.session.cookies if c.name == "_xsrf" and c.path in {"/hub/", "/hub"} and c.value
        )

    def api(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        headers = {"X-XSRFToken": self.xsrf, "Referer": f"{self.url}/hub/home"}
        return self.session.request(method, f"{self.url}/hub/api{path}", headers=headers, timeout=120, **kwargs)

    def start(self, options: dict[str, Any]) -> None:
        answer = self.api("POST", f"/users/{self.user}/server", json=options)
        if answer.status_code not in {201, 202}:
            raise RuntimeError(f"start answered {answer.status_code}: {answer.text[:300]}")

    def wait_ready(self, timeout: float = 300, stream: str = "users/{user}/server/progress") -> None:
        """Follow the progress stream, as the pending page does, to its end. Raises with the Hub's reason."""
        with self.session.get(
            f"{self.url}/hub/api/{stream.format(user=self.user)}",
            params={"_xsrf": self.xsrf},
            stream=True,
            timeout=timeout,
            headers={"Referer": f"{self.url}/hub/home"},
        ) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines(chunk_size=None):
                if not line.startswith(b"data:"):
                    continue
                event = json.loads(line[5:])
                if event.get("ready"):
                    return
                if event.get("failed") or event.get("stopped"):
                    raise RuntimeError(event.get("message"))
        raise RuntimeError(f"{self.user}: the progress stream ended before the server was ready")

    def stop(self, timeout: float = 120) -> None:
        """Returns when the Hub says that the server is gone; it holds the answer back until then, or for 10 s."""
        answer = self.api("DELETE", f"/users/{self.user}/server")
        if answer.status_code not in {202, 204}:
            raise RuntimeError(f"stop answered {answer.status_code}: {answer.text[:300]}")
        deadline = time.monotonic() + timeout
        while answer.status_code == 202 and time.monotonic() < deadline:
            if not self.api("GET", f"/users/{self.user}").json().get("servers"):
                return
            time.sleep(0.2)
        if answer.status_code == 202:
            raise TimeoutError(f"{self.user} still stopping after {timeout} s")

    def figures(self) -> Figures:
        cpu, asked, moments = None, {}, {}
        answer = self.session.get(f"{self.url}/hub/metrics", timeout=30)
        for name, labels, value in _METRIC.findall(answer.text):
            of = dict(_LABEL.findall(labels))
            if name == "bench_cpu_seconds":
                cpu = float(value)
            elif name == "bench_kubernetes_requests_total":
                asked[f"{of['verb']} {of['what']}"] = float(value)
            elif name == "bench_moment":
                moments.setdefault(of["user"], {})[of["moment"]] = float(value)
        if cpu is None:
            raise RuntimeError(f"/hub/metrics ({answer.status_code}) has no bench figures; is {self.user} an admin?")
        return Figures(cpu, asked, moments)
