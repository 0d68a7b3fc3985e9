"""What the local cluster lacks and a test needs for its proof: a registry, a database, a cloud's metadata address."""

from __future__ import annotations

from typing import Any

REGISTRY_PORT = 30599
#: Where the notebook image is, which they are made of.
ON_A_POOL: dict[str, Any] = {
    "nodeSelector": {"remuda.dev/pool": "many-core"},
    "tolerations": [{"key": "remuda.dev/pool", "operator": "Exists"}],
}

_RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
_ANSWER_404 = """
import http.server
class Empty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200 if self.path == "/v2/" else 404)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_HEAD = do_GET
http.server.ThreadingHTTPServer(("", 5000), Empty).serve_forever()
"""


def server_pod(name: str, image: str, command: list[str], **spec: Any) -> dict[str, Any]:
    """A pod that passes Pod Security `restricted`."""
    container = {"name": "main", "image": image, "command": command, "securityContext": _RESTRICTED}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
            **spec,
        },
    }


def empty_registry(image: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A registry that has no image at all, which every node reaches as localhost:30599 (without TLS, therefore)."""
    pod = server_pod("trial-registry", image, ["python3", "-c", _ANSWER_404], **ON_A_POOL)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "trial-registry"},
        "spec": {
            "type": "NodePort",
            "selector": {"app": "trial-registry"},
            "ports": [{"port": 5000, "nodePort": REGISTRY_PORT}],
        },
    }
    return pod, service


def database(image: str) -> dict[str, Any]:
    """Something that listens on PostgreSQL's port under the label that the chart's policy for the database selects."""
    listen = ["python3", "-m", "http.server", "5432", "--directory", "/usr/share"]
    return server_pod("trial-database", image, listen, **ON_A_POOL)


def metadata_service(image: str, node: str) -> dict[str, Any]:
    """On the node's own network, where a cloud's metadata addresses are answered; they are added to the node beside."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "trial-metadata"},
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": ["python3", "-m", "http.server", "80", "--directory", "/usr/share"],
                    "securityContext": {"runAsUser": 0},
                }
            ],
        },
    }
