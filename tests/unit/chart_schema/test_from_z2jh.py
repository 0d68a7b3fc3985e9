"""What zero-to-jupyterhub's profile list becomes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from profiles.catalog import from_mapping, load_catalog
from tools.chart_schema.from_z2jh import Converted, convert
from tools.chart_schema.schema import values_schema

Z2JH: dict[str, Any] = {
    "singleuser": {
        "cpu": {"guarantee": 0.5, "limit": 2},
        "memory": {"guarantee": "1G", "limit": "2G"},
        "extraTolerations": [{"key": "users", "operator": "Exists"}],
        "profileList": [
            {"display_name": "Small (default)", "description": "For most of the day", "default": True},
            {
                "display_name": "GPU",
                "slug": "gpu",
                "kubespawner_override": {
                    "image": "quay.io/jupyter/pytorch-notebook:cuda12",
                    "mem_limit": "32G",
                    "mem_guarantee": "32G",
                    "node_selector": {"cloud.example/pool": "A100_nodes"},
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "extra_resource_limits": {"nvidia.com/gpu": "1"},
                    "environment": {"NVIDIA_DRIVER_CAPABILITIES": "compute"},
                    "lifecycle_hooks": {"postStart": {}},
                },
                "profile_options": {
                    "image": {
                        "display_name": "Image",
                        "unlisted_choice": {"enabled": True},
                        "choices": {
                            "pytorch": {"display_name": "PyTorch"},
                            "tensorflow": {
                                "display_name": "TensorFlow",
                                "default": True,
                                "kubespawner_override": {"image": "quay.io/jupyter/tensorflow-notebook:cuda12"},
                            },
                        },
                    }
                },
            },
            {
                "display_name": "GPU!",
                "kubespawner_override": {"cpu_limit": 8, "node_selector": {"cloud.example/pool": "A100_nodes"}},
            },
        ],
    },
    "scheduling": {"userPlaceholder": {"replicas": 2}},
}


@pytest.fixture
def converted() -> Converted:
    return convert(Z2JH)


def test_the_result_is_a_catalog_and_passes_the_charts_schema(converted: Converted) -> None:
    jsonschema.Draft7Validator(values_schema()).validate(converted.values)
    catalog = load_catalog(
        from_mapping("converted", {k: v for k, v in converted.values.items() if k != "shippedProfiles"}), base=()
    )
    assert list(catalog.profiles) == ["small-default", "gpu", "gpu-2"]
    assert catalog.default_profile == "small-default"


def test_amounts_keep_their_size(converted: Converted) -> None:
    """KubeSpawner's 1G is 1024³ bytes; Kubernetes' and ours is 1000³."""
    profiles = converted.values["profiles"]
    assert profiles["small-default"]["memory"] == {"request": "1Gi", "limit": "2Gi"}
    assert profiles["small-default"]["cpu"] == {"request": 0.5, "limit": 2}
    assert profiles["gpu"]["memory"] == {"request": "32Gi", "limit": "32Gi"}
    assert profiles["gpu-2"]["cpu"] == {"request": 0.5, "limit": 8}


def test_nodes_become_pools(converted: Converted) -> None:
    pools, profiles = converted.values["pools"], converted.values["profiles"]
    assert pools[profiles["small-default"]["pool"]]["nodeSelector"] == {}
    assert pools[profiles["gpu"]["pool"]]["nodeSelector"] == {"cloud.example/pool": "A100_nodes"}
    assert [t["key"] for t in pools[profiles["gpu"]["pool"]]["tolerations"]] == ["users", "nvidia.com/gpu"]
    assert profiles["gpu-2"]["pool"] not in {profiles["gpu"]["pool"], profiles["small-default"]["pool"]}


def test_devices_images_and_options_come_along(converted: Converted) -> None:
    gpu = converted.values["profiles"]["gpu"]
    assert gpu["extendedResources"] == {"nvidia.com/gpu": 1}
    assert gpu["options"]["image"]["default"] == "tensorflow"
    assert gpu["options"]["image"]["choices"]["tensorflow"]["overrides"]["image"].endswith("tensorflow-notebook:cuda12")


def test_what_a_person_must_look_at_is_said(converted: Converted) -> None:
    notes = "\n".join(converted.notes)
    for part in ("unlisted_choice", "lifecycle_hooks", "pools.<name>.placeholders"):
        assert part in notes


def test_without_a_list_one_machine_is_made() -> None:
    made = convert({})
    assert list(made.values["profiles"]) == ["standard"]
    assert any("is a guess" in note for note in made.notes)
