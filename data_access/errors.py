"""What can go wrong with data: one tree of errors, each with a reason that programs may compare.

    DataError                  anything below; `reason`, `sentence`, `remedy`
    ├── NotFoundError          no such table, database, partition, column, commit, tag, model, file
    ├── ForbiddenError         this identity may not do that
    ├── SchemaError            a frame does not fit the table, or a type has no place in a table
    ├── ConflictError          somebody else committed what this would have replaced; nothing was changed
    ├── UnknownOutcomeError    the answer to a commit was lost and could not be found out afterwards
    ├── CorruptError           a manifest or a file is not what was committed
    ├── CheckFailedError       data do not hold what a check says; carries the results
    └── UnreachableError       a server does not answer, or not in time

The message is for a person: what happened (table, place, identity, the limit against the actual), then what to do next.
It never holds a credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum


class Reason(StrEnum):
    """Codes that do not change."""

    # Files
    NOT_FOUND = "not-found"
    FORBIDDEN = "forbidden"
    UNKNOWN_FORMAT = "unknown-format"
    UNREADABLE = "unreadable"
    UNKNOWN_COLUMN = "unknown-column"
    UNSAVABLE = "unsavable"
    DISK_FULL = "disk-full"
    UNREACHABLE = "unreachable"
    NO_S3 = "no-s3"
    BAD_LOCATION = "bad-location"
    # Names and arguments
    BAD_NAME = "bad-name"
    BAD_ARGUMENT = "bad-argument"
    BAD_CONFIGURATION = "bad-configuration"
    NOT_INSTALLED = "not-installed"
    # Tables
    UNKNOWN_DATABASE = "unknown-database"
    UNKNOWN_TABLE = "unknown-table"
    UNKNOWN_PARTITION = "unknown-partition"
    UNKNOWN_COMMIT = "unknown-commit"
    UNKNOWN_TAG = "unknown-tag"
    BAD_PARTITION = "bad-partition"
    BAD_PREDICATE = "bad-predicate"
    SCHEMA_MISMATCH = "schema-mismatch"
    UNSUPPORTED_TYPE = "unsupported-type"
    ALREADY_THERE = "already-there"
    CONFLICT = "conflict"
    UNKNOWN_OUTCOME = "unknown-outcome"
    NOT_SUPPORTED = "not-supported"
    FOREIGN_TABLE = "foreign-table"
    CORRUPT = "corrupt"
    EXPIRED = "expired"
    LOCKED = "locked"
    HELD = "held"
    # Checks, models, queries
    CHECK_FAILED = "check-failed"
    CHECKS_NEEDED = "checks-needed"
    UNKNOWN_MODEL = "unknown-model"
    UNSAFE_FORMAT = "unsafe-format"
    NOT_REPRODUCED = "not-reproduced"
    BAD_QUERY = "bad-query"


class DataError(Exception):
    """What happened and what to do next, as text; `reason` for programs."""

    def __init__(self, reason: Reason, sentence: str, remedy: str) -> None:
        super().__init__(_joined(sentence, remedy))
        self.reason, self.sentence, self.remedy = reason, sentence, remedy

    def about(self, what: object) -> None:
        """Let the sentence name the table (or the place) that it is about, where it does not yet."""
        if str(what) not in self.sentence:
            self.sentence = f"{what}: {self.sentence}"
            self.args = (_joined(self.sentence, self.remedy),)

    def __reduce__(self) -> tuple[object, ...]:
        """Whole on the other side of a process pool, too."""
        return type(self), (self.reason, self.sentence, self.remedy), self.__dict__

    def _render_traceback_(self) -> list[str]:
        """For IPython, which asks for it: the person's own lines and the message."""
        from data_access.own_lines import rendered

        return rendered(self)


def _joined(sentence: str, remedy: str) -> str:
    """A sentence of several lines (a report, two schemas) has the remedy on a line of its own."""
    between = "" if sentence.endswith("\n") else "\n" if "\n" in sentence else " "
    return f"{sentence}{between}{remedy}".strip()


@contextmanager
def naming(what: object) -> Iterator[None]:
    """Errors inside name this table, if they do not by themselves."""
    try:
        yield
    except DataError as error:
        error.about(what)
        raise


class NotFoundError(DataError):
    """There is no such thing; the message names near ones where there are any."""


class ForbiddenError(DataError):
    """This identity may not do that here."""


class SchemaError(DataError):
    """A frame does not fit; the message shows both schemas."""


class ConflictError(DataError):
    """Somebody else was first; what was committed before is still there, and nothing of this call is."""


class UnknownOutcomeError(DataError):
    """Whether the commit happened could not be found out; no file of it was removed. `history` tells later."""


class CorruptError(DataError):
    """What is stored is not what was committed, or was made by something else."""


class CheckFailedError(DataError):
    """A check with severity *stop* failed; nothing was committed. `results` holds all of them."""

    def __init__(self, reason: Reason, sentence: str, remedy: str, results: tuple[object, ...] = ()) -> None:
        super().__init__(reason, sentence, remedy)
        self.results = results


class UnreachableError(DataError):
    """A server does not answer; nothing was changed."""
