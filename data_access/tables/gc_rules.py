"""What gc gives up, removes and leaves, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def ends(facts: Facts, keep: Keep) -> dict[int, datetime | None]:
    """Until when commits stay by `keep` alone: number → time, None while they are among the last ones.

    Those that only a hold keeps, and those that were given up, are not in it.
    """
    head = facts.chain[0]
    found: dict[int, datetime | None] = {}
    for successor, commit in zip(facts.chain, facts.chain[1:], strict=False):
        if commit.number in head.expired:
            continue
        if head.number - commit.number < keep.last:
            found[commit.number] = None
        elif facts.now - (replaced := _written(facts, successor)) <= keep.age:
            found[commit.number] = later(replaced, keep.age)
    return found


def later(moment: datetime, by: timedelta) -> datetime:
    """The sum; the end of all days where it is beyond that."""
    try:
        return moment + by
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def why_none(facts: Facts, keep: Keep) -> str:
    """Why no commit is given up, for whoever expected one."""
    head, stay = facts.chain[0], ends(facts, keep)
    older = [each for each in facts.chain[1:] if each.number not in head.expired]
    if not older:
        return "No commit is given up: " + (
            "all but the present one were before." if facts.chain[1:] else "there is only the present one."
        )
    told = []
    if times := [each for each in stay.values() if each is not None]:
        was = "1 was" if len(times) == 1 else f"{len(times):,} were"
        days = f"{keep.age / timedelta(days=1):g}"
        told.append(f"{was} replaced within {days} days (keep_days={days}; until {min(times):%Y-%m-%d} at the least)")
    if last := len(stay) - len(times):
        told.append(f"{last:,} {'is' if last == 1 else 'are'} among the last {keep.last} (keep_last={keep.last})")
    if held := len(older) - len(stay):
        told.append(f"{held:,} {'is' if held == 1 else 'are'} held by tags, anchors or models")
    return f"No commit is given up: {', '.join(told)}."


def removal(facts: Facts, keep: Keep, given_up: Iterable[int]) -> dict[int, datetime]:
    """When the files of commits that were given up within the grace, or are just now, can go."""
    whole = keep.grace * 1.1
    times = dict.fromkeys(given_up, later(facts.now, whole)) if keep.grace else {}
    for number in recently_given_up(facts, keep) - times.keys():
        since = [each for each in facts.chain if number in each.expired]
        times[number] = later(_written(facts, since[-1]), whole)
    return times


def day(moment: datetime, grace: timedelta) -> str:
    """A time as exact as it matters: so that a thousand files of one day are one line."""
    return f"{moment:%Y-%m-%d}" if grace >= timedelta(days=2) else f"{moment:%Y-%m-%d %H:%M} UTC"


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
        until = later(entry.modified, keep.grace)
        young = day(until, keep.grace) if facts.now - entry.modified <= keep.grace else ""
        fate, reason = (Fate.STAY, reached[path]) if path in reached else _fate(path, chain, ids, young=young)
        key = (_folder(path), fate, reason)
        found.setdefault(key, []).append(entry)
        paths.setdefault(key, []).append(path)
    items = [
        Item(folder, tuple(sorted(paths[folder, fate, reason])), sum(each.size for each in entries), fate, reason)
        for (folder, fate, reason), entries in found.items()
    ]
    return tuple(sorted(items, key=lambda each: (each.fate is Fate.STAY, -each.bytes, each.folder)))


_UNFINISHED = "no commit names it, but it is younger than the grace (until {}): a store may still be at work"


def _fate(path: str, chain: set[tuple[int, str]], ids: set[str], *, young: str) -> tuple[Fate, str]:
    """Of an object that no commit that stays reaches. `young`: until when the grace leaves it; empty: no more."""
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
        return Fate.STAY, _UNFINISHED.format(young)
    if batch in ids:
        return Fate.REMOVE, "only commits that were given up have it"
    return Fate.REMOVE, "no commit names it: a store that was interrupted, or a copy that is not needed"


def _fate_of_commit(path: str, chain: set[tuple[int, str]], *, young: str) -> tuple[Fate, str]:
    commit = places.commit_of(path)
    if commit is None:
        return Fate.STAY, "not made by data_access"
    if commit not in chain:
        return (
            (Fate.STAY, _UNFINISHED.format(young)) if young else (Fate.REMOVE, "of a store that never became a commit")
        )
    if path.endswith(".json"):
        return Fate.STAY, "the table's log stays whole"
    return Fate.REMOVE, f"the list of files of commit {commit[0]}, which was given up"


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
