"""PURE: what a pod needs to be admitted where Pod Security `restricted` is enforced, and what would keep it out.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profiles.frozen import thaw

Json = dict[str, Any]
UID, GID = 1000, 100  # jovyan:users, as in every Jupyter image
ALLOWED_VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)


def restricted(spec: Mapping[str, Any], notebook: Mapping[str, Any]) -> Json:
    """`spec` with the security settings filled in that it lacks; explicit ones stay as the admin set them."""
    return {
        **spec,
        "securityContext": _pod_context(spec.get("securityContext") or {}, notebook.get("securityContext") or {}),
        **{
            kind: [{**container, "securityContext": _container_context(container)} for container in spec[kind]]
            for kind in ("containers", "initContainers")
            if spec.get(kind)
        },
    }


def _pod_context(existing: Mapping[str, Any], notebook: Mapping[str, Any]) -> Json:
    return {
        "runAsNonRoot": True,
        # KubeSpawner puts `uid` on the container: sidecars should write to the home as the same user.
        "runAsUser": notebook.get("runAsUser", UID),
        "fsGroup": GID,
        # Without it the kubelet walks the whole home at every start: 30 minutes on big ones.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
        **thaw(existing),
    }


def _container_context(container: Mapping[str, Any]) -> Json:
    existing = thaw(container.get("securityContext") or {})
    capabilities = existing.get("capabilities") or {}
    dropped = capabilities.get("drop") or []
    if "ALL" not in dropped:
        capabilities = {**capabilities, "drop": ["ALL", *dropped]}
    return {"allowPrivilegeEscalation": False, **existing, "capabilities": capabilities}


def concerns(pod: Mapping[str, Any]) -> tuple[str, ...]:
    """What in this pod an admission that enforces `restricted` would refuse, for the hub's log. Empty: nothing."""
    spec = pod.get("spec") or {}
    found = [f"spec.{flag} is on" for flag in ("hostNetwork", "hostPID", "hostIPC") if spec.get(flag)]
    for volume in spec.get("volumes") or ():
        found += [
            f"volume '{volume.get('name')}' is of the kind {kind}"
            for kind in volume
            if kind != "name" and kind not in ALLOWED_VOLUMES
        ]
    found += _context_concerns("the pod", spec.get("securityContext") or {})
    for kind in ("initContainers", "containers"):
        for container in spec.get(kind) or ():
            where = f"container '{container.get('name')}'"
            found += _context_concerns(where, container.get("securityContext") or {})
            found += [
                f"{where} uses host port {p['hostPort']}" for p in container.get("ports") or () if p.get("hostPort")
            ]
    return tuple(found)


def _context_concerns(where: str, context: Mapping[str, Any]) -> list[str]:
    found = []
    if context.get("privileged"):
        found.append(f"{where} is privileged")
    if context.get("allowPrivilegeEscalation"):
        found.append(f"{where} allows privilege escalation")
    if context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        found.append(f"{where} may run as root")
    if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
        found.append(f"{where} has no seccomp profile")
    added = set((context.get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
    if added:
        found.append(f"{where} adds the capabilities {', '.join(sorted(added))}")
    return found
