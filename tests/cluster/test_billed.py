"""What is deleted while no hub runs is billed by its node's clock; and what outlives the chart is nobody's prisoner."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from spawner.billed import FINALIZER
from tests.cluster.own_release import OwnRelease
from tests.people import Person, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]


def run_of(person: Person) -> dict[str, Any]:
    """The newest entry of this person's ledger, which the REST API has."""
    answer = person.rest.get("/hub/api/remuda/ledger")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["entries"][0])


def notebook_of(pod: dict[str, Any]) -> dict[str, Any]:
    (status,) = [each for each in pod["status"]["containerStatuses"] if each["name"] == "notebook"]
    return dict(status["state"])


def no_hub(hub: OwnRelease) -> None:
    hub.kubectl("scale", "deployment/hub", "--replicas=0")
    hub.kubectl("wait", "--for=delete", "pod", "-l", "component=hub", "--timeout=90s")


def hub_again(hub: OwnRelease) -> None:
    hub.kubectl("scale", "deployment/hub", "--replicas=1")
    hub.wait_new_hub()


def over(hub: OwnRelease, name: str) -> dict[str, Any]:
    """Its pod, once its node has let go of it; it is still there."""

    def ended() -> dict[str, Any] | None:
        pod = hub.pod_of(name)
        let_go = pod["metadata"].get("deletionGracePeriodSeconds") == 0
        return pod if let_go and "terminated" in notebook_of(pod) else None

    wait_for(lambda: ended() is not None, 60)
    found = ended()
    assert found is not None
    return found


@pytest.mark.parametrize("force", [False, True], ids=["with grace", "by force"])
def test_a_pod_that_is_deleted_while_no_hub_runs_is_billed_to_the_second(
    hub: OwnRelease, log_in: LogIn, force: bool
) -> None:
    person = log_in(f"unseen-{'forced' if force else 'graceful'}")
    person.start_by_rest({"profile": "tiny"})
    person.wait_ready()
    pod = hub.pod_of(person.name)
    assert pod["metadata"]["finalizers"] == [FINALIZER]
    began = notebook_of(pod)["running"]["startedAt"]
    no_hub(hub)
    try:
        time.sleep(5)  # a hub's last sign of life is further from the end than a second
        how = ("--grace-period=0", "--force") if force else ()
        hub.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false", *how)
        finished = notebook_of(over(hub, person.name))["terminated"]["finishedAt"]
    finally:
        hub_again(hub)
    wait_for(lambda: not hub.pods_of(person.name), 60)
    entry = run_of(person)
    assert moment(entry["began_at"]) == moment(began)
    assert abs((moment(entry["ended_at"]) - moment(finished)).total_seconds()) <= 1
    assert entry["reason"] == "ended"
    person.start_by_rest({"profile": "tiny"})
    person.wait_ready()


def test_a_stop_is_billed_by_the_nodes_clock_and_leaves_no_pod(hub: OwnRelease, log_in: LogIn) -> None:
    person = log_in("stopped-by-hand")
    person.start_by_rest({"profile": "tiny"})
    person.wait_ready()
    before = datetime.now(UTC)
    person.stop()
    wait_for(lambda: not hub.pods_of(person.name), 30)
    entry = run_of(person)
    assert entry["reason"] == "stopped"
    assert before.timestamp() - 1 <= moment(entry["ended_at"]).timestamp() <= time.time()


def test_the_cleaner_says_what_it_releases_and_a_pod_then_goes_without_a_hub(hub: OwnRelease, log_in: LogIn) -> None:
    person = log_in("released-by-hand")
    person.start_by_rest({"profile": "tiny"})
    person.wait_ready()
    name = hub.pod_of(person.name)["metadata"]["name"]
    cleaner = ("exec", "deployment/hub", "--", "python3", "-m", "spawner.release", "--namespace", hub.namespace)
    said = hub.kubectl(*cleaner, "--dry-run")
    assert f"{hub.namespace}/{name}  {person.name}" in said
    assert hub.pod_of(person.name)["metadata"]["finalizers"] == [FINALIZER]
    assert "released." in hub.kubectl(*cleaner)
    assert not hub.pod_of(person.name)["metadata"].get("finalizers")
    no_hub(hub)
    try:
        hub.kubectl("delete", "pod", name, "--timeout=60s")
    finally:
        hub_again(hub)


def test_what_outlives_the_chart_can_be_deleted(hub: OwnRelease, log_in: LogIn) -> None:
    """Last: it uninstalls, and installs again."""
    stays, stuck = log_in("outlives"), log_in("stuck")
    for person in (stays, stuck):
        person.start_by_rest({"profile": "tiny"})
        person.wait_ready()
    names = {person.name: hub.pod_of(person.name)["metadata"]["name"] for person in (stays, stuck)}
    no_hub(hub)
    hub.kubectl("delete", "pod", names["stuck"], "--wait=false")
    over(hub, "stuck")
    hub.helm("uninstall", "trials")
    wait_for(lambda: not hub.pods_of("stuck"), 30)
    assert not hub.pod_of("outlives")["metadata"].get("finalizers")
    assert notebook_of(hub.pod_of("outlives"))["running"]
    for kind in ("jobs", "serviceaccounts", "roles", "rolebindings"):
        left = [each["metadata"]["name"] for each in hub.items(kind)]
        assert "hook-pod-releaser" not in left, json.dumps(left)
    hub.kubectl("delete", "pod", names["outlives"], "--timeout=60s")
    hub._secrets.clear()  # another installation, other passwords
    hub.install()


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
