"""A plan and a home put onto KubeSpawner's pod."""

from __future__ import annotations

import copy
import json
import re
import time
import timeit
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.frozen import freeze
from profiles.machine import RunningMachine
from profiles.model import HomePolicy
from spawner.affinity import matches_terms, merge_affinity
from spawner.manifest import PodStart, concerns, pod_patch
from spawner.names import label_value
from tests.unit.spawner.machines import catalog, manifest, plan
from tests.unit.spawner.restricted_rules import violations

HOME = HomePolicy()
START = PodStart("3f0c2a9e-spawn", "home-ada", "remuda/notebook:0.1.0")
PROFILES = ["small-cpu", "many-core", "gpu", "full", "elastic", "roaming"]


def patched(profile: str = "full", base: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    home = changes.pop("home", HOME)
    start = changes.pop("start", START)
    return pod_patch(base or manifest(), plan(profile, **changes), home, start)


def notebook(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod["spec"]["containers"][0]
    return found


def env(pod: dict[str, Any]) -> dict[str, Any]:
    names = [each["name"] for each in notebook(pod)["env"]]
    assert len(names) == len(set(names)), "a variable is set twice"
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in notebook(pod)["env"]}


def mounts(pod: dict[str, Any]) -> dict[str, str]:
    found = [(each["mountPath"].rstrip("/"), each["name"]) for each in notebook(pod)["volumeMounts"]]
    assert len(found) == len(dict(found)), "two mounts at one path"
    return dict(found)


# The plan


def test_resources_are_the_plans_and_devices_are_limits_and_requests() -> None:
    resources = notebook(patched())["resources"]
    devices = {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.5gb": "1"}
    assert resources["requests"] == {"cpu": "1500m", "memory": "6Gi", **devices}
    assert resources["limits"] == {"cpu": "3", "memory": "12Gi", **devices}


def test_an_admins_other_limits_stay() -> None:
    base = manifest()
    base["spec"]["containers"][0]["resources"]["limits"]["ephemeral-storage"] = "20Gi"
    assert notebook(patched(base=base))["resources"]["limits"]["ephemeral-storage"] == "20Gi"


def test_a_machine_without_devices_asks_for_none() -> None:
    assert set(notebook(patched("small-cpu"))["resources"]["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize(
    ("profile", "default", "image"),
    [
        ("full", "remuda/notebook:0.1.0", "registry.example.org/lab/gpu:2026.9"),
        ("small-cpu", "hub/default:1", "hub/default:1"),
        ("small-cpu", "", "remuda/notebook:0.1.0"),  # KubeSpawner's own
    ],
)
def test_image(profile: str, default: str, image: str) -> None:
    pod = patched(profile, start=PodStart("id", "home-ada", default))
    assert notebook(pod)["image"] == image
    assert (env(pod)["JUPYTER_IMAGE"], env(pod)["JUPYTER_IMAGE_SPEC"]) == (image, image)


def test_pull_policy() -> None:
    assert notebook(patched())["imagePullPolicy"] == "Always"
    assert notebook(patched("small-cpu"))["imagePullPolicy"] == "IfNotPresent"


def test_the_pod_is_bound_to_its_pool() -> None:
    spec = patched()["spec"]
    assert spec["nodeSelector"] == {"remuda.dev/pool": "gpu", "disk": "ssd"}
    assert spec["tolerations"] == [
        {"key": "remuda.dev/pool", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
        {"key": "spot", "operator": "Exists"},
    ]
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("interactive", "nvidia")
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["eu-1a", "eu-1b"]


def test_a_pool_without_rules_leaves_the_spawners_own() -> None:
    base = manifest()
    base["spec"] |= {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "users"}
    spec = patched("roaming", base)["spec"]
    assert spec["nodeSelector"] == {"a": "b"}
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["priorityClassName"] == "users"
    assert "runtimeClassName" not in spec


# Environment


def test_the_profiles_environment_wins_over_the_default_and_never_over_the_hub() -> None:
    variables = env(patched())
    assert variables["LANG"] == "de_DE.UTF-8"
    assert variables["JUPYTERHUB_SINGLEUSER_APP"] == "x.y"  # a new one the hub does not set
    assert variables["JUPYTERHUB_API_TOKEN"] == "not-a-token"


def test_a_variable_the_hub_has_set_is_never_the_profiles() -> None:
    base = manifest()
    base["spec"]["containers"][0]["env"].append({"name": "JUPYTERHUB_SINGLEUSER_APP", "value": "hub's"})
    assert env(patched(base=base))["JUPYTERHUB_SINGLEUSER_APP"] == "hub's"


def test_sizes_in_the_environment_are_the_plans() -> None:
    variables = env(patched("small-cpu"))
    assert (variables["CPU_GUARANTEE"], variables["CPU_LIMIT"]) == ("0.5", "2")
    assert (variables["MEM_GUARANTEE"], variables["MEM_LIMIT"]) == (str(2 * 2**30), str(4 * 2**30))


def test_secrets_by_reference_and_the_order_of_variables_stay() -> None:
    base = manifest()
    secret = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    base["spec"]["containers"][0]["env"] += [secret, {"name": "URL", "value": "pg://$(PASSWORD)@db"}]
    pod = patched(base=base)
    assert env(pod)["PASSWORD"] == secret["valueFrom"]
    order = [each["name"] for each in notebook(pod)["env"]]
    assert order.index("PASSWORD") < order.index("URL")
    assert order[: len(base["spec"]["containers"][0]["env"])] == [
        e["name"] for e in base["spec"]["containers"][0]["env"]
    ]


def test_rescue_is_told_to_the_server() -> None:
    assert env(patched("small-cpu", rescue=True))["REMUDA_RESCUE"] == "1"
    assert "REMUDA_RESCUE" not in env(patched("small-cpu"))


def test_the_server_is_told_its_machine_and_no_profile_changes_that() -> None:
    told = {"profile_id": "gpu", "display_name": "$(JUPYTERHUB_API_TOKEN) 50 %"}
    tampering = replace(plan("gpu"), env={"REMUDA_MACHINE": "x", "REMUDA_PROFILE": "y"})
    variables = env(pod_patch(manifest(), tampering, HOME, replace(START, machine=told)))
    assert variables["REMUDA_PROFILE"] == "gpu"
    assert json.loads(variables["REMUDA_MACHINE"].replace("$$(", "$(")) == told  # as the kubelet reads it
    assert "$$(JUPYTERHUB_API_TOKEN)" in variables["REMUDA_MACHINE"], "not taken for another variable"
    assert "REMUDA_MACHINE" not in env(patched("gpu"))


def test_templates_are_filled_and_braces_that_are_none_stay() -> None:
    def expand(value: Any) -> Any:
        if isinstance(value, str):
            return value.format(username="ada-x")
        if isinstance(value, list):
            return [expand(each) for each in value]
        return {key: expand(each) for key, each in value.items()} if isinstance(value, dict) else value

    pod = pod_patch(manifest(), plan(), HOME, START, expand)
    assert env(pod)["TEAM"] == "ada-x"
    assert env(pod)["JSON"] == '{"a": 1}'
    claims = [each.get("persistentVolumeClaim", {}).get("claimName") for each in pod["spec"]["volumes"]]
    assert "shared-ada-x" in claims


# Disks


def test_the_home_is_mounted_once() -> None:
    pod = patched()
    assert mounts(pod) == {"/scratch": "scratch", "/home/jovyan/shared": "shared", "/home/jovyan": "home"}
    homes = [v for v in pod["spec"]["volumes"] if v.get("persistentVolumeClaim", {}).get("claimName") == "home-ada"]
    assert homes == [{"name": "home", "persistentVolumeClaim": {"claimName": "home-ada"}}]


def test_a_volume_of_the_same_claim_is_used() -> None:
    base = manifest()
    base["spec"]["volumes"] = [{"name": "volume-ada", "persistentVolumeClaim": {"claimName": "home-ada"}}]
    mount = {"name": "volume-ada", "mountPath": "/home/jovyan/", "subPath": "ada"}
    base["spec"]["containers"][0]["volumeMounts"] = [mount]
    pod = patched("small-cpu", base)
    assert pod["spec"]["volumes"] == base["spec"]["volumes"]
    assert notebook(pod)["volumeMounts"] == [mount]


def test_nothing_else_sits_on_the_homes_path() -> None:
    base = manifest()
    base["spec"]["volumes"] = [{"name": "old", "persistentVolumeClaim": {"claimName": "claim-ada"}}]
    base["spec"]["containers"][0]["volumeMounts"] = [{"name": "old", "mountPath": "/home/jovyan"}]
    assert mounts(patched("small-cpu", base)) == {"/home/jovyan": "home"}


def test_a_strangers_volume_called_home_keeps_its_name() -> None:
    base = manifest()
    base["spec"]["volumes"] = [{"name": "home", "emptyDir": {}}]
    base["spec"]["containers"][0]["volumeMounts"] = [{"name": "home", "mountPath": "/cache"}]
    assert mounts(patched("small-cpu", base)) == {"/cache": "home", "/home/jovyan": "remuda-home"}


def test_no_home_no_mount() -> None:
    assert mounts(patched("small-cpu", home=None)) == {}
    assert mounts(patched("small-cpu", start=PodStart("id"))) == {}


def test_another_mount_path() -> None:
    assert mounts(patched("small-cpu", home=HomePolicy(mount_path="/home/me"))) == {"/home/me": "home"}


# Labels


def test_labels_and_annotations() -> None:
    machine = RunningMachine.of(plan(), "3f0c2a9e-spawn", datetime(2026, 11, 21, tzinfo=UTC))
    start = PodStart("3f0c2a9e-spawn", "home-ada", machine=machine.to_dict())
    metadata = patched(start=start)["metadata"]
    assert metadata["labels"] | {"remuda.dev/profile": "full", "remuda.dev/pool": "zoned"} == metadata["labels"]
    assert metadata["labels"]["remuda.dev/spawn-id"] == "3f0c2a9e-spawn"
    assert metadata["labels"]["example.org/team"] == "physics"
    for key in ("app", "component", "hub.jupyter.org/username", "app.kubernetes.io/managed-by"):
        assert metadata["labels"][key] == manifest()["metadata"]["labels"][key]
    assert RunningMachine.from_dict(json.loads(metadata["annotations"]["remuda.dev/machine"])) == machine
    assert metadata["annotations"]["hub.jupyter.org/username"] == "ada"
    assert metadata["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert metadata["name"] == "jupyter-ada"


LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")  # Kubernetes' own expression


@given(st.text(max_size=100))
def test_any_text_becomes_a_label_value(text: str) -> None:
    value = label_value(text)
    assert LABEL.fullmatch(value)
    assert len(value) <= 63


@pytest.mark.parametrize(
    ("one", "other"), [("a b", "a-b"), ("ä", "ö"), ("-a", "a"), ("x" * 64, "x" * 65), ("a/b", "a b"), ("  ", "\t")]
)
def test_two_texts_never_become_one_label(one: str, other: str) -> None:
    assert label_value(one) != label_value(other)


def test_a_valid_value_stays() -> None:
    assert label_value("gpu-large_2.1") == "gpu-large_2.1"
    assert label_value("") == ""


# Security


def test_kubespawners_own_pod_would_be_refused() -> None:
    assert violations(manifest()) == [
        "runAsNonRoot: notebook",
        "seccomp undefined: notebook",
        "capabilities not dropped: notebook",
    ]


HOMES = [None, HOME, HomePolicy(mount_path="/home/me", access_mode="ReadWriteOnce")]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("home", HOMES, ids=["no home", "home", "home elsewhere"])
@pytest.mark.parametrize("sidecar", [False, True])
def test_every_machine_is_admitted_under_restricted(profile: str, home: HomePolicy | None, sidecar: bool) -> None:
    base = manifest()
    if sidecar:
        extra = {"name": "extra", "image": "x", "securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}
        base["spec"]["containers"].append(extra)
        base["spec"]["initContainers"] = [{"name": "first", "image": "x"}]
    pod = patched(profile, base, home=home)
    assert violations(pod) == []
    assert concerns(pod) == ()


def test_security_settings() -> None:
    spec = patched()["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    context = spec["containers"][0]["securityContext"]
    assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_uid_and_group_of_the_spawner_stay_and_hold_for_the_whole_pod() -> None:
    base = manifest()
    base["spec"]["containers"][0]["securityContext"]["runAsUser"] = 1234
    base["spec"]["securityContext"] = {"fsGroup": 4321}
    spec = patched(base=base)["spec"]
    assert spec["securityContext"]["runAsUser"] == 1234
    assert spec["securityContext"]["fsGroup"] == 4321


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hostNetwork": True}, "spec.hostNetwork"),
        ({"volumes": [{"name": "data", "hostPath": {"path": "/data"}}]}, "'data' is of the kind hostPath"),
        ({"volumes": [{"name": "nas", "nfs": {"server": "s", "path": "/"}}]}, "nfs"),
        ({"securityContext": {"runAsNonRoot": False}}, "may run as root"),
        ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccomp"),
    ],
)
def test_what_an_admin_set_stays_and_is_named(change: dict[str, Any], words: str) -> None:
    base = manifest()
    base["spec"] |= change
    pod = patched("small-cpu", base)
    assert violations(pod)
    assert any(words in concern for concern in concerns(pod)), concerns(pod)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"privileged": True}, "privileged"),
        ({"allowPrivilegeEscalation": True}, "escalation"),
        ({"runAsUser": 0}, "root"),
        ({"capabilities": {"add": ["SYS_ADMIN"]}}, "SYS_ADMIN"),
    ],
)
def test_what_an_admin_set_on_the_container_is_named(change: dict[str, Any], words: str) -> None:
    base = manifest()
    base["spec"]["containers"][0]["securityContext"] = change
    pod = patched("small-cpu", base)
    assert violations(pod)
    assert any(words in concern for concern in concerns(pod)), concerns(pod)


# Purity


@pytest.mark.parametrize("profile", PROFILES)
def test_applying_it_twice_gives_the_same_pod(profile: str) -> None:
    once = patched(profile)
    assert patched(profile, once) == once


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_that_comes_in_is_changed(profile: str) -> None:
    """Profiles are shared between users: a failed GPU start once poisoned the next one's limits."""
    before = copy.deepcopy(manifest())
    base = freeze(before)  # any write raises
    the_plan = plan(profile)
    told = the_plan.to_dict()
    pod = pod_patch(base, the_plan, HOME, START)
    assert base == freeze(before)
    json.dumps(pod)
    for value in (pod["spec"], notebook(pod)["env"], notebook(pod)["resources"]["limits"], pod["metadata"]["labels"]):
        value.clear()  # what comes out is the caller's to change
    assert the_plan.to_dict() == told
    assert plan(profile).to_dict() == told
    assert catalog().profiles[profile].display_name


def test_it_is_cheap() -> None:
    """Of a start's hub CPU this is nothing: under 0.3 ms."""
    base, the_plan = manifest(), plan("gpu")
    # CPU time: other work on this computer must not decide the test.
    timer = timeit.Timer(lambda: pod_patch(base, the_plan, HOME, START), timer=time.process_time)
    best = min(timer.repeat(number=100, repeat=7)) / 100
    assert best < 0.0003, f"{best * 1000:.2f} ms"


# Affinity

REQ, PREF = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


def terms(*expressions: tuple[str, list[str]]) -> dict[str, Any]:
    each = [{"matchExpressions": [{"key": key, "operator": "In", "values": values}]} for key, values in expressions]
    return {"nodeAffinity": {REQ: {"nodeSelectorTerms": each}}}


labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
node_terms = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), max_size=2)), min_size=1, max_size=3
)


@given(node_terms, node_terms, labels)
def test_merged_affinity_admits_a_node_exactly_when_both_do(one: Any, other: Any, labels: dict[str, str]) -> None:
    node = {"metadata": {"name": "n", "labels": labels}}

    def admits(affinity: dict[str, Any]) -> bool:
        return matches_terms(node, affinity["nodeAffinity"][REQ]["nodeSelectorTerms"])

    first, second = terms(*one), terms(*other)
    merged = merge_affinity(first, second)
    assert admits(merged) == (admits(first) and admits(second))
    assert merge_affinity(merged, second) == merged


def test_preferences_and_pod_rules_add_up() -> None:
    first = {"nodeAffinity": {PREF: [{"weight": 1}]}, "podAntiAffinity": {REQ: [{"topologyKey": "a"}]}}
    second = {"nodeAffinity": {PREF: [{"weight": 2}]}, "podAntiAffinity": {REQ: [{"topologyKey": "b"}]}}
    merged = merge_affinity(first, second)
    assert merged["nodeAffinity"][PREF] == [{"weight": 1}, {"weight": 2}]
    assert [each["topologyKey"] for each in merged["podAntiAffinity"][REQ]] == ["a", "b"]
    assert merge_affinity({}, second) == second
    assert merge_affinity(first, {}) == first


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        ("In", ["8"], True),
        ("In", ["9"], False),
        ("NotIn", ["8"], False),
        ("NotIn", ["9"], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
        ("Gt", ["7"], True),
        ("Gt", ["8"], False),
        ("Lt", ["9"], True),
        ("Lt", ["x"], False),
        ("Gt", [], False),
        ("Near", ["8"], False),
    ],
)
def test_node_selector_operators(operator: str, values: list[str], matches: bool) -> None:
    node = {"metadata": {"name": "n", "labels": {"cores": "8"}}}
    assert (
        matches_terms(node, [{"matchExpressions": [{"key": "cores", "operator": operator, "values": values}]}])
        is matches
    )


def test_terms_without_expressions_match_no_node() -> None:
    node = {"metadata": {"name": "n"}}
    assert not matches_terms(node, [{}])
    assert not matches_terms(node, [])
    assert matches_terms(node, [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}])
