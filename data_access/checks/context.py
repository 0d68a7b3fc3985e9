"""What is around the rows that are judged: the time, the rest of the table, its history, other tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from data_access.errors import DataError, Reason
from data_access.names import TableName


@dataclass(frozen=True)
class Passed:
    """The last commit whose rows passed a check."""

    number: int
    at: datetime
    by: str


@dataclass(frozen=True)
class PartitionPast:
    """Rows stored in one partition now, and in earlier stores: newest first.

    `same` is False where the partition is new and the table's other partitions stand for its past.
    """

    label: str
    now: int
    earlier: tuple[int, ...]
    same: bool


#: By column the least and the greatest value that matter.
Ends = Mapping[str, tuple[Any, Any]]


class Surroundings(Protocol):
    """Each method reads only when asked; a check that needs nothing of it costs nothing."""

    def others(self, columns: Sequence[str], within: Ends) -> Iterator[pa.RecordBatch]:
        """These columns of the table's rows that stay beside the judged ones; rows outside `within` may be left out."""
        ...

    def before(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch] | None:
        """These columns of what the last commit stored; None where there is none."""
        ...

    def past(self, last: int) -> tuple[PartitionPast, ...] | None:
        """Row counts of the partitions written, with up to `last` earlier ones; None where there is no history."""
        ...

    def stored(self) -> int | None:
        """Rows that were stored at once, where that is not what is judged."""
        ...

    def lookup(self, table: TableName, columns: Sequence[str], as_of: str | None) -> Iterator[pa.RecordBatch]:
        """Columns of another table. Raises DataError."""
        ...


@dataclass(frozen=True)
class CheckContext:
    """`now` is what freshness counts from; `around` is nothing for a frame that is no table's."""

    now: datetime
    around: Surroundings


class Alone:
    """A frame of no table: nothing beside it, nothing before it, and no place to look anything up."""

    def others(self, columns: Sequence[str], within: Ends) -> Iterator[pa.RecordBatch]:
        return iter(())

    def before(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch] | None:
        return None

    def past(self, last: int) -> tuple[PartitionPast, ...] | None:
        return None

    def stored(self) -> int | None:
        return None

    def lookup(self, table: TableName, columns: Sequence[str], as_of: str | None) -> Iterator[pa.RecordBatch]:
        raise DataError(
            Reason.BAD_ARGUMENT, f"There is no workspace in which to look up {table}.", "Give check() a workspace."
        )
