"""What an explanation is, and when one is reason enough to stop waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spawner.explain.codes import Code


class Severity(StrEnum):
    """`progress`: going well. `waiting`: stuck, and waiting may help. `fatal`: waiting cannot help."""

    PROGRESS = "progress"
    WAITING = "waiting"
    FATAL = "fatal"


class Verdict(StrEnum):
    """What to do about a start that is not ready yet."""

    WAIT = "wait"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One state of a start (or an end) that a person understands. Plain text: whoever renders it escapes it."""

    reason: Code
    sentence: str
    remedy: str = ""
    severity: Severity = Severity.PROGRESS
    percent: int | None = None  # of the way to ready; None where the start does not move
    detail: str = ""  # Kubernetes' own words, for the log and an admin's eyes
    since: datetime | None = None  # when this state began, where the cluster says so
    patience_s: float | None = None  # how long it may stand before waiting is pointless; None: the start's own limit

    @property
    def message(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()

    @property
    def fatal(self) -> bool:
        return self.severity is Severity.FATAL


def verdict(explanation: Explanation, waited_seconds: float, now: datetime | None = None) -> Verdict:
    """Fail now, or keep waiting until the start's own time limit (whose message is this explanation's).

    `waited_seconds` is how long the caller has seen this reason stand, or, as an upper bound, how long the start
    has taken; with `now`, the cluster's own `since` makes it exact.
    """
    if explanation.severity is Severity.FATAL:
        return Verdict.FAIL
    if explanation.patience_s is None:
        return Verdict.WAIT
    stood = waited_seconds
    if now is not None and explanation.since is not None:
        stood = min(stood, (now - explanation.since).total_seconds())
    return Verdict.FAIL if stood >= explanation.patience_s else Verdict.WAIT
