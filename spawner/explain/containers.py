"""The server's container: starting, answering, or ended; and why it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.facts import Facts
from spawner.explain.images import TROUBLE, explain_image
from spawner.explain.kube import EMPTY, Event, condition, is_true, items, number, section, text, time
from spawner.resources import amount, bytes_in_words

NOTEBOOK = "notebook"
#: Written by the single-user server as its last word, or by whatever met the full disk.
_HOME_FULL = re.compile(
    r"home-full|no space left on device|disk quota exceeded|\bENOSPC\b|\bEDQUOT\b|\[Errno (?:28|122)\]", re.I
)
_MISSING_OBJECT = re.compile(r'(secret|configmap) "([^"]+)" not found', re.IGNORECASE)
_MISSING_KEY = re.compile(r"couldn't find key (\S+) in (Secret|ConfigMap) \S*?/?([^/\s]+)$", re.IGNORECASE)
_NO_COMMAND = re.compile(
    r"executable file not found|no such file or directory|exec format error|permission denied: unknown", re.IGNORECASE
)


def statuses(pod: Any) -> list[Mapping[str, Any]]:
    """Init containers first, in their order, as they run; of the others the server's own first."""
    main = sorted(items(pod, "status", "containerStatuses"), key=lambda status: status.get("name") != NOTEBOOK)
    return [*items(pod, "status", "initContainerStatuses"), *main]


def explain_containers(pod: Any, events: Sequence[Event], facts: Facts) -> Explanation | None:
    """Trouble of any container; None when there is none (the caller then tells the progress)."""
    for status in statuses(pod):
        waiting = section(status, "state", "waiting")
        reason = text(waiting, "reason")
        if reason in TROUBLE:
            return explain_image(waiting, text(status, "image") or _image(pod, text(status, "name")), events, facts)
        if reason in {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError"}:
            return _not_started(waiting)
        if reason == "CrashLoopBackOff":
            return explain_end(pod, status, section(status, "lastState", "terminated"), loops=True)
        ended = section(status, "state", "terminated")
        if ended and not _may_end(pod, status, ended):
            return explain_end(pod, status, ended, loops=number(status.get("restartCount")) > 0)
    return None


def _may_end(pod: Any, status: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
    """An init container is meant to end; so may a sidecar, but not the server."""
    if ended.get("exitCode") != 0:
        return False
    names = [text(each, "name") for each in items(pod, "status", "containerStatuses")]
    server = NOTEBOOK if NOTEBOOK in names else next(iter(names), "")
    return text(status, "name") != server


def _not_started(waiting: Mapping[str, Any]) -> Explanation:
    message, reason = text(waiting, "message"), text(waiting, "reason")
    missing, key = _MISSING_OBJECT.search(message), _MISSING_KEY.search(message)
    if missing is not None or key is not None:
        kind = "secret" if (missing or key)[1 if missing else 2].lower() == "secret" else "config map"  # type: ignore[index]
        what = f"the {kind} '{missing[2]}'" if missing else f"the key '{key[1]}' in the {kind} '{key[3]}'"  # type: ignore[index]
        return Explanation(
            Code.CONFIG_MISSING,
            f"The machine needs {what}, which does not exist.",
            "Tell an administrator: the machine's profile names it.",
            Severity.WAITING,
            percent=70,
            detail=message,
            patience_s=15.0,
        )
    if "runAsNonRoot" in message or "will run as root" in message or "non-numeric user" in message:
        return Explanation(
            Code.MUST_NOT_BE_ROOT,
            "The image wants to run as root, which is not allowed here.",
            "Choose another machine or image, and tell an administrator.",
            Severity.FATAL,
            detail=message,
        )
    if reason == "RunContainerError" and _NO_COMMAND.search(message):
        return _no_command(message)
    return Explanation(
        Code.CONTAINER_NOT_STARTED,
        "The node could not start your server's container.",
        "It is tried again; if it lasts, choose another machine and tell an administrator.",
        Severity.WAITING,
        percent=70,
        detail=message,
        patience_s=60.0,
    )


def _no_command(message: str) -> Explanation:
    return Explanation(
        Code.COMMAND_MISSING,
        "The image does not contain the command that starts a server, or cannot run it.",
        "Choose another machine or image, and tell an administrator.",
        Severity.FATAL,
        detail=message,
    )


def explain_end(pod: Any, status: Mapping[str, Any], ended: Mapping[str, Any], *, loops: bool = False) -> Explanation:
    """A container that is over. `loops`: it has been restarted before and ended again."""
    reason, message = text(ended, "reason"), text(ended, "message")
    code = ended.get("exitCode")
    exit_code = code if isinstance(code, int) and not isinstance(code, bool) else None
    since = time(ended.get("finishedAt"))
    if reason == "OOMKilled" or (reason == "Error" and exit_code == 137 and _oom_event(message)):
        return _out_of_memory(pod, text(status, "name"), message, since)
    if _HOME_FULL.search(message):
        return Explanation(
            Code.HOME_FULL,
            "There is no space left in your home, so the server could not work.",
            "Start in rescue mode and delete what you no longer need, or ask an administrator for more space.",
            Severity.FATAL,
            detail=message,
            since=since,
        )
    if (reason in {"StartError", "ContainerCannotRun"} and _NO_COMMAND.search(message)) or exit_code in {126, 127}:
        return _no_command(message)
    if exit_code == 0:
        return Explanation(
            Code.ENDED,
            "The server has ended by itself.",
            "Start it again when you need it.",
            Severity.FATAL,
            since=since,
        )
    return _crashed(pod, exit_code, message, since, loops=loops)


def _crashed(pod: Any, exit_code: int | None, message: str, since: datetime | None, *, loops: bool) -> Explanation:
    words = last_words(message)
    said = f" Its last words were: “{words}”" if words else ""
    how = _how(exit_code)
    restarts = text(pod, "spec", "restartPolicy") in {"Always", "OnFailure"}
    sentence = f"The server keeps stopping right after it starts ({how})." if loops else f"The server stopped ({how})."
    return Explanation(
        Code.CRASH_LOOP if loops else Code.CRASHED,
        sentence + said,
        "If something in your home causes it, start in rescue mode; else choose another machine.",
        # A first crash is followed by a restart at once; one that follows a restart will not get better.
        Severity.WAITING if restarts and not loops and text(pod, "status", "phase") != "Failed" else Severity.FATAL,
        percent=80,
        detail=message,
        since=since,
    )


def _how(exit_code: int | None) -> str:
    match exit_code:
        case None:
            return "it is not known how"
        case 137:
            return "it was killed, exit code 137"
        case 143:
            return "it was told to stop, exit code 143"
        case _:
            return f"exit code {exit_code}"


def _oom_event(message: str) -> bool:
    return "oom" in message.lower() or "out of memory" in message.lower()


def _out_of_memory(pod: Any, name: str, detail: str, since: datetime | None) -> Explanation:
    limit = memory_limit(pod, name)
    return Explanation(
        Code.OUT_OF_MEMORY,
        f"The server ran out of memory and was stopped{f': its limit is {limit}' if limit else ''}.",
        "Choose a machine with more memory, or work on less data at once.",
        Severity.FATAL,
        detail=detail or "OOMKilled",
        since=since,
    )


def memory_limit(pod: Any, container: str = NOTEBOOK) -> str:
    """The container's memory limit as "8 GiB"; "" where it has none."""
    for each in (*items(pod, "spec", "containers"), *items(pod, "spec", "initContainers")):
        limit = section(each, "resources", "limits").get("memory")
        if text(each, "name") == container and limit is not None:
            return bytes_in_words(amount(limit))
    return ""


def last_words(message: str) -> str:
    """The last line of a log that says something, short and printable (the kubelet copies up to 2 KiB of it)."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in message.splitlines()]
    told = [line for line in lines if any(c.isalnum() for c in line)]
    if not told:
        return ""
    line = "".join(c for c in told[-1] if c.isprintable())
    return line if len(line) <= 200 else line[:199] + "…"


def _image(pod: Any, name: str) -> str:
    containers = (*items(pod, "spec", "initContainers"), *items(pod, "spec", "containers"))
    return next((text(each, "image") for each in containers if text(each, "name") == name), "")


def server_status(pod: Any) -> Mapping[str, Any]:
    found = items(pod, "status", "containerStatuses")
    return next((each for each in found if each.get("name") == NOTEBOOK), found[0] if found else EMPTY)


def explain_running(pod: Any) -> Explanation | None:
    """Ready, or running on the way to it."""
    status = server_status(pod)
    running = section(status, "state", "running")
    is_running = "running" in section(status, "state")
    if is_true(condition(pod, "Ready")) and (is_running or not status):
        return Explanation(Code.READY, "Your machine is ready.", percent=100)
    if not is_running:
        return None
    node = text(pod, "spec", "nodeName")
    again = " again" if number(status.get("restartCount")) else ""
    return Explanation(
        Code.STARTING,
        f"Your server is starting{again}{f' on node {node}' if node else ''}.",
        percent=85,
        since=time(running.get("startedAt")),
    )
