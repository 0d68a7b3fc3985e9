"""The home's claim, applied: read it, let `home_claim` decide, make it or let it grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from profiles.model import HomePolicy
from spawner.cluster import CLAIM, Cluster, Json
from spawner.home_claim import ClaimIdentity, CreateClaim, GrowClaim, LeaveClaim, claim_manifest
from spawner.persist import persist
from spawner.podstate import USER_ANNOTATION, Pod, claims_of, is_leaving, uid_of
from spawner.refused import FailedStart, Problem
from spawner.rejected import rejected
from spawner.retry import AlreadyThere, ClusterError, NotFound
from spawner.story import Line

SINGLE_WRITER = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@dataclass(frozen=True)
class HomeRequest:
    """`known` claims were used by this person before (kept in the hub's database): no proof of ownership is asked."""

    policy: HomePolicy
    identity: ClaimIdentity
    namespace: str
    known: bool = False


async def ensure_home(
    cluster: Cluster,
    request: HomeRequest,
    deadline: float,
    *,
    tell: Callable[[Line], None],
    waiting: Callable[[ClusterError], None] | None = None,
) -> Json:
    """The claim as it is now. Raises FailedStart where no machine could use it."""
    name, namespace = request.identity.name, request.namespace

    async def read() -> Json | None:
        try:
            return await cluster.get(CLAIM, namespace, name)
        except NotFound:
            return None

    async def make(manifest: Json) -> Json:
        try:
            return await cluster.create(CLAIM, namespace, manifest)
        except AlreadyThere:
            return await cluster.get(CLAIM, namespace, name)

    try:
        claim = await persist(read, deadline, waiting=waiting)
        if claim is not None:
            _check_owner(claim, request)
        decision = claim_manifest(request.policy, request.identity, claim)
        if isinstance(decision, CreateClaim):
            tell(Line("Making your home disk.", percent=5, reason=str(decision.reason)))
            manifest = decision.manifest
            return await persist(lambda: make(manifest), deadline, waiting=waiting)
    except ClusterError as e:
        raise rejected(e, f"claim {name}") from e
    assert claim is not None
    if isinstance(decision, GrowClaim):
        return await _grow(cluster, namespace, claim, decision, tell)
    if isinstance(decision, LeaveClaim) and not decision.usable:
        raise FailedStart(Problem(f"home-{decision.reason}", decision.sentence, decision.remedy))
    return claim


async def _grow(
    cluster: Cluster, namespace: str, claim: Json, decision: GrowClaim, tell: Callable[[Line], None]
) -> Json:
    """Best effort: a smaller home than configured is no reason not to work in it."""
    try:
        grown = await cluster.patch(CLAIM, namespace, decision.name, decision.patch)
    except ClusterError:
        return claim
    tell(Line(decision.sentence, percent=5, reason=str(decision.reason)))
    return grown


def _check_owner(claim: Json, request: HomeRequest) -> None:
    """A slug's hash has 32 bits, and where people choose their own names somebody can search for a collision.

    A claim that says it is somebody else's is never mounted; one that says nothing was made by an admin for this name.
    """
    owner = (claim["metadata"].get("annotations") or {}).get(USER_ANNOTATION)
    if owner is None or owner == request.identity.username or request.known:
        return
    raise FailedStart(
        Problem(
            "home-of-another",
            "The disk that would be your home belongs to another user name.",
            "Tell an administrator: the two names have to be told apart before you can start.",
        ),
        log_message=f"claim {request.identity.name} is {owner!r}'s, not {request.identity.username!r}'s",
    )


async def delete_home(cluster: Cluster, namespace: str, name: str, username: str, deadline: float) -> None:
    """For good, with everything in it; only that very claim, and never one that says it is somebody else's."""

    async def ask() -> None:
        try:
            claim = await cluster.get(CLAIM, namespace, name)
            if (claim["metadata"].get("annotations") or {}).get(USER_ANNOTATION) in (None, username):
                await cluster.delete(CLAIM, namespace, name, uid=uid_of(claim))
        except NotFound:
            return

    await persist(ask, deadline)


def is_single_writer(claim: Json) -> bool:
    modes = set(claim["spec"].get("accessModes") or ())
    return bool(modes) and modes <= SINGLE_WRITER


def others_using(pods: Mapping[str, Pod], claim_name: str, namespace: str, own_uid: str = "") -> list[Pod]:
    """Pods that hold this claim, those on their way out included."""
    return [
        pod
        for pod in pods.values()
        if pod["metadata"].get("namespace") == namespace
        and uid_of(pod) != own_uid
        and claim_name in claims_of(pod)
        and (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")
    ]


def first_leaving(pods: list[Pod]) -> Pod | None:
    return next((pod for pod in pods if is_leaving(pod)), None)
