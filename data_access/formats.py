"""Data frames as Parquet, CSV and JSON."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from typing import IO, Any

import pandas

from data_access.errors import DataError, NotFoundError, Reason
from data_access.location import Location
from data_access.storage.base import Storage
from data_access.storage.local import open_to_read, path_of
from data_access.storage.router import Reading


def read(storage: Storage, location: Location, columns: Sequence[str] | None) -> pandas.DataFrame:
    """The frame behind a location. Raises DataError."""
    wanted = list(columns) if columns is not None else None
    with _open(storage, location, some=wanted is not None) as raw:
        try:
            file: Any = gzip.GzipFile(fileobj=raw, mode="rb") if location.gzip else raw
            frame = _READERS[location.format](file, wanted, location)
        except DataError:
            raise
        except (ValueError, OSError, EOFError, zlib.error) as error:  # pyarrow's and pandas' errors are ValueErrors
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                Reason.UNREADABLE,
                f"{location.text} is no readable {location.format} file: {said}.",
                "Check how it was made.",
            ) from error
    return frame


def _open(storage: Storage, location: Location, *, some: bool) -> Any:
    """A file to read from; where only `some` columns are wanted, only those are fetched."""
    if location.local:
        return open_to_read(location.url)
    if some and location.format == "parquet":
        return io.BufferedReader(Reading(storage, location.url))
    return io.BytesIO(storage.get(location.url))


def _read_parquet(file: Any, wanted: list[str] | None, location: Location) -> pandas.DataFrame:
    from pyarrow import parquet

    opened = parquet.ParquetFile(file)
    if wanted is not None:
        _check_columns(wanted, opened.schema_arrow.names, location)
    return opened.read(columns=wanted).to_pandas()[wanted or opened.schema_arrow.names]


def _read_csv(file: Any, wanted: list[str] | None, location: Location) -> pandas.DataFrame:
    return _only(pandas.read_csv(file), wanted, location)


def _read_jsonl(file: Any, wanted: list[str] | None, location: Location) -> pandas.DataFrame:
    return _only(pandas.read_json(file, lines=True, orient="records"), wanted, location)


def _read_json(file: Any, wanted: list[str] | None, location: Location) -> pandas.DataFrame:
    return _only(pandas.read_json(file, orient="records"), wanted, location)


def _only(frame: pandas.DataFrame, wanted: list[str] | None, location: Location) -> pandas.DataFrame:
    if wanted is None:
        return frame
    _check_columns(wanted, [str(name) for name in frame.columns], location)
    return frame[wanted]


def _check_columns(wanted: list[str], there: list[str], location: Location) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DataError(
            Reason.UNKNOWN_COLUMN,
            f"{location.text} has no column {', '.join(map(repr, missing))}.",
            f"It has: {', '.join(there)}.",
        )


def write(frame: pandas.DataFrame, storage: Storage, location: Location) -> None:
    """Write a frame, all or nothing. Raises DataError."""
    _check_savable(frame, location)
    folder = path_of(location.url).parent if location.local else None
    if folder is not None and not folder.is_dir():  # a table makes its folders; here one is more likely misspelt
        raise NotFoundError(Reason.NOT_FOUND, f"{folder} does not exist.", "Make the folder first, or correct it.")

    def write_all(file: IO[bytes]) -> None:
        try:
            if location.gzip:
                with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
                    _WRITERS[location.format](frame, packed)
            else:
                _WRITERS[location.format](frame, file)
        except (ValueError, TypeError) as error:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                Reason.UNSAVABLE, f"This frame cannot be written as {location.format}: {said}.", "Convert that column."
            ) from error

    storage.write(location.url, write_all)


def _check_savable(frame: pandas.DataFrame, location: Location) -> None:
    if not isinstance(frame, pandas.DataFrame):
        raise DataError(Reason.UNSAVABLE, f"{type(frame).__name__} is no data frame.", "Save a pandas.DataFrame.")
    plain = frame.index.name is None and frame.index.equals(pandas.RangeIndex(len(frame)))
    if not plain or frame.index.nlevels > 1:
        raise DataError(
            Reason.UNSAVABLE,
            "The frame's index carries data, and indexes are not written.",
            "Call .reset_index() first.",
        )
    names = [name for name in frame.columns if not isinstance(name, str)]
    if names or frame.columns.has_duplicates:
        raise DataError(
            Reason.UNSAVABLE, f"Column names have to be texts and different for {location.text}.", "Rename them first."
        )


def _write_text(frame: pandas.DataFrame, file: Any, **how: Any) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        if how:
            frame.to_json(text, orient="records", date_format="iso", double_precision=15, **how)
        else:
            frame.to_csv(text, index=False)
    finally:
        text.flush()
        text.detach()


_READERS: dict[str, Callable[[Any, list[str] | None, Location], pandas.DataFrame]] = {
    "parquet": _read_parquet,
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "json": _read_json,
}
_WRITERS: dict[str, Callable[[pandas.DataFrame, Any], None]] = {
    "parquet": lambda frame, file: frame.to_parquet(file, index=False, engine="pyarrow"),
    "csv": _write_text,
    "jsonl": lambda frame, file: _write_text(frame, file, lines=True),
    "json": lambda frame, file: _write_text(frame, file, lines=False),
}
