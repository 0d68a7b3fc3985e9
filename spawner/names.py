"""PURE: values that Kubernetes accepts as labels."""

from __future__ import annotations

import hashlib
import re

_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_EDGES = "-_."


def label_value(text: object) -> str:
    """`text` itself where it is a valid label value, else a readable part of it and a hash: two never become one."""
    value = str(text)
    if _LABEL.fullmatch(value):
        return value
    readable = _STRANGE.sub("-", value).strip(_EDGES)[:54].rstrip(_EDGES)
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else f"x-{digest}"
