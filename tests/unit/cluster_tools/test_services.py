"""The data services of the local cluster: what is applied, what machines are told, and that the two fit."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_access.config import Settings
from tests.unit.spawner.restricted_rules import violations
from tools.cluster.image_sources import BY_NAME, CORE
from tools.cluster.services import (
    DEPLOYMENTS,
    MANIFESTS,
    Keys,
    keys,
    manifests,
    secret_manifests,
    values,
)

REFERENCES = {name: f"remuda/{name}:dev-0123456789ab" for name in BY_NAME}


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(manifests(MANIFESTS.read_text(), REFERENCES)))


def of_kind(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


def test_each_server_runs_the_image_of_this_tree_on_the_core_node(documents: list[dict[str, Any]]) -> None:
    deployments = of_kind(documents, "Deployment")
    assert tuple(deployments) == DEPLOYMENTS
    for name, deployment in deployments.items():
        pod = deployment["spec"]["template"]["spec"]
        assert [container["image"] for container in pod["containers"]] == [REFERENCES[name]]
        assert pod["nodeSelector"] == {"remuda.dev/pool": CORE} and BY_NAME[name].pools == (CORE,)


def test_they_meet_pod_security_restricted_and_reserve_little(documents: list[dict[str, Any]]) -> None:
    for deployment in of_kind(documents, "Deployment").values():
        assert violations(deployment["spec"]["template"]) == []
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert int(container["resources"]["requests"]["cpu"].removesuffix("m")) <= 50
            assert int(container["resources"]["requests"]["memory"].removesuffix("Mi")) <= 256


def test_machines_are_sent_to_what_is_served(documents: list[dict[str, Any]]) -> None:
    """Names and ports in the settings are those of services, and the open ways end at their pods."""
    told = values()["data"]
    settings = Settings.model_validate(told["settings"])
    services = of_kind(documents, "Service")
    ports = {name: service["spec"]["ports"][0]["port"] for name, service in services.items()}
    assert settings.metastore == f"thrift://hive-metastore:{ports['hive-metastore']}"
    assert settings.s3.endpoint == f"http://s3:{ports['s3']}"
    bucket = str(settings.warehouse).removeprefix("s3://").partition("/")[0]
    (s3,) = of_kind(documents, "Deployment")["s3"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "BUCKETS", "value": bucket} in s3["env"]
    reached = [(entry["podLabels"], entry["ports"]) for entry in told["reach"]]
    assert reached == [(services[name]["spec"]["selector"], [ports[name]]) for name in ("s3", "hive-metastore")]
    for deployment in of_kind(documents, "Deployment").values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert services[deployment["metadata"]["name"]]["spec"]["selector"] == labels


def test_only_machines_get_in_and_only_the_metastore_to_the_database(documents: list[dict[str, Any]]) -> None:
    policies = of_kind(documents, "NetworkPolicy")
    (front,) = policies["data-services"]["spec"]["ingress"]
    assert front["from"] == [{"podSelector": {"matchLabels": {"app": "jupyterhub", "component": "singleuser-server"}}}]
    (back,) = policies["data-postgres"]["spec"]["ingress"]
    assert back["from"] == [{"podSelector": {"matchLabels": {"app": "remuda-data", "component": "hive-metastore"}}}]


def test_keys_are_made_once_and_are_nobody_elses(tmp_path: Path) -> None:
    place = tmp_path / "data-services.json"
    first = keys(place)
    assert keys(place) == first and keys(tmp_path / "other.json") != first
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_what_machines_mount_is_what_the_server_lets_in() -> None:
    servers, machines = secret_manifests(Keys("id", "secret-key", "password"), "herd")
    config = configparser.ConfigParser()
    config.read_string(machines["stringData"]["credentials"])
    assert dict(config["default"]) == {
        "aws_access_key_id": servers["stringData"]["access-key"],
        "aws_secret_access_key": servers["stringData"]["secret-key"],
    }
    assert "password" not in machines["stringData"]["credentials"]
    told = values()["singleuser"]
    (volume,) = told["storage"]["extraVolumes"].values()
    (mount,) = told["storage"]["extraVolumeMounts"].values()
    assert volume["secret"]["secretName"] == machines["metadata"]["name"] and volume["name"] == mount["name"]
    assert told["extraEnv"]["AWS_SHARED_CREDENTIALS_FILE"] == f"{mount['mountPath']}/credentials"
