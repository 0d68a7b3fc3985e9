"""PURE: what to do after a failed call to the Kubernetes API. The shell that acts on it is `persist`.

| what came back                                  | decision                                  |
|-------------------------------------------------|-------------------------------------------|
| no answer: refused, reset, timed out, DNS, TLS  | again                                     |
| 429, 500, 502, 503, 504                         | again, not before `Retry-After`           |
| 401                                             | again: tokens rotate, credentials re-read |
| 409 on an object somebody else just changed     | again (a quota being counted, a patch)    |
| anything else                                   | give up: asking again changes nothing     |

Waits double from 0.1 s up to 5 s, with jitter, so that an API server that comes back is not trampled.
"""

from __future__ import annotations

from dataclasses import dataclass

RETRYABLE = frozenset({401, 429, 500, 502, 503, 504})
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


class ClusterError(Exception):
    """The Kubernetes API did not do what was asked.

    ClusterError
    ├── Unreachable   no answer at all: nobody knows whether the request was carried out
    └── ApiError      the API server's own refusal
        ├── NotFound       404
        ├── AlreadyThere   409 AlreadyExists
        └── Expired        410: a watch's resourceVersion is too old
    """


class Unreachable(ClusterError):
    """Refused, reset or timed out. The request may or may not have taken effect."""


class ApiError(ClusterError):
    """An HTTP status other than 2xx, with the API server's `Status` object."""

    def __init__(self, status: int, reason: str = "", message: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s


class NotFound(ApiError):
    """404."""


class AlreadyThere(ApiError):
    """409, reason AlreadyExists."""


class Expired(ApiError):
    """410."""


@dataclass(frozen=True)
class Again:
    """Ask again after `wait_s` seconds."""

    wait_s: float


@dataclass(frozen=True)
class GiveUp:
    """`out_of_time` tells a deadline from an answer that will not change."""

    out_of_time: bool


def is_retryable(error: ClusterError) -> bool:
    if isinstance(error, Unreachable):
        return True
    if isinstance(error, ApiError):
        return error.status in RETRYABLE or (error.status == 409 and error.reason == "Conflict")
    return False


def after_failure(
    error: ClusterError, attempt: int, now: float, deadline: float | None, jitter: float
) -> Again | GiveUp:
    """`attempt` counts from 1; `now` and `deadline` in seconds of one clock; `jitter` in [0, 1)."""
    if not is_retryable(error):
        return GiveUp(out_of_time=False)
    ceiling = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempt - 1, 10))
    wait = ceiling * (0.5 + jitter / 2)
    asked = getattr(error, "retry_after_s", None)
    if asked:
        wait = asked + jitter * min(asked, 1.0)
    if deadline is not None and now + wait >= deadline:
        return GiveUp(out_of_time=True)
    return Again(wait)
