"""Starts that cannot go well, on a real cluster: each says why, soon, and the next start works."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cluster.own_release import NO_IMAGE, OwnRelease
from tests.cluster.standins import empty_registry
from tests.people import Person, sse, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]


@pytest.fixture
def registry(hub: OwnRelease) -> Iterator[None]:
    pod, service = empty_registry(hub.notebook_image)
    hub.apply(pod, service)
    try:
        hub.kubectl("wait", "--for=condition=Ready", "pod/trial-registry", "--timeout=60s")
        yield
    finally:
        hub.kubectl("delete", "pod,service", "trial-registry", "--ignore-not-found", "--wait=false")


@pytest.mark.usefixtures("registry")
def test_an_image_that_does_not_exist_fails_fast_in_plain_words(hub: OwnRelease, log_in: LogIn) -> None:
    person, begun = log_in("imageless"), time.monotonic()
    before = hub.hub_restarts()
    person.start_by_form(profile="no-image")
    with person.rest.stream("GET", f"/hub/api/remuda/progress/{person.path}", timeout=120) as events:
        told = list(sse(events))  # as the pending page reads it
    last = told[-1]
    assert last.get("failed"), last
    assert time.monotonic() - begun < 120, "its start timeout is 5 minutes"
    sentence = f"The image '{NO_IMAGE}' does not exist in its registry."
    assert sentence in last["message"] and last["reason"] == "image-not-found"
    for raw in ("ErrImagePull", "ImagePullBackOff", "failed to resolve", "Spawn failed"):
        assert raw not in last["message"], last["message"]
    page = person.http.get(f"/hub/spawn-pending/{person.path}")
    assert sentence.replace("'", "&#39;") in page.text or sentence in page.text
    assert "image-not-found" in page.text

    wait_for(lambda: hub.pods_of("imageless") == [], 40)
    assert person.start_by_rest({"profile": "small-cpu"}).status_code in {201, 202}
    person.wait_ready()
    assert hub.hub_restarts() == before


def test_a_pod_that_will_not_go_is_waited_for_explained_and_never_doubled(hub: OwnRelease, log_in: LogIn) -> None:
    person = log_in("sticky")
    person.start_by_rest({"profile": "small-cpu"})
    person.wait_ready()
    old = hub.pod_of("sticky")["metadata"]
    finalizers(hub, old["name"], ["remuda.dev/trial"])
    try:
        hub.kubectl("delete", "pod", old["name"], "--wait=false")
        person.wait_gone()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(person.start_by_rest, {"profile": "small-cpu"})
            wait_for(lambda: "last server" in latest_words(person))
            assert asked.result().status_code in {201, 202}
        assert [pod["metadata"]["uid"] for pod in hub.pods_of("sticky")] == [old["uid"]], "nothing beside the old one"
    finally:
        finalizers(hub, old["name"], None)
    person.wait_ready()
    assert hub.pod_of("sticky")["metadata"]["uid"] != old["uid"]


def finalizers(hub: OwnRelease, pod: str, names: list[str] | None) -> None:
    patch = json.dumps({"metadata": {"finalizers": names}})
    hub.kubectl("patch", "pod", pod, "--type=merge", "-p", patch, check=names is not None)


def latest_words(person: Person) -> str:
    """The message that the pending page shows at this moment."""
    page = person.http.get(f"/hub/spawn-pending/{person.path}")
    return str(page.text)


def test_twenty_starts_at_once(hub: OwnRelease, log_in: LogIn) -> None:
    people = [log_in(f"crowd-{number}") for number in range(20)]

    def start(person: Person) -> dict[str, Any]:
        answer = person.start_by_rest({"profile": "tiny"})
        assert answer.status_code in {201, 202}, answer.text
        return person.wait_ready()

    with ThreadPoolExecutor(20) as pool:
        assert all(event["ready"] for event in pool.map(start, people))
    pods = [hub.pod_of(person.name) for person in people]
    assert len({pod["metadata"]["name"] for pod in pods}) == 20
