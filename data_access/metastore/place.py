"""Which metastore the setting `metastore` names. Pure: no SDK, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from data_access.errors import DataError, Reason

THRIFT_PORT = 9083
FORMS = "thrift://host:9083, glue://region, postgresql://user@host/database, sqlite:///path or sqlite"


@dataclass(frozen=True)
class Place:
    """`url` is what messages show, and holds no credentials; the rest is what its kind needs."""

    kind: Literal["sqlite", "postgresql", "hive", "glue"]
    url: str
    path: Path | None = None  # sqlite
    addresses: tuple[tuple[str, int], ...] = ()  # hive: host and port, tried in this order
    region: str | None = None  # glue
    user: str | None = None  # postgresql
    database: str = ""  # postgresql
    options: tuple[tuple[str, str], ...] = ()  # postgresql: libpq's own, `sslmode=require`


def parse(text: str, home: Path) -> Place:
    """Raises DataError(bad-configuration), which never repeats a password."""
    text = text.strip()
    scheme, colon, rest = text.partition("://")
    if text == "sqlite":
        return _sqlite(home / ".local/share/remuda/catalog.sqlite")
    if text == "glue":
        return Place("glue", "glue://")
    if not colon:
        raise _wrong(f"'{_shown(text)}' names no metastore.")
    match scheme:
        case "sqlite":
            return _sqlite(_path(rest, home))
        case "thrift":
            return _hive(text)
        case "glue":
            return _glue(rest)
        case "postgresql" | "postgres":
            return _postgresql(text)
    raise _wrong(f"'{_shown(scheme)}://' is no kind of metastore.")


def _sqlite(path: Path) -> Place:
    return Place("sqlite", f"sqlite:///{str(path).lstrip('/')}", path=path)


def _path(rest: str, home: Path) -> Path:
    """`/abs/file` as in file://; `/~/file` is in the home."""
    path = rest.lstrip("/")
    if not rest.startswith("/") or not path:
        raise _wrong(f"'sqlite://{_shown(rest)}' names no file; the path is absolute and follows three slashes.")
    return home / path[2:] if path.startswith("~/") else Path("/" + path)


def _hive(text: str) -> Place:
    addresses = []
    for one in text.split(","):
        url = one.strip()
        try:
            split = urlsplit(url if "://" in url else f"thrift://{url}")
            host, port = split.hostname, split.port or THRIFT_PORT
        except ValueError as error:
            raise _wrong(f"'{_shown(url)}' is no address: {error}.") from error
        if split.scheme != "thrift" or not host or split.path.strip("/") or split.username:
            raise _wrong(f"'{_shown(url)}' is no address of a Hive Metastore.")
        addresses.append((host, port))
    shown = ",".join(f"thrift://{f'[{host}]' if ':' in host else host}:{port}" for host, port in addresses)
    return Place("hive", shown, addresses=tuple(addresses))


def _glue(rest: str) -> Place:
    region = rest.strip("/")
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
        raise _wrong(f"'{_shown(region)}' is no AWS region, such as eu-central-1.")
    return Place("glue", f"glue://{region}", region=region)


def _postgresql(text: str) -> Place:
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError as error:
        raise _wrong(f"the PostgreSQL address is not right: {error}.") from error
    if split.password is not None:
        raise DataError(
            Reason.BAD_CONFIGURATION,
            f"The setting `metastore` holds a password for {split.hostname}.",
            "Credentials are no settings: put it into ~/.pgpass or PGPASSWORD.",
        )
    database = split.path.strip("/")
    if not database:
        raise _wrong(f"'{_shown(text)}' names no database.")
    where = f"{split.hostname or ''}{f':{port}' if port else ''}"
    return Place(
        "postgresql",
        f"postgresql://{where}/{database}",
        addresses=((split.hostname or "", port or 0),),
        user=split.username,
        database=database,
        options=tuple(parse_qsl(split.query)),
    )


def _shown(text: str) -> str:
    return re.sub(r"[^/@\s]*@", "…@", text)[:80]


def _wrong(sentence: str) -> DataError:
    return DataError(Reason.BAD_CONFIGURATION, f"The setting `metastore`: {sentence}", f"Write {FORMS}.")
