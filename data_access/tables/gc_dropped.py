"""What gc does about the files of a table that `drop_table` removed.

Only what is not younger than the drop goes, and only once the grace is over: a table that was made anew under the same
name has younger files. Sets of checks and patches of code are named by their content, so a new table may have them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from data_access.errors import NotFoundError
from data_access.names import TableName
from data_access.storage.base import Entry
from data_access.tables import holds, places
from data_access.tables.gc import remove, storage_time
from data_access.tables.gc_report import GcReport
from data_access.tables.gc_rules import Fate, Item, day, later
from data_access.workspace import Workspace


def gc_dropped(workspace: Workspace, name: TableName, *, dry_run: bool) -> GcReport | None:
    """None where no table of that name was dropped."""
    try:
        location = workspace.metastore.database(name.database).location.rstrip("/")
    except NotFoundError:
        return None
    root = f"{location}/{name.table}"
    entries = {each.url.removeprefix(f"{root}/"): each for each in workspace.storage.list(f"{root}/")}
    if places.DROPPED not in entries:
        return None
    now = workspace.now() if dry_run else storage_time(workspace, root)
    held = "; ".join(f"commit {each.anchor.number}: {each}" for each in holds.holds(workspace, root))
    items = judge(entries, now, timedelta(hours=workspace.settings.gc_grace_hours), held)
    if not dry_run:
        remove(workspace, root, items)  # the mark last: until then a gc that broke off is begun again
    return GcReport(name, (), items, dry_run, f"The table was dropped on {entries[places.DROPPED].modified:%Y-%m-%d}.")


def judge(entries: Mapping[str, Entry], now: datetime, grace: timedelta, held: str) -> tuple[Item, ...]:
    """Every object below the root, by folder; what goes first. Pure."""
    since = entries[places.DROPPED].modified
    waits = f"the table was dropped; a gc after {day(later(since, grace), grace)} removes it"
    found: dict[tuple[str, Fate, str], list[str]] = {}
    for path, entry in entries.items():
        if not path.startswith(places.OWN) and places.batch_of(path) is None:
            fate, why = Fate.STAY, "not made by data_access"
        elif path.startswith((places.CHECKS, places.CODE)):
            fate, why = Fate.STAY, "checks and code, which a new table of that name may share"
        elif held:
            fate, why = Fate.STAY, held
        elif entry.modified > since:
            fate, why = Fate.STAY, "written after the table was dropped"
        elif now - since <= grace:
            fate, why = Fate.STAY, waits
        else:
            fate, why = Fate.REMOVE, f"of the table that was dropped on {since:%Y-%m-%d}"
        found.setdefault((path.rpartition("/")[0], fate, why), []).append(path)
    items = [
        Item(folder, tuple(sorted(paths)), sum(entries[each].size for each in paths), fate, why)
        for (folder, fate, why), paths in found.items()
    ]
    return tuple(sorted(items, key=lambda each: (each.fate is Fate.STAY, -each.bytes, each.folder)))
