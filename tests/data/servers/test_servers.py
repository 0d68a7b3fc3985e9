"""The servers of these tests do what the tests lean on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from data_access.metastore.base import DatabaseRecord
from data_access.workspace import Workspace


def test_a_workspace_is_empty_and_can_be_written(workspace: Workspace) -> None:
    assert workspace.metastore.databases() in ([], ["default"])
    workspace.metastore.create_database(DatabaseRecord("sandbox_ann", f"{workspace.warehouse}/sandbox_ann.db"))
    url = f"{workspace.warehouse}/sandbox_ann.db/file"
    workspace.storage.put(url, b"some bytes")
    assert bytes(workspace.storage.get(url)) == b"some bytes"
    assert "sandbox_ann" in workspace.metastore.databases()


HOLDER = """
import sys
from tools.servers import postgres, versitygw
for server in (versitygw.start(), postgres.start()):
    print(server.process.pid, server.process.folder, flush=True)
sys.stdin.read()
"""


def test_servers_end_with_whoever_started_them_however_that_ends() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    started = [holder.stdout.readline().split() for _ in range(2)]
    assert all(Path(f"/proc/{pid}").exists() and Path(folder).exists() for pid, folder in started)
    holder.kill()
    holder.communicate()
    until = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() or Path(folder).exists() for pid, folder in started):
        assert time.monotonic() < until, "servers outlived the process that started them"
        time.sleep(0.05)
