"""PURE: a failed call to the API, as the reason a start ends with."""

from __future__ import annotations

from spawner.explain import explain_rejection
from spawner.refused import Explained, FailedStart, Problem
from spawner.retry import ApiError, ClusterError

CLUSTER_UNREACHABLE = Problem(
    "cluster-unreachable",
    "The cluster did not answer in the time a start may take.",
    "Try again in a minute; what you have running goes on running.",
)


def rejected(error: ClusterError, what: str) -> FailedStart:
    """`what` names the object, for the log."""
    explained: Explained = CLUSTER_UNREACHABLE
    if isinstance(error, ApiError):
        explained = explain_rejection(error.status, error.message)
    return FailedStart(explained, log_message=f"{what}: {error}")
