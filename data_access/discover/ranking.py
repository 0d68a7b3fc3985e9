"""Which of everything that has a name is meant by a few words. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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


def rank(documents: Iterable[Document], query: str) -> list[Hit]:
    """Those that have every word, the best first; where none has all, those that have some."""
    asked = list(dict.fromkeys(_PARTS.findall(query.casefold())))
    if not asked:
        return []
    found: list[tuple[int, bool, Hit]] = []
    for document in documents:
        given = [each for each in (_best(document, word) for word in asked) if each is not None]
        if given:
            score = sum(score for score, _, _ in given) * (0.6 if document.foreign else 1.0)
            because = tuple(dict.fromkeys(entry for _, _, entry in given))
            found.append((len(given), any(near for _, near, _ in given), Hit(document, score, because)))
    most = max((count for count, _, _ in found), default=0)
    best = [(near, hit) for count, near, hit in found if count == most]
    sure = [hit for near, hit in best if not near]  # what only resembles is for when nothing is
    return sorted(sure or [hit for _, hit in best], key=_order)


def _order(hit: Hit) -> tuple[float, float, str]:
    fresh = hit.document.fresh
    return -hit.score, -(fresh.timestamp() if fresh else 0.0), hit.document.name


def _best(document: Document, word: str) -> tuple[float, bool, Entry] | None:
    best: tuple[float, bool, Entry] | None = None
    for entry in document.entries:
        degree = match(word, entry.text)
        score = _WHERE[entry.what] * degree
        if score and (best is None or score > best[0]):
            best = score, degree == _NEAR, entry
    return best


def match(word: str, text: str) -> float:
    """How well a casefolded word is found in a text; 0 when it is not."""
    folded = text.casefold()
    if folded == word:
        return _ALL
    parts: Sequence[str] = _PARTS.findall(folded)
    if word in parts or f"{word}s" in parts or (word.endswith("s") and word[:-1] in parts):
        return _PART
    if folded.startswith(word) or any(part.startswith(word) for part in parts):
        return _START
    if word in folded:
        return _INSIDE
    # A slip of the finger, in words long enough that one letter more or less makes no other word.
    if len(word) >= 5 and len(parts) <= 4 and difflib.get_close_matches(word, parts, n=1, cutoff=0.8):
        return _NEAR
    return 0.0
