"""Who may use a machine, as a decision and in words."""

from __future__ import annotations

from profiles.model import Access
from profiles.person import Person


def allows(allow: Access, person: Person) -> bool:
    """Any one of the four lets a person in. Being an administrator alone does not, unless `admins` says so."""
    return (
        allow.everyone
        or person.name in allow.users
        or (allow.admins and person.admin)
        or not person.groups.isdisjoint(allow.groups)
    )


def who_may(allow: Access) -> str:
    """`everyone`, or `members of ml-team or astro and administrators`. People are counted, not named."""
    if allow.everyone:
        return "everyone"
    parts = []
    if allow.groups:
        parts.append(f"members of {_either(allow.groups)}")
    if allow.users:
        parts.append("one named person" if len(allow.users) == 1 else f"{len(allow.users)} named people")
    if allow.admins:
        parts.append("administrators")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
