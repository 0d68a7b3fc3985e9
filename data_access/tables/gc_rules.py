"""What gc gives up, removes and leaves, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from data_access.storage.base import Entry
from data_access.tables import places
from data_access.tables.holds import Hold
from data_access.tables.model import Commit


@dataclass(frozen=True)
class Keep:
    """`age`: commits that were replaced more recently stay; `last`: so many stay in any case."""

    age: timedelta
    last: int
    grace: timedelta


@dataclass(frozen=True)
class Facts:
    """What there is. `entries`: path below the root → object; `chain`: the newest first; `now`: the storage's."""

    now: datetime
    entries: Mapping[str, Entry]
    chain: tuple[Commit, ...]
    holds: tuple[Hold, ...]


class Fate(Enum):
    REMOVE = "goes"
    STAY = "stays"


@dataclass(frozen=True)
class Item:
    """Objects of one folder with one fate."""

    folder: str
    paths: tuple[str, ...]
    bytes: int
    fate: Fate
    reason: str


def give_up(facts: Facts, keep: Keep) -> dict[int, str]:
    """Commits that can go, and why: number → reason."""
    held = {each.anchor for each in facts.holds}
    gone: dict[int, str] = {}
    for successor, commit in zip(facts.chain, facts.chain[1:], strict=False):
        replaced = _written(facts, successor)
        rank = facts.chain[0].number - commit.number
        if commit.number in facts.chain[0].expired or rank < keep.last or commit.anchor in held:
            continue
        if facts.now - replaced > keep.age:
            gone[commit.number] = f"replaced on {replaced:%Y-%m-%d} by commit {successor.number}"
    return gone


def recently_given_up(facts: Facts, keep: Keep) -> set[int]:
    """Commits whose files stay for now: a load of one may still run that began before it was given up.

    gc swaps within a tenth of the grace after it wrote its manifest, so a grace and a tenth after that time every load
    that could begin has had a whole grace.
    """
    if not keep.grace:
        return set()
    settled: set[int] = set()
    for each in facts.chain:
        if facts.now - _written(facts, each) >= keep.grace * 1.1:
            settled = set(each.expired)
            break
    return set(facts.chain[0].expired) - settled


def _written(facts: Facts, commit: Commit) -> datetime:
    """When a commit's manifest was stored, by the storage's clock; the writer's own where the object is unknown."""
    entry = facts.entries.get(places.manifest(commit.number, commit.id))
    return entry.modified if entry is not None else commit.at


def judge(facts: Facts, keep: Keep, reached: Mapping[str, str]) -> tuple[Item, ...]:
    """Every object below the root, by folder; what goes first, the largest first. `reached`: path → why it stays."""
    chain = {(each.number, each.id) for each in facts.chain}
    ids = {each.id for each in facts.chain}
    found: dict[tuple[str, Fate, str], list[Entry]] = {}
    paths: dict[tuple[str, Fate, str], list[str]] = {}
    for path, entry in facts.entries.items():
        young = facts.now - entry.modified <= keep.grace
        fate, reason = (Fate.STAY, reached[path]) if path in reached else _fate(path, chain, ids, young=young)
        key = (_folder(path), fate, reason)
        found.setdefault(key, []).append(entry)
        paths.setdefault(key, []).append(path)
    items = [
        Item(folder, tuple(sorted(paths[folder, fate, reason])), sum(each.size for each in entries), fate, reason)
        for (folder, fate, reason), entries in found.items()
    ]
    return tuple(sorted(items, key=lambda each: (each.fate is Fate.STAY, -each.bytes, each.folder)))


_UNFINISHED = "no commit names it, but it is younger than the grace: a store may still be at work"


def _fate(path: str, chain: set[tuple[int, str]], ids: set[str], *, young: bool) -> tuple[Fate, str]:
    """Of an object that no commit that stays reaches."""
    if path.startswith(places.COMMITS):
        return _fate_of_commit(path, chain, young=young)
    if path.startswith(places.OWN):
        left = path.startswith(places.CLOCK) and not young
        return (
            (Fate.REMOVE, "left by a gc that was interrupted") if left else (Fate.STAY, "tags, anchors, checks, code")
        )
    batch = places.batch_of(path)
    if batch is None:
        return Fate.STAY, "not made by data_access"
    if young:
        return Fate.STAY, _UNFINISHED
    if batch in ids:
        return Fate.REMOVE, "only commits that were given up have it"
    return Fate.REMOVE, "no commit names it: a store that was interrupted, or a copy that is not needed"


def _fate_of_commit(path: str, chain: set[tuple[int, str]], *, young: bool) -> tuple[Fate, str]:
    commit = places.commit_of(path)
    if commit is None:
        return Fate.STAY, "not made by data_access"
    if commit not in chain:
        return (Fate.STAY, _UNFINISHED) if young else (Fate.REMOVE, "of a store that never became a commit")
    if path.endswith(".json"):
        return Fate.STAY, "the table's log stays whole"
    return Fate.REMOVE, f"the list of files of commit {commit[0]}, which was given up"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
