"""Why gc leaves an object: every commit, tag and anchor that keeps it, not only the last one found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

#: So many holds of one object are named; the others are counted.
NAMED = 3


class Because(IntEnum):
    """What keeps an object longest comes first, and is told first of one that several commits have."""

    PRESENT = 0
    HELD = 1
    KEPT = 2
    RECENT = 3


@dataclass
class _Why:
    commits: dict[Because, tuple[int, str]] = field(default_factory=dict)
    holds: list[tuple[int, str]] = field(default_factory=list)


class Reasons:
    """Collects commits from the oldest to the newest, each with its paths."""

    def __init__(self) -> None:
        self._why: dict[str, _Why] = {}

    def add(
        self, paths: Iterable[str], because: Because, number: int, holds: Sequence[str] = (), *, until: str = ""
    ) -> None:
        """`holds`: what holds that commit, `until`: how long it stays, as text."""
        named = [(number, each) for each in holds]
        for path in paths:
            why = self._why.setdefault(path, _Why())
            why.commits[because] = number, until
            why.holds += named

    def told(self) -> dict[str, str]:
        """Path → reason. Equal reasons are one object, since there may be many paths."""
        texts: dict[tuple[object, ...], str] = {}
        told = {}
        for path, why in self._why.items():
            key = (*sorted(why.commits.items()), *why.holds)
            if key not in texts:
                texts[key] = self._text(why)
            told[path] = texts[key]
        return told

    def _text(self, why: _Why) -> str:
        """`commit 3, the present one: tag 'v2'; commit 1: tag 'v1'; commit 2 until 2026-12-20 (keep_days=30)`."""
        present, _ = why.commits.get(Because.PRESENT, (None, ""))
        named: dict[int, list[str]] = {} if present is None else {present: []}
        for number, hold in why.holds[:NAMED]:
            named.setdefault(number, []).append(hold)
        told = []
        for number, holds in named.items():
            commit = f"commit {number}, the present one" if number == present else f"commit {number}"
            told.append(f"{commit}: {', '.join(holds)}" if holds else commit)
        if len(why.holds) > NAMED:
            told.append(f"and {len(why.holds) - NAMED} more tags and anchors")
        if Because.KEPT in why.commits and present is None:
            number, until = why.commits[Because.KEPT]
            told.append(f"commit {number} {until}".rstrip())
        if not told:
            number, until = why.commits[Because.RECENT]
            told.append(f"commit {number} is given up; {until}")
        return "; ".join(told)
