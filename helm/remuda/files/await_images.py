"""Waits until DaemonSets that pull images are ready on all nodes. Standard library only: it is mounted into a Job.

Pulling ahead makes the first start on each node fast; it is not a reason to fail an upgrade. So past the limit the
script says which pools are still pulling and exits 0. It exits 1 only when the Kubernetes API refuses it.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Api:
    """Where the Kubernetes API is, and who asks."""

    url: str
    token_file: Path
    ca_file: Path

    def daemonset(self, namespace: str, name: str) -> dict:
        # The token file is read each time: the kubelet replaces it.
        request = urllib.request.Request(  # noqa: S310 - the URL is the Job's own
            f"{self.url}/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}",
            headers={"Authorization": f"Bearer {self.token_file.read_text().strip()}"},
        )
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(request, timeout=10, context=context) as response:  # noqa: S310
            return json.load(response)


def missing(daemonset: dict) -> str | None:
    """What is still awaited of one DaemonSet, or None when every node has its images."""
    status = daemonset.get("status") or {}
    if status.get("observedGeneration", 0) < daemonset["metadata"].get("generation", 1):
        return "not looked at yet"
    desired, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    return None if ready >= desired else f"{ready} of {desired} nodes ready"


def look(api: Api, namespace: str, names: list[str]) -> dict[str, str]:
    """What is awaited, by DaemonSet. A DaemonSet that cannot be read now is awaited, too; a refusal raises."""
    awaited = {}
    for name in names:
        try:
            problem = missing(api.daemonset(namespace, name))
        except urllib.error.HTTPError as e:
            if e.code in {401, 403, 404}:
                raise
            problem = f"the Kubernetes API answered {e.code}"
        except OSError as e:
            problem = f"the Kubernetes API is not reached: {e}"
        if problem:
            awaited[name] = problem
    return awaited


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("daemonsets", nargs="+")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--give-up-after", type=float, required=True, metavar="SECONDS")
    parser.add_argument("--api", default="https://kubernetes.default.svc")
    parser.add_argument("--token-file", type=Path, default=ACCOUNT / "token")
    parser.add_argument("--ca-file", type=Path, default=ACCOUNT / "ca.crt")
    given = parser.parse_args()
    api = Api(given.api, given.token_file, given.ca_file)
    deadline = time.monotonic() + given.give_up_after
    said: dict[str, str] = {}
    while True:
        try:
            awaited = look(api, given.namespace, given.daemonsets)
        except urllib.error.HTTPError as e:
            print(f"The Kubernetes API refuses to show the image pullers ({e.code} {e.reason}).", file=sys.stderr)
            return 1
        for name, problem in awaited.items():
            if said.get(name) != problem:
                print(f"{name}: {problem}")
        said = awaited
        if not awaited:
            print("Every node has its images.")
            return 0
        if time.monotonic() >= deadline:
            print(
                f"Not all images are pulled after {given.give_up_after:.0f} s; the upgrade goes on, "
                "and the first start on those nodes takes longer."
            )
            return 0
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
