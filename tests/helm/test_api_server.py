"""Rendered values before a real API server: schema, admission with Pod Security `restricted`, RBAC, upgrades."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.helm.helm_chart import CHART, NAMESPACE, RELEASE, Rendered, helm, render
from tests.helm.kube_api import KubeApi
from tests.helm.value_sets import VALUE_SETS

_numbers = itertools.count()


@pytest.fixture
def namespace(api: KubeApi) -> Iterator[str]:
    """A namespace of its own that enforces Pod Security `restricted`."""
    name = f"corral-{next(_numbers)}"
    _make_namespace(api, name)
    yield name
    api.ok("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def corral(api: KubeApi) -> None:
    _make_namespace(api, NAMESPACE)


def _make_namespace(api: KubeApi, name: str) -> None:
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    api.ok(
        "apply",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": levels}}),
    )


def _pods(chart: Rendered) -> list[dict[str, Any]]:
    """One pod from each template, as a controller would make it: enforcement looks at pods only."""
    made = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{w.kind.lower()}-{w.name}", "namespace": NAMESPACE, "labels": w.labels},
            "spec": {key: value for key, value in w.pod.items() if key != "priorityClassName"},
        }
        for w in chart.workloads
    ]
    return copy.deepcopy(made)


@pytest.mark.usefixtures("corral")
@pytest.mark.parametrize("name", VALUE_SETS, ids=lambda name: name.replace(" ", "-"))
def test_a_real_api_server_takes_it(api: KubeApi, name: str) -> None:
    chart = render(VALUE_SETS[name])
    documents = yaml.safe_dump_all([*chart.objects, *_pods(chart)])
    done = api.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "--warnings-as-errors", "--namespace", NAMESPACE, "-f", "-",
        stdin=documents,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("corral")
def test_the_namespace_really_refuses_what_is_not_restricted(api: KubeApi) -> None:
    pod = next(pod for pod in _pods(render()) if pod["metadata"]["name"] == "deployment-hub")
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]
    done = api.kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(pod))
    assert done.returncode != 0 and "PodSecurity" in done.stderr


Install = Callable[..., None]


@pytest.fixture
def install(api: KubeApi, namespace: str) -> Install:
    def run(values: dict[str, Any] | None = None) -> None:
        """Hooks need kubelets, which are not here; the pullers have a test of their own."""
        helm(
            "upgrade", "--install", RELEASE, str(CHART), "--namespace", namespace, "--no-hooks",
            values=values or {}, env={"KUBECONFIG": str(api.kubeconfig)},
        )  # fmt: skip

    return run


def _read(api: KubeApi, namespace: str, *what: str) -> dict[str, Any]:
    return json.loads(api.ok("get", *what, "--namespace", namespace, "-o", "json"))


def test_an_upgrade_keeps_the_generated_keys(api: KubeApi, namespace: str, install: Install) -> None:
    install()
    before = _read(api, namespace, "secret", "hub")["data"]
    install({"hub": {"concurrentSpawnLimit": 5}})
    assert _read(api, namespace, "secret", "hub")["data"] == before
    install({"hub": {"cookieSecret": "e" * 64}})
    after = _read(api, namespace, "secret", "hub")["data"]
    assert {key for key in after if after[key] != before[key]} == {"hub.config.JupyterHub.cookie_secret"}


def test_an_upgrade_rolls_only_what_changed(api: KubeApi, namespace: str, install: Install) -> None:
    def generations() -> dict[str, int]:
        items = _read(api, namespace, "deployments,daemonsets")["items"]
        return {f"{o['kind']} {o['metadata']['name']}": o["metadata"]["generation"] for o in items}

    install()
    assert set(generations().values()) == {1}
    install()
    assert set(generations().values()) == {1}, "the same values again change nothing"
    install({"hub": {"concurrentSpawnLimit": 5}})
    assert {name for name, generation in generations().items() if generation > 1} == {"Deployment hub"}
    install({"hub": {"concurrentSpawnLimit": 5}, "profiles": {"gpu": {"image": "remuda/notebook-gpu:2"}}})
    assert {name: g for name, g in generations().items() if g > 1} == {
        "Deployment hub": 3,
        "DaemonSet continuous-image-puller-gpu": 2,
    }


def test_people_outlive_upgrade_and_removal(api: KubeApi, namespace: str, install: Install) -> None:
    install()
    labels = {"app": "jupyterhub", "component": "singleuser-server", "release": RELEASE}
    pod = next(p for p in _pods(render()) if p["metadata"]["name"] == "deployment-proxy")
    pod["metadata"] = {"name": "jupyter-ada", "labels": labels, "namespace": namespace}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "home-ada", "namespace": namespace, "labels": {"app": "jupyterhub"}},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    api.ok("create", "-f", "-", stdin=yaml.safe_dump_all([pod, claim]))

    def versions() -> list[str]:
        items = _read(api, namespace, "pod/jupyter-ada", "persistentvolumeclaim/home-ada")["items"]
        return [item["metadata"]["resourceVersion"] for item in items]

    before = versions()
    install({"singleuser": {"image": {"tag": "9"}, "networkPolicy": {"enabled": False}}, "cull": {"enabled": False}})
    assert versions() == before
    helm("uninstall", RELEASE, "--namespace", namespace, "--no-hooks", env={"KUBECONFIG": str(api.kubeconfig)})
    assert versions() == before
    assert _read(api, namespace, "pvc", "hub-db-dir")["metadata"]["name"] == "hub-db-dir", "users and tokens are kept"


CAN = {
    ("create", "pods"), ("delete", "pods"), ("watch", "pods"), ("patch", "pods"),
    ("create", "persistentvolumeclaims"), ("patch", "persistentvolumeclaims"), ("watch", "events"),
    ("list", "resourcequotas"), ("list", "nodes"), ("get", "persistentvolumes"),
    ("list", "volumeattachments.storage.k8s.io"), ("get", "storageclasses.storage.k8s.io"),
}  # fmt: skip
CANNOT = {
    ("get", "secrets"), ("list", "secrets"), ("create", "secrets"), ("get", "configmaps"),
    ("delete", "persistentvolumeclaims"), ("create", "pods --subresource=exec"),
    ("create", "serviceaccounts --subresource=token"), ("create", "rolebindings.rbac.authorization.k8s.io"),
    ("patch", "nodes"), ("create", "deployments.apps"), ("impersonate", "users"), ("delete", "persistentvolumes"),
}  # fmt: skip


def test_the_hubs_account_may_do_what_it_uses_and_no_more(api: KubeApi, namespace: str, install: Install) -> None:
    install()
    account = f"--as=system:serviceaccount:{namespace}:hub"

    def may(verb: str, resource: str) -> bool:
        return (
            api.kubectl("auth", "can-i", verb, *resource.split(), account, "--namespace", namespace).stdout.strip()
            == "yes"
        )

    assert {pair for pair in CAN if may(*pair)} == CAN
    assert {pair for pair in CANNOT if may(*pair)} == set()
    assert api.kubectl("auth", "can-i", "list", "pods", account, "--namespace", "default").stdout.strip() == "no"


def test_an_existing_secret_without_a_key_is_refused_at_install(api: KubeApi, namespace: str, install: Install) -> None:
    api.ok(
        "create", "secret", "generic", "mine", "--namespace", namespace, "--from-literal=hub.config.CryptKeeper.keys=a"
    )
    with pytest.raises(Exception, match=r"lacks the key hub\.config\.JupyterHub\.cookie_secret"):
        install({"hub": {"existingSecret": "mine"}})


def test_the_hook_is_skipped_for_pools_whose_images_are_there(api: KubeApi, namespace: str, install: Install) -> None:
    install()

    def hooks(values: dict[str, Any]) -> list[str]:
        text = helm(
            "upgrade", RELEASE, str(CHART), "--namespace", namespace, "--dry-run=server",
            values=values, env={"KUBECONFIG": str(api.kubeconfig)},
        )  # fmt: skip
        manifests = text.partition("HOOKS:")[2].partition("MANIFEST:")[0]
        return [o["metadata"]["name"] for o in yaml.safe_load_all(manifests) if o and o["kind"] == "DaemonSet"]

    assert hooks({}) == []
    assert hooks({"profiles": {"gpu": {"image": "remuda/notebook-gpu:2"}}}) == ["hook-image-puller-gpu"]


def _await_images(api: KubeApi, namespace: str, *names: str, give_up_after: float) -> subprocess.CompletedProcess[str]:
    script = CHART / "files" / "await_images.py"
    arguments = [f"--namespace={namespace}", f"--give-up-after={give_up_after}", f"--api={api.url}"]
    arguments += [f"--token-file={api.token_file}", f"--ca-file={api.ca_file}", *names]
    return subprocess.run(
        [sys.executable, "-I", str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def _nodes_are(api: KubeApi, namespace: str, name: str, *, ready: int, desired: int) -> None:
    status = {"observedGeneration": 1, "desiredNumberScheduled": desired, "numberReady": ready}
    status |= {"currentNumberScheduled": desired, "numberMisscheduled": 0}
    api.ok(
        "patch",
        "daemonset",
        name,
        "--namespace",
        namespace,
        "--subresource=status",
        "--type=merge",
        "-p",
        json.dumps({"status": status}),
    )


def test_the_awaiter_tells_pulled_from_pulling(api: KubeApi, namespace: str, install: Install) -> None:
    install()
    gpu, general = "continuous-image-puller-gpu", "continuous-image-puller-general"
    unseen = _await_images(api, namespace, gpu, give_up_after=0)
    assert unseen.returncode == 0 and "not looked at yet" in unseen.stdout, "no answer yet is not an empty pool"
    _nodes_are(api, namespace, gpu, ready=1, desired=2)
    _nodes_are(api, namespace, general, ready=0, desired=0)
    slow = _await_images(api, namespace, gpu, general, give_up_after=0)
    assert slow.returncode == 0 and f"{gpu}: 1 of 2 nodes ready" in slow.stdout and "goes on" in slow.stdout
    _nodes_are(api, namespace, gpu, ready=2, desired=2)
    done = _await_images(api, namespace, gpu, general, give_up_after=30)
    assert done.returncode == 0 and "Every node has its images." in done.stdout
    missing = _await_images(api, namespace, "no-such-puller", give_up_after=30)
    assert missing.returncode == 1 and "404" in missing.stderr


def test_the_notes_tell_address_and_first_login(api: KubeApi, namespace: str, install: Install) -> None:
    install({"proxy": {"service": {"type": "NodePort", "nodePorts": {"http": 30080}}}})
    notes = helm("get", "notes", RELEASE, "--namespace", namespace, env={"KUBECONFIG": str(api.kubeconfig)})
    assert ":30080/" in notes
    command = next(line.strip() for line in notes.splitlines() if "admin_password" in line)
    jsonpath = command.partition("jsonpath='")[2].partition("'")[0]
    assert len(api.ok("get", "secret", "hub", "--namespace", namespace, "-o", f"jsonpath={jsonpath}")) > 32
    assert "unencrypted" in notes
