"""What every metastore says in the same words. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from data_access.errors import ConflictError, DataError, NotFoundError, Reason, UnknownOutcomeError, UnreachableError
from data_access.metastore.base import PartitionChange, Swap
from data_access.names import TableName, did_you_mean


def unknown_database(name: str, there: Iterable[str], place: str) -> NotFoundError:
    return NotFoundError(
        Reason.UNKNOWN_DATABASE, f"There is no database '{name}' in {place}.", did_you_mean(name, there)
    )


def unknown_table(name: TableName, there: Iterable[str], place: str) -> NotFoundError:
    remedy = did_you_mean(name.table, there)
    return NotFoundError(Reason.UNKNOWN_TABLE, f"There is no table '{name}' in {place}.", remedy)


def database_is_there(name: str, place: str) -> DataError:
    return DataError(Reason.ALREADY_THERE, f"The database '{name}' is in {place} already.", "Use it, or another name.")


def table_is_there(name: TableName, place: str) -> DataError:
    return DataError(Reason.ALREADY_THERE, f"The table '{name}' is in {place} already.", "Use it, or another name.")


def database_not_empty(name: str, tables: int | None, place: str) -> DataError:
    held = "tables" if tables is None else f"{tables} table{'' if tables == 1 else 's'}"
    return DataError(
        Reason.BAD_ARGUMENT, f"The database '{name}' in {place} holds {held} still.", "Drop its tables first."
    )


def head_moved(swap: Swap, now: str | None, place: str) -> ConflictError:
    found = f"it is {now} now" if now else "it has moved"
    return ConflictError(
        Reason.CONFLICT,
        f"Somebody else committed to '{swap.table.name}' in {place}: this commit follows {swap.expected}, and {found}.",
        "Nothing of this commit is visible. Read the table again and repeat the store.",
    )


def unreachable(place: str, why: object) -> UnreachableError:
    return UnreachableError(
        Reason.UNREACHABLE,
        f"The metastore {place} does not answer: {why}.",
        "Nothing was changed. See that the server runs and that the setting `metastore` is right, then repeat.",
    )


def outcome_unknown(what: str, place: str, why: object) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        Reason.UNKNOWN_OUTCOME,
        f"The connection to {place} was lost while {what} was being done ({why}); whether it was done is not known.",
        "Look at what is there before you repeat it.",
    )


def one_table_at_a_time(place: str) -> DataError:
    return DataError(
        Reason.NOT_SUPPORTED,
        f"{place} changes one table at a time: several tables in one commit are not possible there.",
        "Store each table by itself, or use a catalog on SQLite or PostgreSQL.",
    )


def partitions_apart(name: TableName, change: PartitionChange) -> None:
    """For metastores without `partitions_with_swap`. Raises DataError(not-supported)."""
    if change:
        raise DataError(
            Reason.NOT_SUPPORTED,
            f"Partitions of '{name}' cannot change in the same call as its head in this metastore.",
            "Swap the head first, then call change_partitions.",
        )
