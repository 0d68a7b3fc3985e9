"""What a start needs to know, read off the spawner's configuration: KubeSpawner's own, with the plan on top."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from jupyterhub.utils import make_ssl_context, maybe_future
from kubespawner.slugs import safe_slug

from profiles.plan import MachinePlan
from profiles.quantity import Duration
from spawner import companions
from spawner.billed import held
from spawner.cluster import Json
from spawner.explain import Facts
from spawner.follow import Pursuit
from spawner.home_claim import ClaimIdentity
from spawner.launch import Order
from spawner.manifest import PodStart, pod_patch
from spawner.podstate import Pod, uid_of


def order_for(spawner: Any, plan: MachinePlan) -> Order:
    name, known = claim_name(spawner)
    spawner.pvc_name = name
    identity = ClaimIdentity(
        name,
        spawner.user.name,
        spawner.namespace,
        spawner._build_common_labels(spawner._expand_all(spawner.storage_extra_labels)),
        spawner._build_common_annotations(spawner._expand_all(spawner.storage_extra_annotations)),
    )
    return Order(
        plan=plan,
        namespace=spawner.namespace,
        pod_name=spawner.pod_name,
        username=spawner.user.name,
        server_name=spawner.name or "",
        spawn_id=spawner.spawn_id,
        deadline=asyncio.get_running_loop().time() + plan.start_timeout.seconds,
        grace_s=grace_s(spawner),
        make_pod=lambda claim: make_pod(spawner, plan, claim),
        url_of=lambda pod: probe_url(spawner, pod),
        companions=lambda pod: companions.make(spawner, pod),
        home=spawner.home,
        plain_claim=lambda: companions.ensure_plain_claim(spawner),
        claim=identity if spawner.home is not None else None,
        claim_known=known,
        tls=tls(spawner),
    )


def pursuit_of(spawner: Any, pod: Pod) -> Pursuit:
    """To follow a pod that a former hub process asked for: its plan is gone, its machine is remembered."""
    limit = Duration(spawner.start_timeout)
    return Pursuit(
        namespace=spawner.namespace,
        pod_name=spawner.pod_name,
        deadline=asyncio.get_running_loop().time() + limit.seconds,
        limit=limit.human,
        facts=Facts(machine=spawner.machine.display_name if spawner.machine else "", pod_uid=uid_of(pod)),
        url_of=lambda now: probe_url(spawner, now),
        tls=tls(spawner),
    )


def claim_name(spawner: Any) -> tuple[str, bool]:
    """One claim for all of a person's servers, and whether they have used it before.

    A name that is remembered from a former start wins over the template: a home must not vanish because a template
    was edited. The default server's memory speaks for all of a person's servers.
    """
    if spawner.home is None:
        return spawner.pvc_name, True
    if spawner.remember_pvc_name:
        for orm_spawner in _default_server_first(spawner):
            remembered = (orm_spawner.state or {}).get("pvc_name")
            if remembered:
                return remembered, True
    slug = safe_slug(spawner.user.name, max_length=48)
    return spawner.home.claim_name_template.format(username=slug, safe_username=slug, userid=spawner.user.id), False


def _default_server_first(spawner: Any) -> list[Any]:
    servers = getattr(getattr(spawner.user, "orm_user", None), "orm_spawners", None) or {}
    default = [servers[""]] if "" in servers else []
    return default + ([spawner.orm_spawner] if spawner.orm_spawner is not None else [])


async def make_pod(spawner: Any, plan: MachinePlan, claim: str | None) -> Json:
    """The manifest as JSON: KubeSpawner's, hooks included, then the plan's."""
    model = await spawner.get_pod_manifest()
    if spawner.modify_pod_hook:
        model = await maybe_future(spawner.modify_pod_hook(spawner, model))
    manifest = spawner.api.api_client.sanitize_for_serialization(model)
    if "restartPolicy" not in manifest["spec"] or not _restart_is_configured(spawner):
        # A container restarted by its node has lost every kernel, and nobody is told why. Ended is ended: the hub
        # explains it, and the person starts again.
        manifest["spec"]["restartPolicy"] = "Never"
    start = PodStart(spawner.spawn_id, claim, spawner.default_image, spawner.machine.to_dict())
    pod = pod_patch(manifest, plan, spawner.home, start, expand=spawner._expand_all)
    kept = spawner.billed_finalizer and spawner.gate is not None
    return held(pod) if kept and await spawner.view.may_release(spawner.namespace) else pod


def _restart_is_configured(spawner: Any) -> bool:
    return bool({"restartPolicy", "restart_policy"} & set(spawner.extra_pod_config or {}))


def probe_url(spawner: Any, pod: Pod) -> str:
    """The page that JupyterHub itself would ask for."""
    base = spawner.server.base_url if spawner.server is not None else "/"
    return str(spawner._get_pod_url(pod)) + base + "api"


def tls(spawner: Any) -> ssl.SSLContext | None:
    """The hub's own certificate, where traffic inside is encrypted."""
    if not spawner.internal_ssl:
        return None
    settings = spawner.user.settings
    key, cert, ca = (settings.get(f"internal_ssl_{part}") for part in ("key", "cert", "ca"))
    context: ssl.SSLContext = make_ssl_context(key, cert, cafile=ca)
    return context


def grace_s(spawner: Any) -> int:
    """Never 0, not even when stopped `now`: the disk may still be mounted by containers nobody waited for."""
    return max(1, int(spawner.delete_grace_period))
