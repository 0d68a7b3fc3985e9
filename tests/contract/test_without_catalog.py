"""Without a catalog WorkbenchSpawner is KubeSpawner: every case runs on both classes and must come out the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import kubernetes_asyncio
import pytest
from jupyterhub.objects import Hub, Server
from jupyterhub.orm import Spawner as OrmSpawner
from kubernetes_asyncio.client import V1DeleteOptions, V1Namespace
from kubespawner import KubeSpawner, clients
from traitlets.config import Config

from spawner.kubernetes import WorkbenchSpawner

BOTH = [KubeSpawner, WorkbenchSpawner]
KUBECONFIG = Path(os.environ.get("REMUDA_TEST_KUBECONFIG", ".remuda/cluster/kubeconfig"))
HUB = Hub(ip="10.0.0.9", port=8081)
PROFILES = [
    {"display_name": "First", "slug": "first", "default": True, "kubespawner_override": {"cpu_limit": 2}},
    {
        "display_name": "Second",
        "slug": "second",
        "profile_options": {
            "image": {
                "display_name": "Image",
                "choices": {"a": {"display_name": "A", "kubespawner_override": {"image": "a:1"}}},
            }
        },
    },
]
SETTINGS: list[dict[str, Any]] = [
    {},
    {"enable_user_namespaces": True},
    {"slug_scheme": "escape", "pod_name_template": "x-{username}--{servername}"},
    {"cpu_limit": 2, "cpu_guarantee": 0.5, "mem_limit": "4G", "mem_guarantee": "1G"},
    {
        "volumes": {"b": {"name": "home", "persistentVolumeClaim": {"claimName": "claim-{username}"}}},
        "volume_mounts": [{"name": "home", "mountPath": "/home/{username}"}],
    },
    {"node_selector": {"a": "b"}, "tolerations": [{"key": "x", "operator": "Exists"}], "priority_class_name": "p"},
    {"uid": lambda spawner: 7, "fs_gid": 100, "privileged": True, "service_account": "sa-{username}"},
    {"environment": {"A": "{username}", "B": "1"}, "extra_labels": {"l": "{username}"}, "services_enabled": True},
    {"init_containers": [{"name": "i", "image": "i:1"}], "extra_containers": [{"name": "e", "image": "e:1"}]},
    {"pod_connect_ip": "jupyter-{username}.example", "port": 9999, "dns_name_template": "{name}.{namespace}"},
    {"storage_pvc_ensure": True, "storage_capacity": "1Gi", "storage_class": "fast"},
]


def user(name: str = "Ada@Example.com") -> Any:
    return SimpleNamespace(name=name, id=7, url="/user/ada", groups=[], escaped_name=name, settings={})


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    yield


def make(kind: type[KubeSpawner], **traits: Any) -> KubeSpawner:
    return kind(hub=HUB, user=user(), oauth_client_id="client", api_token="token", **traits)


async def both(**traits: Any) -> tuple[KubeSpawner, KubeSpawner]:
    plain, ours = (make(kind, **traits) for kind in BOTH)
    return plain, ours


def as_json(spawner: KubeSpawner, model: Any) -> Any:
    return spawner.api.api_client.sanitize_for_serialization(model)


@pytest.mark.usefixtures("no_credentials")
@pytest.mark.parametrize("traits", SETTINGS, ids=lambda t: ",".join(t) or "defaults")
async def test_manifests_and_state_are_the_same(traits: dict[str, Any]) -> None:
    plain, ours = await both(**traits)
    assert as_json(ours, await ours.get_pod_manifest()) == as_json(plain, await plain.get_pod_manifest())
    assert as_json(ours, ours.get_pvc_manifest()) == as_json(plain, plain.get_pvc_manifest())
    assert ours.get_state() == plain.get_state()
    for state in ({}, {"pod_name": "old"}, {"pod_name": "p", "pvc_name": "c", "namespace": "n", "dns_name": "d"}):
        for spawner in (plain, ours):
            spawner.load_state(state)
        assert ours.get_state() == plain.get_state()
        for spawner in (plain, ours):
            spawner.clear_state()
        assert ours.get_state() == plain.get_state()


@pytest.mark.usefixtures("no_credentials")
async def test_forms_and_options_are_the_same() -> None:
    plain, ours = await both(profile_list=PROFILES)
    assert await ours.get_options_form() == await plain.get_options_form()
    for form in ({}, {"profile": ["second"], "profile-option-second--image": ["a"]}, {"profile": ["first"]}):
        assert ours.run_options_from_form(form) == plain.run_options_from_form(form)
        assert ours.options_from_query(form) == plain.options_from_query(form)
    for options in ({}, {"profile": "second", "image": "a"}, {"profile": "nope"}):
        outcomes = []
        for spawner in (plain, ours):
            spawner.user_options = options
            try:
                await spawner.load_user_options()
                outcomes.append((spawner.cpu_limit, spawner.image))
            except ValueError as e:
                outcomes.append(str(e))
        assert outcomes[0] == outcomes[1]
    assert ours.apply_user_options == plain.apply_user_options


@pytest.mark.usefixtures("no_credentials")
async def test_the_server_is_jupyterhubs_own() -> None:
    for kind in BOTH:
        spawner = make(kind, orm_spawner=OrmSpawner(name=""))
        assert spawner.server is None
        spawner = make(kind)
        server = Server(ip="10.0.0.1", port=1)
        spawner.server = server
        assert spawner.server is server
        assert "wait_up" not in vars(server)
        assert await spawner.get_url() == server.url


@pytest.mark.usefixtures("no_credentials")
async def test_pages_find_nothing_of_a_catalog() -> None:
    ours = make(WorkbenchSpawner)
    assert (ours.catalog, ours.machine, ours.failure) == (None, None, None)
    assert ours.person.name == "Ada@Example.com"


# On a real cluster.


def need_cluster() -> None:
    if not KUBECONFIG.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"no cluster: {KUBECONFIG} does not exist")
        pytest.skip(f"no cluster: {KUBECONFIG} does not exist (make up)")


@pytest.fixture
async def namespace(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    need_cluster()
    await kubernetes_asyncio.config.load_kube_config(config_file=str(KUBECONFIG))
    monkeypatch.setattr("kubespawner.spawner.load_config", lambda **_: None)
    api = clients.shared_client("CoreV1Api")
    name = f"plain-{uuid4().hex[:8]}"
    await api.create_namespace(V1Namespace(metadata={"name": name}))
    yield name
    await api.delete_namespace(name, body=V1DeleteOptions())
    await KubeSpawner._stop_all_reflectors()
    await api.api_client.close()
    clients._client_cache.clear()


def settings(namespace: str) -> Config:
    config = Config()
    config.KubeSpawner.namespace = namespace
    # A container that every node has, on the one node that takes any pod.
    config.KubeSpawner.image = "registry.k8s.io/pause:3.10.1"
    config.KubeSpawner.image_pull_policy = "Never"
    config.KubeSpawner.cmd = ["/pause"]
    config.KubeSpawner.node_selector = {"remuda.dev/pool": "core"}
    config.KubeSpawner.start_timeout = 60
    return config


@pytest.mark.cluster
@pytest.mark.parametrize("kind", BOTH)
async def test_a_server_starts_is_polled_and_stops(kind: type[KubeSpawner], namespace: str) -> None:
    spawner = kind(
        hub=HUB,
        user=user("ada"),
        config=settings(namespace),
        api_token="t",
        oauth_client_id="c",
    )
    assert await spawner.poll() == 1
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        async for event in spawner.progress():
            told.append(event)

    listening = asyncio.create_task(listen())
    url = await spawner.start()
    assert url.startswith("http://")
    assert url.endswith(":8888")
    assert await spawner.poll() is None
    await listening
    assert any("jupyter-ada" in event["message"] for event in told)
    assert spawner.pod_reflector is not None
    # A second one of the same name replaces the first, as KubeSpawner does it.
    again = kind(
        hub=HUB,
        user=user("ada"),
        config=settings(namespace),
        api_token="t",
        oauth_client_id="c",
    )
    assert (await again.start()).endswith(":8888")
    assert again.pod_id != spawner.pod_id
    await again.stop()
    assert await again.poll() == 1


@pytest.mark.cluster
@pytest.mark.parametrize("kind", BOTH)
async def test_a_claim_is_made_and_deleted_as_configured(kind: type[KubeSpawner], namespace: str) -> None:
    config = settings(namespace)
    config.KubeSpawner.storage_pvc_ensure = True
    config.KubeSpawner.storage_capacity = "1Mi"
    config.KubeSpawner.storage_access_modes = ["ReadWriteOnce"]
    spawner = kind(hub=HUB, user=user("ada"), config=config, api_token="t", oauth_client_id="c")
    await spawner.start()
    assert spawner.get_state()["pvc_name"] == "claim-ada"
    api = clients.shared_client("CoreV1Api")
    claims = await api.list_namespaced_persistent_volume_claim(namespace)
    assert [claim.metadata.name for claim in claims.items] == ["claim-ada"]
    await spawner.stop()
    await spawner.delete_forever()
    claims = await api.list_namespaced_persistent_volume_claim(namespace)
    assert not [claim for claim in claims.items if claim.metadata.deletion_timestamp is None]
