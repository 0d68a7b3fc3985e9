"""Where data is and in which format, parsed from what a person wrote. Pure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from data_access.errors import DataError, Reason

FORMATS = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
}  # fmt: skip
COMPRESSED = ("csv", "jsonl", "json")


@dataclass(frozen=True)
class Location:
    """A file in the home, or an object in a bucket. `text` is what the person wrote, for messages."""

    text: str
    format: str
    gzip: bool
    url: str

    @property
    def local(self) -> bool:
        return self.url.startswith("file://")

    @classmethod
    def parse(cls, text: str | os.PathLike[str]) -> Location:
        """Raises DataError(bad-location) or DataError(unknown-format)."""
        written = os.fspath(text)
        kind, gzip = format_of(written)
        if "://" not in written:
            return cls(written, kind, gzip, f"file://{Path(written).expanduser().absolute()}")
        parts = urlsplit(written)
        if parts.scheme == "file":
            return cls(written, kind, gzip, written)
        if parts.scheme != "s3":
            raise DataError(Reason.BAD_LOCATION, f"'{written}' is neither a path nor s3://….", "Download it first.")
        key = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        if not parts.netloc or not key:
            raise DataError(
                Reason.BAD_LOCATION, f"'{written}' names no object.", "Write s3://bucket/folder/file.parquet."
            )
        return cls(written, kind, gzip, f"s3://{parts.netloc}/{key}")


def format_of(name: str) -> tuple[str, bool]:
    """The format by the ending, and whether it is gzipped."""
    lowered = name.lower()
    gzip = lowered.endswith(".gz")
    kind = FORMATS.get(os.path.splitext(lowered.removesuffix(".gz"))[1])  # noqa: PTH122 - also of URLs
    if kind is None or (gzip and kind not in COMPRESSED):
        raise DataError(
            Reason.UNKNOWN_FORMAT,
            f"The ending of '{name}' tells no format.",
            f"Known are {', '.join(FORMATS)}, and .gz after the text kinds.",
        )
    return kind, gzip
