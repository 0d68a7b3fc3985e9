"""What must hold for every set of values, whatever an admin chose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hub_extensions.settings_file import SettingsDocument, parse_settings
from hub_extensions.setup import load_machines
from tests.helm.helm_chart import RELEASE, Rendered, render
from tests.helm.value_sets import VALUE_SETS

LATER = ("latest", "")


@pytest.fixture(params=VALUE_SETS, ids=lambda name: name.replace(" ", "-"))
def values(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    return VALUE_SETS[request.param]


@pytest.fixture
def chart(values: Mapping[str, Any]) -> Rendered:
    return render(values)


def test_selectors_pick_their_own_pods_and_survive_upgrades(chart: Rendered) -> None:
    workloads = [w for w in chart.workloads if w.kind != "Job"]
    for workload in workloads:
        assert workload.selector.items() <= workload.labels.items(), workload.name
        assert "chart" not in workload.selector, "an immutable selector must not hold the chart's version"
        assert workload.selector["release"] == RELEASE
        for other in workloads:
            if other.name != workload.name:
                assert not workload.selector.items() <= other.labels.items(), (
                    f"{workload.name} grabs {other.name}'s pods"
                )


def test_every_container_meets_pod_security_restricted(chart: Rendered) -> None:
    for workload in chart.workloads:
        pod = workload.pod
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.get("hostNetwork") and not pod.get("hostPID") and not pod.get("hostIPC")
        assert all("hostPath" not in volume for volume in pod.get("volumes", []))
        for container in workload.containers:
            where = f"{container.of}: {container.name}"
            assert container.security["allowPrivilegeEscalation"] is False, where
            assert container.security["runAsNonRoot"] is True, where
            assert container.security["capabilities"]["drop"] == ["ALL"], where
            assert container.security["seccompProfile"] == {"type": "RuntimeDefault"}, where
            assert container.security.get("runAsUser") != 0, where


def test_images_are_pinned_by_tag(chart: Rendered) -> None:
    for container in chart.containers():
        _, _, tag = container.image.rpartition("/")[2].partition(":")
        assert tag not in LATER, f"{container.of}: {container.image}"


def test_only_who_asks_kubernetes_carries_a_token(chart: Rendered) -> None:
    with_token = {w.name for w in chart.workloads if w.pod.get("automountServiceAccountToken") is not False}
    assert {name.removeprefix("second-") for name in with_token} <= {
        "hub",
        "hook-image-awaiter",
        "hook-pod-releaser",
    }


def test_services_point_at_ports_that_exist(chart: Rendered) -> None:
    for service in chart.all("Service"):
        selector = service["spec"]["selector"]
        targets = [w for w in chart.workloads if selector.items() <= w.labels.items()]
        assert [w.kind for w in targets] == ["Deployment"], service["metadata"]["name"]
        offered = {name: port for c in targets[0].containers for name, port in c.ports.items()}
        for port in service["spec"]["ports"]:
            if isinstance(port["targetPort"], str):
                assert port["targetPort"] in offered, f"{service['metadata']['name']}: {port}"


def test_probes_ask_ports_that_exist(chart: Rendered) -> None:
    for container in chart.containers():
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container.manifest.get(probe, {}).get("httpGet", {}).get("port")
            assert asked is None or asked in container.ports, f"{container.name}: {probe}"


def test_ingresses_lead_to_a_port_of_the_proxy(chart: Rendered) -> None:
    for ingress in chart.all("Ingress"):
        for rule in ingress["spec"]["rules"]:
            backend = rule["http"]["paths"][0]["backend"]["service"]
            service = chart.get("Service", backend["name"])
            assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def test_every_policy_selects_pods_that_will_exist(chart: Rendered) -> None:
    singleuser = {"app": "jupyterhub", "component": "singleuser-server", "release": RELEASE}
    pods = [w.labels for w in chart.workloads] + [singleuser, {"app": "postgres"}]
    for policy in chart.all("NetworkPolicy"):
        selector = policy["spec"]["podSelector"]["matchLabels"]
        assert any(selector.items() <= labels.items() for labels in pods), policy["metadata"]["name"]
    for budget in chart.all("PodDisruptionBudget"):
        selector = budget["spec"]["selector"]["matchLabels"]
        assert any(selector.items() <= labels.items() for labels in pods), budget["metadata"]["name"]


def test_nothing_of_a_person_belongs_to_the_chart(chart: Rendered) -> None:
    """User pods and homes outlive every upgrade because no object of the release is one."""
    assert not chart.all("Pod")
    assert all(claim["metadata"]["name"].endswith("hub-db-dir") for claim in chart.all("PersistentVolumeClaim"))
    for workload in chart.workloads:
        assert workload.labels["component"] != "singleuser-server"


def test_no_secret_is_written_outside_secrets(chart: Rendered) -> None:
    secrets = {
        value
        for secret in chart.all("Secret")
        for key, value in chart.secret(secret["metadata"]["name"]).items()
        if key != "settings.yaml"
    }
    secrets |= {"hush-hush-hush", "s3cret-horse"}
    for thing in chart.objects:
        if thing["kind"] != "Secret":
            text = str(thing)
            assert not [secret for secret in secrets if secret.strip() and secret in text], thing["metadata"]["name"]


def test_roles_hold_no_right_over_secrets_and_no_wildcard(chart: Rendered) -> None:
    for role in chart.all("Role") + chart.all("ClusterRole"):
        for rule in role["rules"]:
            assert "secrets" not in rule["resources"]
            assert "*" not in [*rule["resources"], *rule["verbs"], *rule["apiGroups"]]
    for role in chart.all("ClusterRole"):
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}


def test_cluster_wide_names_carry_namespace_and_release(chart: Rendered) -> None:
    for kind in ("PriorityClass", "ClusterRole", "ClusterRoleBinding"):
        assert all(name.startswith(f"corral-{RELEASE}-") for name in chart.names(kind))


def test_priority_classes_that_are_named_exist(chart: Rendered) -> None:
    made = set(chart.names("PriorityClass"))
    named = {w.pod["priorityClassName"] for w in chart.workloads if "priorityClassName" in w.pod}
    named |= {chart.settings["singleuser"]["priorityClassName"]} - {None}
    assert named <= made


def test_hooks_name_no_object_that_comes_after_them(chart: Rendered) -> None:
    """A pre-install hook runs before the chart's own priority classes and service accounts exist."""
    made_early = {
        o["metadata"]["name"] for o in chart.objects if "helm.sh/hook" in o["metadata"].get("annotations", {})
    }
    for workload in chart.workloads:
        if "helm.sh/hook" in workload.manifest["metadata"].get("annotations", {}):
            assert "priorityClassName" not in workload.pod
            assert workload.pod.get("serviceAccountName", "default") in {"default", *made_early}


def test_the_hub_accepts_its_settings(chart: Rendered, values: Mapping[str, Any]) -> None:
    settings = parse_settings(SettingsDocument("settings.yaml", chart.settings_text))
    assert settings.mode == "kubernetes"
    catalog = load_machines(settings.catalog, shipped=settings.shipped_profiles)
    assert catalog.profiles


def test_pullers_pull_what_the_hub_will_start(chart: Rendered, values: Mapping[str, Any]) -> None:
    """Templates and the hub read the same catalog by different code: they must agree on pools and images."""
    if not values.get("prePuller", {}).get("continuous", {}).get("enabled", True):
        assert not chart.all("DaemonSet")
        return
    settings = parse_settings(SettingsDocument("settings.yaml", chart.settings_text))
    catalog = load_machines(settings.catalog, shipped=settings.shipped_profiles)
    expected: dict[str, set[str]] = {}
    for profile in catalog.profiles.values():
        if profile.enabled:
            images = expected.setdefault(profile.pool, set())
            images.add(profile.image or settings.singleuser.image.reference)
            for option in profile.options.values():
                images |= {choice.overrides.image for choice in option.choices.values() if choice.overrides.image}
    extra = {"spark:4.0.0", "busybox:1.36"} if "extraImages" in values.get("prePuller", {}) else set()
    pulled = {}
    for workload in chart.workloads:
        if workload.kind == "DaemonSet" and workload.labels["component"] == "continuous-image-puller":
            pool = catalog.pools[workload.labels["remuda.dev/pool"]]
            assert workload.pod.get("nodeSelector", {}) == dict(pool.node_selector)
            assert len(workload.pod.get("tolerations", [])) == len(pool.tolerations)
            pulled[workload.labels["remuda.dev/pool"]] = {c.image for c in workload.containers if c.name != "pause"}
    assert pulled == {pool: images | extra for pool, images in expected.items()}
