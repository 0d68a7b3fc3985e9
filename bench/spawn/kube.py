"""What the cluster says of a start: a watch of the pods, a pod's process table, its log."""

from __future__ import annotations

import base64
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from bench.spawn.phases import server_began
from bench.spawn.stacks import KUBECONFIG, sh

LISTENING = " is running at"


class PodWatch:
    """When each pod was first seen, scheduled and running, by namespace and name; the latest pod of a name counts."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[str, dict[str, float]]] = {}

    def moments(self, namespace: str, pod: str) -> Mapping[str, float]:
        return self._seen.get((namespace, pod), ("", {}))[1]

    def note(self, pod: Mapping[str, Any], now: float) -> None:
        meta, status = pod["metadata"], pod.get("status") or {}
        key = (meta["namespace"], meta["name"])
        if self._seen.get(key, ("",))[0] != meta["uid"]:
            self._seen[key] = (meta["uid"], {})
        moments = self._seen[key][1]
        if pod["spec"].get("nodeName"):
            moments.setdefault("scheduled", now)
        if any("running" in (each.get("state") or {}) for each in status.get("containerStatuses") or ()):
            moments.setdefault("reported running", now)


@contextmanager
def watching() -> Iterator[PodWatch]:
    """Follow all pods of the cluster in a thread, as the hubs do."""
    watch, session, base = PodWatch(), *_session()
    listed = session.get(f"{base}/api/v1/pods", timeout=30).json()
    ended = threading.Event()

    def follow() -> None:
        version = listed["metadata"]["resourceVersion"]
        while not ended.is_set():
            query: dict[str, str] = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "300"}
            with session.get(f"{base}/api/v1/pods", params=query, stream=True, timeout=310) as stream:
                for line in stream.iter_lines(chunk_size=None):
                    now = time.time()
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise RuntimeError(event["object"])
                    version = event["object"]["metadata"]["resourceVersion"]
                    watch.note(event["object"], now)
                    if ended.is_set():
                        return

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield watch
    finally:
        ended.set()


def inside(namespace: str, pod: str) -> dict[str, float]:
    """Of a running pod: when its server's process began, and when the server said that it listens."""
    moments: dict[str, float] = {}
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    stats = sh("kubectl", "-n", namespace, "exec", pod, "--", "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")
    began = server_began(stats, boot)
    if began is not None:
        moments["process began"] = began
    for line in sh("kubectl", "-n", namespace, "logs", pod, "--timestamps").splitlines():
        if LISTENING in line:
            moments["listening"] = clock(line.split(" ", 1)[0])
            break
    return moments


def clock(stamp: str) -> float:
    """`2026-01-01T10:00:00.123456789Z` as seconds since the epoch."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}+00:00").timestamp() + float(f"0.{fraction or '0'}")


def _session() -> tuple[requests.Session, str]:
    """The kubeconfig's own certificate, from files that only this process reads."""
    config = yaml.safe_load(KUBECONFIG.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    place = Path(tempfile.mkdtemp(prefix="bench-spawn-"))
    files = {
        "ca": cluster["certificate-authority-data"],
        "cert": user["client-certificate-data"],
        "key": user["client-key-data"],
    }
    for name, content in files.items():
        file = place / name
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(content))
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
    session.cert, session.verify = (str(place / "cert"), str(place / "key")), str(place / "ca")
    return session, str(cluster["server"])
