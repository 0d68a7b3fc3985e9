"""Why something could not be done, in the words of the person's world.

Failure
└── every one carries a reason code, what happened, and what to do next; `failure_from` makes one of foreign errors
"""

from __future__ import annotations

import errno
import re

NETWORK_SIGNS = (
    "error sending request", "dns error", "connection refused", "timed out", "timeout", "network is unreachable",
    "failed to lookup address", "connection reset", "certificate", "tunnel", "proxy", "could not connect",
    "status server error", "failed to fetch",
)  # fmt: skip
URL = re.compile(r"(?:https?|file)://[^\s'\"()\[\]<>]+")


class Failure(Exception):
    """What could not be done. `str()` is the sentence and the remedy; `reason` a code that does not change."""

    def __init__(self, reason: str, sentence: str, remedy: str) -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.reason, self.sentence, self.remedy = reason, sentence, remedy


def failure_from(error: BaseException, doing: str) -> Failure | None:
    """A foreign error (rattler's, uv's output, the system's) in plain words; None when it is none of those known."""
    text = _whole_text(error)
    number = error.errno if isinstance(error, OSError) else None
    return _home_failure(number, text.lower(), doing) or _channel_failure(text, doing)


def _home_failure(number: int | None, lowered: str, doing: str) -> Failure | None:
    if number in (errno.ENOSPC, errno.EDQUOT) or "no space left" in lowered or "quota exceeded" in lowered:
        return Failure(
            "home-full",
            f"Your home is full: {doing} stopped.",
            "Free some space (`remuda-env list`, then `remuda-env remove NAME`; caches: `remuda-env clean`) and run "
            "the same command again.",
        )
    if number == errno.EROFS or "read-only file system" in lowered:
        return Failure("home-read-only", f"Your home cannot be written: {doing} stopped.", "Ask your admin.")
    return None


def _channel_failure(text: str, doing: str) -> Failure | None:
    found, lowered = URL.search(text), text.lower()
    if found is None:
        return None
    url = found[0].rstrip(".,;")
    if "404" in text or (url.startswith("file:") and ("no such file" in lowered or "not found" in lowered)):
        remedy = "Check the channel's name in --channel, REMUDA_CHANNELS or ~/.condarc."
        return Failure("channel-missing", f"There is no channel at {url}.", remedy)
    if "401 Unauthorized" in text or "403 Forbidden" in text:
        return Failure(
            "channel-forbidden",
            f"{_host(url)} did not let us read {url}.",
            "Check the credentials for that channel, or ask your admin for a channel you may read.",
        )
    if any(sign in lowered for sign in NETWORK_SIGNS):
        return Failure(
            "channel-unreachable",
            f"{_host(url)} cannot be reached from this machine: {doing} stopped.",
            "Try again later; behind a firewall, ask your admin for a mirror and name it in REMUDA_CHANNELS or with "
            "--channel.",
        )
    return None


def no_solution(specs: tuple[str, ...], error: BaseException, channels: tuple[str, ...]) -> Failure:
    """The solver's own explanation, under a sentence that says what was asked."""
    detail = "\n".join(f"  {line}" for line in str(error).strip().splitlines() if line.strip())
    return Failure(
        "no-solution",
        f"No set of packages satisfies {', '.join(specs)} from {', '.join(channels)}:\n{detail}\n",
        "Loosen a version, or add a channel with --channel.",
    )


def _whole_text(error: BaseException) -> str:
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < 8:
        parts.append(f"{seen} {getattr(seen, 'strerror', '') or ''}")
        seen = seen.__cause__ or seen.__context__
    return " ".join(parts)


def _host(url: str) -> str:
    return url.split("/")[2] or "This machine"
