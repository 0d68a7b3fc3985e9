"""Data that people trust: tables with history on S3 or in a folder, the same calls on every machine.

    from data_access import store_dataframe, load_dataframe, history, rollback, anchor

    store_dataframe(df, "sandbox_ann", "orders", partition_by=["day"])    # makes the table; returns the commit
    df = load_dataframe("sandbox_ann", "orders", partitions=["2026-11-20"], columns=["shop", "amount"])

    history("sandbox_ann.orders")                  # who, when, what changed
    rollback("sandbox_ann.orders", 3)              # as it was at commit 3; what came after stays in the history
    held = anchor("sandbox_ann.orders")            # load_dataframe(..., as_of=held) gives the same rows for ever

A store is all or nothing: whoever reads meanwhile sees the table as it was or as it is, and two who store the same
partition at once don't lose each other's work: the later one is told. Hive, Spark and Trino read the same tables.

    find           browse, search, where_is, preview, copy, move, sql
    store          store_dataframe, several, drop_partitions, comment, checks (a module: what must hold of a table)
    load           load_dataframe, load_batches; load and save for single files (Parquet, CSV, JSON)
    history        history, diff, rollback, tag, untag, tags, anchor, release, gc, drop_table
    provenance     inputs, lineage, reconstruct
    models         save_model, load_model, compare, models (a module: aliases, export, verify)
    set up         configure, connect; else the file ~/.config/remuda/data.yaml and REMUDA_DATA_… say where

Errors are `DataError`s with a stable `reason`, and say what to do next. Importing this imports no pandas: each name
brings what it needs when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from data_access.errors import DataError

if TYPE_CHECKING:
    from data_access import checks, models
    from data_access.config import Settings
    from data_access.discover import browse, copy, move, preview, search, where_is
    from data_access.files import load, save
    from data_access.models import compare, load_model, save_model
    from data_access.names import TableName
    from data_access.provenance import inputs, lineage, reconstruct  # type: ignore[no-redef]  # a module of this name is in it
    from data_access.query import sql
    from data_access.tables.anchors import anchor, release
    from data_access.tables.diff import diff
    from data_access.tables.drop import drop_table
    from data_access.tables.gc import gc
    from data_access.tables.load import load_batches, load_dataframe
    from data_access.tables.log import history
    from data_access.tables.model import Anchor, Commit
    from data_access.tables.rollback import comment, drop_partitions, rollback
    from data_access.tables.several import several
    from data_access.tables.store import store_dataframe
    from data_access.tables.tags import tag, tags, untag
    from data_access.workspace import Workspace, configure, connect

_FROM = {
    "config": ("Settings",),
    "discover": ("browse", "copy", "move", "preview", "search", "where_is"),
    "files": ("load", "save"),
    "models": ("compare", "load_model", "save_model"),
    "names": ("TableName",),
    "provenance": ("inputs", "lineage", "reconstruct"),
    "query": ("sql",),
    "tables.anchors": ("anchor", "release"),
    "tables.diff": ("diff",),
    "tables.drop": ("drop_table",),
    "tables.gc": ("gc",),
    "tables.load": ("load_batches", "load_dataframe"),
    "tables.log": ("history",),
    "tables.model": ("Anchor", "Commit"),
    "tables.rollback": ("comment", "drop_partitions", "rollback"),
    "tables.several": ("several",),
    "tables.store": ("store_dataframe",),
    "tables.tags": ("tag", "tags", "untag"),
    "workspace": ("Workspace", "configure", "connect"),
}
_WHERE = {name: module for module, names in _FROM.items() for name in names}
_MODULES = ("checks", "models")

__all__ = [
    "Anchor",
    "Commit",
    "DataError",
    "Settings",
    "TableName",
    "Workspace",
    "anchor",
    "browse",
    "checks",
    "comment",
    "compare",
    "configure",
    "connect",
    "copy",
    "diff",
    "drop_partitions",
    "drop_table",
    "gc",
    "history",
    "inputs",
    "lineage",
    "load",
    "load_batches",
    "load_dataframe",
    "load_model",
    "models",
    "move",
    "preview",
    "reconstruct",
    "release",
    "rollback",
    "save",
    "save_model",
    "search",
    "several",
    "sql",
    "store_dataframe",
    "tag",
    "tags",
    "untag",
    "where_is",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
