"""`helm upgrade` with changed values while people work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.own_release import OwnRelease
from tests.people import Person

pytestmark = pytest.mark.cluster
LogIn = Callable[[str], Person]


@pytest.fixture
def as_before(hub: OwnRelease) -> Iterator[None]:
    yield
    hub.install()


@pytest.mark.usefixtures("as_before")
def test_an_upgrade_stops_nobody_and_shows_the_new_price(hub: OwnRelease, log_in: LogIn) -> None:
    people = [log_in("upgraded"), log_in("upgraded-too")]
    for person, profile in zip(people, ("small-cpu", "many-core"), strict=True):
        person.start_by_rest({"profile": profile})
    for person in people:
        person.wait_ready()
    kernels = [person.new_kernel() for person in people]
    for person, kernel in zip(people, kernels, strict=True):
        person.run("kept = 'in memory'", kernel)
    pods = {hub.pod_of(person.name)["metadata"]["uid"] for person in people}
    hub_before, _ = hub.hub_restarts()

    hub.install(profiles={"small-cpu": {"pricePerHour": 0.07}}, singleuser={"storage": {"capacity": "2Gi"}})

    assert hub.hub_restarts()[0] != hub_before, "the new values need a new hub"
    for person, kernel in zip(people, kernels, strict=True):
        assert person.model()["servers"][""]["ready"]
        assert person.run("print(kept)", kernel).strip() == "in memory"
    assert {hub.pod_of(person.name)["metadata"]["uid"] for person in people} == pods
    newcomer = log_in("newcomer")
    assert "€0.07 per hour" in newcomer.http.get("/hub/spawn").text
    assert "€0.05 per hour" in people[0].http.get("/hub/home").text, "who started before goes on at the price agreed"

    people[0].stop()
    people[0].start_by_rest({"profile": "small-cpu"})
    people[0].wait_ready()  # the class cannot grow disks: the home stays as it is, and works
    assert "€0.07 per hour" in people[0].http.get("/hub/home").text
