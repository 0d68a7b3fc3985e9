"""A node is emptied for maintenance: who was on it reads why, and who wants onto it hears what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.own_release import OwnRelease
from tests.people import Person, sse, wait_for

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]
POOL = "many-core"


@pytest.fixture
def node(hub: OwnRelease) -> Iterator[str]:
    """The pool's only node; people can start on it again when the test is over."""
    (node,) = [each["metadata"]["name"] for each in hub.items("nodes", "-l", f"remuda.dev/pool={POOL}")]
    yield node
    hub.kubectl("uncordon", node)


def test_a_drained_node_is_explained_and_its_pool_works_again_afterwards(
    hub: OwnRelease, log_in: LogIn, node: str
) -> None:
    person = log_in("drained")
    person.start_by_rest({"profile": POOL})
    person.wait_ready()

    mine = "hub.jupyter.org/username=drained"  # other people's servers stay where they are
    hub.kubectl("drain", node, "--pod-selector", mine, "--force", "--delete-emptydir-data", "--timeout=60s")
    person.wait_gone()
    home = person.http.get("/hub/home").text
    assert "emptied for maintenance" in home and "node-drained" in home, home
    assert "Your home is safe" in home

    person.start_by_form(profile=POOL)
    told: list[str] = []
    with person.rest.stream("GET", f"{person.server_path()}/progress", timeout=120) as events:
        for event in sse(events):
            told.append(event["message"])
            if "out of service" in event["message"]:
                break
            assert not event.get("failed") and not event.get("ready"), told
    hub.kubectl("uncordon", node)
    person.wait_ready()
    assert hub.pool_of(hub.pod_of("drained")) == POOL
    wait_for(lambda: "emptied for maintenance" not in person.http.get("/hub/home").text)
