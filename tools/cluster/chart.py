"""Installs helm/remuda with the images that this tree has built, waits until it serves, and knows the first login."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster import certificates, services
from tools.cluster.command import Commands
from tools.cluster.errors import ClusterError
from tools.cluster.furnish import Furnishing
from tools.cluster.programs import Programs
from tools.cluster.settings import Settings

RELEASE = "remuda"
VALUES = Path(__file__).with_name("values.yaml")
WAIT_SECONDS = 240
PASSWORDS = "hub.config.SharedPasswordAuthenticator."


@dataclass(frozen=True)
class Login:
    """What a person types on the first page."""

    name: str
    password: str


def image_values(references: Mapping[str, str]) -> dict[str, Any]:
    """PURE: chart values that name the images; the GPU machine has one of its own."""
    parts = {
        name: dict(zip(("name", "tag"), reference.rsplit(":", 1), strict=True))
        for name, reference in references.items()
    }
    return {
        "hub": {"image": parts["hub"]},
        "proxy": {"chp": {"image": parts["proxy"]}},
        "singleuser": {"image": parts["notebook"]},
        "profiles": {"gpu": {"image": references["notebook-gpu"]}},
    }


def logins(secrets: list[dict[str, Any]]) -> tuple[Login, ...]:
    """PURE: from the release's Secrets as the API gives them; empty with an authenticator of one's own."""
    found: dict[str, str] = {}
    for secret in secrets:
        for key, value in (secret.get("data") or {}).items():
            if key.startswith(PASSWORDS):
                found[key.removeprefix(PASSWORDS)] = base64.b64decode(value).decode()
    names = (("admin", "admin_password"), ("ada", "user_password"))
    return tuple(Login(name, found[trait]) for name, trait in names if trait in found)


@dataclass(frozen=True)
class ChartInstall:
    """`ensure` may be repeated: an unchanged release changes nothing, and running servers go on in any case."""

    settings: Settings
    commands: Commands
    programs: Programs
    furnishing: Furnishing

    def ensure(self, references: Mapping[str, str]) -> str:
        values = [VALUES, self._values("images", image_values(references)), self._values("data", services.values())]
        if self.furnishing.certificates():
            values.append(self._values("certificates", certificates.values()))
        helm = self.programs.need("helm")
        chart = self.settings.root / "helm" / "remuda"
        done = self.commands.attempt(
            helm, "upgrade", "--install", RELEASE, chart, "--namespace", self.settings.namespace,
            "--kubeconfig", self.settings.kubeconfig, *(part for file in values for part in ("-f", file)),
            "--wait", "--timeout", f"{WAIT_SECONDS}s",
        )  # fmt: skip
        if done.returncode != 0:
            raise ClusterError(f"The chart was not installed:\n{_indent(done.stderr)}\n{self._pods()}", self._remedy())
        self._wait_until_served()
        return "installed" if "STATUS: deployed" in done.stdout and "REVISION: 1\n" in done.stdout else "upgraded"

    def _values(self, name: str, values: dict[str, Any]) -> Path:
        place = self.settings.state / f"{name}.json"
        place.write_text(json.dumps(values, indent=2))
        return place

    def logins(self) -> tuple[Login, ...]:
        listing = self.furnishing.kubectl("get", "secrets", "-n", self.settings.namespace, "-o", "json")
        return logins(json.loads(listing)["items"])

    def _wait_until_served(self) -> None:
        """Pods being ready is not the same as the page being there: the node port and the route come last."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.settings.url}/hub/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise ClusterError(f"{self.settings.url} gives no answer: {error}", self._remedy()) from error
                time.sleep(0.2)

    def _pods(self) -> str:
        pods = ("get", "pods", "-n", self.settings.namespace, "-o", "wide")
        events = (
            "get",
            "events",
            "-n",
            self.settings.namespace,
            "--field-selector",
            "type=Warning",
            "-o",
            "custom-columns=:.message",
        )
        try:
            return _indent(self.furnishing.kubectl(*pods)) + "\n" + _indent(self.furnishing.kubectl(*events), last=8)
        except ClusterError as error:
            return str(error)

    def _remedy(self) -> str:
        return (
            f"The hub's own words: kubectl --kubeconfig {self.settings.kubeconfig} -n {self.settings.namespace} "
            "logs deploy/hub. `make up` goes on from here."
        )


def _indent(text: str, last: int = 15) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-last:])
