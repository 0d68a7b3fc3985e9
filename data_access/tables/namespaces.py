"""Who may write which database. Pure; the metastore and the storage have the last word on top.

A database whose name begins with the sandbox prefix belongs to one user; every other is production. Settings may grant
either to others. What is stored to production must pass the table's checks.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_access.config import Settings
from data_access.errors import ForbiddenError, Reason


@dataclass(frozen=True)
class Allowed:
    """`production`: checks must pass, and there must be some."""

    production: bool


@dataclass(frozen=True)
class Refused:
    """Why not, and what to do."""

    sentence: str
    remedy: str


def own_sandbox(user: str, settings: Settings) -> str:
    """A user's own database.

    A name that is no word (`ann.lee@example.org`) gets six hex digits of its sha256, so that `ann.lee` and `ann-lee`
    don't share one.
    """
    word = re.sub("[^a-z0-9_]+", "_", user.lower()).strip("_")
    mark = "" if word == user else f"_{hashlib.sha256(user.encode()).hexdigest()[:6]}"
    return f"{settings.sandbox_prefix}{word[: 128 - len(settings.sandbox_prefix) - len(mark)]}{mark}"


def is_production(database: str, settings: Settings) -> bool:
    return not database.startswith(settings.sandbox_prefix)


def may_write(user: str, database: str, settings: Settings) -> Allowed | Refused:
    """The decision."""
    production, own = is_production(database, settings), own_sandbox(user, settings)
    if database == own or _granted(user, database, settings):
        return Allowed(production)
    place = f"Store to your sandbox, '{own}', or ask for '{database}' to be granted to you (the setting `grants`)."
    if production:
        return Refused(
            f"'{database}' is a production database, and '{user}' is not among those who may write it.", place
        )
    return Refused(f"'{database}' is another user's sandbox; '{user}' may load from it, but not write it.", place)


def _granted(user: str, database: str, settings: Settings) -> bool:
    return any(
        fnmatchcase(database, pattern.lower()) and (user in users or "*" in users)
        for pattern, users in settings.grants.items()
    )


def check_may_write(user: str, database: str, settings: Settings) -> Allowed:
    """Raises ForbiddenError."""
    decided = may_write(user, database, settings)
    if isinstance(decided, Refused):
        raise ForbiddenError(Reason.FORBIDDEN, decided.sentence, decided.remedy)
    return decided
