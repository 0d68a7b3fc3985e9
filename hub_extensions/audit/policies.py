"""PURE: what has changed between two sets of policies, for an admin to read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from profiles.policy import Policies


def as_json(policies: Policies) -> dict[str, Any]:
    """As Helm values write them; what was left out stays out."""
    dumped: dict[str, Any] = policies.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dumped


def digest(kept: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """`quotas.gpus.gpus: 2 → 4`, one line for each value, in the order of their names."""
    was, is_ = dict(_flat(before)), dict(_flat(after))
    return tuple(
        f"{name}: {_told(was.get(name))} → {_told(is_.get(name))}"
        for name in sorted(was.keys() | is_.keys())
        if was.get(name) != is_.get(name)
    )


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and tree:
        for name, value in tree.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif path:
        yield path, tree


def _told(value: Any) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
