"""The two ways a start ends without a server, each with a sentence a person can act on.

SpawnException (JupyterHub: neither counts towards `consecutive_failure_limit`)
└── StartError        reason, sentence, remedy
    ├── RefusedStart  the person may not have this machine, or nobody ever could (4xx)
    └── FailedStart   it was allowed and did not come up: no room, unpullable image, lost disk … (5xx)
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Protocol

from jupyterhub.spawner import SpawnException

FORBIDDEN_REASONS = frozenset({"forbidden-profile", "forbidden-option"})


class Explained(Protocol):
    """What a refusal (`profiles.refusal.Refusal`) and an explanation (`spawner.explain.Explanation`) have in common."""

    @property
    def reason(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def remedy(self) -> str: ...


@dataclass(frozen=True)
class Problem:
    """Something that ended or keeps from starting a server: a stable code and two sentences."""

    reason: str
    sentence: str
    remedy: str = ""


class StartError(SpawnException):
    """Raised out of `start()`; JupyterHub shows it on the spawn page, the pending page and in the REST answer."""

    default_status = 500

    def __init__(self, explained: Explained, *, status_code: int | None = None, log_message: str = "") -> None:
        self.explained = explained
        self.sentence, self.remedy = explained.sentence, explained.remedy
        message = f"{explained.sentence} {explained.remedy}".strip()
        # Names of people, nodes and images end up in these sentences: escape what goes into a page.
        html = f'<span class="remuda-sentence">{escape(self.sentence)}</span>'
        if self.remedy:
            html += f' <span class="remuda-remedy">{escape(self.remedy)}</span>'
        super().__init__(
            message,
            reason=str(explained.reason),
            log_message=log_message,
            message_html=html,
            status_code=status_code or self.default_status,
        )
        # JupyterHub's progress stream and its not_running page read these two names instead.
        self.jupyterhub_message = message
        self.jupyterhub_html_message = html


class RefusedStart(StartError):
    """The choice is malformed (400), not allowed for this person (403) or impossible here (400)."""

    default_status = 400

    def __init__(self, explained: Explained, *, log_message: str = "") -> None:
        status = 403 if str(explained.reason) in FORBIDDEN_REASONS else 400
        super().__init__(explained, status_code=status, log_message=log_message)


class FailedStart(StartError):
    """An allowed start that could not be completed (503)."""

    default_status = 503
