"""Why gc leaves an object: every commit, tag and anchor that keeps it, not only the last one found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

#: So many holds of one object are named; the others are counted.
NAMED = 3


class Because(IntEnum):
    """The stronger first: what is told of an object that several commits have."""

    PRESENT = 0
    KEPT = 1
    HELD = 2
    RECENT = 3


@dataclass
class _Why:
    commits: dict[Because, int] = field(default_factory=dict)
    holds: list[tuple[int, str]] = field(default_factory=list)


class Reasons:
    """Collects commits from the oldest to the newest, each with its paths."""

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace
        self._why: dict[str, _Why] = {}

    def add(self, paths: Iterable[str], because: Because, number: int, holds: Sequence[str] = ()) -> None:
        """`holds`: what holds that commit, as text."""
        named = [(number, each) for each in holds]
        for path in paths:
            why = self._why.setdefault(path, _Why())
            why.commits[because] = number
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
        """`commit 3, the present one: tag 'v2'; commit 1: tag 'v1'`."""
        if not why.holds and why.commits.keys() == {Because.RECENT}:
            hours = self._grace / timedelta(hours=1)
            return f"commit {why.commits[Because.RECENT]} is given up; a gc after the grace removes it ({hours:g} h)"
        present = why.commits.get(Because.PRESENT)
        main = why.commits.get(Because.KEPT) if present is None else present
        named: dict[int, list[str]] = {} if main is None else {main: []}
        for number, hold in why.holds[:NAMED]:
            named.setdefault(number, []).append(hold)
        told = []
        for number, holds in named.items():
            commit = f"commit {number}, the present one" if number == present else f"commit {number}"
            told.append(f"{commit}: {', '.join(holds)}" if holds else commit)
        if len(why.holds) > NAMED:
            told.append(f"and {len(why.holds) - NAMED} more tags and anchors")
        return "; ".join(told)
