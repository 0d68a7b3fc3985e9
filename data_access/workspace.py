"""Where a call works: settings, the metastore, the storage, and who asks. One per process by default."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_access.config import Settings, read_settings
from data_access.errors import DataError, Reason
from data_access.metastore.base import Metastore
from data_access.storage.base import Storage


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workspace:
    """Give one to any call as `workspace=`; without, the process's own is used (`current`)."""

    settings: Settings
    metastore: Metastore
    storage: Storage
    user: str
    warehouse: str  # URL, without a slash at the end
    now: Callable[[], datetime] = _now

    @property
    def sandbox(self) -> str:
        """The database that is this user's own: made at the first store to it."""
        from data_access.tables.namespaces import own_sandbox

        return own_sandbox(self.user, self.settings)

    def close(self) -> None:
        self.metastore.close()


def connect(settings: Settings | None = None, **arguments: Any) -> Workspace:
    """A workspace by settings; what is not given comes from the environment and the file. Raises DataError."""
    from data_access import metastore, storage

    settings = settings or read_settings(arguments)
    user = settings.user or _user()
    warehouse = _url(settings.warehouse or str(Path.home() / "warehouse"))
    return Workspace(settings, metastore.connect(settings), storage.connect(settings), user, warehouse)


def _user() -> str:
    import os

    return os.environ.get("JUPYTERHUB_USER") or getpass.getuser()


def _url(place: str) -> str:
    """A place as a URL without a slash at the end; what follows the scheme is literal, never percent-encoded."""
    if "://" not in place:
        return f"file://{Path(place).expanduser().absolute()}"
    if place.split("://", maxsplit=1)[0] not in ("s3", "file"):
        raise DataError(Reason.BAD_LOCATION, f"'{place}' is neither a folder nor s3://….", "Correct `warehouse`.")
    return place.rstrip("/")


_lock = threading.Lock()
_current: Workspace | None = None
_files: Storage | None = None


def current() -> Workspace:
    """The process's own, made at first use."""
    global _current  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _current is None:
            _current = connect()
        _followed(_current.storage)
        return _current


def current_storage() -> Storage:
    """The process's own for single files, which need no metastore: none is asked for it."""
    from data_access import storage

    global _files  # noqa: PLW0603
    with _lock:
        if _current is not None:
            return _followed(_current.storage)
        if _files is None:
            _files = storage.connect(read_settings())
        return _followed(_files)


def _followed(storage: Storage) -> Storage:
    from data_access.storage.router import Router

    if isinstance(storage, Router):
        storage.follow_environment()
    return storage


def configure(**arguments: Any) -> Workspace:
    """Make the process's workspace anew, with these settings over the environment and the file.

    data_access.configure(metastore="thrift://metastore:9083", warehouse="s3://lake/warehouse")
    """
    global _current
    fresh = connect(**arguments)
    with _lock:
        old, _current = _current, fresh
    if old is not None:
        old.close()
    return fresh
