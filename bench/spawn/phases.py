"""PURE: the moments of one start, whoever saw them, as the phases between them. All clocks are this machine's."""

from __future__ import annotations

from collections.abc import Mapping

CLICKED, READY = "clicked", "ready"
#: In order; seen by the client, the hub, a watch of the API, the pod's process table and log, the hub, the client.
MOMENTS = (
    CLICKED,
    "start began",
    "pod asked",
    "pod created",
    "scheduled",
    "process began",
    "listening",
    "answer seen",
    "routed",
    READY,
)
PHASES = {
    "start began": "1 request reaches the spawner",
    "pod asked": "2 hub prepares (home, checks, manifest)",
    "pod created": "3 API server takes the pod",
    "scheduled": "4 scheduler",
    "process began": "5 kubelet: volume, network, container",
    "listening": "6 single-user server starts",
    "answer seen": "7 hub notices",
    "routed": "8 route in the proxy",
    READY: "9 hub says ready",
}
TICKS_PER_SECOND = 100  # USER_HZ on every Linux that Kubernetes runs on


def phases(moments: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each phase; a moment nobody saw joins its phase to the next one, one out of order counts as 0."""
    result: dict[str, float] = {}
    latest = moments[CLICKED]
    for moment in MOMENTS[1:]:
        if moment in moments:
            result[PHASES[moment]] = max(0.0, moments[moment] - latest)
            latest = max(latest, moments[moment])
    return result


def server_began(stats: str, boot: float) -> float | None:
    """Wall clock at which PID 1's child began, from `/proc/<pid>/stat` lines; `boot` is the wall clock of the boot.

    PID 1 is `tini` in both images; without it, PID 1 is the server.
    """
    began: dict[int, tuple[int, float]] = {}
    for line in stats.splitlines():
        head, _, rest = line.rpartition(")")
        fields = rest.split()
        if head and len(fields) > 19:
            began[int(head.split()[0])] = (int(fields[1]), boot + int(fields[19]) / TICKS_PER_SECOND)
    children = [at for pid, (parent, at) in began.items() if parent == 1]
    if children:
        return min(children)
    return began[1][1] if 1 in began else None
