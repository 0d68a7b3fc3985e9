"""What a commit becomes on top of what others committed meanwhile. Pure: snapshots in, a decision out.

`base` is what the table was when the call began, `head` what it is now. Appends commute with everything; what replaces
partitions needs them to be as they were; what restores a whole table needs the whole table as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_access.errors import Reason, SchemaError
from data_access.metastore.base import PartitionChange, PartitionRecord
from data_access.names import TableName
from data_access.tables import partitions, places
from data_access.tables.model import Column, DataFile, PartitionDelta, PartitionValues, Schema, Snapshot

# What a call intends


@dataclass(frozen=True)
class Replace:
    """These partitions are these files, whatever was in them; no files: the partition goes."""

    partitions: Mapping[PartitionValues, tuple[DataFile, ...]]


@dataclass(frozen=True)
class Append:
    """These files come to these partitions. A partition is one folder, so what is in it is copied to the new one."""

    partitions: Mapping[PartitionValues, tuple[DataFile, ...]]


@dataclass(frozen=True)
class Restore:
    """The whole table is what it was at a commit."""

    number: int
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class Expire:
    """The data stay; these commits can't be read any more."""

    numbers: frozenset[int]


@dataclass(frozen=True)
class Annotate:
    """The data stay; the schema's comments or the table's checks change."""


Intent = Replace | Append | Restore | Expire | Annotate


@dataclass(frozen=True)
class Change:
    """An intent and the schema that goes with it; None: whatever the table has."""

    intent: Intent
    schema: Schema | None


# What becomes of it


@dataclass(frozen=True)
class Copy:
    """Paths relative to the root."""

    source: str
    target: str


@dataclass(frozen=True)
class Rebased:
    """The whole table after the commit; `copies` are to be made before it."""

    files: tuple[DataFile, ...]
    schema: Schema
    changed: tuple[PartitionDelta, ...]
    expired: tuple[int, ...]
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """It can't be: what others committed is what this would have replaced."""

    reason: Reason
    sentence: str
    remedy: str


_AGAIN = "Load what is there now, and decide again; nothing of this call is in the table."


def rebase(  # noqa: PLR0913, PLR0917 - the facts of a decision
    name: TableName,
    base: Snapshot | None,
    head: Snapshot | None,
    change: Change,
    copied: Mapping[str, str],
    fresh: str,
) -> Rebased | Conflict:
    """The commit on top of `head`, or why there is none.

    `copied` are copies that an earlier try made: target path → sha256. `fresh` names a batch that nothing is in yet.
    """
    schema = _schema(name, base, head, change)
    if isinstance(schema, Conflict):
        return schema
    before = () if head is None else head.files
    expired = () if head is None else head.commit.expired
    match change.intent:
        case Replace() as intent:
            outcome = _replace(name, base, head, intent, schema)
        case Append() as intent:
            outcome = _append(before, intent, copied, fresh, schema)
        case Restore() as intent:
            outcome = _restore(name, base, head, intent)
        case Expire(numbers):
            return Rebased(before, schema, (), tuple(sorted({*expired, *numbers})))
        case Annotate():
            return Rebased(before, schema, (), expired)
    if isinstance(outcome, Conflict):
        return outcome
    files, changed, copies = outcome
    return Rebased(files, schema, changed, expired, copies)


_Outcome = tuple[tuple[DataFile, ...], tuple[PartitionDelta, ...], tuple[Copy, ...]]


def _schema(name: TableName, base: Snapshot | None, head: Snapshot | None, change: Change) -> Schema | Conflict:
    """The table's and what this call widened of it, as if the others had committed before it was begun."""
    ours = change.schema
    before = None if base is None else base.commit.schema
    now = None if head is None else head.commit.schema
    if now is None:
        assert ours is not None
        return ours
    if ours is None or ours in (before, now):
        return now
    if now == before:
        return ours
    assert head is not None
    both = _both(name, now, ours) if isinstance(change.intent, Replace | Append) else None
    return both or Conflict(
        Reason.CONFLICT,
        f"{name} got another schema meanwhile, by {_told(head)}, and this call changes it too.",
        _AGAIN,
    )


def _both(name: TableName, now: Schema, ours: Schema) -> Schema | None:
    """Both changes: new categories, wider types, columns that only the others added. None where files that are written
    already would not fit: who reads by position needs the table's columns to begin with the file's."""
    from data_access.tables.evolution import merged  # needs pyarrow, which decisions without a schema do not

    try:
        both = merged(now, ours, name)
    except SchemaError:
        return None
    fits = _names(both.columns[: len(ours.columns)]) == _names(ours.columns)
    return both if fits and _names(both.partition_by) == _names(ours.partition_by) else None


def _names(columns: Sequence[Column]) -> list[str]:
    return [each.name for each in columns]


def _replace(
    name: TableName, base: Snapshot | None, head: Snapshot | None, intent: Replace, schema: Schema
) -> _Outcome | Conflict:
    then, now = by_partition(base), by_partition(head)
    for each in intent.partitions:
        if folder(then.get(each, ())) != folder(now.get(each, ())):
            assert head is not None
            what = "was stored" if each not in then else "was changed" if each in now else "was removed"
            return Conflict(
                Reason.CONFLICT,
                f"{partition_named(name, head.commit.schema, each)} {what} meanwhile, {_told(head)}.",
                _AGAIN,
            )
    changed = tuple(
        _delta(each, files, now.get(each, ())) for each, files in intent.partitions.items() if files or each in now
    )
    return _merged(now, intent.partitions, schema), changed, ()


def _merged(
    now: Mapping[PartitionValues, Sequence[DataFile]],
    new: Mapping[PartitionValues, Sequence[DataFile]],
    schema: Schema,
) -> tuple[DataFile, ...]:
    """All files, partitions in their values' order: what a reader gets is in that order too."""
    merged = {**now, **new}
    if len(merged) > len(now):
        keys = schema.partition_by
        typed = {each: partitions.typed(each, keys) for each in merged}
        merged = {each: merged[each] for each in sorted(merged, key=lambda each: _ordered(typed[each]))}
    return tuple(file for files in merged.values() for file in files)


def _ordered(values: tuple[object, ...]) -> list[tuple[bool, Any]]:
    """Nulls last."""
    return [(True, 0) if value is None else (False, value) for value in values]


def _delta(values: PartitionValues, files: Sequence[DataFile], before: Sequence[DataFile]) -> PartitionDelta:
    if not files:
        return PartitionDelta(values, "removed", *_totals(before))
    return PartitionDelta(values, "replaced" if before else "added", *_totals(files))


def _totals(files: Iterable[DataFile]) -> tuple[int, int]:
    rows = size = 0
    for each in files:
        rows, size = rows + each.rows, size + each.size
    return rows, size


def _append(
    before: tuple[DataFile, ...], intent: Append, copied: Mapping[str, str], fresh: str, schema: Schema
) -> _Outcome:
    now, keys = _grouped(before), [each.name for each in schema.partition_by]
    new: dict[PartitionValues, list[DataFile]] = {}
    changed, copies = [], []
    for each, written in intent.partitions.items():
        if written:
            new[each], made = _gathered(written, now.get(each, ()), copied, fresh, partitions.path_of(keys, each))
            copies += made
            changed.append(PartitionDelta(each, "appended" if each in now else "added", *_totals(written)))
    return _merged(now, new, schema), tuple(changed), tuple(copies)


def _gathered(
    written: tuple[DataFile, ...], there: Sequence[DataFile], copied: Mapping[str, str], fresh: str, path: str
) -> tuple[list[DataFile], list[Copy]]:
    """One partition's files in one folder: what was written, and copies of what is there.

    Copies of an earlier try serve again where they are of files that are still there; if one is not, native readers
    would read it in that folder, so everything goes into a fresh one.
    """
    batch = folder(written)
    assert batch is not None
    made = {target: sha256 for target, sha256 in copied.items() if target.rpartition("/")[0] == batch}
    free: dict[str, list[str]] = {}
    for target, sha256 in made.items():
        free.setdefault(sha256, []).append(target)
    wanted = Counter(each.sha256 for each in there)
    if any(len(targets) > wanted[sha256] for sha256, targets in free.items()):
        batch = places.batch(path, fresh)
        moved = [replace(each, path=f"{batch}/{each.path.rpartition('/')[2]}") for each in written]
        rest = [replace(each, path=f"{batch}/kept-{index:05d}.parquet") for index, each in enumerate(there)]
        pairs = zip((*written, *there), (*moved, *rest), strict=True)
        return [*rest, *moved], [Copy(old.path, new.path) for old, new in pairs]
    files, copies = [], []
    index = len(made)
    for each in there:
        if free.get(each.sha256):
            target = free[each.sha256].pop()
        else:
            target = f"{batch}/kept-{index:05d}.parquet"
            copies.append(Copy(each.path, target))
            index += 1
        files.append(replace(each, path=target))
    return [*files, *written], copies


def _restore(name: TableName, base: Snapshot | None, head: Snapshot | None, intent: Restore) -> _Outcome | Conflict:
    assert base is not None
    assert head is not None
    if intent.number in head.commit.expired:
        return Conflict(
            Reason.EXPIRED, f"{name}@{intent.number} was given up by gc: its files are gone, or will be.",
            "Choose a commit that history shows as kept.",
        )  # fmt: skip
    then, now, target = by_partition(base), by_partition(head), _grouped(intent.files)
    moved = [each for each in {*then, *now} if folder(then.get(each, ())) != folder(now.get(each, ()))]
    if moved:
        return Conflict(
            Reason.CONFLICT, f"{name} was changed meanwhile, {_told(head)}: going back would undo that too.", _AGAIN
        )
    changed = [
        _delta(each, target.get(each, ()), now.get(each, ()))
        for each in dict.fromkeys((*target, *now))
        if folder(target.get(each, ())) != folder(now.get(each, ()))
    ]
    return intent.files, tuple(changed), ()


def _told(head: Snapshot) -> str:
    commit = head.commit
    return f"the last time by {commit.by} (commit {commit.number}, {commit.at:%Y-%m-%d %H:%M:%S} UTC)"


# Partitions


def folder(files: Sequence[DataFile]) -> str | None:
    """Where a partition is: all its files lie in one folder; None when it has none."""
    return files[0].batch if files else None


def by_partition(snapshot: Snapshot | None) -> dict[PartitionValues, list[DataFile]]:
    return {} if snapshot is None else _grouped(snapshot.files)


def _grouped(files: Iterable[DataFile]) -> dict[PartitionValues, list[DataFile]]:
    grouped: dict[PartitionValues, list[DataFile]] = {}
    for each in files:
        grouped.setdefault(each.partition, []).append(each)
    return grouped


def partition_named(name: TableName, schema: Schema, values: PartitionValues) -> str:
    """`sales.orders (day=2026-11-20)`, for messages."""
    if not values:
        return str(name)
    pairs = zip(schema.partition_by, values, strict=True)
    return f"{name} ({', '.join(f'{key.name}={value}' for key, value in pairs)})"


def shown(root: str, files: Iterable[DataFile]) -> dict[tuple[str, ...], PartitionRecord]:
    """What a metastore has to show of a snapshot: Hive's values → partition."""
    found = {}
    for values, some in _grouped(files).items():
        if values:
            rows, size = _totals(some)
            parameters = {"numRows": str(rows), "totalSize": str(size), "numFiles": str(len(some))}
            hive = partitions.hive_values(values)
            found[hive] = PartitionRecord(hive, f"{root}/{some[0].batch}", parameters)
    return found


def partition_change(
    before: Mapping[tuple[str, ...], PartitionRecord], after: Mapping[tuple[str, ...], PartitionRecord]
) -> PartitionChange:
    """From what is shown to what is to be shown; locations decide."""
    return PartitionChange(
        add=tuple(each for values, each in after.items() if values not in before),
        move=tuple(
            each for values, each in after.items() if values in before and before[values].location != each.location
        ),
        drop=tuple(values for values in before if values not in after),
    )
