from __future__ import annotations

from datetime import UTC, datetime

import pytest

from profiles.model import Catalog
from profiles.person import Person

NASTY = """<script>alert("x")</script> & 'quoted' {{ 7 * 7 }}"""


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 14, 5, tzinfo=UTC)


@pytest.fixture
def ada() -> Person:
    return Person("ada")


@pytest.fixture
def catalog() -> Catalog:
    """Three machines open to all, and one for a group."""
    return Catalog.model_validate(
        {
            "defaultProfile": "small",
            "pools": {"general": {"displayName": "General"}, "gpu": {"displayName": "GPU nodes"}},
            "profiles": {
                "small": {
                    "displayName": "Small CPU",
                    "purpose": "Notebooks and plots.",
                    "pool": "general",
                    "cpu": {"request": "500m", "limit": 2},
                    "memory": {"request": "2Gi", "limit": "4Gi"},
                    "pricePerHour": "0.05",
                    "idleTimeout": "2h",
                },
                "many": {
                    "displayName": "Many cores",
                    "pool": "general",
                    "cpu": 16,
                    "memory": "64Gi",
                    "pricePerHour": "0.8",
                    "maxLifetime": "12h",
                    "options": {
                        "memory": {
                            "displayName": "Memory",
                            "default": "64",
                            "choices": {
                                "64": {"displayName": "64 GiB"},
                                "128": {
                                    "displayName": "128 GiB",
                                    "pricePerHour": "0.4",
                                    "overrides": {"memory": "128Gi"},
                                },
                            },
                        },
                        "image": {
                            "displayName": "Software",
                            "default": "plain",
                            "choices": {
                                "plain": {"displayName": "Plain"},
                                "geo": {"displayName": "Geo", "overrides": {"image": "example.org/geo:1"}},
                            },
                        },
                    },
                },
                "gpu": {
                    "displayName": "GPU",
                    "purpose": "Training.",
                    "pool": "gpu",
                    "cpu": 8,
                    "memory": "32Gi",
                    "extendedResources": {"nvidia.com/gpu": 1},
                    "pricePerHour": "2.5",
                    "idleTimeout": "30m",
                    "maxLifetime": "8h",
                    "options": {
                        "gpus": {
                            "displayName": "GPUs",
                            "range": {
                                "from": 1,
                                "to": 4,
                                "sets": "extendedResources.nvidia.com/gpu",
                                "pricePerHourEach": "2.5",
                            },
                        }
                    },
                },
                "big": {
                    "displayName": "Big memory",
                    "pool": "general",
                    "cpu": 32,
                    "memory": "512Gi",
                    "pricePerHour": "4.2",
                    "allow": {"groups": ["research"]},
                    "options": {"spare": {"default": "a", "choices": {"a": {}}}},
                },
            },
        }
    )


@pytest.fixture
def nasty() -> str:
    return NASTY


@pytest.fixture
def nasty_catalog(nasty: str) -> Catalog:
    """An admin's words are text as well: nothing in them may become HTML."""
    machine = {"pool": "p", "cpu": 1, "memory": "1Gi", "displayName": nasty, "purpose": nasty}
    option = {"displayName": nasty, "default": "a", "choices": {"a": {"displayName": nasty}}}
    return Catalog.model_validate(
        {
            "pools": {"p": {"displayName": nasty}},
            "profiles": {
                "open": machine | {"options": {"o": option}},
                "locked": machine | {"allow": {"groups": [nasty]}},
            },
        }
    )
