"""What `make up` asks of kind, Kubernetes, Go and Helm, decided before anything is run."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tools.cluster.chart import Login, image_values, logins
from tools.cluster.command import Commands
from tools.cluster.engine import CAP_SYS_RESOURCE, lacks_capability, too_low
from tools.cluster.errors import ClusterError
from tools.cluster.furnish import namespace, shared_storage, storage_class
from tools.cluster.image_sources import IMAGES
from tools.cluster.kind import CLAIMS_IN_NODE, KindCluster, Node, configuration, foreign_homes, node_names
from tools.cluster.kubernetes_source import wrapper_module
from tools.cluster.load import outdated_on_node, wanted
from tools.cluster.node_image.storage import UnexpectedSource, storage_manifest
from tools.cluster.programs import Programs, first_version
from tools.cluster.services import DEPLOYMENTS
from tools.cluster.settings import NODE_PORT, Settings, from_environment

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(root=ROOT, cache=tmp_path / "cache", state=tmp_path / "state", port=8123)


def patches(node: dict[str, Any]) -> dict[str, Any]:
    return {each["kind"]: each for each in map(json.loads, node["kubeadmConfigPatches"])}


def test_each_pool_has_a_node_that_only_its_machines_get_onto(settings: Settings) -> None:
    core, *workers = configuration(settings)["nodes"]
    assert core["labels"] == {"remuda.dev/pool": "core"}
    assert patches(core)["InitConfiguration"]["nodeRegistration"]["taints"] == [], "hub and proxy run there"
    assert [worker["labels"]["remuda.dev/pool"] for worker in workers] == ["general", "many-core", "gpu"]
    for worker in workers:
        (taint,) = patches(worker)["JoinConfiguration"]["nodeRegistration"]["taints"]
        assert taint == {"key": "remuda.dev/pool", "value": worker["labels"]["remuda.dev/pool"], "effect": "NoSchedule"}


def test_the_page_is_on_loopback_and_homes_are_on_every_node(settings: Settings) -> None:
    nodes = configuration(settings)["nodes"]
    (port,) = nodes[0]["extraPortMappings"]
    assert port == {"containerPort": NODE_PORT, "hostPort": 8123, "listenAddress": "127.0.0.1", "protocol": "TCP"}
    assert all(
        node["extraMounts"] == [{"hostPath": str(settings.homes), "containerPath": "/var/local-path-provisioner"}]
        for node in nodes
    )


def test_nodes_are_named_as_kind_names_them() -> None:
    assert node_names("remuda") == (
        Node("remuda-control-plane", "core"),
        Node("remuda-worker", "general"),
        Node("remuda-worker2", "many-core"),
        Node("remuda-worker3", "gpu"),
    )


def test_a_node_gets_the_images_of_its_pool_and_no_other() -> None:
    references = {image.name: f"remuda/{image.name}:x" for image in IMAGES}
    assert {node.pool: wanted(references, node) for node in node_names("remuda")} == {
        "core": ("remuda/proxy:x", "remuda/hub:x", *(f"remuda/{name}:x" for name in DEPLOYMENTS)),
        "general": ("remuda/notebook:x",),
        "many-core": ("remuda/notebook:x",),
        "gpu": ("remuda/notebook:x", "remuda/notebook-gpu:x"),
    }


def test_an_earlier_build_leaves_the_node_with_both_of_its_names() -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    rows = {
        "docker.io/remuda/hub:dev-000000000001": "sha256:one",
        "docker.io/remuda/hub:dev-000000000002": "sha256:two",
        "docker.io/remuda/hub:dev-000000000003": "sha256:three",
        "docker.io/remuda/hub:0.1.0": "sha256:release",
        "docker.io/bench/plain:1": "sha256:plain",
        "sha256:id-one": "sha256:one",
        "sha256:id-two": "sha256:two",
        "sha256:id-three": "sha256:three",
        "sha256:id-plain": "sha256:plain",
        "sha256:id-forgotten": "sha256:zero",
    }
    listing = "\n".join(["REF TYPE DIGEST SIZE", *(f"{name} {kind} {digest} 9 MiB" for name, digest in rows.items())])
    gone = outdated_on_node(
        listing, {"docker.io/remuda/hub:dev-000000000003"}, ["docker.io/remuda/hub:dev-000000000002"]
    )
    assert gone == ("docker.io/remuda/hub:dev-000000000001", "sha256:id-forgotten", "sha256:id-one")


def test_a_taken_port_is_told_before_anything_is_made(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = Settings(root=ROOT, cache=settings.cache, state=settings.state, port=port)
        commands = Commands(busy.log)
        cluster = KindCluster(busy, commands, Programs(busy, commands))
        with pytest.raises(ClusterError, match=f"Port {port} on 127.0.0.1 cannot be had.*\n.*make up PORT={port + 1}"):
            cluster._need_free_port()


@pytest.mark.parametrize("port", ["0", "70000", "http", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ClusterError, match="which is no TCP port"):
        from_environment({"PORT": port})


def test_another_cluster_shares_programs_but_neither_state_nor_homes() -> None:
    one, other = from_environment({}), from_environment({"REMUDA_CLUSTER": "probe", "PORT": ""})
    assert one.cache == other.cache
    assert one.state != other.state
    assert other.port == 8000


def test_the_namespace_admits_restricted_pods_only() -> None:
    assert namespace("remuda")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_claims_outlive_the_cluster_by_their_names() -> None:
    assert storage_class()["parameters"] == {"pathPattern": "{{ .PVC.Namespace }}/{{ .PVC.Name }}"}


def test_the_provisioner_is_told_once_that_all_nodes_share_a_directory() -> None:
    changed = shared_storage('{"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/x"]}]}')
    assert changed is not None
    assert json.loads(changed) == {"nodePathMap": [], "sharedFileSystemPath": "/var/local-path-provisioner"}
    assert shared_storage(changed) is None


def test_the_chart_gets_the_images_of_this_tree() -> None:
    values = image_values({image.name: f"remuda/{image.name}:dev-1" for image in IMAGES})
    assert values["hub"]["image"] == {"name": "remuda/hub", "tag": "dev-1"}
    assert values["proxy"]["chp"]["image"] == {"name": "remuda/proxy", "tag": "dev-1"}
    assert values["singleuser"]["image"] == {"name": "remuda/notebook", "tag": "dev-1"}
    assert values["profiles"]["gpu"]["image"] == "remuda/notebook-gpu:dev-1"


def test_the_first_login_is_read_from_the_releases_secret() -> None:
    def secret(**data: str) -> dict[str, Any]:
        return {
            "data": {key.replace("__", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
        }

    prefix = "hub__config__SharedPasswordAuthenticator__"
    given = secret(**{f"{prefix}admin_password": "a" * 32, f"{prefix}user_password": "u" * 8, "other": "x"})
    assert logins([{}, given]) == (Login("admin", "a" * 32), Login("ada", "u" * 8))
    assert logins([secret(other="x")]) == ()


def test_kubernetes_is_built_from_outside_with_its_own_staging_modules() -> None:
    go_mod = {
        "Go": "1.24.0",
        "Replace": [
            {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
            {"Old": {"Path": "example.org/x"}, "New": {"Path": "example.org/y", "Version": "v1.0.0"}},
        ],
    }
    lines = wrapper_module(go_mod, "1.34.4").splitlines()
    assert "go 1.24.0" in lines
    assert "require k8s.io/kubernetes v1.34.4" in lines
    assert [line for line in lines if line.startswith("replace")] == ["replace k8s.io/api => k8s.io/api v0.34.4"]


KIND_SOURCE = (
    "package nodeimage\nconst defaultStorageManifest = `\nimage: ` + storageProvisionerImage + `\n"
    "helper: ` + storageHelperImage + `\nagain: ` + storageHelperImage + `\n`\n"
)


def test_the_storage_manifest_is_kinds_own_with_our_images() -> None:
    manifest = storage_manifest(KIND_SOURCE, "ours/provisioner:1", "ours/tools:1")
    assert manifest == "\nimage: ours/provisioner:1\nhelper: ours/tools:1\nagain: ours/tools:1\n"


@pytest.mark.parametrize(
    "source", ["package nodeimage", KIND_SOURCE.replace("storageHelperImage", "helper")], ids=["no manifest", "renamed"]
)
def test_a_kind_that_looks_different_is_noticed(source: str) -> None:
    with pytest.raises(UnexpectedSource):
        storage_manifest(source, "p", "h")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33)),
        ("v3.22.0+g1a2b3c", (3, 22)),
        ("Client Version: v1.34.4\nKustomize Version: v5.7.1", (1, 34)),
        ("command not found", None),
    ],
)
def test_versions_as_programs_say_them(output: str, version: tuple[int, int] | None) -> None:
    assert first_version(output) == version


@pytest.mark.parametrize(
    ("bounding", "lacks"), [("000001ffffffffff", False), ("000001fffeffffff", True), ("00000000a80425fb", True)]
)
def test_hosts_that_cannot_grant_privileges_in_full(bounding: str, lacks: bool) -> None:
    status = f"Name:\tpython\nCapEff:\t0000000000000000\nCapBnd:\t{bounding}\n"
    assert lacks_capability(status, CAP_SYS_RESOURCE) is lacks


def test_kernel_limits_are_only_ever_raised() -> None:
    assert too_low({"fs.inotify.max_user_instances": 128, "fs.inotify.max_user_watches": 10**6}) == {
        "fs.inotify.max_user_instances": 512
    }
    assert too_low({}) == {}


def test_a_failed_command_says_what_failed_and_its_last_words(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "up.log")
    with pytest.raises(ClusterError) as caught:
        commands.run("sh", "-c", "echo first >&2; echo the disk is full >&2; exit 3", remedy="Make room.")
    assert "exit status 3" in caught.value.what
    assert "the disk is full" in caught.value.what
    assert caught.value.remedy == "Make room."
    assert "the disk is full" in (tmp_path / "up.log").read_text()


def test_a_missing_program_and_a_slow_one_are_told_apart(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "up.log")
    assert commands.attempt("no-such-program-here").returncode == 127
    assert commands.attempt("sleep", "30", timeout=0.05).returncode == 124


def test_a_cluster_of_another_checkout_is_told_by_the_homes_it_mounts(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    inspected = json.dumps(
        [{"Mounts": [{"Source": "/lib", "Destination": "/lib"}, {"Source": str(other), "Destination": CLAIMS_IN_NODE}]}]
    )
    assert foreign_homes(inspected, mine) == other
    assert foreign_homes(inspected, other) is None
    assert foreign_homes("", mine) is None
    assert foreign_homes("[]", mine) is None
