"""`preview`: the first rows of anything, with few requests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from data_access.discover.place import ObjectPlace, TablePlace, WebPlace, place_of
from data_access.errors import DataError, NotFoundError, Reason
from data_access.location import FORMATS
from data_access.workspace import Workspace

if TYPE_CHECKING:
    import pandas


def preview(what: str | os.PathLike[str], rows: int = 10, *, workspace: Workspace | None = None) -> pandas.DataFrame:
    """The first rows of a table, a file, a folder's first file, or a table of a configured database.

        preview("sales.orders")   preview("sales.orders@42", rows=3)   preview("s3://lake/raw/x.csv.gz")
        preview("crm.public.customers")

    Fetches the beginning alone: of Parquet a row group's start, of text files the first 256 kB. Raises NotFoundError
    with near names, DataError(unreadable, unknown-format).
    """
    from data_access.workspace import current

    workspace = workspace or current()
    if rows < 1:
        raise DataError(Reason.BAD_ARGUMENT, f"rows={rows} shows nothing.", "Give 1 or more.")
    text = os.fspath(what)
    if text.count(".") == 2 and text.partition(".")[0] in workspace.settings.databases:
        from data_access.query import sql

        name = ".".join(f'"{word}"' for word in text.split("."))
        return sql(f"select * from {name} limit {int(rows)}", workspace=workspace)  # noqa: S608 - words of a name, quoted
    place = place_of(what)
    if isinstance(place, TablePlace):
        from data_access.provenance import unnoted
        from data_access.tables.load import load_dataframe

        with unnoted():  # a look is no input of what is stored next
            return load_dataframe(str(place.name), as_of=place.as_of, limit=rows, workspace=workspace)
    if isinstance(place, WebPlace):
        raise DataError(Reason.BAD_LOCATION, f"{place} is not here yet.", "copy(address, folder) downloads it.")
    from data_access.discover.files import beginning

    return beginning(workspace, _file(workspace, place), rows)


def _file(workspace: Workspace, place: ObjectPlace) -> str:
    """The file itself, or the first data file of a folder."""
    if not place.folder:
        return place.url
    for entry in workspace.storage.list(f"{place.url.rstrip('/')}/"):
        if entry.size and entry.url.lower().removesuffix(".gz").endswith(tuple(FORMATS)):
            return entry.url
    raise NotFoundError(Reason.NOT_FOUND, f"{place} holds no data file.", f"Known endings are {', '.join(FORMATS)}.")
