"""What single values do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from data_access.config import Settings as DataSettings
from data_access.config import read_settings
from hub_extensions.settings_file import SettingsDocument, parse_settings
from hub_extensions.setup import load_machines
from hub_extensions.shares_api.metrics import SharesMetrics
from profiles.admission import Admit
from tests.helm.helm_chart import RELEASE, ROOT, Refused, render
from tests.helm.value_sets import VALUE_SETS
from tools.cluster import certificates, services


def test_the_hub_reads_settings_and_secrets_as_files() -> None:
    chart = render()
    hub = chart.hub.container("hub")
    mounts = {mount["name"]: mount for mount in hub.manifest["volumeMounts"]}
    assert hub.env["REMUDA_SETTINGS"] == f"{mounts['settings']['mountPath']}/settings.yaml"
    assert hub.env["REMUDA_SECRETS"] == mounts["secrets"]["mountPath"]
    assert mounts["settings"]["readOnly"] and mounts["secrets"]["readOnly"]
    assert not [name for name, value in hub.env.items() if isinstance(value, dict) and "secretKeyRef" in value]
    volumes = {volume["name"]: volume for volume in chart.hub.pod["volumes"]}
    assert volumes["settings"]["secret"]["secretName"] == "hub-settings"
    assert volumes["secrets"]["projected"]["sources"] == [{"secret": {"name": "hub"}}]


def test_generated_keys_are_what_jupyterhub_takes() -> None:
    keys = render().secret("hub")
    for name in ("JupyterHub.cookie_secret", "CryptKeeper.keys", "ConfigurableHTTPProxy.auth_token"):
        assert re.fullmatch(r"[0-9a-f]{64}", keys[f"hub.config.{name}"]), name
    login = "hub.config.SharedPasswordAuthenticator"
    assert len(keys[f"{login}.admin_password"]) >= 32, "JupyterHub refuses a shorter one"
    assert len(keys[f"{login}.user_password"]) >= 8
    assert len(set(keys.values())) == len(keys)


def test_another_way_to_log_in_needs_no_shared_password() -> None:
    keys = render(VALUE_SETS["oidc"]).secret("hub")
    assert not [key for key in keys if "SharedPassword" in key]


def test_an_existing_secret_replaces_the_charts_own() -> None:
    chart = render(VALUE_SETS["existing secret"])
    assert chart.names("Secret") == ["hub-settings"]
    token = chart.proxy.container("chp").env["CONFIGPROXY_AUTH_TOKEN"]
    assert token == {"secretKeyRef": {"name": "my-keys", "key": "hub.config.ConfigurableHTTPProxy.auth_token"}}
    volumes = {volume["name"]: volume for volume in chart.hub.pod["volumes"]}
    assert volumes["secrets"]["projected"]["sources"] == [{"secret": {"name": "my-keys"}}]


def test_policies_reach_the_hub_as_they_are_written() -> None:
    settings = parse_settings(
        SettingsDocument("settings.yaml", render(VALUE_SETS["quotas, budgets, approvals and hours"]).settings_text)
    )
    catalog = load_machines(settings.catalog, shipped=settings.shipped_profiles)
    policies, hours = catalog.policies, catalog.profiles["gpu"].hours
    assert (policies.timezone, policies.when_unavailable) == ("Europe/Berlin", "admit")
    assert list(policies.quotas) == ["all", "gpus", "servers"], "Helm sorts keys; null takes a rule away"
    assert policies.quotas["gpus"].overrides.groups["ml-team"].gpus == 8
    assert policies.budgets["month"].overrides.users == {"ada": 500}
    assert policies.budgets["gpu-days"].grace.seconds == 0
    assert policies.approvals["many-gpus"].more_than.gpus == 1
    assert hours is not None and hours.words == "Monday to Friday and Sunday from 08:00 to 20:00"


def test_without_rules_there_are_none() -> None:
    settings = parse_settings(SettingsDocument("settings.yaml", render().settings_text))
    assert load_machines(settings.catalog).policies.empty


def test_the_hub_knows_what_a_placeholder_is_where_there_are_priorities() -> None:
    chart = render({"prePuller": {"pause": {"image": {"pullSecrets": ["pull"]}}}})
    told = parse_settings(SettingsDocument("settings.yaml", chart.settings_text)).warming
    assert told is not None
    assert told.priority_class in chart.names("PriorityClass")
    assert told.placeholder["pull_secrets"] == ["pull"]
    without = render({"scheduling": {"podPriority": {"enabled": False}}}).settings_text
    assert parse_settings(SettingsDocument("settings.yaml", without)).warming is None


def test_keys_of_the_values_become_files_and_leave_the_settings() -> None:
    chart = render(VALUE_SETS["keys in the values"])
    keys = chart.secret("hub")
    assert keys["hub.config.CryptKeeper.keys"] == "a" * 64 + ";" + "b" * 64
    assert keys["hub.config.JupyterHub.cookie_secret"] == "c" * 64
    assert keys["hub.config.ConfigurableHTTPProxy.auth_token"] == "d" * 64
    assert "aaaa" not in chart.settings_text


def test_where_notices_go_reaches_the_hub_and_their_secrets_come_as_files() -> None:
    chart = render(VALUE_SETS["notices by mail and to a chat"])
    notices = parse_settings(SettingsDocument("settings.yaml", chart.settings_text)).hub.notices
    assert notices.email is not None
    assert (notices.email.from_, notices.email.port, notices.email.username) == ("hub@example.org", 587, "hub")
    assert [str(kind) for kind in notices.webhooks["chat"].kinds or ()] == ["budget"]
    sources = {volume["name"]: volume for volume in chart.hub.pod["volumes"]}["secrets"]["projected"]["sources"]
    assert sources == [{"secret": {"name": "hub"}}, {"secret": {"name": "hub-notices"}}]


def test_the_database_password_comes_as_a_file() -> None:
    chart = render(VALUE_SETS["postgres with an existing secret"])
    sources = {volume["name"]: volume for volume in chart.hub.pod["volumes"]}["secrets"]["projected"]["sources"]
    assert {"secret": {"name": "db-login", "items": [{"key": "pw", "path": "hub.db.password"}]}} in sources
    assert chart.settings["hub"]["db"]["url"] == "postgresql+psycopg://remuda@db:5432/remuda"
    assert not chart.all("PersistentVolumeClaim")
    assert (
        render(VALUE_SETS["postgres with a password in the values"]).secret("hub")["hub.db.password"] == "s3cret-horse"
    )


def test_sqlite_lies_on_the_claim_that_is_mounted() -> None:
    chart = render(VALUE_SETS["sqlite on a chosen class"])
    claim = chart.get("PersistentVolumeClaim", "hub-db-dir")
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    mounts = {mount["name"]: mount for mount in chart.hub.container("hub").manifest["volumeMounts"]}
    assert mounts["state"]["subPath"] == "hub"
    assert chart.settings["hub"]["db"]["url"] == f"sqlite:///{mounts['state']['mountPath']}/jupyterhub.sqlite"


def test_hub_and_proxy_are_never_two() -> None:
    for workload in (render().hub, render().proxy):
        assert workload.manifest["spec"]["replicas"] == 1
        assert workload.manifest["spec"]["strategy"] == {"type": "Recreate"}


def test_a_setting_rolls_the_hub_and_leaves_the_proxy() -> None:
    before, after = render(), render({"hub": {"concurrentSpawnLimit": 7}})
    assert before.hub.annotations != after.hub.annotations
    assert before.proxy.template == after.proxy.template, "the proxy holds everybody's connections"


def test_nothing_rolls_without_a_change() -> None:
    """Generated keys are new in every `helm template`, which sees no cluster; pod templates must not show it."""
    one, two = render({"hub": {"labels": {}}}), render()
    assert one.secret("hub") != two.secret("hub")
    assert one.hub.template == two.hub.template


def test_the_hub_is_told_its_own_and_the_proxys_address() -> None:
    chart = render()
    assert chart.settings["hub"]["connectUrl"] == "http://hub:8081"
    assert chart.settings["proxy"]["apiUrl"] == "http://proxy-api:8001"
    second = render(VALUE_SETS["second release beside another"])
    assert second.settings["hub"]["connectUrl"] == "http://second-hub:8081"
    assert (
        "--default-target=http://second-hub:8081"
        in second.workload("Deployment", "second-proxy").container("chp").manifest["args"]
    )


def test_probes_of_the_hub_follow_the_base_url() -> None:
    hub = render(VALUE_SETS["ingress without a host, on a path"]).hub.container("hub").manifest
    assert hub["livenessProbe"]["httpGet"]["path"] == "/jupyter/hub/health"
    assert hub["readinessProbe"]["httpGet"]["path"] == "/jupyter/hub/health/remuda"


def test_an_unready_hub_stays_reachable_for_running_servers() -> None:
    assert render().get("Service", "hub")["spec"]["publishNotReadyAddresses"] is True


def test_https_ends_at_the_proxy_or_before_it() -> None:
    own = render(VALUE_SETS["https from a secret"])
    chp = own.proxy.container("chp")
    assert {"--port=8443", "--redirect-port=8000", "--ssl-key=/etc/chp/tls/tls.key"} <= set(chp.manifest["args"])
    assert chp.manifest["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    ports = {p["name"]: p for p in own.get("Service", "proxy-public")["spec"]["ports"]}
    assert ports["https"]["targetPort"] == "https"
    assert own.settings["hub"]["config"]["JupyterHub"]["public_url"] == "https://hub.example.org/"
    offload = render(VALUE_SETS["https at the load balancer"])
    ports = {p["name"]: p for p in offload.get("Service", "proxy-public")["spec"]["ports"]}
    assert ports["https"]["targetPort"] == "http"
    assert "--port=8000" in offload.proxy.container("chp").manifest["args"]
    manual = render(VALUE_SETS["https from the values, no plain http"])
    assert manual.get("Secret", "proxy-public-tls")["type"] == "kubernetes.io/tls"
    assert [p["name"] for p in manual.get("Service", "proxy-public")["spec"]["ports"]] == ["https"]


def test_the_hub_may_delete_homes_only_when_the_values_say_so() -> None:
    def claim_verbs(name: str) -> set[str]:
        rules = render(VALUE_SETS[name]).get("Role", "hub")["rules"]
        return {verb for rule in rules if "persistentvolumeclaims" in rule["resources"] for verb in rule["verbs"]}

    assert "delete" not in claim_verbs("defaults")
    assert "delete" in claim_verbs("homes removed with their people")


def test_cluster_wide_objects_can_be_left_out() -> None:
    chart = render(VALUE_SETS["no cluster-wide objects"])
    assert not chart.all("ClusterRole") and not chart.all("ClusterRoleBinding") and not chart.all("PriorityClass")
    none = render(VALUE_SETS["no rights made"])
    assert not none.all("Role") and not none.all("RoleBinding") and "hub" not in none.names("ServiceAccount")
    assert none.hub.pod["serviceAccountName"] == "given"


def test_what_outlives_the_release_is_released_after_it() -> None:
    """The hub may take off what it puts on; when it is gone a job does, whose rights are its own and go with it."""
    chart = render({})
    hub = next(role for role in chart.all("Role") if role["metadata"]["name"] == "hub")
    pods = next(rule for rule in hub["rules"] if rule["resources"] == ["pods"])
    assert "patch" in pods["verbs"] and chart.settings["hub"]["billedFinalizer"] is True
    parts = [each for each in chart.objects if each["metadata"]["name"] == "hook-pod-releaser"]
    assert {each["kind"] for each in parts} == {"ServiceAccount", "Role", "RoleBinding", "Job"}
    assert {each["metadata"]["annotations"]["helm.sh/hook"] for each in parts} == {"post-delete"}
    (role,) = [each for each in parts if each["kind"] == "Role"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]}]
    without = render({"rbac": {"create": False}, "hub": {"serviceAccount": {"create": False, "name": "mine"}}})
    assert not [each for each in without.objects if each["metadata"]["name"] == "hook-pod-releaser"]


def test_placeholders_stand_where_and_as_big_as_asked() -> None:
    chart = render(VALUE_SETS["placeholders"])
    gpu = chart.workload("Deployment", "user-placeholder-gpu")
    assert gpu.manifest["spec"]["replicas"] == 1
    resources = gpu.container("pause").manifest["resources"]
    assert resources["requests"] == {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": 1}
    assert resources["limits"] == {"nvidia.com/gpu": 1}
    general = chart.workload("Deployment", "user-placeholder-general")
    assert general.container("pause").manifest["resources"]["requests"] == {
        "cpu": str(chart_request("small-cpu", "cpu")),
        "memory": str(chart_request("small-cpu", "memory")),
    }
    classes = {o["metadata"]["name"]: o["value"] for o in chart.all("PriorityClass")}
    assert classes[gpu.pod["priorityClassName"]] < classes[chart.settings["singleuser"]["priorityClassName"]]
    assert "user-placeholder-many-core" not in chart.names("Deployment")
    assert "placeholders" not in str(chart.settings["catalog"]), "the hub's catalog does not know them"


def chart_request(profile: str, what: str) -> object:
    return getattr(load_machines({}).profiles[profile], what).request


def test_machines_carry_release_and_priority() -> None:
    settings = parse_settings(SettingsDocument("s", render().settings_text))
    assert settings.singleuser.extra_labels["release"] == RELEASE
    assert settings.singleuser.image.reference == "remuda/notebook:0.1.0"
    assert settings.singleuser.priority_class_name == f"corral-{RELEASE}-user"
    own = render({"singleuser": {"priorityClassName": "mine"}})
    assert own.settings["singleuser"]["priorityClassName"] == "mine"


def test_pull_secrets_reach_every_pod() -> None:
    chart = render(VALUE_SETS["extra everything"])
    for workload in chart.workloads:
        names = [secret["name"] for secret in workload.pod["imagePullSecrets"]]
        assert names[:2] == ["registry", "other-registry"], workload.name
    assert chart.settings["singleuser"]["image"]["pullSecrets"] == ["registry", {"name": "other-registry"}]


def test_extra_containers_get_the_restricted_context_unless_they_say_otherwise() -> None:
    assert render(VALUE_SETS["extra everything"]).hub.container("side").security["runAsNonRoot"] is True
    mine = {"name": "side", "image": "a:1", "securityContext": {"runAsUser": 5, "runAsNonRoot": False}}
    assert render({"hub": {"extraContainers": [mine]}}).hub.container("side").security["runAsNonRoot"] is False


def test_the_local_clusters_values_fit() -> None:
    """`make up` installs with these."""
    values = yaml.safe_load((ROOT / "tools" / "cluster" / "values.yaml").read_text(encoding="utf-8"))
    ports = render(values).get("Service", "proxy-public")["spec"]["ports"]
    assert [port["nodePort"] for port in ports] == [30080]


def test_long_pool_names_stay_apart() -> None:
    pools = {f"{'a' * 55}-{end}": {} for end in ("one", "two")}
    profiles = {
        f"in-{end}": {"pool": pool, "cpu": 1, "memory": "1Gi"} for pool, end in zip(pools, ("one", "two"), strict=True)
    }
    names = render({"pools": pools, "profiles": profiles}).names("DaemonSet")
    assert len(names) == len(set(names)) and all(len(name) <= 63 for name in names)


def test_services_of_the_hub_get_a_token_of_their_own() -> None:
    assert re.fullmatch(
        r"[0-9a-f]{64}", render(VALUE_SETS["extra everything"]).secret("hub")["hub.services.dask.apiToken"]
    )


def test_what_data_access_reads_is_mounted_into_every_machine(tmp_path: Path) -> None:
    """By its own reader, from the file that the volume holds; and beside what an admin mounts."""
    chart = render(VALUE_SETS["data inside the cluster"])
    file = tmp_path / "data.yaml"
    file.write_text(chart.get("ConfigMap", "data-settings")["data"]["data.yaml"])
    read = read_settings(environ={"REMUDA_DATA_CONFIG": str(file)})
    assert (read.metastore, read.warehouse) == ("thrift://hms.storage:9083", "s3://lake/warehouse")
    assert read.s3.endpoint == "http://minio:9000" and read.s3.connections == DataSettings().s3.connections
    assert read.grants == {"sales": ("ann",)}
    storage = parse_settings(SettingsDocument("s", chart.settings_text)).singleuser.storage
    assert storage.extra_volumes == [
        {"name": "nfs", "emptyDir": {}},
        {"name": "remuda-data", "configMap": {"name": "data-settings"}},
    ]
    assert storage.extra_volume_mounts == [{"name": "remuda-data", "mountPath": "/etc/remuda", "readOnly": True}]


def test_data_settings_are_data_accesss_own_defaults_where_nothing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(render().get("ConfigMap", "data-settings")["data"]["data.yaml"])
    assert read_settings(environ={"REMUDA_DATA_CONFIG": str(file)}) == DataSettings()


def test_a_change_of_data_settings_restarts_no_hub() -> None:
    before, after = render(), render({"data": {"settings": {"metastore": "glue://eu-west-1"}}})
    assert before.hub.template == after.hub.template


def test_the_local_clusters_data_services_fit() -> None:
    """Lists of volumes would push each other out: `make up` lays several files of values over each other."""
    merged, others = services.values(), certificates.values()["singleuser"]
    merged["singleuser"]["storage"]["extraVolumes"] |= others["storage"]["extraVolumes"]
    merged["singleuser"]["storage"]["extraVolumeMounts"] |= others["storage"]["extraVolumeMounts"]
    storage = render(merged).settings["singleuser"]["storage"]
    for things in (storage["extraVolumes"], storage["extraVolumeMounts"]):
        names = sorted(thing["name"] for thing in things)
        assert names == ["data-credentials", "remuda-data", "trusted-certificates"]


def test_dashboards_are_made_for_those_who_want_them_and_ask_for_metrics_that_there_are() -> None:
    assert not [name for name in render().names("ConfigMap") if "dashboard" in name]
    chart = render(VALUE_SETS["dashboards for grafana"])
    (name,) = [name for name in chart.names("ConfigMap") if "dashboard" in name]
    made = chart.get("ConfigMap", name)
    assert name == "second-dashboard-shares"
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["annotations"] == {"grafana_folder": "Remuda"}
    dashboard = json.loads(made["data"]["shares.json"])
    asked = {
        metric
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for metric in re.findall(r"\b(?:remuda|jupyterhub)_\w+", target["expr"])
    }
    registry = CollectorRegistry()
    metrics = SharesMetrics(registry)
    metrics.decided(Admit(None), 0.001)
    ours = {sample.name for family in registry.collect() for sample in family.samples}
    families = {family.name for family in registry.collect()}
    hubs = {"jupyterhub_server_spawn_duration_seconds_count"}
    assert asked <= ours | families | {"remuda_refusals_total"} | hubs
    assert len(asked) >= 6


def test_a_resource_quota_stands_behind_the_hubs_own_limits_with_headroom() -> None:
    assert not render().names("ResourceQuota")
    made = render(VALUE_SETS["a resource quota behind the hub's own"]).get("ResourceQuota", "backstop")
    assert made["spec"]["hard"] == {"requests.nvidia.com/gpu": "8", "requests.nvidia.com/mig-1g.5gb": "3"}


def test_a_resource_quota_without_anything_to_limit_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        render({"scheduling": {"resourceQuota": {"enabled": True}}})
    assert "scheduling.resourceQuota is enabled, and no quota" in str(refused.value)
