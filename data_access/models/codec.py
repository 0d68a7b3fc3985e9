"""Manifests and alias changes as JSON, and back. Pure.

Numbers that JSON has no form for (NaN, infinities) are their Python names as text, in metrics and parameters alike.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from data_access.errors import CorruptError, DataError, Reason
from data_access.models.artifact import (
    AliasChange,
    ArtifactFile,
    Distribution,
    EnvironmentLock,
    ExampleRecord,
    Field,
    InputRecord,
    ModelVersion,
)
from data_access.tables.model import Anchor, Code, Environment

FORMAT = 1
_KIND = "remuda model"


def digest_of(manifest: bytes | memoryview) -> str:
    return hashlib.sha256(manifest).hexdigest()


def encode(version: ModelVersion) -> bytes:
    """The same values give the same bytes."""
    body = asdict(version) | {
        "kind": _KIND,
        "manifest_format": FORMAT,
        "at": version.at.astimezone(UTC).isoformat(),
        "inputs": [asdict(each) | {"anchor": str(each.anchor)} for each in version.inputs],
        "metrics": {key: _finite(value) for key, value in version.metrics.items()},
    }
    del body["url"], body["digest"]
    return (json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def decode(content: bytes | memoryview, url: str) -> ModelVersion:
    """`url` is the version's folder. Raises CorruptError: not ours, damaged, or of a later version of this module."""
    manifest = f"{url}/manifest.json"
    body = _json(content, manifest)
    if body.get("kind") != _KIND:
        raise _corrupt(manifest, "is no manifest of a model")
    if body.get("manifest_format") != FORMAT:
        raise _corrupt(
            manifest,
            f"has format {body.get('manifest_format')}; this version of data_access reads {FORMAT}",
            "Update data_access: a newer one wrote it.",
        )
    try:
        return _version(body, url, digest_of(content))
    except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
        raise _corrupt(manifest, f"is damaged ({type(error).__name__}: {error})") from error


def encode_change(change: AliasChange) -> bytes:
    body = asdict(change) | {"at": change.at.astimezone(UTC).isoformat()}
    return (json.dumps(body, sort_keys=True, ensure_ascii=False) + "\n").encode()


def decode_change(content: bytes | memoryview, url: str) -> AliasChange:
    """Raises CorruptError."""
    body = _json(content, url)
    try:
        return AliasChange(**_members(AliasChange, body, at=_time))
    except (KeyError, TypeError, ValueError) as error:
        raise _corrupt(url, f"is damaged ({type(error).__name__}: {error})") from error


def plain(value: Any) -> Any:
    """A parameter as JSON has it: numpy's numbers become Python's, everything unknown its text. Never fails."""
    if isinstance(value, bool) or value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return plain(value.item())
    return repr(value)[:2000]


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _json(content: bytes | memoryview, place: str) -> dict[str, Any]:
    try:
        body = json.loads(bytes(content))
    except ValueError as error:
        raise _corrupt(place, "is cut off, or no JSON") from error
    if not isinstance(body, dict):
        raise _corrupt(place, "is no object")
    return body


def _corrupt(
    place: str, what: str, remedy: str = "Load another version; storage keeps old ones where it is told to."
) -> CorruptError:
    return CorruptError(Reason.CORRUPT, f"{place} {what}.", remedy)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _members(kind: type, body: Mapping[str, Any], **convert: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields of a dataclass, converted where told so. Raises KeyError; unknown members are ignored."""
    return {
        each.name: convert[each.name](body[each.name]) if each.name in convert else body[each.name]
        for each in fields(kind)
        if each.name in body or each.name in convert
    }


def _all(kind: type, **convert: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda items: tuple(kind(**_members(kind, each, **convert)) for each in items)


def _one(kind: type, **convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda body: None if body is None else kind(**_members(kind, body, **convert))


def _inside(path: str) -> str:
    """A path below the version's folder. Raises ValueError: a manifest that somebody made may name anything."""
    parts = path.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts) or "\\" in path or "\0" in path:
        raise ValueError(f"{path!r} leads out of the artifact")
    return path


def _version(body: dict[str, Any], url: str, digest: str) -> ModelVersion:
    read = _members(
        ModelVersion,
        body,
        at=_time,
        files=_all(ArtifactFile, path=_inside),
        example=_one(ExampleRecord, methods=tuple, input=_all(Field), output=_all(Field)),
        metrics=lambda each: {key: float(value) for key, value in each.items()},
        inputs=_all(InputRecord, anchor=Anchor.parse),
        code=_one(Code),
        environment=_one(Environment),
        lock=_one(EnvironmentLock, distributions=_all(Distribution)),
    )
    return ModelVersion(**read | {"url": url, "digest": digest})
