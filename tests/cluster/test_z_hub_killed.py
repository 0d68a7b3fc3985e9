"""The hub is killed at every moment of a start. Last but one: what it breaks, it breaks for everyone."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.cluster.own_release import LATE_LABEL, OwnRelease
from tests.people import Person, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
#: The plain stack stops a pod that it finds half started 32 s after the restart.
WATCHED_S = 42


@pytest.fixture
def late_node(hub: OwnRelease) -> Iterator[Callable[[], None]]:
    """Call it, and the late pool has a node."""
    (node,) = [each["metadata"]["name"] for each in hub.items("nodes", "-l", "remuda.dev/pool=general")]
    yield lambda: hub.kubectl("label", "node", node, f"{LATE_LABEL}=yes") and None
    hub.kubectl("label", "node", node, f"{LATE_LABEL}-")


@dataclass
class Kubelet:
    """A node's own; while it sleeps, the node gets pods and makes no container.

    For less than the 40 s after which Kubernetes gives a node up; what runs there runs on. No volume may be asked
    for meanwhile: the pod that makes it is put on any node, this one too.
    """

    hub: OwnRelease
    node: str

    def sleep(self) -> None:
        self._signal("STOP")

    def wake(self) -> None:
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        self.hub.on_node(self.node, "sh", "-c", f"kill -{name} $(pidof kubelet)")


@pytest.fixture
def kubelet(hub: OwnRelease) -> Iterator[Kubelet]:
    """The kubelet of the many-core pool."""
    (node,) = [each["metadata"]["name"] for each in hub.items("nodes", "-l", "remuda.dev/pool=many-core")]
    kubelet = Kubelet(hub, node)
    yield kubelet
    kubelet.wake()


@dataclass
class Ends:
    """Which of these pods (by uid) were told to go while it looked."""

    hub: OwnRelease
    pods: set[str]
    told: list[str] = field(default_factory=list)

    def watch(self, seconds: int) -> list[str]:
        """Follows the API's own events for so long."""
        path = f"/api/v1/namespaces/{self.hub.namespace}/pods?watch=1&timeoutSeconds={seconds}"
        command = self.hub.kubectl_command("get", "--raw", path)
        done = subprocess.run(command, capture_output=True, timeout=seconds + 30, check=True)
        for line in done.stdout.splitlines():
            event = json.loads(line)
            meta = event["object"]["metadata"]
            if meta.get("uid") in self.pods and (event["type"] == "DELETED" or meta.get("deletionTimestamp")):
                self.told.append(f"{event['type']} {meta['name']}")
        return self.told


def is_held(hub: OwnRelease, name: str, *, scheduled: bool) -> bool:
    """Its pod is there, has a node or not, and none of its containers has been made."""
    pods = hub.pods_of(name)
    return bool(pods) and bool(pods[0]["spec"].get("nodeName")) == scheduled and not made(pods[0])


def made(pod: dict[str, Any]) -> bool:
    return bool(pod["status"].get("containerStatuses"))


def ask(person: Person, profile: str) -> httpx.Response | Exception:
    """A start whose answer may never come."""
    try:
        return person.start_by_rest({"profile": profile})
    except httpx.HTTPError as error:
        return error


def is_ready(person: Person) -> bool:
    return bool(person.model()["servers"].get("", {}).get("ready"))


@dataclass
class Starts:
    """One person in each stage of a start, and one whose machine has just become ready."""

    before_pod: Person
    pending: Person
    creating: Person
    ready: Person

    @property
    def held(self) -> list[Person]:
        return [self.pending, self.creating]

    @property
    def with_pods(self) -> list[Person]:
        return [self.pending, self.creating, self.ready]


def wait_ready(hub: OwnRelease, person: Person, seconds: float) -> None:
    """What the hub made of the start, and its log, where it does not come up."""
    try:
        wait_for(lambda: is_ready(person), seconds)
    except AssertionError as e:
        raise AssertionError(f"{person.name} is not ready: {person.model()['servers']}\n{hub.log()}") from e


def test_a_hub_killed_in_the_middle_of_starts_finds_every_pod_again(
    hub: OwnRelease,
    log_in: LogIn,
    late_node: Callable[[], None],
    kubelet: Kubelet,
) -> None:
    starts = Starts(*(log_in(f"killed-{stage}") for stage in ("before-pod", "pending", "creating", "ready")))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(give_home, [starts.pending, starts.creating, starts.ready]))
    stuck = hold_back(hub, starts.before_pod)
    try:
        kubelet.sleep()
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, starts.before_pod, "small-cpu")]
            asked += [
                pool.submit(ask, starts.pending, "late-node"),
                pool.submit(ask, starts.creating, "many-core"),
            ]
            wait_for(lambda: is_held(hub, starts.pending.name, scheduled=False))
            wait_for(lambda: is_held(hub, starts.creating.name, scheduled=True))
            wait_for(lambda: starts.before_pod.model()["servers"].get("", {}).get("pending") == "spawn")
            starts.ready.start_by_rest({"profile": "small-cpu"})
            starts.ready.wait_ready()
            pods = {person.name: hub.pod_of(person.name)["metadata"]["uid"] for person in starts.with_pods}

            hub.kill_hub_process()
            for answer in asked:
                answer.result()
        hub.wait_new_hub()

        ends = Ends(hub, set(pods.values()))
        watching = threading.Thread(target=ends.watch, args=(WATCHED_S,))
        watching.start()
        late_node()
        kubelet.wake()
        for person in starts.with_pods:
            # Minutes at most: a hub that has been killed several times is started again later each time, and a node
            # that has been silent for longer than forty seconds has to be found again first.
            wait_ready(hub, person, 180)
            assert person.run("print('reached')").strip() == "reached"
        watching.join()
        assert ends.told == []
        assert {p.name: hub.pod_of(p.name)["metadata"]["uid"] for p in starts.with_pods} == pods, "one pod, the same"
        assert all(is_ready(person) for person in starts.with_pods)
    finally:
        let_go(hub, stuck)
    # Nothing had been asked of the cluster yet: nothing runs, the person reads why, and the next start works.
    wait_for(lambda: not starts.before_pod.model()["servers"].get("", {}).get("pending"), 60)
    if "" not in starts.before_pod.model()["servers"]:
        assert "hub-restarted" in starts.before_pod.http.get("/hub/home").text
        assert starts.before_pod.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    starts.before_pod.wait_ready()
    hub.pod_of(starts.before_pod.name)


def give_home(person: Person) -> None:
    """A start and a stop."""
    person.start_by_rest({"profile": "tiny"})
    person.wait_ready()
    person.stop()


def hold_back(hub: OwnRelease, person: Person) -> str:
    """The next start waits before it makes its pod: an old pod of this person will not go."""
    person.start_by_rest({"profile": "small-cpu"})
    person.wait_ready()
    name = str(hub.pod_of(person.name)["metadata"]["name"])
    patch = json.dumps({"metadata": {"finalizers": ["remuda.dev/trial"]}})
    hub.kubectl("patch", "pod", name, "--type=merge", "-p", patch)
    hub.kubectl("delete", "pod", name, "--wait=false")
    person.wait_gone()
    return name


def let_go(hub: OwnRelease, pod: str) -> None:
    hub.kubectl("patch", "pod", pod, "--type=merge", "-p", '{"metadata": {"finalizers": null}}', check=False)


def test_starts_all_over_the_place_survive_a_killed_hub(hub: OwnRelease, log_in: LogIn) -> None:
    """Whatever a start was doing when the hub died: in the end there is one machine that works, or none and a word."""
    people = [log_in(f"scattered-{number}") for number in range(6)]

    def start(person: Person) -> Any:
        return ask(person, "tiny")

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(start, person) for person in people]
        wait_for(lambda: sum(bool(hub.pods_of(person.name)) for person in people) >= 2)
        hub.delete_hub_pod()
        for answer in asked:
            answer.result()
    hub.wait_new_hub()
    for person in people:
        wait_for(lambda: not person.model()["servers"].get("", {}).get("pending"), 90)  # noqa: B023
        if is_ready(person):
            assert person.run("print('reached')").strip() == "reached"
            hub.pod_of(person.name)
        else:
            assert person.start_by_rest({"profile": "tiny"}).status_code in {201, 202}
            person.wait_ready()
            hub.pod_of(person.name)
