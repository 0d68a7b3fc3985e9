"""Giving up old commits, and removing what nothing needs.

Two steps, a grace apart. `gc` first commits which old commits it gives up: from then on no anchor, tag or rollback
reaches them. Their files go when that commit is older than the grace, so that a load which began before ends in peace.
Whoever wants to keep a commit writes a hold and then reads the head; gc commits and then reads the holds: one of the
two sees the other. Files that no commit names (a store that crashed, or still runs) go when older than the grace.

Ages are by the storage's clock, never by a writer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from data_access.arguments import at_least, whole
from data_access.errors import CorruptError, DataError, NotFoundError, Reason
from data_access.metastore.base import TableRecord
from data_access.names import TableName
from data_access.tables import apply, holds, places, prepare, snapshot
from data_access.tables.commit import commit
from data_access.tables.gc_reasons import Because, Reasons
from data_access.tables.gc_report import GcReport
from data_access.tables.gc_rules import Facts, Fate, Item, Keep, day, ends, give_up, judge, removal, why_none
from data_access.tables.ids import ulid
from data_access.tables.model import Anchor, Commit
from data_access.tables.namespaces import check_may_write
from data_access.tables.prepare import Proposal
from data_access.tables.rebase import Change, Expire, shown
from data_access.workspace import Workspace, current

#: Objects removed per request: S3's limit.
AT_ONCE = 1000
HOUR = timedelta(hours=1)


def gc(
    table: str,
    *,
    dry_run: bool = False,
    keep_days: float = 30,
    keep_last: int = 1,
    workspace: Workspace | None = None,
) -> GcReport:
    """Give up commits that were replaced more than `keep_days` ago, and remove files that nothing reaches.

    The present commit, the last `keep_last`, and every commit that a tag, an anchor or a model holds stay, with all
    their files. A commit that is given up can't be loaded any more; its files go once the grace (the setting
    `gc_grace_hours`, a week) is over, with the next gc, since a load may still read them. `dry_run` changes nothing,
    and says what would go and why the rest stays.

    Of a table that `drop_table` removed: its files go once the grace is over.

    Raises NotFoundError(unknown-table), ForbiddenError, CorruptError (a manifest, tag or pin can't be read: then
    nothing is removed), DataError(foreign-table, bad-argument).
    """
    workspace = workspace or current()
    name = TableName.parse(table)
    age = timedelta(days=at_least(0, keep_days, "keep_days", "of days"))
    last = max(1, whole(0, keep_last, "keep_last", "of commits"))
    check_may_write(workspace.user, name.database, workspace.settings)
    try:
        record, _ = snapshot.head_of(workspace, name)
    except NotFoundError as error:
        if error.reason == Reason.UNKNOWN_TABLE and (left := _of_dropped(workspace, name, dry_run=dry_run)):
            return left
        raise
    keep = Keep(age, last, workspace.settings.gc_grace_hours * HOUR)
    began = prepare.monotonic()
    now = workspace.now() if dry_run else storage_time(workspace, record.root)
    facts = _facts(workspace, record, now)
    given_up = give_up(facts, keep)
    why = "" if given_up else why_none(facts, keep)
    if dry_run:
        facts = _as_if(facts, given_up)
    else:
        _repair(workspace, record)
        if given_up:
            _commit(workspace, record, frozenset(given_up), began)
            facts = _facts(workspace, record, now)  # holds are listed again, after the commit
    items = judge(facts, keep, _reached(workspace, record, facts, keep, given_up))
    if not dry_run:
        remove(workspace, record.root, items)
    return GcReport(name, tuple(sorted(given_up)), items, dry_run, why)


def _of_dropped(workspace: Workspace, name: TableName, *, dry_run: bool) -> GcReport | None:
    from data_access.tables.gc_dropped import gc_dropped

    return gc_dropped(workspace, name, dry_run=dry_run)


def _facts(workspace: Workspace, record: TableRecord, now: datetime) -> Facts:
    """What there is. The chain is read after the listing: what was listed and is committed since is in the chain."""
    entries = {each.url.removeprefix(f"{record.root}/"): each for each in workspace.storage.list(f"{record.root}/")}
    held = holds.holds(workspace, record.root)
    chain = tuple(snapshot.walk(workspace, workspace.metastore.table(record.name)))
    return Facts(now, entries, chain, tuple(held))


def _as_if(facts: Facts, given_up: Mapping[int, str]) -> Facts:
    """As they would be after the commit of a dry run."""
    head, *rest = facts.chain
    expired = tuple(sorted({*head.expired, *given_up}))
    return replace(facts, chain=(replace(head, expired=expired), *rest))


def _reached(
    workspace: Workspace, record: TableRecord, facts: Facts, keep: Keep, given_up: Mapping[int, str]
) -> dict[str, str]:
    """Path → why it stays: files of every commit that can be read, that a hold keeps, or that went just now."""
    reasons = Reasons()
    head, until = facts.chain[0], _until(facts, keep, given_up)
    held: dict[Anchor, list[str]] = {}
    for hold in facts.holds:
        held.setdefault(hold.anchor, []).append(str(hold))
    for each in reversed(facts.chain):
        gone, why = each.number in head.expired, held.pop(each.anchor, [])
        if gone and not why and each.number not in until:
            continue
        kinds = [Because.HELD] if why else [Because.RECENT] if gone else []
        if not gone and (each is head or each.number in until or not why):  # by itself, whether held or not
            kinds.append(Because.PRESENT if each is head else Because.KEPT)
        paths = list(_paths(workspace, record, each, gone=gone))
        for kind in kinds:
            holds_it = why if kind is Because.HELD else ()
            reasons.add(paths, kind, each.number, holds_it, until=until.get(each.number, ""))
    for anchor, why in held.items():  # of a table of this name that was dropped: its objects are still here
        manifest = places.manifest(anchor.number, anchor.id)
        if manifest in facts.entries:
            old = snapshot.manifest_of(workspace, record, anchor)
            paths = [manifest, *_paths(workspace, record, old, gone=True)]
            reasons.add(paths, Because.HELD, anchor.number, [f"{each}, of a table that was dropped" for each in why])
    return reasons.told()


def _until(facts: Facts, keep: Keep, given_up: Mapping[int, str]) -> dict[int, str]:
    """How long each commit stays that nothing holds for ever."""
    days, hours = f"{keep.age / timedelta(days=1):g}", f"{keep.grace / HOUR:g}"
    told = {}
    for number, end in ends(facts, keep).items():
        last = f"among the last {keep.last} (keep_last={keep.last})"
        told[number] = last if end is None else f"until {end:%Y-%m-%d} (keep_days={days})"
    for number, end in removal(facts, keep, given_up).items():
        told[number] = f"a gc after {day(end, keep.grace)} removes it (the grace is {hours} h)"
    return told


def _paths(workspace: Workspace, record: TableRecord, each: Commit, *, gone: bool) -> Iterator[str]:
    """A commit's objects. The list of one that was given up may be gone, when somebody tries to hold it too late."""
    try:
        files = snapshot.open_commit(workspace, record.root, each).files
    except CorruptError:
        if not gone:
            raise
        files = ()
    yield from (file.path for file in files)
    yield places.file_list(each.number, each.id)
    yield f"{places.batch('', each.id)}/_empty"


def _commit(workspace: Workspace, record: TableRecord, numbers: frozenset[int], began: float) -> Commit:
    record, head = snapshot.head_of(workspace, record.name)
    base = snapshot.read_snapshot(workspace, record, head)
    change = Change(Expire(numbers), None)
    id_ = ulid(workspace.now())
    return commit(workspace, Proposal(record.name, record.root, base, change, id_, "gc", "", "", began=began))


def _repair(workspace: Workspace, record: TableRecord) -> None:
    """All partitions that the metastore shows are made what the head says: once in a while somebody has to look."""
    with workspace.metastore.lock(record.name, workspace.user, workspace.settings.lock_wait_s) as lock:
        fresh = apply.catch_up(workspace, workspace.metastore.table(record.name), lock)
        files = snapshot.read_snapshot(workspace, fresh, snapshot.head_in(fresh)).files
        change = apply.repair(workspace, fresh, shown(fresh.root, files))
        if change:
            apply.finish(workspace, fresh, change, lock)


def storage_time(workspace: Workspace, root: str) -> datetime:
    """What time the storage has: that of an object written now."""
    url = f"{root}/{places.CLOCK}{ulid(workspace.now())}"
    workspace.storage.put(url, b"")
    try:
        times = [each.modified for each in workspace.storage.list(f"{root}/{places.CLOCK}") if each.url == url]
    finally:
        with suppress(DataError):
            workspace.storage.delete([url])
    return times[0]


def remove(workspace: Workspace, root: str, items: tuple[Item, ...]) -> None:
    """Data first: a list of files that is gone before its files would leave those to the grace.

    The mark of a drop is the last of all.
    """
    gone = [f"{root}/{path}" for item in items if item.fate is Fate.REMOVE for path in item.paths]
    gone.sort(key=lambda url: (url.endswith(f"/{places.DROPPED}"), places.COMMITS in url))
    for start in range(0, len(gone), AT_ONCE):
        workspace.storage.delete(gone[start : start + AT_ONCE])
