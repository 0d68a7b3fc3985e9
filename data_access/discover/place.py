"""What a person names in `copy`, `move`, `preview` and `where_is`: a table, an address, a file or a folder. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from data_access.errors import DataError, Reason
from data_access.location import FORMATS
from data_access.names import TableName

_TABLE = re.compile(r"([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)(?:@(.+))?")
_ENDINGS = (*FORMATS, ".gz", ".zip", ".txt", ".md", ".py", ".ipynb", ".tar", ".xlsx", ".pkl", ".onnx", ".feather")


@dataclass(frozen=True)
class TablePlace:
    """A table; `as_of` is a commit's number, a tag or an anchor's text."""

    name: TableName
    as_of: str | int | None = None

    def __str__(self) -> str:
        return f"{self.name}@{self.as_of}" if self.as_of is not None else str(self.name)


@dataclass(frozen=True)
class ObjectPlace:
    """A file or a folder on disk or S3. `folder`: the person wrote a slash at the end."""

    url: str
    folder: bool

    def __str__(self) -> str:
        return self.url.removeprefix("file://")

    @property
    def name(self) -> str:
        return self.url.rstrip("/").rpartition("/")[2]

    def below(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"


@dataclass(frozen=True)
class WebPlace:
    """An address to download from."""

    url: str

    def __str__(self) -> str:
        return without_secrets(self.url)

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2] or "index.html"


Place = TablePlace | ObjectPlace | WebPlace


def place_of(written: str | os.PathLike[str]) -> Place:
    """Two words with a dot are a table, unless they end like a file (`orders.csv`) or are one that is there.

    Raises DataError(bad-location).
    """
    text = os.fspath(written)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https"):
        return WebPlace(text)
    if scheme in ("s3", "s3a", "s3n", "file"):
        _, _, rest = text.partition("://")
        if scheme != "file" and not rest.partition("/")[0]:
            raise DataError(Reason.BAD_LOCATION, f"'{text}' names no bucket.", "Write s3://bucket/folder/file.")
        return ObjectPlace(text if scheme == "file" else f"s3://{rest}", text.endswith("/") or "/" not in rest)
    if scheme:
        raise DataError(
            Reason.BAD_LOCATION,
            f"'{scheme}://' is no kind of place that is known.",
            "Use a table (sales.orders), a path, s3://…, or http(s)://… to download.",
        )
    table = _TABLE.fullmatch(text) if isinstance(written, str) else None
    if table and not text.lower().endswith(_ENDINGS) and not Path(text).exists():
        as_of = table[3]
        if as_of is not None and ":" in as_of:
            as_of = text  # an anchor, whole
        return TablePlace(TableName.of(table[1], table[2]), int(as_of) if as_of and as_of.isdigit() else as_of)
    path = Path(text).expanduser().absolute()
    return ObjectPlace(f"file://{path}", text.endswith("/") or path.is_dir())


def without_secrets(url: str) -> str:
    """An address without user, password and query: signed addresses carry their key there."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))
