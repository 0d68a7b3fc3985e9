"""The Kubernetes API is away for 70 s, for everyone: kubelets, scheduler and hub. Last of all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.cluster.own_release import CONTROL_PLANE, OwnRelease
from tests.cluster.standins import ON_A_POOL, server_pod
from tests.people import Person, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
OUTAGE_S = 70
REFUSE = ["INPUT", "-p", "tcp", "--dport", "6443", "-j", "REJECT", "--reject-with", "tcp-reset"]


@contextmanager
def api_server_away(hub: OwnRelease) -> Iterator[None]:
    """Every connection to it, present and new, is reset: as seen from outside, a process that is not there."""
    hub.on_node(CONTROL_PLANE, "iptables", "-w", "-I", *REFUSE)
    try:
        yield
    finally:
        hub.on_node(CONTROL_PLANE, "iptables", "-w", "-D", *REFUSE)


def test_an_outage_of_the_api_server_costs_nobody_a_server(hub: OwnRelease, log_in: LogIn) -> None:
    worker, stopper, starter, late = (log_in(f"outage-{role}") for role in ("works", "stops", "starts", "late"))
    for person in (worker, stopper, late):
        person.start_by_rest({"profile": "tiny"})
    for person in (worker, stopper, late):
        person.wait_ready()
    late.stop()
    kernel = worker.new_kernel()
    worker.run("kept = 'in memory'", kernel)
    before, watch = hub.hub_restarts(), hub.health()["watch"]
    uid = hub.pod_of(worker.name)["metadata"]["uid"]

    with ThreadPoolExecutor(2) as pool:
        with api_server_away(hub):
            began = time.monotonic()
            stopped = pool.submit(stopper.rest.delete, stopper.server_path())
            started = pool.submit(starter.start_by_rest, {"profile": "tiny"})
            wait_for(lambda: works_through(worker, kernel, began), OUTAGE_S + 30, every=2)
        assert stopped.result().status_code in {202, 204}, stopped.result().text
        answer: httpx.Response = started.result()

    wait_for(lambda: api_answers(hub), 60)
    wait_for(lambda: hub.health()["watch"]["stale_seconds"] == 0)
    assert worker.model()["servers"][""]["ready"]
    assert worker.run("print(kept)", kernel).strip() == "in memory"
    assert hub.pod_of(worker.name)["metadata"]["uid"] == uid

    wait_until_kubernetes_starts_pods(hub)
    if answer.status_code in {201, 202}:
        starter.wait_ready()
    else:
        assert answer.status_code == 503 and answer.reason_phrase, answer.text
    wait_for(lambda: hub.pods_of(stopper.name) == [], 40)
    wait_for(lambda: "" not in stopper.model()["servers"], 40)

    with_kubernetes = time.monotonic()
    assert late.start_by_rest({"profile": "tiny"}).status_code in {201, 202}
    late.wait_ready()
    assert time.monotonic() - with_kubernetes < 60, "starts work again as soon as Kubernetes does, not minutes later"
    assert hub.hub_restarts() == before
    now = hub.health()["watch"]
    forgotten = now["expiries"] - watch["expiries"]  # a server that has just started may have no history to resume
    assert now["relists"] - watch["relists"] == forgotten, "it resumed where it was, if the server still knew it"


def works_through(worker: Person, kernel: str, began: float) -> bool:
    """Used all the while; True when the outage has lasted long enough."""
    assert worker.run("print(kept)", kernel).strip() == "in memory"
    assert worker.model()["servers"][""]["ready"]
    return time.monotonic() - began >= OUTAGE_S


def api_answers(hub: OwnRelease) -> bool:
    return hub.kubectl("get", "--raw", "/readyz", check=False) == "ok"


def wait_until_kubernetes_starts_pods(hub: OwnRelease) -> None:
    """Its scheduler ends with the outage and comes back on its own time; a pod that no hub is concerned with tells."""
    hub.apply(server_pod("trial-control", hub.notebook_image, ["sleep", "600"], **ON_A_POOL))
    try:
        hub.kubectl("wait", "--for=condition=Ready", "pod/trial-control", "--timeout=120s")
    finally:
        hub.kubectl("delete", "pod", "trial-control", "--wait=false")
