"""Why an image could not be pulled: the registry's or the runtime's own words, sorted into what a person can do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.facts import Facts
from spawner.explain.kube import Event, latest, text
from spawner.resources import bytes_in_words

PULL_TROUBLE = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed", "ImageInspectError"}
)
TROUBLE = PULL_TROUBLE | {"InvalidImageName", "ErrImageNeverPull"}
#: One failed pull may be a registry's bad moment; the kubelet tries again after 10 seconds.
PULLS_BEFORE_GIVING_UP = 2
_PATIENCE_S = 30.0  # where the events that count pulls cannot be read

# In this order: "403" in a rate limit is a rate limit, "not found" of a host is a network's matter.
_CAUSES: tuple[tuple[Code, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern, re.IGNORECASE))
    for code, pattern in (
        (Code.REGISTRY_BUSY, r"toomanyrequests|too many requests|rate ?limit|\b429\b"),
        (
            Code.IMAGE_WRONG_PLATFORM,
            r"no match for platform|no matching manifest|does not match the specified platform",
        ),
        (Code.NODE_DISK_FULL, r"no space left on device|disk quota exceeded"),
        (
            Code.IMAGE_UNTRUSTED,
            r"signature ?validation|signature .*(?:invalid|failed|required)|SignatureValidationFailed",
        ),
        (
            Code.REGISTRY_UNREACHABLE,
            r"dial tcp|i/o timeout|no such host|connection (?:refused|reset)|x509|tls:|handshake|server misbehaving"
            r"|temporary failure|context deadline exceeded|client\.timeout|network is unreachable|no route to host"
            r"|unexpected EOF|: EOF\b|RegistryUnavailable|registry is unavailable|server gave HTTP response"
            r"|\b50[0234] |bad gateway|service unavailable|internal server error",
        ),
        (
            Code.IMAGE_FORBIDDEN,
            r"pull access denied|unauthorized|\b401\b|\b403\b|forbidden|authentication required|no basic auth"
            r"|insufficient_scope|authorization failed|denied|failed to authorize|no scope specified",
        ),
        (Code.IMAGE_NOT_FOUND, r"not ?found|manifest unknown|name unknown|does not exist|\b404\b"),
    )
)
_FATAL_WHEN_REPEATED = frozenset(
    {Code.IMAGE_NOT_FOUND, Code.IMAGE_FORBIDDEN, Code.IMAGE_WRONG_PLATFORM, Code.IMAGE_UNTRUSTED}
)


def cause_of(words: str, image: str) -> Code:
    """The cause in a pull error; quoted parts and the image's own name say nothing about it."""
    plain = re.sub(r'"[^"]*"', " ", words.replace(image, " ") if image else words)
    plain = re.sub(r"failed to pull and unpack image\s+:", " ", plain)
    return next((code for code, pattern in _CAUSES if pattern.search(plain)), Code.IMAGE_PULL_FAILED)


def explain_image(waiting: Mapping[str, Any], image: str, events: Sequence[Event], facts: Facts) -> Explanation:
    """A container that waits for one of `TROUBLE`."""
    reason, message = text(waiting, "reason"), text(waiting, "message")
    if reason == "InvalidImageName":
        return Explanation(
            Code.IMAGE_NAME_INVALID,
            f"{facts.the_machine} has an image name that is not one: {_shown(image)}.",
            "Choose another machine or image, and tell an administrator.",
            Severity.FATAL,
            detail=message,
        )
    if reason == "ErrImageNeverPull":
        return Explanation(
            Code.IMAGE_NOT_ON_NODE,
            f"The image {_shown(image)} is not on the node, and this machine's images are never downloaded.",
            "Choose another machine or image, and tell an administrator.",
            Severity.FATAL,
            detail=message,
        )
    failures = [e for e in events if e.reason == "Failed" and e.message.startswith("Failed to pull image")]
    words = f"{reason} {message} {failures[-1].message if failures else ''}"
    failed = sum(event.count for event in failures)
    first = failures[0].first if failures else None
    return _pull_failed(cause_of(words, image), image, (failures[-1].message if failures else message), failed, first)


def _pull_failed(code: Code, image: str, detail: str, failed: int, since: datetime | None) -> Explanation:
    sentence, remedy = _WORDS[code]
    repeated = code in _FATAL_WHEN_REPEATED and failed >= PULLS_BEFORE_GIVING_UP
    patience = _PATIENCE_S if code in _FATAL_WHEN_REPEATED else None
    return Explanation(
        code,
        sentence.format(image=_shown(image)),
        remedy,
        Severity.FATAL if repeated else Severity.WAITING,
        percent=45,
        detail=detail,
        since=since,
        patience_s=patience,
    )


_OTHER_IMAGE = "Choose another machine or image, and tell an administrator."
_WORDS: dict[Code, tuple[str, str]] = {
    Code.IMAGE_NOT_FOUND: ("The image {image} does not exist in its registry.", _OTHER_IMAGE),
    Code.IMAGE_FORBIDDEN: (
        "The registry does not give out the image {image}: it is not there, or the cluster may not read it.",
        _OTHER_IMAGE,
    ),
    Code.IMAGE_WRONG_PLATFORM: ("The image {image} is not made for this kind of processor.", _OTHER_IMAGE),
    Code.IMAGE_UNTRUSTED: ("The image {image} was refused: its signature is not accepted here.", _OTHER_IMAGE),
    Code.REGISTRY_UNREACHABLE: (
        "The registry of the image {image} does not answer.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
    ),
    Code.REGISTRY_BUSY: (
        "The registry of the image {image} limits downloads at the moment.",
        "It is tried again until the start's time is up; another machine's image may be there already.",
    ),
    Code.NODE_DISK_FULL: (
        "The node's own disk has no space for the image {image}.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
    ),
    Code.IMAGE_PULL_FAILED: (
        "The image {image} could not be downloaded.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
    ),
}


def explain_pull(events: Sequence[Event], facts: Facts, now: datetime) -> Explanation | None:
    """A pull that goes well: under way, or done."""
    last = latest(events, "Pulling", "Pulled")
    if last is None:
        return None
    if last.reason == "Pulled":
        return Explanation(
            Code.IMAGE_READY, "The image is on the machine.", percent=70, detail=last.message, since=last.last
        )
    seconds = max(0, int((now - last.last).total_seconds())) if last.last else 0
    size = f" ({bytes_in_words(facts.image_bytes)})" if facts.image_bytes else ""
    lasting = f", for {_minutes(seconds)} now" if seconds >= 10 else ""
    return Explanation(
        Code.PULLING_IMAGE,
        f"The machine is downloading its image{size}{lasting}.",
        "The first start on a new machine takes longer; the next one finds the image there." if seconds >= 10 else "",
        percent=45 + min(20, seconds // 6),  # creeps for two minutes: nobody reports a pull's progress
        detail=last.message,
        since=last.last,
    )


def _minutes(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{round(seconds / 60)} minutes"


def _shown(image: str) -> str:
    return f"'{image if len(image) <= 120 else image[:120] + '…'}'" if image else "of this machine"
