"""What a pod may need beside it: its namespace, a certificate, a service. Made with KubeSpawner's own manifests."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from jupyterhub.utils import maybe_future
from kubespawner.objects import make_namespace, make_owner_reference

from spawner.cluster import CLAIM, NAMESPACE, SECRET, SERVICE, Cluster, Json, Kind
from spawner.persist import persist
from spawner.podstate import uid_of
from spawner.rejected import rejected
from spawner.retry import AlreadyThere, ClusterError, NotFound

COMPANIONS_S = 30.0


async def ensure_namespace(spawner: Any) -> None:
    if not spawner.enable_user_namespaces:
        return
    model = make_namespace(
        spawner.namespace,
        labels=spawner._expand_all(spawner.user_namespace_labels),
        annotations=spawner._expand_all(spawner.user_namespace_annotations),
    )
    await _made(spawner, NAMESPACE, model, replace=False)


async def make(spawner: Any, pod: Json) -> None:
    """After the pod: they are owned by it and go with it."""
    if spawner.internal_ssl or spawner.services_enabled:
        owner = make_owner_reference(spawner.pod_name, uid_of(pod))
        if spawner.internal_ssl:
            await _made(spawner, SECRET, spawner.get_secret_manifest(owner))
        await _made(spawner, SERVICE, spawner.get_service_manifest(owner, spawner._get_pod_port(pod)))
    if spawner.after_pod_created_hook:
        await maybe_future(spawner.after_pod_created_hook(spawner, pod))


async def ensure_plain_claim(spawner: Any) -> None:
    """KubeSpawner's own storage, for catalogs without a home policy: made if it is not there, never touched."""
    if spawner.storage_pvc_ensure:
        await _made(spawner, CLAIM, spawner.get_pvc_manifest(), replace=False)
        spawner._pvc_exists = True


async def _made(spawner: Any, kind: Kind, model: Any, *, replace: bool = True) -> None:
    body = spawner.api.api_client.sanitize_for_serialization(model)
    deadline = asyncio.get_running_loop().time() + COMPANIONS_S
    try:
        await persist(lambda: _create(spawner.view.cluster, kind, spawner.namespace, body, replace), deadline)
    except ClusterError as e:
        raise rejected(e, f"{kind.plural} {body['metadata']['name']}") from e


async def _create(cluster: Cluster, kind: Kind, namespace: str, body: Json, replace: bool) -> None:
    where = namespace if kind.namespaced else None
    try:
        await cluster.create(kind, where, body)
    except AlreadyThere:
        if not replace:
            return
        with suppress(NotFound):
            await cluster.delete(kind, where, body["metadata"]["name"])
        await cluster.create(kind, where, body)
