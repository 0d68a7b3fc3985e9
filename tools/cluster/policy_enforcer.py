"""Keeps every node's nftables in step with the cluster's NetworkPolicies: watch, render, load.

A background process of `make up` where the CNI does not enforce policies. Reacts to an event in about 0.1 s; a new
pod is open for that long. While the Kubernetes API is away the last rules stay.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.cluster.network_policy import Snapshot, render

POD_RANGE = "10.244.0.0/16"  # kind's default
WATCH_SECONDS = 300
RETRY_SECONDS = 1.0
GATHER_SECONDS = 0.03  # events come in bursts: one rendering for all of them
RESOURCES = {
    "pods": "/api/v1/pods",
    "namespaces": "/api/v1/namespaces",
    "policies": "/apis/networking.k8s.io/v1/networkpolicies",
}
# Runs in the node: one process for all loads, because starting `docker exec` costs more than the load itself.
LOADER = 'while read -r bytes; do head -c "$bytes" | nft -f - 2>&1 | tr "\\n" " "; echo; done'


@dataclass(frozen=True)
class Api:
    """The Kubernetes API with kind's admin certificate; standard library only."""

    host: str
    port: int
    tls: ssl.SSLContext

    @classmethod
    def from_kubeconfig(cls, path: Path, kubectl: Path) -> Api:
        command = [str(kubectl), "--kubeconfig", str(path), "config", "view", "--raw", "--minify", "-o", "json"]
        document = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=authority)
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as file:  # ssl reads certificates from files only
            file.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            file.write(base64.b64decode(user["client-key-data"]))
            file.flush()
            tls.load_cert_chain(file.name)
        url = urllib.parse.urlsplit(cluster["server"])
        return cls(url.hostname or "127.0.0.1", url.port or 443, tls)

    def get(self, path: str) -> dict[str, Any]:
        with self._open(path, timeout=30) as response:
            document: dict[str, Any] = json.load(response)
            return document

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        with self._open(path, timeout=WATCH_SECONDS + 30) as response:
            while line := response.readline():
                yield json.loads(line)

    def _open(self, path: str, timeout: float) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=timeout)
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200:
            raise OSError(f"{path}: {response.status} {response.read(200)!r}")
        return response


@dataclass
class Store:
    """What the watches have seen; `changed` is set by any event that may matter."""

    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in RESOURCES})
    listed: set[str] = field(default_factory=set)
    changed: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, kind: str, items: list[dict[str, Any]]) -> None:
        with self.lock:
            self.objects[kind] = {item["metadata"]["uid"]: item for item in items}
            self.listed.add(kind)
        self.changed.set()

    def apply(self, kind: str, event: Mapping[str, Any]) -> None:
        uid = event["object"]["metadata"]["uid"]
        with self.lock:
            if event["type"] == "DELETED":
                self.objects[kind].pop(uid, None)
            else:
                self.objects[kind][uid] = event["object"]
        self.changed.set()

    def snapshot(self) -> Snapshot | None:
        """None until every kind has been listed once: half a picture would open what should be closed."""
        with self.lock:
            if self.listed != set(RESOURCES):
                return None
            return Snapshot.of(*(tuple(self.objects[kind].values()) for kind in ("pods", "namespaces", "policies")))


def follow(api: Api, kind: str, store: Store) -> None:
    """List, then watch from there; any trouble leads to a new list. Runs for ever, in its own thread."""
    while True:
        try:
            listing = api.get(RESOURCES[kind])
            store.replace(kind, listing["items"])
            version = listing["metadata"]["resourceVersion"]
            while version:
                version = _watch(api, kind, store, version)
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            say(f"watch of {kind}: {error}; again in {RETRY_SECONDS:g} s")
            time.sleep(RETRY_SECONDS)


def _watch(api: Api, kind: str, store: Store, version: str) -> str:
    """The version to go on from, '' when a new list is needed."""
    query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={version}"
    for event in api.lines(f"{RESOURCES[kind]}?{query}"):
        if event["type"] == "ERROR":
            return ""
        version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            store.apply(kind, event)
    return version


@dataclass
class NodeTables:
    """Loads rules into one node, and only when they differ from the last ones that it took."""

    node: str
    loaded: str = ""
    process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Between nodes a pod must be seen with its own address: ptp's masquerading would hide it from policies.
        kube-proxy's own mark stays masqueraded, or a pod could not reach itself by a service."""
        rule = [
            "POSTROUTING",
            "-s",
            POD_RANGE,
            "-d",
            POD_RANGE,
            "-m",
            "mark",
            "!",
            "--mark",
            "0x4000/0x4000",
            "-j",
            "ACCEPT",
        ]
        iptables = ["docker", "exec", self.node, "iptables", "-w", "-t", "nat"]
        if subprocess.run([*iptables, "-C", *rule], capture_output=True, check=False).returncode != 0:
            subprocess.run([*iptables, "-I", *rule], check=True)

    def load(self, rules: str) -> bool:
        """True when something was loaded; OSError when the node refused it or is gone."""
        if rules == self.loaded:
            return False
        if self.process is None or self.process.poll() is not None:
            self.prepare()
            self.process = subprocess.Popen(
                ["docker", "exec", "-i", self.node, "sh", "-c", LOADER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        data = rules.encode()
        self.process.stdin.write(f"{len(data)}\n".encode() + data)
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise OSError(f"{self.node} does not take rules: its container has stopped")
        if said := answer.decode(errors="replace").strip():
            raise OSError(f"{self.node} refused its rules: {said}")
        self.loaded = rules
        return True


def enforce(api: Api, nodes: tuple[str, ...], *, once: bool) -> None:
    """Loads the rules once, or stays and keeps them current until it is ended."""
    tables = [NodeTables(name) for name in nodes]
    if once:
        lists = [api.get(RESOURCES[kind])["items"] for kind in ("pods", "namespaces", "policies")]
        _load_all(Snapshot.of(*lists), tables)
        return
    store = Store()
    for kind in RESOURCES:
        threading.Thread(target=follow, args=(api, kind, store), daemon=True).start()
    while True:
        store.changed.wait()
        time.sleep(GATHER_SECONDS)
        store.changed.clear()
        snapshot = store.snapshot()
        if snapshot is None:
            continue
        try:
            _load_all(snapshot, tables)
        except (OSError, subprocess.SubprocessError) as error:
            say(f"error: {error}; again in {RETRY_SECONDS:g} s")
            time.sleep(RETRY_SECONDS)
            store.changed.set()


def _load_all(snapshot: Snapshot, tables: list[NodeTables]) -> None:
    begun = time.monotonic()
    with ThreadPoolExecutor(len(tables)) as pool:
        loaded = [
            table.node
            for table, changed in zip(
                tables, pool.map(lambda each: each.load(render(snapshot, each.node)), tables), strict=True
            )
            if changed
        ]
    if loaded:
        say(f"{len(snapshot.policies)} policies into {', '.join(loaded)} in {time.monotonic() - begun:.2f} s")


def say(text: str) -> None:
    print(f"{time.strftime('%T')} {text}", file=sys.stdout, flush=True)
