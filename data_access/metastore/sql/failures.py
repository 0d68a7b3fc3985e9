"""The drivers' errors as ours."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from data_access.errors import CorruptError, DataError, ForbiddenError, Reason, UnreachableError
from data_access.metastore import sentences
from data_access.metastore.sql import engines

_SQLITE: tuple[tuple[str, type[DataError], Reason, str, str], ...] = (
    ("locked", UnreachableError, Reason.LOCKED, "was kept busy by others for more than {busy} s",
     "Nothing was changed. Repeat it; if it stays so, see which process holds the file open."),
    ("readonly", ForbiddenError, Reason.FORBIDDEN, "may not be written by this user", "Ask its owner for leave."),
    ("unable to open", ForbiddenError, Reason.FORBIDDEN, "cannot be opened by this user",
     "Let the setting `metastore` name a file that you may write."),
    ("full", DataError, Reason.DISK_FULL, "cannot grow: the disk is full", "Nothing was changed. Make room, repeat."),
    ("not a database", CorruptError, Reason.CORRUPT, "is no catalog: another program wrote this file",
     "Let the setting `metastore` name another file, or restore this one."),
    ("malformed", CorruptError, Reason.CORRUPT, "is damaged", "Restore it from a copy of the home."),
)  # fmt: skip

_POSTGRESQL: tuple[tuple[str, type[DataError], Reason, str, str], ...] = (
    ("28", ForbiddenError, Reason.FORBIDDEN, "does not let this user in", "See user, ~/.pgpass and PGPASSWORD."),
    ("42501", ForbiddenError, Reason.FORBIDDEN, "does not let this user do that", "Ask its owner for the right."),
    ("25006", ForbiddenError, Reason.FORBIDDEN, "may only be read", "Name the server that takes writes."),
    ("3D000", DataError, Reason.BAD_CONFIGURATION, "does not exist on that server", "Create it, or correct its name."),
    ("53100", DataError, Reason.DISK_FULL, "cannot grow: the server's disk is full", "Nothing was changed."),
    ("55P03", UnreachableError, Reason.LOCKED, "kept a table locked for more than {busy} s", "Nothing was changed."),
)  # fmt: skip


#: Before a session stands, the driver knows no code, and only the text tells.
_AT_THE_DOOR = (
    ("authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ('role "', "28000"),
    ("no pg_hba.conf entry", "28000"),
    ("does not exist", "3D000"),
)


def explained(error: DBAPIError, place: str) -> DataError:
    """The driver's error in our words; only what it says in its first line is repeated, which holds no password."""
    said = first_line(error)
    if place.startswith("sqlite:"):
        found = next((row for row in _SQLITE if row[0] in said), None)
    else:
        state = state_of(error) or next((state for sign, state in _AT_THE_DOOR if sign in said), "")
        found = next((row for row in _POSTGRESQL if state.startswith(row[0])), None)
    if found is None:
        return sentences.unreachable(place, said)
    _, kind, reason, sentence, remedy = found
    return kind(reason, f"The catalog {place} {sentence.format(busy=engines.BUSY_S)} ({said}).", remedy)


def first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def is_refused_commit(error: DBAPIError) -> bool:
    """True when the server itself said no to COMMIT: then the transaction is rolled back for certain."""
    said = first_line(error)
    return not error.connection_invalidated and ("locked" in said or "full" in said or bool(state_of(error)))


def state_of(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
