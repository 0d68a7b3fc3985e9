"""Metastores behind one protocol (base.py): an embedded SQL catalog, a Hive Metastore, AWS Glue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data_access.metastore.base import Metastore

if TYPE_CHECKING:
    from data_access.config import Settings


def connect(settings: Settings) -> Metastore:
    """The metastore that `settings.metastore` names. Nothing is asked of it yet; the first call connects.

    Raises DataError(bad-configuration) when the setting is not right.
    """
    from data_access.metastore.place import parse

    place = parse(settings.metastore, Path.home())
    match place.kind:
        case "sqlite" | "postgresql":
            from data_access.metastore.sql.store import SqlMetastore

            return SqlMetastore(place)
        case "hive":
            from data_access.metastore.hive.store import HiveMetastore

            return HiveMetastore(place, user=settings.user)
        case "glue":
            from data_access.metastore.glue.store import GlueMetastore

            return GlueMetastore(place)
