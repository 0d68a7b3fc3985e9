"""The home's claim: made, grown, or left alone with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.frozen import freeze
from profiles.model import HomePolicy
from profiles.quantity import Memory
from spawner.home_claim import ClaimIdentity, ClaimReason, CreateClaim, GrowClaim, LeaveClaim, claim_manifest

HOME = HomePolicy(size=Memory.parse("20Gi"))
WHO = ClaimIdentity("home-ada---1a2b3c4d", "Ada Lovelace ♥", "remuda", labels={"app": "jupyterhub"})
RECORDED = Path(__file__).parent / "recorded"


def claim(size: str = "20Gi", phase: str = "Bound", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": WHO.name},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": size}}},
        "status": {"phase": phase, **status},
    }


def test_a_new_home() -> None:
    decision = claim_manifest(HOME, WHO, None)
    assert isinstance(decision, CreateClaim)
    assert decision.manifest == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "home-ada---1a2b3c4d",
            "namespace": "remuda",
            "labels": {"app": "jupyterhub", "remuda.dev/home": "true"},
            "annotations": {"hub.jupyter.org/username": "Ada Lovelace ♥"},
        },
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "20Gi"}}},
    }


@pytest.mark.parametrize(("storage_class", "expected"), [(None, None), ("", ""), ("nfs", "nfs")])
def test_the_clusters_default_class_is_not_the_same_as_no_class(
    storage_class: str | None, expected: str | None
) -> None:
    decision = claim_manifest(HomePolicy(storage_class=storage_class), WHO, None)
    assert isinstance(decision, CreateClaim)
    assert decision.manifest["spec"].get("storageClassName") == expected


def test_labels_of_the_policy_and_never_over_ours() -> None:
    home = HomePolicy(labels={"example.org/backup": "daily"}, annotations={"example.org/note": "x y"})
    decision = claim_manifest(home, WHO, None)
    assert isinstance(decision, CreateClaim)
    assert decision.manifest["metadata"]["labels"]["example.org/backup"] == "daily"
    assert decision.manifest["metadata"]["annotations"]["example.org/note"] == "x y"


@pytest.mark.parametrize(
    ("existing", "class_can_grow", "reason", "usable"),
    [
        (claim(), True, ClaimReason.AS_WANTED, True),
        (claim("20480Mi"), True, ClaimReason.AS_WANTED, True),
        (claim("50Gi"), True, ClaimReason.LARGER_THAN_WANTED, True),
        (claim("10Gi"), True, ClaimReason.SIZE_RAISED, True),
        (claim("10Gi"), None, ClaimReason.SIZE_RAISED, True),
        (claim("10Gi"), False, ClaimReason.CLASS_CANNOT_GROW, True),
        (claim("10Gi", "Pending"), True, ClaimReason.NOT_BOUND_YET, True),
        (claim("10Gi", conditions=[{"type": "Resizing", "status": "True"}]), True, ClaimReason.GROWING, True),
        (claim("10Gi", conditions=[{"type": "Resizing", "status": "False"}]), True, ClaimReason.SIZE_RAISED, True),
        (claim("1500m"), True, ClaimReason.AS_WANTED, True),  # an odd amount is nobody's to change
        (claim(phase="Lost"), True, ClaimReason.LOST, False),
        (
            {**claim(), "metadata": {"deletionTimestamp": "2026-11-21T06:00:00Z"}},
            True,
            ClaimReason.BEING_DELETED,
            False,
        ),
        ({}, True, ClaimReason.AS_WANTED, True),
    ],
)
def test_an_existing_home(
    existing: dict[str, Any], class_can_grow: bool | None, reason: ClaimReason, usable: bool
) -> None:
    decision = claim_manifest(HOME, WHO, freeze(existing), class_can_grow=class_can_grow)
    assert decision.reason is reason
    if isinstance(decision, LeaveClaim):
        assert decision.usable is usable
        assert usable or (decision.sentence and decision.remedy)


def test_growing_changes_the_size_and_nothing_else() -> None:
    decision = claim_manifest(HOME, WHO, claim("10Gi"))
    assert isinstance(decision, GrowClaim)
    assert decision.patch == {"spec": {"resources": {"requests": {"storage": "20Gi"}}}}
    assert decision.name == WHO.name
    assert "10 GiB" in decision.sentence
    assert "20 GiB" in decision.sentence


def test_what_growing_leads_to_is_left_alone() -> None:
    assert claim_manifest(HOME, WHO, claim("20Gi")).reason is ClaimReason.AS_WANTED


def test_a_made_claim_read_back_from_a_real_api_server_is_as_wanted() -> None:
    recorded = json.loads((RECORDED / "home_being_made.json").read_text())["claim"]
    assert claim_manifest(HomePolicy(size=Memory.parse("10Gi")), WHO, recorded).reason is ClaimReason.AS_WANTED
