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

from typing import TYPE_CHECKING, Any

from data_access.errors import DataError

if TYPE_CHECKING:
    from data_access.files import load, save

__all__ = ["DataError", "load", "save"]


def __getattr__(name: str) -> Any:
    if name in ("load", "save"):
        from data_access import files

        return getattr(files, name)
    raise AttributeError(f"module 'data_access' has no attribute '{name}'")
