"""Who may use a machine, as a decision and in words."""

from __future__ import annotations

from pydantic import Field, model_validator

from profiles import fields as f
from profiles.base import Model
from profiles.fields import wrong
from profiles.person import Person


class Access(Model):
    """Who may use a machine. Anyone who matches one of the four may. Never merged: what you read is who may."""

    everyone: bool = Field(default=False, description="Everybody who can log in.")
    users: tuple[f.Text, ...] = Field(default=(), description="These people, by user name.")
    groups: tuple[f.Text, ...] = Field(default=(), description="Members of these groups.")
    admins: bool = Field(default=False, description="Administrators of the hub.")

    @model_validator(mode="after")
    def _says_who(self) -> Access:
        named = bool(self.users or self.groups or self.admins)
        if self.everyone and named:
            raise wrong(
                "everyone may use it, and still some are named",
                "remove everyone: true to keep others out, or the names to let all in",
            )
        if not self.everyone and not named:
            raise wrong(
                "nobody may use it", "name users, groups or admins: true; to hide a machine write enabled: false"
            )
        return self


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
