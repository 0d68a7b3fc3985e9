"""Commits and snapshots as immutable objects, and back. Pure: bytes in, values out.

A manifest is JSON whose first member is the sha256 of all that follows it, so that it proves itself where nobody holds
its digest (an old anchor). Names of members are format 1's; a reader refuses what it does not know, because a guess
would show a table that nobody committed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, get_args

from data_access.errors import CorruptError, DataError, Reason
from data_access.names import TableName
from data_access.tables import file_list
from data_access.tables.model import (
    Anchor,
    CheckRecord,
    Code,
    Column,
    Commit,
    DataFile,
    Environment,
    Operation,
    PartitionDelta,
    Schema,
)

FORMAT = 1
#: Longer lists lie beside the manifest.
INLINE_FILES = 200
#: How many commits before itself a manifest names.
ANCESTORS = 64

_KIND = "remuda commit"
_START = b'{"sha256":"'
_HEADER = len(_START) + 64 + 2  # …","
_MEMBERS = {
    "ancestors", "at", "by", "bytes", "changed", "check_set", "checks", "code", "environment", "expired", "file_list",
    "files", "format", "id", "inputs", "kind", "message", "mode", "number", "operation", "parent", "restores", "rows",
    "schema", "table",
}  # fmt: skip
#: Members that a manifest may lack: older ones do.
_MAY_LACK = {"inputs_named"}


@dataclass(frozen=True)
class Encoded:
    """A commit's objects. `files` goes first, where there is one: a manifest never names what is not there."""

    manifest: bytes
    files: bytes | None
    digest: str  # of the manifest, as `Head` has it


@dataclass(frozen=True)
class FileList:
    """Where a commit's list of files is: here, or beside the manifest with this sha256."""

    here: Mapping[str, Any] | None
    sha256: str | None


def digest_of(manifest: bytes | memoryview) -> str:
    return hashlib.sha256(manifest).hexdigest()[:16]


def encode(commit: Commit, files: Sequence[DataFile], inline: int = INLINE_FILES) -> Encoded:
    """The bytes of a commit; the same values give the same bytes."""
    side = file_list.to_arrow(files) if len(files) > inline else None
    body = _members(commit)
    body["file_list"] = file_list.to_columns(files) if side is None else {"sha256": hashlib.sha256(side).hexdigest()}
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
    rest = text[1:]  # without its opening brace
    manifest = _START + hashlib.sha256(rest).hexdigest().encode() + b'",' + rest
    return Encoded(manifest, side, digest_of(manifest))


def decode(manifest: bytes | memoryview, place: str) -> tuple[Commit, FileList]:
    """A commit and where its files are listed. Raises CorruptError, which names `place`."""
    body = _body(bytes(manifest), place)
    try:
        return _commit(body), _where(body["file_list"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, DataError) as error:
        raise _corrupt(place, f"is damaged: {_told(error)}") from error


def _where(stored: Mapping[str, Any]) -> FileList:
    if "path" in stored:
        return FileList(stored, None)
    return FileList(None, _is(str, stored, "sha256"))


def decode_files(commit: Commit, listed: FileList, side: bytes | memoryview | None, place: str) -> tuple[DataFile, ...]:
    """A commit's files; `side` is the object beside the manifest, where there is one. Raises CorruptError."""
    try:
        files = _files(listed, side, keys=len(commit.schema.partition_by))
    except file_list.Malformed as error:
        raise _corrupt(place, f"is damaged: {error}") from error
    seen = (len(files), sum(each.rows for each in files), sum(each.size for each in files))
    said = (commit.files, commit.rows, commit.bytes)
    if seen != said:
        what = "lists {} files, {} rows, {} bytes".format(*seen)
        raise _corrupt(place, f"{what}, but says {said[0]}, {said[1]} and {said[2]}")
    return files


def _files(listed: FileList, side: bytes | memoryview | None, keys: int) -> tuple[DataFile, ...]:
    if listed.here is not None:
        return file_list.from_columns(listed.here, keys)
    assert side is not None
    if hashlib.sha256(side).hexdigest() != listed.sha256:
        raise file_list.Malformed("its list of files has another sha256 than the manifest says")
    return file_list.from_arrow(side, keys)


#: What is left to whoever meets a manifest that can't be read.
STILL_READ = (
    "Commits before it can still be loaded by number or anchor (as_of=), and stored under another name. To go on with "
    "this table, restore the object from the storage's own versions."
)


def _corrupt(place: str, what: str, remedy: str = "") -> CorruptError:
    return CorruptError(Reason.CORRUPT, f"The manifest {place} {what}.", remedy or STILL_READ)


def _told(error: Exception) -> str:
    return f"it has no member {error}" if isinstance(error, KeyError) else str(error)


def _body(manifest: bytes, place: str) -> dict[str, Any]:
    if not manifest:
        raise _corrupt(place, "is empty")
    try:
        body = json.loads(manifest)
    except ValueError as error:
        if manifest.startswith(_START):
            raise _corrupt(place, f"is cut off or damaged ({len(manifest):,} bytes are there)") from error
        raise _foreign(place) from error
    if not isinstance(body, dict) or body.get("kind") != _KIND:
        raise _foreign(place)
    format_ = body.get("format")
    if isinstance(format_, int) and format_ > FORMAT:
        raise _corrupt(
            place,
            f"has format {format_}; this version of data_access reads up to {FORMAT}",
            "Update the environment: a newer version wrote this table.",
        )
    if body.pop("sha256", None) != hashlib.sha256(manifest[_HEADER:]).hexdigest():
        raise _corrupt(place, "is damaged: its content has another sha256 than it says")
    if unknown := (body.keys() - _MAY_LACK) ^ _MEMBERS:
        raise _corrupt(place, f"has not the members of format {FORMAT}: {', '.join(sorted(unknown))}")
    return body


def _foreign(place: str) -> CorruptError:
    return _corrupt(place, "is no manifest of this module", f"Something else wrote this object. {STILL_READ}")


# Values to JSON


def _members(commit: Commit) -> dict[str, Any]:
    schema = commit.schema
    said = {} if commit.inputs_named is None else {"inputs_named": commit.inputs_named}
    return {
        **said,
        "kind": _KIND,
        "format": commit.format,
        "table": str(commit.table),
        "number": commit.number,
        "id": commit.id,
        "parent": commit.parent,
        "ancestors": list(commit.ancestors),
        "operation": commit.operation,
        "mode": commit.mode,
        "at": commit.at.astimezone(UTC).isoformat(),
        "by": commit.by,
        "message": commit.message,
        "schema": {
            "columns": [_column(each) for each in schema.columns],
            "partition_by": [_column(each) for each in schema.partition_by],
            "ipc": schema.ipc,
        },
        "changed": {
            "partition": [list(each.partition) for each in commit.changed],
            "what": [each.what for each in commit.changed],
            "rows": [each.rows for each in commit.changed],
            "bytes": [each.bytes for each in commit.changed],
        },
        "rows": commit.rows,
        "bytes": commit.bytes,
        "files": commit.files,
        "inputs": [str(each) for each in commit.inputs],
        "code": asdict(commit.code),
        "environment": None if commit.environment is None else _environment(commit.environment),
        "checks": [asdict(each) for each in commit.checks],
        "check_set": commit.check_set,
        "restores": commit.restores,
        "expired": ranges(commit.expired),
    }


def _column(column: Column) -> list[str | None]:
    return [column.name, column.arrow, column.hive, column.comment]


def _environment(environment: Environment) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(environment).items()}


def ranges(numbers: Sequence[int]) -> list[list[int]]:
    """[1, 2, 3, 7] as [[1, 3], [7, 7]]: a thousand commits that are gone are two numbers."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


# JSON to values


def _commit(body: Mapping[str, Any]) -> Commit:
    operation = _is(str, body, "operation")
    if operation not in get_args(Operation):
        raise ValueError(f"'{operation}' is no operation")
    ids = [each.partition(":")[0] for each in body["ancestors"]]
    if (body["parent"] is None) != (not ids) or (ids and ids[0] != body["parent"]):
        raise ValueError("its parent is not its nearest ancestor")
    at = datetime.fromisoformat(_is(str, body, "at"))
    if at.tzinfo is None:
        raise ValueError("its time has no time zone")
    return Commit(
        table=TableName.parse(_is(str, body, "table")),
        number=_is(int, body, "number"),
        id=_is(str, body, "id"),
        parent=body["parent"],
        operation=operation,
        mode=_is(str, body, "mode"),
        at=at,
        by=_is(str, body, "by"),
        message=_is(str, body, "message"),
        schema=_schema(body["schema"]),
        changed=_changed(body["changed"]),
        rows=_is(int, body, "rows"),
        bytes=_is(int, body, "bytes"),
        files=_is(int, body, "files"),
        inputs=tuple(Anchor.parse(each) for each in body["inputs"]),
        code=Code(**body["code"]),
        environment=None if body["environment"] is None else Environment(**body["environment"]),
        checks=tuple(CheckRecord(**each) for each in body["checks"]),
        check_set=body["check_set"],
        restores=body["restores"],
        expired=tuple(number for first, last in body["expired"] for number in range(first, last + 1)),
        ancestors=tuple(body["ancestors"]),
        format=_is(int, body, "format"),
        inputs_named=_is(bool, body, "inputs_named") if "inputs_named" in body else None,
    )


def _is(type_: Callable[..., Any], body: Mapping[str, Any], name: str) -> Any:
    value = body[name]
    if type(value) is not type_:
        raise ValueError(f"its member '{name}' is {value!r}")
    return value


def _schema(stored: Mapping[str, Any]) -> Schema:
    return Schema(
        tuple(Column(*each) for each in stored["columns"]),
        tuple(Column(*each) for each in stored["partition_by"]),
        stored["ipc"],
    )


def _changed(stored: Mapping[str, Any]) -> tuple[PartitionDelta, ...]:
    made = []
    new = object.__new__
    columns = (stored["partition"], stored["what"], stored["rows"], stored["bytes"])
    with file_list.collector_paused():
        for partition, what, rows, size in zip(*columns, strict=True):
            delta = new(PartitionDelta)  # as in `file_list`: the constructor is what would take the time
            delta.__dict__.update(partition=tuple(partition), what=what, rows=rows, bytes=size)
            made.append(delta)
    return tuple(made)
