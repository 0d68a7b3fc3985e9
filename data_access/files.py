"""`load` and `save`: single files (Parquet, CSV, JSON; `.gz` for the text kinds), in the home or on S3.

Saving is all or nothing: whoever reads meanwhile sees the old file or the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas


def load(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """The data frame in a file: a path, or `s3://bucket/key`.

    `columns` gives only those, in that order; of Parquet the others are not decoded, and of large objects not fetched.
    Raises DataError: not-found, forbidden, unknown-format, unreadable, unknown-column, unreachable.
    """
    from data_access import formats
    from data_access.location import Location
    from data_access.workspace import current_storage

    return formats.read(current_storage(), Location.parse(path), columns)


def save(frame: pandas.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a data frame to a file, all or nothing; the format is the ending's.

    The index is not written: a frame whose index carries data (named, or not 0…n-1) is refused, so that nothing is lost
    unseen. Raises DataError: unknown-format, unsavable, forbidden, disk-full, not-found (no such folder or bucket),
    unreachable.
    """
    from data_access import formats
    from data_access.location import Location
    from data_access.workspace import current_storage

    formats.write(frame, current_storage(), Location.parse(path))
