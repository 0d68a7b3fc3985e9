"""A switch on a real JupyterHub and WorkbenchSpawner, in front of a fake cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from jupyterhub.handlers.base import BaseHandler
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from hub_extensions.switch.board import Phase, Switch, SwitchBoard
from hub_extensions.switch.flow import carry_out
from profiles.choice import MachineChoice
from profiles.model import Catalog, HomePolicy
from profiles.plan import MachinePlan
from profiles.refusal import Reason
from profiles.resolve import resolve
from spawner.cluster import CLAIM, NODE, POD, VOLUME
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import Hub, StartHub

CATALOG = Catalog.model_validate(
    {
        "defaultProfile": "small",
        "pools": {"general": {"displayName": "General", "nodeSelector": {"remuda.dev/pool": "general"}}},
        "profiles": {
            "small": {"displayName": "Small", "pool": "general", "cpu": 1, "memory": "1Gi", "startTimeout": "20s"},
            "big": {"displayName": "Big", "pool": "general", "cpu": 4, "memory": "8Gi", "startTimeout": "20s"},
            "huge": {"displayName": "Huge", "pool": "general", "cpu": 99, "memory": "8Gi"},
        },
    }
)
KEY = ("ada", "")


@pytest.fixture
async def hub(start_hub: StartHub) -> Hub:
    return await start_hub(CATALOG, HomePolicy(size="1Gi"))


def handler_of(hub: Hub, user: Any) -> BaseHandler:
    """The request that asked for the switch; its answer has long been sent."""
    application = hub.app.tornado_application
    connection = type("Gone", (), {"set_close_callback": lambda self, callback: None})()
    line = RequestStartLine("POST", "/hub/switch", "HTTP/1.1")
    handler = BaseHandler(
        application, HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "h"}), connection=connection)
    )
    handler._jupyterhub_user = user
    return handler


def plan_of(person: Any, profile: str) -> MachinePlan:
    plan = resolve(CATALOG, MachineChoice(profile), person)
    assert isinstance(plan, MachinePlan)
    return plan


async def switch(hub: Hub, user: Any, profile: str, board: SwitchBoard | None = None) -> SwitchBoard:
    board = board or SwitchBoard()
    wanted = plan_of(user.spawners[""].person, profile)
    step = Switch(wanted.choice.to_user_options(), wanted.display_name, "Small", datetime.now(UTC))
    assert board.begin(KEY, step)
    async with asyncio.timeout(30):
        await carry_out(board, KEY, step, handler_of(hub, user), user)
    assert board.get(KEY) is None
    return board


async def test_the_home_follows_and_never_two_machines_hold_it(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    first = (await hub.spawn(ada)).spawn_id
    (claim,) = cluster.all_of(CLAIM)
    most = 0

    def count(verb: str, kind: Any) -> None:
        nonlocal most
        most = max(most, len(cluster.all_of(POD)))

    hub.process.after = count
    await switch(hub, ada, "big")
    spawner = ada.spawners[""]
    assert spawner.ready
    assert spawner.machine.profile_id == "big"
    (pod,) = cluster.all_of(POD)
    assert pod["metadata"]["labels"]["remuda.dev/spawn-id"] == spawner.spawn_id != first
    assert cluster.all_of(CLAIM)[0]["metadata"]["uid"] == claim["metadata"]["uid"]
    assert most == 1
    assert spawner.orm_spawner.user_options["profile"] == "big"


async def test_a_machine_that_lives_on_after_its_stop_is_not_joined_by_another(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    pods = cluster.all_of(POD)
    cluster.go_away()
    asyncio.get_running_loop().call_later(3, cluster.come_back)
    await switch(hub, ada, "big")
    running = cluster.all_of(POD)
    assert len(running) == 1
    failed = ada.spawners[""]
    if running[0]["metadata"]["uid"] == pods[0]["metadata"]["uid"]:
        assert failed.failure.reason == "stop-failed"
    else:
        assert failed.machine.profile_id == "big"


async def test_a_machine_that_takes_long_to_stop_is_waited_for(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet
) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    (old,) = cluster.all_of(POD)
    kubelet.hold_terminating = True
    board = SwitchBoard()
    switching = asyncio.ensure_future(switch(hub, ada, "big", board))
    async with asyncio.timeout(60):
        while not cluster.all_of(POD)[0]["metadata"].get("deletionTimestamp"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    under_way = board.get(KEY)
    assert under_way is not None
    assert under_way.phase is Phase.STOPPING
    assert await board.changed(KEY, under_way, timeout_s=0.5) == under_way, "it waits as long as the machine is there"
    assert [pod["metadata"]["uid"] for pod in cluster.all_of(POD)] == [old["metadata"]["uid"]]
    kubelet.release()
    await switching
    assert ada.spawners[""].machine.profile_id == "big"


async def test_the_way_back_after_a_start_that_failed(hub: Hub, cluster: FakeCluster) -> None:
    put_node(cluster, cpu="8")
    ada = hub.user("ada")
    await hub.spawn(ada, {"profile": "small"})
    await switch(hub, ada, "huge")
    spawner = ada.spawners[""]
    assert not spawner.active
    assert spawner._failed
    assert spawner.failure.reason == Reason.NEVER_FITS
    assert spawner.last_good_choice is not None
    assert spawner.last_good_choice.profile == "small"
    assert not cluster.all_of(POD)


async def test_what_can_never_start_is_foreseen_before_anything_stops(hub: Hub, cluster: FakeCluster) -> None:
    put_node(cluster, cpu="8")
    ada = hub.user("ada")
    spawner = await hub.spawn(ada, {"profile": "small"})
    refusal = await spawner.foresee(plan_of(spawner.person, "huge"))
    assert refusal is not None
    assert refusal.reason is Reason.NEVER_FITS
    assert await spawner.foresee(plan_of(spawner.person, "big")) is None
    assert spawner.ready


async def test_a_home_in_a_zone_that_the_pool_is_not_in_is_foreseen_too(hub: Hub, cluster: FakeCluster) -> None:
    put_node(cluster, cpu="8", zone="a")
    spawner = await hub.spawn(hub.user("ada"), {"profile": "small"})
    (claim,) = cluster.all_of(CLAIM)
    cluster.put(CLAIM, {**claim, "spec": {**claim["spec"], "volumeName": "disk-1"}})
    cluster.put(VOLUME, {"metadata": {"name": "disk-1"}, "spec": {"nodeAffinity": {"required": in_zone("b")}}})
    refusal = await spawner.foresee(plan_of(spawner.person, "big"))
    assert refusal is not None
    assert refusal.reason is Reason.HOME_UNREACHABLE
    assert spawner.ready


def in_zone(zone: str) -> dict[str, Any]:
    expression = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
    return {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}


def put_node(cluster: FakeCluster, *, cpu: str, zone: str = "a") -> None:
    labels = {"remuda.dev/pool": "general", "topology.kubernetes.io/zone": zone}
    cluster.put(
        NODE,
        {
            "metadata": {"name": "node-1", "labels": labels},
            "status": {"allocatable": {"cpu": cpu, "memory": "64Gi"}},
        },
    )
