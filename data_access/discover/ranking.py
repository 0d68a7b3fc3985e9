"""Which of everything that has a name is meant by a few words. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

#: What a word is worth, by where it is found …
_WHERE = {"table": 10.0, "tag": 6.0, "column": 5.0, "database": 4.0, "comment": 2.0, "owner": 2.0}
#: … and by how much of what is there it is: all, one of its parts, the beginning, somewhere, or nearly so.
_ALL, _PART, _START, _INSIDE, _NEAR = 4.0, 3.0, 2.0, 1.0, 0.5
_PARTS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Entry:
    """A text that can be found: `what` is a key of the weights, `name` what it belongs to (a column's name)."""

    what: str
    text: str
    name: str = ""


@dataclass(frozen=True)
class Document:
    """A table with everything that may find it, or a database without tables."""

    name: str
    entries: tuple[Entry, ...]
    fresh: datetime | None = None
    #: Other people's sandboxes come after what is for everybody.
    foreign: bool = False


@dataclass(frozen=True)
class Hit:
    document: Document
    score: float
    #: The best place per word.
    because: tuple[Entry, ...]
    #: The other places that have one of the words, the best first.
    others: tuple[Entry, ...] = ()


def rank(documents: Iterable[Document], query: str) -> list[Hit]:
    """Those that have every word, the best first; where none has all, those that have most."""
    asked = list(dict.fromkeys(_PARTS.findall(query.casefold())))
    if not asked:
        return []
    listed = list(documents)
    most, hits = _found(listed, asked, near=False)
    if most < len(asked):  # what only resembles is for when nothing is
        more, nearly = _found(listed, asked, near=True)
        if more > most:
            hits = nearly
    return sorted(hits, key=_order)


def _found(documents: Iterable[Document], asked: Sequence[str], *, near: bool) -> tuple[int, list[Hit]]:
    """How many words the best have, and those that have so many."""
    most, hits = 0, list[Hit]()
    for document in documents:
        given = [each for each in (_places(document, word, near=near) for word in asked) if each]
        if not given or len(given) < most:
            continue
        if len(given) > most:
            most, hits = len(given), []
        score = sum(places[0][0] for places in given) * (0.6 if document.foreign else 1.0)
        because = dict.fromkeys(places[0][1] for places in given)
        rest = sorted((place for places in given for place in places[1:]), key=lambda place: -place[0])
        others = tuple(each for each in dict.fromkeys(entry for _, entry in rest) if each not in because)
        hits.append(Hit(document, score, tuple(because), others))
    return most, hits


def _order(hit: Hit) -> tuple[float, float, str]:
    fresh = hit.document.fresh
    return -hit.score, -(fresh.timestamp() if fresh else 0.0), hit.document.name


def _places(document: Document, word: str, *, near: bool) -> list[tuple[float, Entry]]:
    """Where a word is found, the best first."""
    scored = ((_WHERE[entry.what] * match(word, entry.text, near=near), entry) for entry in document.entries)
    return sorted((each for each in scored if each[0]), key=lambda each: -each[0])


def match(word: str, text: str, *, near: bool = False) -> float:
    """How well a casefolded word is found in a text; 0 when it is not. `near` also takes what resembles it."""
    folded, parts = _folded(text)
    if word in folded:
        if folded == word:
            return _ALL
        if word in parts or f"{word}s" in parts:
            return _PART
        return _START if any(part.startswith(word) for part in parts) else _INSIDE
    if word.endswith("s") and word[:-1] in parts:
        return _PART
    # A slip of the finger, in words long enough that one letter more or less makes no other word.
    if near and len(word) >= 5 and len(parts) <= 4 and any(_resembles(word, part) for part in parts):
        return _NEAR
    return 0.0


@lru_cache(maxsize=100_000)
def _folded(text: str) -> tuple[str, tuple[str, ...]]:
    folded = text.casefold()
    return folded, tuple(_PARTS.findall(folded))


@lru_cache(maxsize=100_000)
def _resembles(word: str, part: str) -> bool:
    return bool(difflib.get_close_matches(word, [part], n=1, cutoff=0.8))
