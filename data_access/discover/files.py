"""Plain files for `preview` and `sql`: the beginning of one with few small requests, or all of it as Arrow."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

from data_access import formats
from data_access.errors import DataError, Reason
from data_access.location import Location
from data_access.storage.base import Storage
from data_access.storage.router import Reading
from data_access.workspace import Workspace

if TYPE_CHECKING:
    import pandas
    import pyarrow as pa

#: What is fetched first of a text file, and of each column where a row group is large.
PIECE = 256 * 1024
#: A row group up to this size is fetched at once, columns together.
AT_ONCE = 8 * 1024**2


def read_file(workspace: Workspace, path: str) -> pa.Table:
    """All of a file as Arrow. Raises DataError as `load` does."""
    import pyarrow as pa
    from pyarrow import parquet

    location = Location.parse(path)
    if location.format != "parquet":
        return pa.Table.from_pandas(formats.read(workspace.storage, location, None), preserve_index=False)
    with _told(location):
        return parquet.read_table(io.BufferedReader(Reading(workspace.storage, location.url)))


def beginning(workspace: Workspace, path: str, rows: int) -> pandas.DataFrame:
    """The first rows of a file. Raises DataError."""
    location = Location.parse(path)
    if location.format == "parquet":
        return _parquet(workspace.storage, location, rows)
    if location.format == "json":  # one value, which can't be read in part
        return formats.read(workspace.storage, location, None).head(rows)
    return _text(workspace.storage, location, rows)


def _parquet(storage: Storage, location: Location, rows: int) -> pandas.DataFrame:
    from pyarrow import parquet

    with _told(location):
        file = Pieces(storage, location.url)
        metadata = parquet.read_metadata(file)
        if metadata.num_row_groups == 0:
            return metadata.schema.to_arrow_schema().empty_table().to_pandas()
        first = metadata.row_group(0)
        columns = [first.column(i) for i in range(first.num_columns)]
        small = sum(column.total_compressed_size for column in columns) <= AT_ONCE
        opened = parquet.ParquetFile(
            file, metadata=metadata, pre_buffer=small, buffer_size=0 if small else PIECE
        )  # fmt: skip
        found = []
        for batch in opened.iter_batches(batch_size=rows):
            found.append(batch)
            if sum(len(each) for each in found) >= rows:
                break
        import pyarrow as pa

        return pa.Table.from_batches(found, opened.schema_arrow).slice(0, rows).to_pandas()


def _text(storage: Storage, location: Location, rows: int) -> pandas.DataFrame:
    import pandas

    size, fetched = storage.size(location.url), PIECE
    while True:
        raw = bytes(storage.get(location.url, 0, min(fetched, size)))
        whole = fetched >= size
        with _told(location):
            text = zlib.decompressobj(31).decompress(raw) if location.gzip else raw
            lines = text if whole else text[: text.rfind(b"\n") + 1]
            if whole or lines.count(b"\n") > rows * 2:  # a quoted field may hold line breaks
                file = io.BytesIO(lines)
                if location.format == "csv":
                    return pandas.read_csv(file, nrows=rows)
                return pandas.read_json(file, lines=True, orient="records", nrows=rows)
        fetched *= 8


class Pieces(io.RawIOBase):
    """An object to read from in any order, with a request per piece that is asked for; the tail is kept."""

    def __init__(self, storage: Storage, url: str) -> None:
        super().__init__()
        self._storage, self._url = storage, url
        self._size, self._at = storage.size(url), 0
        self._tail_at = max(0, self._size - PIECE)
        self._tail = storage.get(url, self._tail_at, self._size) if self._size else memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._size, self._at + len(buffer))
        if end <= self._at:
            return 0
        if self._at >= self._tail_at:
            piece = self._tail[self._at - self._tail_at : end - self._tail_at]
        else:
            piece = self._storage.get(self._url, self._at, end)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


class _told:
    """What readers raise, in our words."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def __enter__(self) -> None: ...

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if isinstance(error, DataError) or not isinstance(error, ValueError | OSError | EOFError | zlib.error):
            return
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            Reason.UNREADABLE,
            f"{self._location.text} is no readable {self._location.format} file: {said}.",
            "Check how it was made.",
        ) from error
