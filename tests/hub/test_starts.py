"""Starts, stops and restarts of a real JupyterHub on a fake cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from jupyterhub.spawner import SpawnException
from kubespawner.slugs import is_valid_label, is_valid_object_name

from profiles.model import Catalog, HomePolicy
from spawner.cluster import CLAIM, POD, Json, Kind
from spawner.podstate import Ended, claims_of, liveness
from spawner.refused import FailedStart, RefusedStart
from spawner.retry import ApiError, ClusterError, Unreachable
from tests.fakes.cluster import FakeCluster, Kubelet
from tests.fakes.hub import ROUTES, Answerer, Hub, StartHub

CATALOG = Catalog.model_validate(
    {
        "defaultProfile": "small",
        "pools": {"general": {"nodeSelector": {"remuda.dev/pool": "general"}}},
        "profiles": {
            "small": {"displayName": "Small", "pool": "general", "cpu": "1", "memory": "1Gi", "startTimeout": "20s"},
            "big": {
                "displayName": "Big",
                "pool": "general",
                "cpu": "4",
                "memory": "8Gi",
                "allow": {"groups": ["heavy"]},
            },
        },
    }
)


@pytest.fixture
async def hub(start_hub: StartHub) -> Hub:
    return await start_hub(CATALOG, HomePolicy(size="1Gi"))


async def test_a_start_ends_with_a_route_to_a_running_machine(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    spawner = await hub.spawn(ada)
    assert spawner.ready
    assert spawner.machine.profile_id == "small"
    assert ROUTES["/user/ada/"]["target"].startswith("http://127.0.0.1:")
    (pod,) = cluster.all_of(POD)
    assert pod["metadata"]["labels"]["remuda.dev/spawn-id"] == spawner.spawn_id
    await hub.stop(ada)
    assert not cluster.all_of(POD)


async def test_a_choice_nobody_may_make_reaches_no_cluster(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    before = dict(cluster.requests)
    for options, reason, status in (
        ({"profile": "big"}, "forbidden-profile", 403),
        ({"profile": "none-such"}, "unknown-profile", 400),
        ({"profile": ["big"]}, "malformed-choice", 400),
        ({"image": "evil"}, "malformed-choice", 400),
    ):
        with pytest.raises(RefusedStart) as refused:
            await hub.spawn(ada, options)
        assert (refused.value.reason, refused.value.status_code) == (reason, status)
        assert ada.spawners[""].failure.reason == reason
    assert isinstance(refused.value, SpawnException), "JupyterHub counts no SpawnException as a failure of the hub"
    assert "create pods" not in cluster.requests.keys() - before.keys()


async def test_rights_are_those_of_this_moment_even_for_a_replayed_choice(hub: Hub) -> None:
    ada = hub.user("ada", groups=("heavy",))
    spawner = await hub.spawn(ada, {"profile": "big"})
    assert spawner.machine.profile_id == "big"
    await hub.stop(ada)
    ada.orm_user.groups.clear()
    hub.app.db.commit()
    with pytest.raises(RefusedStart) as refused:
        await hub.spawn(ada, None)  # replays what was stored
    assert refused.value.reason == "forbidden-profile"


async def test_names_of_people_are_escaped_in_messages(hub: Hub) -> None:
    with pytest.raises(RefusedStart) as refused:
        await hub.spawn(hub.user("ada"), {"profile": "<script>alert(1)</script>"})
    assert "<script>" not in refused.value.message_html
    assert "<script>" not in refused.value.jupyterhub_html_message


async def test_one_home_for_all_servers_of_a_person(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    await hub.spawn(ada, server_name="second")
    assert [claim["metadata"]["name"] for claim in cluster.all_of(CLAIM)] == ["home-ada"]
    used = {claim for pod in cluster.all_of(POD) for claim in claims_of(pod)}
    assert used == {"home-ada"}
    await hub.stop(ada, "second")
    await ada.spawners["second"].delete_forever() if "second" in ada.spawners else None
    await ada._delete_spawner("second")
    assert cluster.all_of(CLAIM), "a named server goes without the home"
    await hub.stop(ada)
    await ada.delete_spawners()
    assert cluster.all_of(CLAIM), "and so does the person, unless the admin says otherwise"


async def test_the_home_goes_with_its_person_only_where_the_admin_says_so(hub: Hub, cluster: FakeCluster) -> None:
    hub.home = HomePolicy(size="1Gi", keep_when_user_removed=False)
    await hub.kill()
    await hub.start()
    ada = hub.user("ada")
    await hub.spawn(ada, server_name="second")
    await hub.stop(ada, "second")
    await ada._delete_spawner("second")
    assert cluster.all_of(CLAIM)
    await ada._delete_spawner("")
    assert not cluster.all_of(CLAIM)


async def test_a_claim_that_is_there_already_is_used_as_it_is(hub: Hub, cluster: FakeCluster) -> None:
    theirs = {
        "metadata": {"name": "home-ada", "namespace": "hub"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "500Gi"}}},
        "status": {"phase": "Bound"},
    }
    cluster.put(CLAIM, theirs, "hub")
    assert (await hub.spawn(hub.user("ada"))).ready
    (claim,) = cluster.all_of(CLAIM)
    assert claim["spec"] == theirs["spec"]
    assert "patch persistentvolumeclaims" not in cluster.requests


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_home_grows_with_the_setting_where_it_can(hub: Hub, cluster: FakeCluster, allowed: bool) -> None:
    cluster.put(
        CLAIM,
        {
            "metadata": {"name": "home-ada", "annotations": {"hub.jupyter.org/username": "ada"}},
            "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "512Mi"}}},
            "status": {"phase": "Bound"},
        },
        "hub",
    )
    if not allowed:
        cluster.fail("patch", CLAIM, ApiError(403, "Forbidden", "the storageclass must support resize"))
    assert (await hub.spawn(hub.user("ada"))).ready
    (claim,) = cluster.all_of(CLAIM)
    assert claim["spec"]["resources"]["requests"]["storage"] == ("1Gi" if allowed else "512Mi")


async def test_the_home_of_another_name_is_never_mounted(hub: Hub, cluster: FakeCluster) -> None:
    cluster.put(
        CLAIM,
        {"metadata": {"name": "home-ada", "annotations": {"hub.jupyter.org/username": "somebody-else"}}, "spec": {}},
        "hub",
    )
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(hub.user("ada"))
    assert failed.value.reason == "home-of-another"
    assert not cluster.all_of(POD)


NAMES = [
    "ünïcode",
    "x" * 60,
    "x" * 60 + "y",
    "a.b",
    "a-b",
    "a_b",
    "A-B",
    "user@example.com",
    "user-example-com",
    "日本語",
]


async def test_names_that_look_alike_as_slugs_stay_apart(hub: Hub, cluster: FakeCluster) -> None:
    for name in NAMES:
        assert (await hub.spawn(hub.user(name))).ready
    pods, claims = cluster.all_of(POD), cluster.all_of(CLAIM)
    assert len({pod["metadata"]["name"] for pod in pods}) == len(NAMES)
    assert len({claim["metadata"]["name"] for claim in claims}) == len(NAMES)
    for thing in (*pods, *claims):
        assert is_valid_object_name(thing["metadata"]["name"])
        assert all(is_valid_label(value) for value in thing["metadata"]["labels"].values())
    owners = {claim["metadata"]["annotations"]["hub.jupyter.org/username"] for claim in claims}
    assert owners == set(NAMES)


# The API server has a bad day.


@pytest.mark.parametrize(
    "error",
    [
        ApiError(429, "TooManyRequests", retry_after_s=0.01),
        ApiError(500, "InternalError", "etcdserver: request timed out"),
        ApiError(503, "ServiceUnavailable"),
        ApiError(409, "Conflict", "Operation cannot be fulfilled on resourcequotas"),
        Unreachable("refused"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [POD, CLAIM], ids=["pod", "claim"])
async def test_what_may_pass_is_retried_within_the_start(
    hub: Hub, cluster: FakeCluster, error: ClusterError, kind: Kind
) -> None:
    cluster.fail("create", kind, error, times=3)
    assert (await hub.spawn(hub.user("ada"))).ready


async def test_an_answer_that_was_lost_is_recognised_as_ours(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    cluster.fail("create", POD, Unreachable("timed out"), after_effect=True)
    spawner = await hub.spawn(hub.user("ada"))
    assert spawner.ready
    assert len(kubelet.runs) == 1, "not a second pod, and the first one not deleted"


async def test_a_final_refusal_ends_the_start_at_once_with_its_reason(hub: Hub, cluster: FakeCluster) -> None:
    message = (
        'pods "jupyter-ada" is forbidden: exceeded quota: hub, requested: requests.cpu=1, '
        "used: requests.cpu=16, limited: requests.cpu=16"
    )
    cluster.fail("create", POD, ApiError(403, "Forbidden", message), times=99)
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(hub.user("ada"))
    assert failed.value.reason == "quota-exceeded"
    assert cluster.requests["create pods"] == 1


async def test_a_start_begun_in_an_outage_goes_on_when_it_is_over(hub: Hub, cluster: FakeCluster) -> None:
    cluster.go_away()
    starting = hub.begin(hub.user("ada"))
    await seen(cluster, "list pods", 2)
    assert not starting.done()
    cluster.come_back()
    assert (await starting).ready


async def test_a_start_that_ends_without_an_answer_leaves_no_pod(hub: Hub, cluster: FakeCluster) -> None:
    hub.catalog = one_second_catalog()
    spawner_ready = await hub.spawn(hub.user("bob"))
    assert spawner_ready.ready, "the picture is complete before it goes wrong"
    for verb in ("create", "get", "watch", "delete"):
        cluster.fail(verb, POD, Unreachable("timed out"), times=10**6, after_effect=verb == "create")
    cluster.end_watches(Unreachable("reset"))
    starting = hub.begin(hub.user("ada"))
    await until(lambda: ("pods", "hub", "jupyter-ada") in cluster.things)
    await until(lambda: hub.user("ada").spawner._stop_pending)
    cluster.faults.clear()
    with pytest.raises(FailedStart) as failed:
        await starting
    assert failed.value.reason == "cluster-unreachable"
    assert ("pods", "hub", "jupyter-ada") not in cluster.things


async def test_a_stop_in_an_outage_leaks_nothing(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    cluster.go_away()
    stopping = asyncio.ensure_future(hub.stop(ada))
    await seen(cluster, "get pods", 3)
    assert not stopping.done(), "it does not claim to have stopped what runs"
    assert cluster.all_of(POD)
    cluster.come_back()
    await stopping
    assert not cluster.all_of(POD)


async def test_an_outage_stops_nothing(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    spawner = await hub.spawn(ada)
    cluster.go_away()
    assert await spawner.poll() is None
    cluster.come_back()
    assert await spawner.poll() is None
    assert spawner.ready


# Pods of the past, and pods that end.


async def test_an_old_pod_under_the_name_is_seen_off_first(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    old = leftover(cluster)
    kubelet.hold_terminating = True
    starting = hub.begin(hub.user("ada"))
    await until(lambda: cluster.things[("pods", "hub", "jupyter-ada")]["metadata"].get("deletionTimestamp"))
    assert not starting.done()
    kubelet.release()
    assert (await starting).ready
    (pod,) = cluster.all_of(POD)
    assert pod["metadata"]["uid"] != old["metadata"]["uid"]


async def test_a_pod_that_will_not_go_is_explained_and_not_forced(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spawner.launch.STUCK_AFTER_S", -0.9)
    kubelet.hold_terminating = True
    old = leftover(cluster)
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(hub.user("ada"))
    assert failed.value.reason == "old-server-stuck"
    assert "node-9" in failed.value.message
    (pod,) = cluster.all_of(POD)
    assert pod["metadata"]["uid"] == old["metadata"]["uid"], "not removed by force, and no second one beside it"


async def test_another_persons_pod_is_left_alone(hub: Hub, cluster: FakeCluster) -> None:
    leftover(cluster, owner="mallory")
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(hub.user("ada"))
    assert failed.value.reason == "name-of-another"
    assert len(cluster.all_of(POD)) == 1


async def test_a_pod_that_is_taken_away_ends_the_start(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    kubelet.hold_pending = True
    starting = hub.begin(hub.user("ada"))
    await until(lambda: cluster.all_of(POD))
    cluster.remove(POD, "hub", "jupyter-ada")
    with pytest.raises(FailedStart) as failed:
        await starting
    assert failed.value.reason == "pod-removed"


async def test_a_machine_that_is_killed_is_noticed_and_explained(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    spawner = await hub.spawn(ada)
    state = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    cluster.change(
        POD,
        "hub",
        "jupyter-ada",
        {"status": {"phase": "Failed", "containerStatuses": [{"name": "notebook", "ready": False, "state": state}]}},
    )
    await until(lambda: isinstance(liveness(spawner.present_pod()), Ended))
    assert await spawner.poll() == 137
    assert spawner.failure.reason == "out-of-memory"
    await until(lambda: not cluster.all_of(POD))
    await ada.stop("")
    assert ada.spawner.failure.reason == "out-of-memory", "kept for the pages after the server is forgotten"


async def test_a_drained_machine_is_not_alive_any_more(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    spawner = await hub.spawn(hub.user("ada"))
    kubelet.hold_terminating = True
    await cluster.delete(POD, "hub", "jupyter-ada", grace_s=30)
    await until(lambda: isinstance(liveness(spawner.present_pod()), Ended))
    assert await spawner.poll() == 1


async def test_a_start_that_takes_too_long_says_where_it_stands(
    cluster: FakeCluster, hub: Hub, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelet.hold_pending = True
    hub.catalog = one_second_catalog()
    ada = hub.user("ada")
    with pytest.raises(FailedStart) as failed:
        await hub.spawn(ada)
    assert "1 second" in failed.value.message
    assert not cluster.all_of(POD)
    assert ada.spawners[""].failure is not None


async def test_a_machine_whose_image_is_still_missing_is_not_called_silent(
    cluster: FakeCluster, hub: Hub, kubelet: Kubelet, answerer: Answerer
) -> None:
    """Its pod has an address all along, and nothing behind it."""
    kubelet.hold_pending = answerer.silent = True
    hub.catalog = one_second_catalog()
    starting = asyncio.ensure_future(hub.spawn(hub.user("ada")))
    await until(lambda: cluster.all_of(POD))
    message = 'failed to do request: Head "https://registry": dial tcp: lookup registry: no such host'
    waiting = {"waiting": {"reason": "ErrImagePull", "message": message}}
    container = {"name": "notebook", "ready": False, "restartCount": 0, "image": "lab:1", "state": waiting}
    status = {"podIP": kubelet.ip, "containerStatuses": [container]}
    cluster.change(POD, "hub", "jupyter-ada", {"spec": {"nodeName": "node-1"}, "status": status})
    with pytest.raises(FailedStart) as failed:
        await starting
    assert failed.value.reason == "registry-unreachable"


@pytest.mark.parametrize("silent", [True, False], ids=["runs", "has no image"])
async def test_a_server_that_is_silent_is_told_from_one_that_never_ran(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet, answerer: Answerer, silent: bool
) -> None:
    hub.catalog = one_second_catalog()
    answerer.silent = True
    kubelet.hold_pending = not silent
    starting = hub.begin(hub.user("ada"))
    if not silent:
        await until(lambda: ("pods", "hub", "jupyter-ada") in cluster.things)
        waiting = {"waiting": {"reason": "ErrImagePull", "message": "dial tcp: lookup registry.invalid: no such host"}}
        containers = [{"name": "notebook", "ready": False, "state": waiting}]
        # An address is given before images are pulled.
        status = {"podIP": "127.0.0.1", "containerStatuses": containers}
        cluster.change(POD, "hub", "jupyter-ada", {"spec": {"nodeName": "node-1"}, "status": status})
    with pytest.raises(FailedStart) as failed:
        await starting
    assert failed.value.reason == ("server-silent" if silent else "registry-unreachable")


async def test_progress_tells_the_story_to_early_and_late_listeners(hub: Hub, kubelet: Kubelet) -> None:
    kubelet.hold_pending = True
    ada = hub.user("ada")
    starting = hub.begin(ada)
    await until(lambda: "" in ada.spawners and ada.spawners[""]._story is not None)

    async def listen() -> list[dict[str, object]]:
        return [event async for event in ada.spawners[""].progress()]

    early = asyncio.create_task(listen())
    await until(lambda: len(ada.spawners[""].story_of_this_start().lines) >= 2)
    kubelet.release()
    spawner = await starting
    late = [event async for event in spawner.progress()]
    assert await early == late
    bar = [event["progress"] for event in late if "progress" in event]
    assert bar == sorted(bar)
    assert "Small" in str(late[0]["message"])


# The hub dies.

MOMENTS = [
    ("before", "get", CLAIM),
    ("after", "create", CLAIM),
    ("before", "create", POD),
    ("after", "create", POD),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda m: " ".join(map(str, m[:2])) + " " + m[2].plural)
async def test_a_hub_killed_in_a_start_takes_it_over_or_clears_it_away(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet, moment: tuple[str, str, Kind]
) -> None:
    when, verb, kind = moment
    died = asyncio.Event()

    def die(done: str, of: Kind) -> None:
        if (done, of) == (verb, kind) and hub.process is not None and not hub.process.dead:
            hub.process.dead = True
            died.set()

    setattr(hub.process, when, die)
    hub.begin(hub.user("ada"))
    await died.wait()
    await hub.kill()
    await hub.start()
    ada = hub.user("ada")
    if cluster.all_of(POD):
        assert ada.spawner.ready
        assert "/user/ada/" in ROUTES
        assert ada.spawner.machine.started_at is not None
        assert len(kubelet.runs) == 1
        assert "starting" not in ada.spawner.orm_spawner.state
    else:
        assert not ada.spawner.active
    assert (await hub.spawn(hub.user("bob"))).ready


async def test_a_pending_start_goes_on_after_the_restart_as_a_pending_spawn(
    hub: Hub, cluster: FakeCluster, kubelet: Kubelet
) -> None:
    kubelet.hold_pending = True
    hub.begin(hub.user("ada"))
    await until(lambda: cluster.all_of(POD))
    await hub.kill()
    await hub.start(wait_for_checks=False)
    ada = hub.user("ada")
    await until(lambda: ada.spawner.pending == "spawn")
    future = ada.spawner._spawn_future
    kubelet.release()
    await future
    assert ada.spawner.ready
    assert "/user/ada/" in ROUTES
    assert len(kubelet.runs) == 1
    reasons = [event.get("reason") for event in [e async for e in ada.spawner.progress()]]
    assert "adopted" in reasons


async def test_an_adopted_start_can_be_cancelled(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    kubelet.hold_pending = True
    hub.begin(hub.user("ada"))
    await until(lambda: cluster.all_of(POD))
    await hub.kill()
    await hub.start(wait_for_checks=False)
    ada = hub.user("ada")
    await until(lambda: ada.spawner.pending == "spawn")
    ada.spawner._spawn_future.cancel()  # as JupyterHub's DELETE and the Stop button do
    await until(lambda: not cluster.all_of(POD))
    await until(lambda: not ada.spawner.active)
    kubelet.release()
    assert (await hub.spawn(ada)).ready


async def test_an_adopted_start_that_fails_says_why(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    kubelet.hold_pending = True
    hub.begin(hub.user("ada"))
    await until(lambda: cluster.all_of(POD))
    await hub.kill()
    await hub.start(wait_for_checks=False)
    ada = hub.user("ada")
    await until(lambda: ada.spawner.pending == "spawn")
    cluster.remove(POD, "hub", "jupyter-ada")
    await hub.checks_done()
    assert not ada.spawner.active
    assert isinstance(ada.spawners[""]._spawn_future.exception(), FailedStart)
    assert ada.spawners[""].failure.reason == "pod-removed"


async def test_a_restart_keeps_running_servers(hub: Hub, cluster: FakeCluster) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    before = {pod["metadata"]["uid"] for pod in cluster.all_of(POD)}
    await hub.kill()
    ROUTES.clear()
    await hub.start()
    ada = hub.user("ada")
    assert ada.spawner.ready
    assert ada.spawner.machine.profile_id == "small"
    assert "/user/ada/" in ROUTES
    assert {pod["metadata"]["uid"] for pod in cluster.all_of(POD)} == before


async def test_a_restart_leaves_a_server_alone_that_is_slow_to_answer(
    hub: Hub, cluster: FakeCluster, answerer: Answerer
) -> None:
    await hub.spawn(hub.user("ada"))
    await hub.kill()
    answerer.silent = True
    await hub.start()
    assert hub.user("ada").spawner.ready
    assert cluster.all_of(POD)


async def test_a_restart_in_an_outage_stops_nothing(
    hub: Hub, cluster: FakeCluster, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spawner.kubernetes.FIRST_PICTURE_S", 0.05)
    await hub.spawn(hub.user("ada"))
    await hub.kill()
    cluster.go_away()
    answerer.silent = True
    await hub.start()
    assert hub.user("ada").spawner.ready
    cluster.come_back()
    assert cluster.all_of(POD)
    assert await hub.user("ada").spawner.poll() is None


async def test_a_machine_that_ended_while_the_hub_was_down_is_known_as_ended(hub: Hub, cluster: FakeCluster) -> None:
    await hub.spawn(hub.user("ada"))
    await hub.kill()
    cluster.remove(POD, "hub", "jupyter-ada")
    await hub.start()
    assert not hub.user("ada").spawner.active
    assert (await hub.spawn(hub.user("ada"))).ready


async def test_a_stop_the_hub_died_in_is_finished(hub: Hub, cluster: FakeCluster, kubelet: Kubelet) -> None:
    ada = hub.user("ada")
    await hub.spawn(ada)
    cluster.go_away()
    asyncio.ensure_future(hub.stop(ada)).add_done_callback(lambda t: t.cancelled() or t.exception())
    await seen(cluster, "get pods", 2)
    await hub.kill()
    cluster.come_back()
    await hub.start()
    assert not hub.user("ada").spawner.active
    assert not cluster.all_of(POD)


def one_second_catalog() -> Catalog:
    small = {"displayName": "Small", "pool": "general", "cpu": 1, "memory": "1Gi", "startTimeout": 1}
    return Catalog.model_validate(CATALOG.model_dump(by_alias=True, mode="json") | {"profiles": {"small": small}})


def leftover(cluster: FakeCluster, owner: str = "ada") -> Json:
    return cluster.put(
        POD,
        {
            "metadata": {
                "name": "jupyter-ada",
                "labels": {"component": "singleuser-server", "remuda.dev/spawn-id": "of-the-past"},
                "annotations": {"hub.jupyter.org/username": owner},
            },
            "spec": {"nodeName": "node-9", "containers": [{"name": "notebook"}]},
            "status": {"phase": "Running", "podIP": "127.0.0.1"},
        },
        "hub",
    )


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  (the condition is anything: there is no one event to wait for)
            await asyncio.sleep(0.002)


async def seen(cluster: FakeCluster, request: str, times: int) -> None:
    already = cluster.requests.get(request, 0)
    await until(lambda: cluster.requests.get(request, 0) >= already + times)
