"""What `data_access` works with on the local cluster: S3, PostgreSQL, a Hive Metastore, and how machines find them.

For development: one key for everybody, as a file in each machine. A product's machines get short-lived credentials of
their own, from a cloud role or a service, and its chart knows nothing of what is here.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster.errors import ClusterError
from tools.cluster.furnish import Furnishing
from tools.cluster.settings import Settings

MANIFESTS = Path(__file__).with_name("services.yaml")
DEPLOYMENTS = ("s3", "postgres", "hive-metastore")
SECRET, CREDENTIALS = "data-services", "data-credentials"
CREDENTIALS_PLACE = "/etc/remuda-credentials"
WAIT_SECONDS = 120


@dataclass(frozen=True)
class Keys:
    """Made once, and kept beside the claims: a database that outlives the cluster keeps its password too."""

    access_key: str
    secret_key: str
    database_password: str


def keys(place: Path) -> Keys:
    """Those in the file, which only its owner reads; new ones when there is none."""
    if not place.exists():
        fresh = Keys("remuda", secrets.token_hex(20), secrets.token_hex(20))
        place.touch(mode=0o600)
        place.write_text(json.dumps(fresh.__dict__))
    return Keys(**json.loads(place.read_text()))


def manifests(text: str, references: Mapping[str, str]) -> str:
    """PURE: services.yaml with the images of this tree."""
    return re.sub(r"image: remuda/([a-z0-9-]+)$", lambda found: f"image: {references[found[1]]}", text, flags=re.M)


def secret_manifests(keys: Keys, namespace: str) -> list[dict[str, Any]]:
    """PURE: what the servers start with, and what a machine shows to S3."""
    credentials = f"[default]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n"
    servers = {
        "access-key": keys.access_key,
        "secret-key": keys.secret_key,
        "database-password": keys.database_password,
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": data,
        }
        for name, data in ((SECRET, servers), (CREDENTIALS, {"credentials": credentials}))
    ]


def values() -> dict[str, Any]:
    """PURE: chart values that tell machines where tables are, let them get there, and lend them the key."""
    volume = {"name": CREDENTIALS, "secret": {"secretName": CREDENTIALS, "defaultMode": 0o444}}
    mount = {"name": CREDENTIALS, "mountPath": CREDENTIALS_PLACE, "readOnly": True}
    return {
        "data": {
            "settings": {
                "metastore": "thrift://hive-metastore:9083",
                "warehouse": "s3://lake/warehouse",
                "s3": {"endpoint": "http://s3:7070", "region": "us-east-1"},
                "grants": {"*": ["admin"]},
            },
            "reach": [
                {"podLabels": {"app": "remuda-data", "component": "s3"}, "ports": [7070]},
                {"podLabels": {"app": "remuda-data", "component": "hive-metastore"}, "ports": [9083]},
            ],
        },
        "singleuser": {
            "storage": {"extraVolumes": {CREDENTIALS: volume}, "extraVolumeMounts": {CREDENTIALS: mount}},
            "extraEnv": {"AWS_SHARED_CREDENTIALS_FILE": f"{CREDENTIALS_PLACE}/credentials"},
        },
    }


@dataclass(frozen=True)
class DataServices:
    """`start` may be repeated; servers whose image and settings are unchanged go on. `wait` returns when all serve."""

    settings: Settings
    furnishing: Furnishing

    def start(self, references: Mapping[str, str]) -> None:
        for manifest in secret_manifests(keys(self.settings.state / "data-services.json"), self.settings.namespace):
            self.furnishing.apply(manifest)
        text = manifests(MANIFESTS.read_text(), references)
        self.furnishing.kubectl(
            "apply", "--server-side", "--force-conflicts", "-n", self.settings.namespace, "-f", "-", stdin=text
        )

    def wait(self) -> str:
        for name in DEPLOYMENTS:
            try:
                self._kubectl("rollout", "status", f"deployment/{name}", f"--timeout={WAIT_SECONDS}s")
            except ClusterError as error:
                pods = self._kubectl("get", "pods", "-l", "app=remuda-data", "-o", "wide")
                raise ClusterError(
                    f"{name} does not serve after {WAIT_SECONDS} s:\n{pods.rstrip()}",
                    f"Its own words: kubectl --kubeconfig {self.settings.kubeconfig} -n {self.settings.namespace} "
                    f"logs deploy/{name}. `make up` goes on from here.",
                ) from error
        return "s3://lake, thrift://hive-metastore:9083"

    def _kubectl(self, *words: str) -> str:
        return self.furnishing.kubectl(*words, "-n", self.settings.namespace)
