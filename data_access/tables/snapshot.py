"""From a table's name to its committed state: one call to the metastore, one object, no listing.

What is read is immutable and proves itself by its sha256, so it is kept in this process's memory once read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.metastore.base import Head, TableRecord
from data_access.names import TableName
from data_access.storage.base import Storage
from data_access.tables import manifest, places
from data_access.tables.manifest import FileList
from data_access.tables.model import Anchor, Commit, DataFile, Snapshot
from data_access.workspace import Workspace

#: How a moment of a table is named: see `open_snapshot`.
AsOf = Anchor | Commit | int | str | datetime | None

#: Files in memory, over all tables; a file's entry takes about 1 kB.
CACHED_FILES = 200_000
#: Commits whose manifests are fetched at once.
AT_ONCE = manifest.ANCESTORS


def open_snapshot(workspace: Workspace, name: TableName, as_of: AsOf = None) -> Snapshot:
    """A whole table as of a commit: by default its present one.

    `as_of`: an anchor or a commit, or their text (`sales.orders@42:01J…`); a commit's number; a tag's name; an aware
    datetime (or ISO text with its zone), which means the newest commit that is not later. Of a table that other
    programs made there is only the present state, and its files are found by listing: the only read that lists.

    Raises NotFoundError (unknown-table, unknown-commit, unknown-tag, expired), CorruptError, DataError(bad-argument),
    DataError(foreign-table) for a past state of a table that has none.
    """
    record = workspace.metastore.table(name)
    if record.head is None:
        from data_access.tables import foreign

        return foreign.snapshot(workspace, record, as_of)
    head = head_in(record)
    if as_of is None:
        return read_snapshot(workspace, record, head)
    commit = commit_at(workspace, record, as_of)
    if commit.number in _given_up(workspace, record):
        _still_held(workspace, record, commit)
    return open_commit(workspace, record.root, commit)


def head_of(workspace: Workspace, name: TableName) -> tuple[TableRecord, Head]:
    """A table's record and its present commit. Raises NotFoundError, DataError(foreign-table), CorruptError."""
    record = workspace.metastore.table(name)
    return record, head_in(record)


def head_in(record: TableRecord) -> Head:
    """The head that a record names. Raises DataError(foreign-table), CorruptError."""
    if record.head is None:
        kind = "an Iceberg table" if record.format == "iceberg" else "a table that another program made"
        raise DataError(
            Reason.FOREIGN_TABLE,
            f"{record.name} is {kind}: it has no history here, so it can be loaded, but not stored to or changed.",
            "Store under another name, or write it with the program that made it.",
        )
    try:
        return Head.parse(record.head)
    except ValueError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"The metastore's parameter 'remuda.head' of {record.name} is '{record.head[:80]}', which is no commit.",
            "Somebody changed it by hand: set it back to what it was; `data-access history` lists the commits.",
        ) from error


# Manifests


@dataclass(frozen=True)
class _Read:
    commit: Commit
    listed: FileList
    digest: str
    files: tuple[DataFile, ...] | None


class _Cache:
    """Manifests by URL, the least used forgotten first."""

    def __init__(self, most_files: int) -> None:
        self._most, self._held = most_files, 0
        self._read: OrderedDict[str, _Read] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, url: str) -> _Read | None:
        with self._lock:
            if url in self._read:
                self._read.move_to_end(url)
            return self._read.get(url)

    def put(self, url: str, read: _Read) -> None:
        with self._lock:
            self._forget(url)
            self._read[url] = read
            self._held += _weight(read)
            while self._held > self._most and len(self._read) > 1:
                self._forget(next(iter(self._read)))

    def clear(self) -> None:
        with self._lock:
            self._read.clear()
            self._held = 0

    def _forget(self, url: str) -> None:
        if (old := self._read.pop(url, None)) is not None:
            self._held -= _weight(old)


def _weight(read: _Read) -> int:
    """A manifest without files costs about as much as eight."""
    inline = len(read.listed.here["path"]) if read.listed.here is not None else 0
    return 8 + (len(read.files) if read.files is not None else inline) + len(read.commit.changed) // 4


_cache = _Cache(CACHED_FILES)


def forget() -> None:
    """Empty the memory of manifests; for whoever changed the storage behind this module's back."""
    _cache.clear()


def remember(root: str, commit: Commit, files: tuple[DataFile, ...], digest: str) -> None:
    """What this process wrote itself needs no reading back."""
    url = f"{root}/{places.manifest(commit.number, commit.id)}"
    _cache.put(url, _Read(commit, FileList({"path": ()}, None), digest, files))


def read_snapshot(workspace: Workspace, record: TableRecord, head: Head) -> Snapshot:
    """The snapshot that a head names, checked against its digest. Raises CorruptError, NotFoundError."""
    read = _manifest(workspace.storage, record.root, record.name, head)
    return open_commit(workspace, record.root, read.commit)


def head_commit(workspace: Workspace, record: TableRecord) -> Commit:
    head = head_in(record)
    return _manifest(workspace.storage, record.root, record.name, head).commit


def open_commit(workspace: Workspace, root: str, commit: Commit) -> Snapshot:
    """A commit with its files. Raises CorruptError."""
    url = f"{root}/{places.manifest(commit.number, commit.id)}"
    read = _manifest(workspace.storage, root, commit.table, Head(commit.number, commit.id, ""))
    if read.files is None:
        side = None
        if read.listed.here is None:
            side = _fetched(workspace.storage, f"{root}/{places.file_list(commit.number, commit.id)}", commit.anchor)
        files = manifest.decode_files(commit, read.listed, side, url)
        read = _Read(commit, read.listed, read.digest, files)
        _cache.put(url, read)
    assert read.files is not None
    return Snapshot(commit, root, read.files)


def _manifest(storage: Storage, root: str, name: TableName, head: Head) -> _Read:
    """`head.digest` may be empty: unknown."""
    url = f"{root}/{places.manifest(head.number, head.id)}"
    read = _cache.get(url)
    if read is None:
        read = _decoded(_fetched(storage, url, Anchor(name, head.number, head.id)), url, name, head)
        _cache.put(url, read)
    if head.digest and read.digest != head.digest:
        raise CorruptError(
            Reason.CORRUPT,
            f"The manifest {url} has the digest {read.digest}, but was committed with {head.digest}.",
            f"It was changed after the commit. {manifest.STILL_READ}",
        )
    return read


def _fetched(storage: Storage, url: str, anchor: Anchor) -> memoryview:
    try:
        return storage.get(url)
    except NotFoundError as error:
        raise CorruptError(
            Reason.CORRUPT,
            f"{anchor} is committed, but its object {url} is gone.",
            manifest.STILL_READ,
        ) from error


def _decoded(data: memoryview, url: str, name: TableName, head: Head) -> _Read:
    commit, listed = manifest.decode(data, url)
    if commit.table != name or (commit.number, commit.id) != (head.number, head.id):
        raise CorruptError(
            Reason.CORRUPT,
            f"The manifest {url} is of {commit.anchor}, not of {name}@{head.number}:{head.id}.",
            f"Something was copied over it. {manifest.STILL_READ}",
        )
    return _Read(commit, listed, manifest.digest_of(data), None)


def manifest_of(workspace: Workspace, record: TableRecord, anchor: Anchor) -> Commit:
    """A commit by its name alone, whether or not it is in the table's chain. Raises CorruptError."""
    return _manifest(workspace.storage, record.root, record.name, Head(anchor.number, anchor.id, "")).commit


# The chain of commits


def walk(workspace: Workspace, record: TableRecord) -> Iterator[Commit]:
    """All commits, the newest first; manifests are fetched 64 at once. Raises CorruptError."""
    commit = head_commit(workspace, record)
    yield commit
    while commit.parent is not None:
        before = _ancestors(workspace, record, commit)
        yield from before
        commit = before[-1]


def _ancestors(workspace: Workspace, record: TableRecord, commit: Commit) -> list[Commit]:
    """Those that a commit names, the nearest first."""
    named = [_named(each, commit, index) for index, each in enumerate(commit.ancestors, start=1)]
    return _manifests(workspace.storage, record, named)


def _named(ancestor: str, commit: Commit, steps: int) -> Head:
    id_, _, digest = ancestor.partition(":")
    return Head(commit.number - steps, id_, digest)


def _manifests(storage: Storage, record: TableRecord, heads: Sequence[Head]) -> list[Commit]:
    urls = [f"{record.root}/{places.manifest(each.number, each.id)}" for each in heads]
    missing = [(head, url) for head, url in zip(heads, urls, strict=True) if _cache.get(url) is None]
    fetched: dict[str, _Read] = {}
    if len(missing) > 1:
        try:
            for (head, url), data in zip(missing, storage.get_many([url for _, url in missing]), strict=True):
                fetched[url] = _decoded(data, url, record.name, head)
                _cache.put(url, fetched[url])
        except NotFoundError:
            fetched.clear()  # one by one, below: the error then says which
    return [_manifest(storage, record.root, record.name, each).commit for each in heads]


def commit_by_number(workspace: Workspace, record: TableRecord, number: int) -> Commit:
    """In as many steps as there are 64s between. Raises NotFoundError(unknown-commit), CorruptError."""
    commit = head_commit(workspace, record)
    if not 1 <= number <= commit.number:
        raise NotFoundError(
            Reason.UNKNOWN_COMMIT,
            f"{record.name} has no commit {number}: it has 1 to {commit.number}.",
            f'history("{record.name}") lists them.',
        )
    while commit.number != number:
        steps = min(commit.number - number, len(commit.ancestors))
        step = _named(commit.ancestors[steps - 1], commit, steps)
        commit = _manifests(workspace.storage, record, [step])[0]
    return commit


def is_committed(workspace: Workspace, record: TableRecord, number: int, id_: str) -> bool:
    """Is this commit the head or before it?"""
    if not 1 <= number <= head_in(record).number:
        return False
    return commit_by_number(workspace, record, number).id == id_


def commit_at(workspace: Workspace, record: TableRecord, as_of: AsOf) -> Commit:
    """The commit that is meant. Raises what `open_snapshot` raises."""
    if isinstance(as_of, bool) or not isinstance(as_of, Anchor | Commit | int | str | datetime | None):
        raise _bad_as_of(as_of, "a commit's number, an anchor, a tag or a datetime is.")
    if as_of is None:
        return head_commit(workspace, record)
    if isinstance(as_of, str):
        as_of = _parsed(workspace, record, as_of)
    if isinstance(as_of, Commit):
        as_of = as_of.anchor
    if isinstance(as_of, datetime):
        return _commit_before(workspace, record, as_of)
    try:
        if isinstance(as_of, Anchor):
            return _commit_of(workspace, record, as_of)
        return commit_by_number(workspace, record, as_of)
    except CorruptError as error:
        found = _by_itself(workspace, record, as_of)
        if found is None:
            raise error from error.__cause__
        return found


def _by_itself(workspace: Workspace, record: TableRecord, as_of: Anchor | int) -> Commit | None:
    """A commit before one whose manifest can't be read, without the chain that leads to it: a damaged head must not
    take its past along. An anchor names the object; of a number the only object there is must be the one. Lists.
    """
    number, id_ = (as_of.number, as_of.id) if isinstance(as_of, Anchor) else (as_of, None)
    if not 1 <= number < head_in(record).number:
        return None
    listed = workspace.storage.list(f"{record.root}/{places.COMMITS}")
    named = (places.commit_of(each.url.removeprefix(f"{record.root}/")) for each in listed)
    ids = {each[1] for each in named if each is not None and each[0] == number and id_ in (None, each[1])}
    if len(ids) != 1:
        return None
    return _manifest(workspace.storage, record.root, record.name, Head(number, ids.pop(), "")).commit


def _given_up(workspace: Workspace, record: TableRecord) -> tuple[int, ...]:
    """Nobody knows which, where the head can't be read; files that are gone say so themselves."""
    try:
        return head_commit(workspace, record).expired
    except CorruptError:
        return ()


def _parsed(workspace: Workspace, record: TableRecord, text: str) -> Anchor | int | datetime:
    """`sales.orders@42:01J…`, `sales.orders@42`, an ISO time with its zone, or a tag."""
    table, at, commit = text.partition("@")
    if at:
        number, colon, _ = commit.partition(":")
        try:
            if colon:
                return Anchor.parse(text)
            if TableName.parse(table) == record.name:
                return int(number)
        except ValueError as error:
            raise _bad_as_of(text, "an anchor looks like sales.orders@42:01J….") from error
        raise _bad_as_of(text, f"it names another table than {record.name}.")
    if text[:1].isdigit():
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise _bad_as_of(text, "a time looks like 2026-11-20T08:00+00:00; a number is given without quotes.") from (
                error
            )
    from data_access.tables.tags import tagged

    return tagged(workspace, record, text)


def _bad_as_of(given: object, why: str) -> DataError:
    return DataError(
        Reason.BAD_ARGUMENT, f"as_of={given!r} names no commit: {why}", "history(table) lists what there is."
    )


def _commit_of(workspace: Workspace, record: TableRecord, anchor: Anchor) -> Commit:
    if anchor.table != record.name:
        raise _bad_as_of(str(anchor), f"it is of {anchor.table}, not of {record.name}.")
    head = head_commit(workspace, record)
    steps = head.number - anchor.number
    if steps == 0 and head.id == anchor.id:
        return head
    if 0 < steps <= len(head.ancestors):
        step = _named(head.ancestors[steps - 1], head, steps)
        if step.id == anchor.id:
            return _manifests(workspace.storage, record, [step])[0]
    elif steps > 0:  # far away: its own sha256 proves it, and its name that it is the one that is meant
        try:
            read = _manifest(workspace.storage, record.root, record.name, Head(anchor.number, anchor.id, ""))
        except CorruptError as error:
            if not isinstance(error.__cause__, NotFoundError):
                raise
        else:
            return read.commit
    raise NotFoundError(
        Reason.UNKNOWN_COMMIT,
        f"{record.name} has no commit {anchor.number}:{anchor.id}; its present one is {head.number}:{head.id}.",
        "Perhaps the table was dropped and made again since; history(table) lists what there is.",
    )


def _commit_before(workspace: Workspace, record: TableRecord, moment: datetime) -> Commit:
    if moment.tzinfo is None:
        raise _bad_as_of(
            moment.isoformat(), "it has no time zone; write datetime(…, tzinfo=UTC), or …+00:00 at the end."
        )
    first = None
    for commit in walk(workspace, record):
        if commit.at <= moment:
            return commit
        first = commit
    began = f"its first commit is of {first.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if first else "it has none"
    raise NotFoundError(
        Reason.UNKNOWN_COMMIT,
        f"{record.name} has no commit at {moment.isoformat()}: {began}.",
        "Give a later time.",
    )


def _still_held(workspace: Workspace, record: TableRecord, commit: Commit) -> None:
    """An expired commit is still there while somebody holds it. Only here, on the way to an error, is a listing."""
    from data_access.tables.holds import is_held

    if not is_held(workspace, record.root, commit):
        raise expired(commit)


def expired(commit: Commit) -> NotFoundError:
    return NotFoundError(
        Reason.EXPIRED,
        f"{commit.anchor} of {commit.at:%Y-%m-%d} was given up by gc: its files are gone, or will be.",
        "Commits that are to stay need a tag or an anchor; history(table) shows which can still be read.",
    )
