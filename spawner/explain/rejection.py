"""The API said no when the pod or the claim was to be made: its answer as a sentence with numbers.

`explain_rejection` takes the HTTP status and the body: a Status object as JSON text or dict, or whatever came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from spawner.explain.codes import Code
from spawner.explain.explanation import Explanation, Severity
from spawner.explain.kube import section, text
from spawner.resources import amount, in_words, noun

_TELL = "Tell an administrator."
_QUOTA = re.compile(r"exceeded quota: (\S+), requested: (\S*), used: (\S*), limited: (\S*?)[\s.]*$")
_QUOTA_NEEDS = re.compile(r"failed quota: (\S+): must specify (.+)$", re.DOTALL)
_RANGE = re.compile(
    r"(maximum|minimum) (\S+) usage per (\w+) is ([^,.\s]+(?:\.\d+\w*)?)"
    r"(?:[.,]\s+(?:but (request|limit) is ([^\s,\]]+))?)?"
)
_RATIO = re.compile(r"(\S+) max limit to request ratio per (\w+) is ([\d.]+)")
_SECURITY = re.compile(r'violates PodSecurity "([^":]+)[^"]*": (.+)$', re.DOTALL)
_WEBHOOK = re.compile(r'admission webhook "([^"]+)" denied the request(?:: (.*))?', re.DOTALL)
_POLICY = re.compile(r"ValidatingAdmissionPolicy '([^']+)'.*?denied request: (.*)", re.DOTALL)
_WEBHOOK_AWAY = re.compile(r'failed calling webhook "([^"]+)"')
_NO_PRIORITY = re.compile(r"no PriorityClass with name (\S+) was found")
_NO_RUNTIME = re.compile(r'RuntimeClass "?([^"\s]+)"? not found')
_NO_ACCOUNT = re.compile(r'serviceaccount "([^"]+)" not found')
_NO_NAMESPACE = re.compile(
    r'namespaces? "?([^"\s]+)"? (?:not found|because it is being terminated)|is being terminated'
)
_RBAC = re.compile(r'User "([^"]+)" cannot (\w+) resource "([^"]+)"')


def explain_rejection(status: int, body: Any = "") -> Explanation:
    """Why the API refused to make something. Never raises; an unknown refusal is told as one."""
    message = _message(body)
    for parse in _PARSERS:
        found = parse(message)
        if found is not None:
            return found
    return _by_status(status, message)


def _message(body: Any) -> str:
    if isinstance(body, (bytes, bytearray)):
        body = bytes(body).decode("utf-8", "replace")
    if isinstance(body, str) and body.lstrip().startswith("{"):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return str(body)
    if isinstance(body, Mapping):
        return text(body, "message") or text(section(body, "details"), "name")
    return body if isinstance(body, str) else ""


def _fatal(code: Code, sentence: str, remedy: str, detail: str) -> Explanation:
    return Explanation(code, sentence, remedy, Severity.FATAL, detail=detail)


def _amounts(listed: str) -> dict[str, str]:
    """ "requests.cpu=2,pods=10" as a dict."""
    pairs = (pair.partition("=") for pair in listed.split(","))
    return {name: value for name, equals, value in pairs if equals}


def _quota(message: str) -> Explanation | None:
    match = _QUOTA.search(message)
    if match is None:
        return None
    _, requested, used, limited = match.groups()
    asked, taken, limits = _amounts(requested), _amounts(used), _amounts(limited)
    never = [name for name in asked if amount(asked[name]) > amount(limits.get(name, 0))]
    names = never or list(asked) or [""]
    parts = [_quota_part(name, asked, taken, limits) for name in names[:2]]
    return _fatal(
        Code.QUOTA_EXCEEDED,
        "The cluster's limit for all users together is reached: " + "; ".join(parts) + ".",
        "Choose a smaller machine, or ask an administrator: the limit is below what this machine needs."
        if never
        else "Try again when somebody has stopped a machine, or choose a smaller one.",
        message,
    )


def _quota_part(name: str, asked: Mapping[str, str], taken: Mapping[str, str], limits: Mapping[str, str]) -> str:
    return (
        f"{in_words(name, limits.get(name, 0))} may be in use, {_number(name, taken.get(name, 0))} are, "
        f"and this machine needs {_number(name, asked.get(name, 0))} more"
    )


def _number(name: str, value: object) -> str:
    """The amount without its noun: "8 GiB", "3", "none"."""
    words = in_words(name, value).removesuffix(f" of {noun(name)}")
    bare = words.removesuffix(f" {noun(name)}").removesuffix(f" {noun(name, 1)}")
    return "none" if bare == "no" else bare


def _quota_needs(message: str) -> Explanation | None:
    match = _QUOTA_NEEDS.search(message)
    if match is None:
        return None
    return _fatal(
        Code.QUOTA_NEEDS_AMOUNTS,
        f"The cluster only takes machines that say how much they use; this one does not say it for {_named(match[2])}.",
        _TELL,
        message,
    )


def _named(listed: str) -> str:
    """ "limits.memory for: notebook; requests.cpu for: notebook", or, before 1.24, "limits.memory,requests.cpu"."""
    names = [name for part in listed.split(";") for name in part.partition(" for:")[0].split(",") if name.strip()]
    return " and ".join(dict.fromkeys(noun(name.strip()) for name in names[:3])) or "some amounts"


def _limit_range(message: str) -> Explanation | None:
    match = _RANGE.search(message)
    if match is None:
        ratio = _RATIO.search(message)
        if ratio is None:
            return None
        return _fatal(
            Code.LIMIT_RANGE,
            f"The cluster allows a limit of at most {ratio[3]} times the guaranteed {noun(ratio[1])} for one machine.",
            "Choose another machine, or ask an administrator to change the profile.",
            message,
        )
    bound, resource, _, limit, _, asked = match.groups()
    wants = f"this one wants {_number(resource, asked)}" if asked else "this one does not say how much it wants"
    most = bound == "maximum"
    return _fatal(
        Code.LIMIT_RANGE,
        f"{_one(resource)} {'at most' if most else 'no less than'} {in_words(resource, limit)} here, and {wants}.",
        f"Choose a {'smaller' if most else 'larger'} machine, or ask an administrator.",
        message,
    )


def _one(resource: str) -> str:
    return "A home may have" if resource == "storage" else "One machine may have"


def _pod_security(message: str) -> Explanation | None:
    match = _SECURITY.search(message)
    if match is None:
        return None
    rules = [rule.strip() for rule in re.split(r"\s*\([^()]*(?:\([^()]*\)[^()]*)*\)", match[2]) if rule.strip(" ,.")]
    named = "; ".join(rule.strip(" ,") for rule in rules[:3])
    return _fatal(
        Code.POD_SECURITY,
        f"The cluster's security level '{match[1]}' does not allow this machine{f' ({named})' if named else ''}.",
        "Choose another machine, and tell an administrator: its profile asks for something forbidden.",
        message,
    )


def _policy(message: str) -> Explanation | None:
    match = _WEBHOOK.search(message) or _POLICY.search(message)
    if match is None:
        return None
    why = " ".join((match[2] or "").split())
    said = f": “{why if len(why) <= 200 else why[:199] + '…'}”" if why else ""
    return _fatal(
        Code.POLICY_DENIED,
        f"A rule of this cluster ({match[1]}) does not allow the machine{said}.",
        "Choose another machine, or ask an administrator about the rule.",
        message,
    )


def _policy_away(message: str) -> Explanation | None:
    match = _WEBHOOK_AWAY.search(message)
    if match is None:
        return None
    return Explanation(
        Code.POLICY_UNREACHABLE,
        f"A check that every machine has to pass ({match[1]}) does not answer.",
        "It is tried again until the start's time is up; if it lasts, tell an administrator.",
        Severity.WAITING,
        detail=message,
    )


def _missing(message: str) -> Explanation | None:
    for pattern, code, what in (
        (_NO_PRIORITY, Code.PRIORITY_CLASS_MISSING, "priority class"),
        (_NO_RUNTIME, Code.RUNTIME_CLASS_MISSING, "runtime class"),
        (_NO_ACCOUNT, Code.SERVICE_ACCOUNT_MISSING, "service account"),
    ):
        match = pattern.search(message)
        if match is not None:
            return _fatal(
                code,
                f"The machine needs the {what} '{match[1]}', which this cluster does not have.",
                "Choose another machine, and tell an administrator.",
                message,
            )
    if _NO_NAMESPACE.search(message):
        return _fatal(
            Code.NAMESPACE_UNAVAILABLE,
            "The part of the cluster where machines run is missing or being deleted.",
            _TELL,
            message,
        )
    return None


def _not_allowed(message: str) -> Explanation | None:
    match = _RBAC.search(message)
    if match is None:
        return None
    return _fatal(
        Code.HUB_NOT_ALLOWED,
        f"The hub itself lacks the permission to {match[2]} {match[3]} in this cluster.",
        "Tell an administrator: the hub's role has to be put right.",
        message,
    )


_PARSERS: tuple[Callable[[str], Explanation | None], ...] = (
    _quota,
    _quota_needs,
    _limit_range,
    _pod_security,
    _policy,
    _policy_away,
    _missing,
    _not_allowed,
)


def _by_status(status: int, message: str) -> Explanation:
    if status == 409:
        return Explanation(
            Code.NAME_TAKEN,
            "A machine of this name is still there, or is just being made.",
            "It is tried again until the start's time is up.",
            Severity.WAITING,
            detail=message,
        )
    if status in {0, 408, 429} or status >= 500:
        return Explanation(
            Code.CLUSTER_BUSY,
            "The cluster does not answer, or has too much to do.",
            "It is tried again until the start's time is up.",
            Severity.WAITING,
            detail=message,
        )
    if status in {400, 422}:
        return _fatal(
            Code.POD_INVALID,
            "The cluster does not accept how this machine is described.",
            "Choose another machine, and tell an administrator: the profile has a mistake.",
            message,
        )
    if status == 401:
        return _fatal(Code.HUB_NOT_ALLOWED, "The cluster does not recognise the hub.", _TELL, message)
    return _fatal(Code.REFUSED, "The cluster refused to start this machine.", _TELL, message)
