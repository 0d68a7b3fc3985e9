"""PURE: whose usage is asked for, over how long, and whether whoever asks may see it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["user", "group", "everybody"]
PERIODS = (7, 30, 90, 365)
USUAL = 30
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Whose:
    """A person's, a group's or everybody's."""

    kind: Kind
    name: str = ""

    @classmethod
    def parse(cls, text: str, me: str) -> Whose | None:
        """`` and `me`, `user:ada`, `group:ml-team`, `everybody`; None for anything else."""
        if text in {"", "me"}:
            return cls("user", me)
        if text == "everybody":
            return cls("everybody")
        kind, _, name = text.partition(":")
        if kind in {"user", "group"} and name:
            return cls("user" if kind == "user" else "group", name)
        return None

    def __str__(self) -> str:
        return "everybody" if self.kind == "everybody" else f"{self.kind}:{self.name}"


def may_see(whose: Whose, me: str, groups: Collection[str], sees_all: bool) -> bool:
    """One's own, and the sums of groups that one is in; everything for those who may list all users."""
    if sees_all:
        return True
    return (whose.kind == "user" and whose.name == me) or (whose.kind == "group" and whose.name in groups)


def may_see_each(whose: Whose, me: str, sees_all: bool) -> bool:
    """Single sessions, with who held them: of a group that is not for its members."""
    return sees_all or (whose.kind == "user" and whose.name == me)


@dataclass(frozen=True)
class Period:
    """Whole days of the policies' time zone, the last of which is today."""

    days: int
    since: datetime
    until: datetime
    timezone: str

    @classmethod
    def parse(cls, text: str, now: datetime, timezone: str) -> Period | None:
        """A number of days, 1 to 1000; None for anything else."""
        if not text:
            days = USUAL
        elif text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 1000:
            days = int(text[:5])
        else:
            return None
        today = now.astimezone(ZoneInfo(timezone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        since = (today - timedelta(days=days - 1)).astimezone(UTC)
        return cls(days, since, now + timedelta(seconds=1), timezone)


@dataclass(frozen=True)
class Asked:
    """A question that may be answered."""

    whose: Whose
    period: Period
