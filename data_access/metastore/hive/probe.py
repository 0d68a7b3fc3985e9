"""Does this server compare a parameter before it alters a table (HIVE-26882, HIVE-28121)? Asked, not guessed.

No call tells it (2.3.10 answers version "3.0"), and a server without it ignores the question and alters. So a view is
made that nobody uses (a view has no folder), altered with an expectation that does not hold, and dropped again.
"""

from __future__ import annotations

import contextlib
import uuid

from hive_metastore import ttypes

from data_access.errors import DataError
from data_access.metastore.hive.connections import Connections, ReplyLostError
from data_access.metastore.hive.failures import HIVE, modified

KEY = "remuda.probe"


def compares(connections: Connections, databases: list[str]) -> bool:
    """False also where no database takes the view: then only the lock is to be relied on."""
    for database in sorted(databases, key=lambda name: name != "default")[:3]:
        view = _view(database, f"remuda_probe_{uuid.uuid4().hex[:12]}")
        try:
            connections.call("create_table_with_environment_context", view, None, repeatable=False)
        except (*HIVE, ReplyLostError):
            continue
        try:
            return _refuses(connections, view)
        finally:
            with contextlib.suppress(*HIVE, DataError):
                connections.call(
                    "drop_table_with_environment_context",
                    database,
                    view.tableName,
                    False,
                    ttypes.EnvironmentContext({}),
                )
    return False


def _refuses(connections: Connections, view: ttypes.Table) -> bool:
    unmet = expecting(KEY, "something else")
    try:
        connections.call("alter_table_with_environment_context", view.dbName, view.tableName, view, unmet)
    except HIVE as error:
        return modified(error)
    return False


def expecting(key: str, value: str) -> ttypes.EnvironmentContext:
    return ttypes.EnvironmentContext(
        {"DO_NOT_UPDATE_STATS": "true", "expected_parameter_key": key, "expected_parameter_value": value}
    )


def _view(database: str, name: str) -> ttypes.Table:
    return ttypes.Table(
        tableName=name,
        dbName=database,
        sd=ttypes.StorageDescriptor(
            cols=[ttypes.FieldSchema("one", "int", None)],
            serdeInfo=ttypes.SerDeInfo(parameters={}),
            parameters={}, bucketCols=[], sortCols=[], numBuckets=-1,
        ),
        partitionKeys=[],
        parameters={KEY: "0", "comment": "data_access asks what this server can do; drop it if it stays."},
        viewOriginalText="SELECT 1 AS one",
        viewExpandedText="SELECT 1 AS one",
        tableType="VIRTUAL_VIEW",
    )  # fmt: skip
