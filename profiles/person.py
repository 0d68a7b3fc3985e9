"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A user as profiles see one; groups are those of this moment, not of the login."""

    name: str
    groups: frozenset[str] = frozenset()
    admin: bool = False
