"""Read and write data frames, in the home or on S3, with the same two calls on every machine.

    import data_access

    sales = data_access.load("s3://shop/2026/sales.parquet", columns=["day", "amount"])
    data_access.save(sales.groupby("day", as_index=False).sum(), "sales-by-day.parquet")

A first piece: single files (Parquet, CSV, JSON; `.gz` for the text kinds). Saving is all or nothing: whoever reads
meanwhile sees the old file or the new one. Partitioned tables with history and a Hive metastore come later and will be
calls of their own; nothing here guesses at them.

Errors are `DataError`s with a stable `reason` (see `data_access.errors`). Importing this module imports no pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_access.errors import DataError
from data_access.location import Location

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas

__all__ = ["DataError", "load", "save"]


def load(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """The data frame in a file: a path, or `s3://bucket/key`.

    `columns` gives only those, in that order; of Parquet the others are not decoded (an S3 object is still fetched
    whole). Raises DataError: not-found, forbidden, unknown-format, unreadable, unknown-column, unreachable.
    """
    from data_access import formats
    from data_access.storage import single

    location = Location.parse(path)
    return formats.read(single.for_location(location), location, columns)


def save(frame: pandas.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a data frame to a file, all or nothing; the format is the ending's.

    The index is not written: a frame whose index carries data (named, or not 0…n-1) is refused, so that nothing is lost
    unseen. Raises DataError: unknown-format, unsavable, forbidden, disk-full, not-found (no such folder or bucket),
    unreachable.
    """
    from data_access import formats
    from data_access.storage import single

    location = Location.parse(path)
    formats.write(frame, single.for_location(location), location)
