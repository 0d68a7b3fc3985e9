"""Pod Security `restricted`, written from the standard's own text and nothing of ours.

https://kubernetes.io/docs/concepts/security/pod-security-standards/ (baseline and restricted, 1.34, Linux pods).
`violations(pod)` names every rule that a pod breaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
}
VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret", "image"),
}
SELINUX_TYPES = {"", None, "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(pod: dict[str, Any]) -> list[str]:
    return [
        *_pod(pod),
        *_volumes(pod["spec"]),
        *(v for c in _containers(pod["spec"]) for v in _container(pod["spec"], c)),
    ]


def _containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in spec.get(kind) or []]


def _pod(pod: dict[str, Any]) -> Iterator[str]:
    spec, context = pod["spec"], pod["spec"].get("securityContext") or {}
    for flag in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(flag):
            yield f"host namespaces: {flag}"
    yield from _shared(context, "pod")
    for sysctl in context.get("sysctls") or []:
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl: {sysctl['name']}"
    for key, value in (pod["metadata"].get("annotations") or {}).items():
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and not (
            value in {"", "runtime/default"} or value.startswith("localhost/")
        ):
            yield f"AppArmor: {value}"


def _shared(context: dict[str, Any], where: str) -> Iterator[str]:
    """Rules for both levels."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"hostProcess: {where}"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield f"SELinux: {where}"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in {"RuntimeDefault", "Localhost"}:
        yield f"AppArmor: {where}"
    if context.get("runAsUser") == 0:
        yield f"runAsUser 0: {where}"
    if (context.get("seccompProfile") or {}).get("type", "RuntimeDefault") not in {"RuntimeDefault", "Localhost"}:
        yield f"seccomp: {where}"


def _volumes(spec: dict[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or []:
        for kind in set(volume) - {"name"} - VOLUMES:
            yield f"volume type: {kind}"


def _container(spec: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    context, pod = container.get("securityContext") or {}, spec.get("securityContext") or {}
    name = container["name"]
    yield from _shared(context, name)
    if context.get("privileged"):
        yield f"privileged: {name}"
    if context.get("procMount") not in {None, "", "Default"}:
        yield f"procMount: {name}"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"allowPrivilegeEscalation: {name}"
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"runAsNonRoot: {name}"
    if not (context.get("seccompProfile") or pod.get("seccompProfile")):
        yield f"seccomp undefined: {name}"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or []):
        yield f"capabilities not dropped: {name}"
    if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
        yield f"capabilities added: {name}"
    yield from _host_reach(container)


def _host_reach(container: dict[str, Any]) -> Iterator[str]:
    name = container["name"]
    if any(port.get("hostPort") for port in container.get("ports") or []):
        yield f"host port: {name}"
    probes = [container.get(f"{kind}Probe") or {} for kind in ("liveness", "readiness", "startup")]
    hooks = [(container.get("lifecycle") or {}).get(kind) or {} for kind in ("postStart", "preStop")]
    for handler in (*probes, *hooks):
        if any((handler.get(kind) or {}).get("host") for kind in ("httpGet", "tcpSocket")):
            yield f"host in probe: {name}"
