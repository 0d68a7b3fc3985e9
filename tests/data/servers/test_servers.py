"""The servers of these tests do what the tests lean on."""

from __future__ import annotations

from data_access.metastore.base import DatabaseRecord
from data_access.workspace import Workspace


def test_a_workspace_is_empty_and_can_be_written(workspace: Workspace) -> None:
    assert workspace.metastore.databases() in ([], ["default"])
    workspace.metastore.create_database(DatabaseRecord("sandbox_ann", f"{workspace.warehouse}/sandbox_ann.db"))
    url = f"{workspace.warehouse}/sandbox_ann.db/file"
    workspace.storage.put(url, b"some bytes")
    assert bytes(workspace.storage.get(url)) == b"some bytes"
    assert "sandbox_ann" in workspace.metastore.databases()
