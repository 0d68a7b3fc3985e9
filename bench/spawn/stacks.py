"""The two hubs of the comparison, side by side in one cluster: ours by the chart, the plain one by stack.yaml."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import string
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tools.cluster.chart import VALUES, image_values
from tools.cluster.load import wanted
from tools.cluster.settings import from_environment
from tools.cluster.up import LocalCluster

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KUBECONFIG = ROOT / ".remuda" / "cluster" / "kubeconfig"
CLUSTER = "remuda"
PLAIN_IMAGE = "bench/plain-notebook:1"
PLAIN_NODES = (f"{CLUSTER}-worker", f"{CLUSTER}-worker2")  # the pools general and many-core
DRY = ("--dry-run=client", "-o", "yaml")
#: Of both stacks' machines; 20 of them fit on one small node.
CPU_REQUEST, MEMORY_REQUEST = "50m", "128Mi"
CACHE_BIN = Path(os.environ.get("REMUDA_CACHE", Path.home() / ".cache" / "remuda")) / "bin"
ENV = {
    **os.environ,
    "KUBECONFIG": str(KUBECONFIG),
    "PATH": f"{CACHE_BIN}{os.pathsep}{os.environ.get('PATH', '')}",
    "DOCKER_BUILDKIT": "1",
}


@dataclass(frozen=True)
class Stack:
    name: str
    namespace: str
    url: str
    password: str
    admin_password: str
    #: User options; the same in both: a general machine, and one of another pool.
    small: dict[str, str] = field(default_factory=lambda: {"profile": "small-cpu"})
    other: dict[str, str] = field(default_factory=lambda: {"profile": "many-core"})


def sh(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, env=ENV, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def docker() -> str:
    """A client with BuildKit; Debian's has it without the buildx plugin."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


def node_ip() -> str:
    out = sh("kubectl", "get", "node", f"{CLUSTER}-control-plane", "-o", "json")
    addresses = json.loads(out)["status"]["addresses"]
    return next(a["address"] for a in addresses if a["type"] == "InternalIP")


def images() -> dict[str, str]:
    """The images of this very tree by name, built, and in the nodes under names that no later build takes away."""
    cluster = LocalCluster.of(from_environment())
    references = cluster.images.ensure()
    cluster.loading.ensure(references, cluster.kind.nodes)
    pinned = {name: f"bench/{name}:{reference.rpartition(':')[2]}" for name, reference in references.items()}
    for node in cluster.kind.nodes:
        for reference in wanted(references, node):
            name = next(name for name, of in references.items() if of == reference)
            _ctr(node.name, "images", "tag", "--force", f"docker.io/{reference}", f"docker.io/{pinned[name]}")
    return pinned


def images_installed() -> dict[str, str]:
    """Those that an earlier run with --keep has installed: no build, for quick comparisons."""
    values = yaml.safe_load(sh("helm", "-n", "bench-ours", "get", "values", "bench", "-o", "yaml"))
    named = {"hub": values["hub"], "proxy": values["proxy"]["chp"], "notebook": values["singleuser"]}
    parts = {name: f"{part['image']['name']}:{part['image']['tag']}" for name, part in named.items()}
    return {**parts, "notebook-gpu": values["profiles"]["gpu"]["image"]}


def plain(references: Mapping[str, str], port: int = 30081) -> Stack:
    """Build, load and install the plain stack; nothing is built twice. Hub and proxy run from our images, which hold
    the same JupyterHub, KubeSpawner and configurable-http-proxy; the single-user image is one of its own."""
    _plain_image()
    password = secrets.token_urlsafe(12)
    _namespace("bench-plain")
    files = [f"--from-file={HERE / 'plain' / 'jupyterhub_config.py'}", f"--from-file={HERE / 'inside_hub.py'}"]
    config = sh("kubectl", "-n", "bench-plain", "create", "configmap", "hub-config", *files, *DRY)
    _apply("bench-plain", config)
    _apply(
        "bench-plain",
        string.Template((HERE / "plain" / "stack.yaml").read_text()).substitute(
            node_port=port, hub_image=references["hub"], proxy_image=references["proxy"], notebook_image=PLAIN_IMAGE,
            password=password, proxy_token=secrets.token_hex(16),
        ),
    )  # fmt: skip
    for name in ("hub", "proxy"):
        sh("kubectl", "-n", "bench-plain", "rollout", "restart", f"deployment/{name}")
        sh("kubectl", "-n", "bench-plain", "rollout", "status", f"deployment/{name}", "--timeout=180s")
    return Stack("plain", "bench-plain", f"http://{node_ip()}:{port}", password, password)


def ours(references: Mapping[str, str], port: int = 30082) -> Stack:
    """A second release of the chart, as `make up` installs it, with both stacks' requests for CPU and memory."""
    password, admin_password = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
    _namespace("bench-ours")
    small = {"cpu": {"request": CPU_REQUEST}, "memory": {"request": MEMORY_REQUEST}}
    passwords = {"user_password": password, "admin_password": admin_password}
    own = {
        "hub": {
            "extraConfig": {"bench": (HERE / "inside_hub.py").read_text()},
            "config": {"SharedPasswordAuthenticator": passwords},
        },
        "proxy": {"service": {"nodePorts": {"http": port}}},
        "profiles": {"small-cpu": small, "many-core": small},
    }
    files: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, values in (("images", image_values(references)), ("own", own)):
            file = Path(scratch, f"{name}.yaml")
            file.write_text(yaml.safe_dump(values))
            files += ["-f", str(file)]
        sh(
            "helm", "upgrade", "--install", "bench", str(ROOT / "helm" / "remuda"), "-n", "bench-ours",
            "-f", str(VALUES), *files, "--wait", "--timeout", "5m",
        )  # fmt: skip
    return Stack("ours", "bench-ours", f"http://{node_ip()}:{port}", password, admin_password)


def remove() -> None:
    """Both stacks, with everybody's homes, and the names of the images measured."""
    for name in ("bench-ours", "bench-plain"):
        sh("kubectl", "-n", name, "delete", "pods", "-l", "component=singleuser-server", "--ignore-not-found", "--wait")
    if "bench" in sh("helm", "-n", "bench-ours", "list", "-q").split():
        sh("helm", "-n", "bench-ours", "uninstall", "bench", "--wait")
    for name in ("bench-ours", "bench-plain"):
        sh("kubectl", "delete", "namespace", name, "--ignore-not-found", "--wait=true", "--timeout=180s")


def _plain_image() -> None:
    if not sh(docker(), "images", "-q", PLAIN_IMAGE).strip():
        version = importlib.metadata.version
        sh(
            docker(), "build", "--network", "host", "-t", PLAIN_IMAGE,
            "--secret", "id=ca,src=/etc/ssl/certs/ca-certificates.crt",
            "--build-arg", f"JUPYTERHUB={version('jupyterhub')}", "--build-arg", f"JUPYTERLAB={version('jupyterlab')}",
            str(HERE / "plain"),
        )  # fmt: skip
    for node in PLAIN_NODES:
        there = _ctr(node, "images", "ls", "-q").split()
        if f"docker.io/{PLAIN_IMAGE}" not in there:
            save = subprocess.Popen(["docker", "save", PLAIN_IMAGE], stdout=subprocess.PIPE)
            subprocess.run(
                ["docker", "exec", "-i", node, "ctr", "-n", "k8s.io", "images", "import", "-"],
                stdin=save.stdout, stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip


def _ctr(node: str, *command: str) -> str:
    return sh("docker", "exec", node, "ctr", "-n", "k8s.io", *command)


def _namespace(name: str) -> None:
    _apply(name, sh("kubectl", "create", "namespace", name, *DRY))


def _apply(namespace: str, manifest: str) -> None:
    scope = () if "kind: Namespace" in manifest else ("-n", namespace)
    sh("kubectl", *scope, "apply", "-f", "-", stdin=manifest)
