"""PURE: what a page tells its reader before anything else: what happened, what to do next, a stable code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"


@dataclass(frozen=True)
class Notice:
    sentence: str
    remedy: str = ""
    reason: str = ""
    tone: Tone = Tone.INFO


class Explained(Protocol):
    """A refusal or an explanation of a failed start."""

    @property
    def reason(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def remedy(self) -> str: ...


#: What one page may ask another to say, by `?notice=<code>`: only these words, never the URL's own.
PASSED_ON = {
    "already-starting": Notice(
        "This machine was already starting, perhaps in another tab.", "This page follows it.", "already-starting"
    ),
    "already-switching": Notice(
        "You were already switching machines, perhaps in another tab.", "This page follows it.", "already-switching"
    ),
    "already-running": Notice(
        "Your machine was already running, so nothing new was started.",
        "Open it, or choose “Switch machine” to get another one.",
        "already-running",
    ),
    "still-stopping": Notice(
        "Your machine is still stopping.", "You can start one as soon as it has stopped.", "still-stopping"
    ),
    "kept-on": Notice("Your machine is kept on until the time that you chose.", "", "kept-on"),
    "kept-no-longer": Notice(
        "Your machine stops again when nothing is done on it for a while.", "", "kept-no-longer"
    ),
    "runs-longer": Notice("Your machine runs on until the time that you chose.", "", "runs-longer"),
    "stopped": Notice("Your machine has stopped. Your home is kept.", "", "stopped"),
    "stop-failed": Notice(
        "Your machine could not be stopped; it is still running and still costs its price.",
        "Try again in a minute; if it happens again, tell your administrator.",
        "stop-failed",
        Tone.DANGER,
    ),
}


def passed_on(code: str | None) -> Notice | None:
    """The notice another page asked for, or None for an unknown code."""
    return PASSED_ON.get(code or "")


def notice_of(explained: Explained | None, tone: Tone = Tone.DANGER) -> Notice | None:
    if explained is None:
        return None
    return Notice(str(explained.sentence), str(explained.remedy), str(explained.reason), tone)


def notice_of_error(error: BaseException) -> Notice:
    """What to say about an exception that ended a start; only words meant for users are shown."""
    explained = getattr(error, "explained", None)
    if explained is not None:
        return Notice(str(explained.sentence), str(explained.remedy), str(explained.reason), Tone.DANGER)
    if getattr(error, "message", "") and getattr(error, "reason", ""):  # a SpawnException of somebody else's
        return Notice(str(error.message), "", str(error.reason), Tone.DANGER)  # type: ignore[attr-defined]
    message = getattr(error, "jupyterhub_message", None) or getattr(error, "log_message", None)
    status = getattr(error, "status_code", 500)
    if message and status < 500:
        return Notice(str(message), "", "hub-busy" if status == 429 else f"refused-{status}", Tone.WARNING)
    if type(error).__name__ == "TimeoutError" or getattr(error, "reason", "") == "timeout":
        return Notice(
            "The machine did not answer in time, so its start was given up.",
            "Try again, or choose another machine; if it happens again, tell your administrator.",
            "start-timeout",
            Tone.DANGER,
        )
    if type(error).__name__ == "CancelledError":
        return Notice("The start was cancelled.", "Choose a machine whenever you are ready.", "start-cancelled")
    return Notice(
        "The machine could not be started because of an error in the hub.",
        "Try again; if it happens again, tell your administrator the time: the hub's log has the details.",
        "internal-error",
        Tone.DANGER,
    )
