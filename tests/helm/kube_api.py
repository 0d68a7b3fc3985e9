"""A real Kubernetes API server: etcd and kube-apiserver on loopback. Admission, validation and RBAC are real."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from ssl import create_default_context

import yaml

from tests.helm.helm_chart import program
from tools.servers.process import free_ports

START_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class KubeApi:
    """A running API server and how to talk to it."""

    url: str
    kubeconfig: Path
    token_file: Path
    ca_file: Path

    def kubectl(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program("kubectl"), *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
        )

    def ok(self, *args: str, stdin: str | None = None) -> str:
        done = self.kubectl(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout


@contextlib.contextmanager
def kube_api(folder: Path) -> Iterator[KubeApi]:
    """Start one in this folder; it ends with the context. No controllers run: what is applied stays as it is."""
    etcd_port, peer_port, api_port = free_ports(3)
    token = secrets.token_hex(16)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{token},admin,admin,"system:masters"\n')
    tokens.chmod(0o600)
    key, public = folder / "sa.key", folder / "sa.pub"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    etcd = [
        program("etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", f"http://127.0.0.1:{etcd_port}", "--advertise-client-urls", f"http://127.0.0.1:{etcd_port}",
        "--listen-peer-urls", f"http://127.0.0.1:{peer_port}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer_port}",
        "--initial-cluster", f"default=http://127.0.0.1:{peer_port}",
    ]  # fmt: skip
    apiserver = [
        program("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={api_port}",
        f"--cert-dir={folder / 'certs'}", f"--token-auth-file={tokens}", "--authorization-mode=RBAC",
        f"--service-account-key-file={public}", f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        # Its controller does not run, so no namespace would ever have the account every pod needs.
        "--disable-admission-plugins=ServiceAccount",
    ]  # fmt: skip
    with contextlib.ExitStack() as running:
        for name, command in (("etcd", etcd), ("apiserver", apiserver)):
            log = running.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            running.callback(_end, process)
        api = _described(folder, f"https://127.0.0.1:{api_port}", token)
        _wait_until_ready(api, token, process)
        yield api


def _described(folder: Path, url: str, token: str) -> KubeApi:
    token_file, ca_file, kubeconfig = folder / "token", folder / "certs" / "apiserver.crt", folder / "kubeconfig"
    token_file.write_text(token)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
    }
    kubeconfig.write_text(yaml.safe_dump(document))
    kubeconfig.chmod(0o600)
    return KubeApi(url, kubeconfig, token_file, ca_file)


def _wait_until_ready(api: KubeApi, token: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    request = urllib.request.Request(f"{api.url}/readyz", headers={"Authorization": f"Bearer {token}"})
    while time.monotonic() < deadline:
        assert process.poll() is None, f"kube-apiserver ended: see {api.kubeconfig.parent / 'apiserver.log'}"
        with contextlib.suppress(OSError):
            context = create_default_context(cafile=str(api.ca_file))
            with urllib.request.urlopen(request, timeout=2, context=context):
                return
        time.sleep(0.1)
    raise AssertionError(f"kube-apiserver was not ready within {START_LIMIT_SECONDS:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
