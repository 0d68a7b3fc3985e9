"""PURE: the one claim that is a person's home: make it, grow it, or leave it alone, and why.

A claim is never shrunk, replaced or deleted here: what is in a home is somebody's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from profiles.model import HomePolicy
from profiles.quantity import Memory

Json = dict[str, Any]


class ClaimReason(StrEnum):
    """Why a home's claim is made, changed or left; stable, for logs and tests."""

    NO_CLAIM_YET = "no-claim-yet"
    SIZE_RAISED = "size-raised"
    AS_WANTED = "as-wanted"
    LARGER_THAN_WANTED = "larger-than-wanted"
    CLASS_CANNOT_GROW = "class-cannot-grow"
    NOT_BOUND_YET = "not-bound-yet"
    GROWING = "growing"
    BEING_DELETED = "being-deleted"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class CreateClaim:
    """Make the claim with this manifest."""

    manifest: Json
    reason: ClaimReason = ClaimReason.NO_CLAIM_YET


@dataclass(frozen=True, slots=True)
class GrowClaim:
    """Send this merge patch to the claim. The start need not wait for it, nor fail if it is refused."""

    name: str
    patch: Json
    sentence: str
    reason: ClaimReason = ClaimReason.SIZE_RAISED


@dataclass(frozen=True, slots=True)
class LeaveClaim:
    """Do nothing. `usable` is false where a pod could not mount it: say `sentence` and `remedy` and stop there."""

    reason: ClaimReason
    sentence: str = ""
    remedy: str = ""
    usable: bool = True


ClaimDecision = CreateClaim | GrowClaim | LeaveClaim


@dataclass(frozen=True, slots=True)
class ClaimIdentity:
    """Whose home it is and what the claim is called."""

    name: str
    username: str
    namespace: str | None = None
    labels: Mapping[str, str] | None = None  # KubeSpawner's common labels, where they are wanted
    annotations: Mapping[str, str] | None = None


def claim_manifest(
    home: HomePolicy,
    identity: ClaimIdentity,
    existing: Mapping[str, Any] | None,
    *,
    class_can_grow: bool | None = None,
) -> ClaimDecision:
    """Decide about the home's claim before a start.

    `class_can_grow` is the storage class's `allowVolumeExpansion`; None where it could not be read: then growing is
    tried, and the API refuses it without harm.
    """
    if existing is None:
        return CreateClaim(_new_claim(home, identity))
    unusable = _unusable(existing)
    if unusable is not None:
        return unusable
    return _sized(home, identity.name, existing, class_can_grow)


def _new_claim(home: HomePolicy, identity: ClaimIdentity) -> Json:
    metadata: Json = {
        "name": identity.name,
        "labels": {**(identity.labels or {}), **home.labels, "remuda.dev/home": "true"},
        # The name may not survive in the claim's own: unicode and long ones become a slug with a hash.
        "annotations": {
            **(identity.annotations or {}),
            **home.annotations,
            "hub.jupyter.org/username": identity.username,
        },
    }
    if identity.namespace:
        metadata["namespace"] = identity.namespace
    spec: Json = {
        "accessModes": [str(home.access_mode)],
        "resources": {"requests": {"storage": str(home.size)}},
    }
    if home.storage_class is not None:  # None: the cluster's default class; "" means "no class", so it is kept
        spec["storageClassName"] = home.storage_class
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _unusable(claim: Mapping[str, Any]) -> LeaveClaim | None:
    if (claim.get("metadata") or {}).get("deletionTimestamp"):
        return LeaveClaim(
            ClaimReason.BEING_DELETED,
            "Your home disk is being deleted, so no machine can use it.",
            "Ask an administrator at once: until the last machine lets go of it, its contents can be saved.",
            usable=False,
        )
    if (claim.get("status") or {}).get("phase") == "Lost":
        return LeaveClaim(
            ClaimReason.LOST,
            "The disk behind your home is gone from the cluster.",
            "Ask an administrator: the volume has to be restored before a machine can start.",
            usable=False,
        )
    return None


def _sized(home: HomePolicy, name: str, claim: Mapping[str, Any], class_can_grow: bool | None) -> ClaimDecision:
    size = _requested(claim)
    if size is None or size == home.size:
        return LeaveClaim(ClaimReason.AS_WANTED)
    if size > home.size:
        return LeaveClaim(
            ClaimReason.LARGER_THAN_WANTED,
            f"Your home has {size.human}; new homes get {home.size.human}. It stays as it is.",
        )
    status = claim.get("status") or {}
    if status.get("phase") != "Bound":
        # Kubernetes forbids changing the request of an unbound claim; the next start grows it.
        return LeaveClaim(ClaimReason.NOT_BOUND_YET)
    if any(each.get("type") == "Resizing" and each.get("status") == "True" for each in status.get("conditions") or ()):
        return LeaveClaim(ClaimReason.GROWING, f"Your home is being grown to {size.human}.")
    if class_can_grow is False:
        return LeaveClaim(
            ClaimReason.CLASS_CANNOT_GROW,
            f"Your home has {size.human} and should have {home.size.human}, but its storage class cannot grow disks.",
            "Ask an administrator to allow volume expansion for the class.",
        )
    return GrowClaim(
        name,
        {"spec": {"resources": {"requests": {"storage": str(home.size)}}}},
        f"Your home grows from {size.human} to {home.size.human}.",
    )


def _requested(claim: Mapping[str, Any]) -> Memory | None:
    text = (((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}).get("storage")
    try:
        return Memory.parse(text) if text is not None else None
    except ValueError:  # an amount only Kubernetes understands, such as "1500m": leave such a claim alone
        return None
