"""The bar in a real kernel: seen while it lasts, and gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

WORK = """
import os, sys, warnings
from data_access import progress
from data_access.config import Settings
progress._QUIET_S = 0.0
with warnings.catch_warnings(action="error"), progress.progress(Settings(), "Storing <orders>", rows=2_000) as bar:
    bar.advance(300, 500)
    with open("seen") as seen:
        seen.read()   # until the test has seen the bar
progress._QUIET_S = 1.0
print("done", [each for each in ("tqdm", "ipywidgets") if each in sys.modules])
"""
STORE = """
import pandas, data_access
data_access.store_dataframe(pandas.DataFrame({"a": range(5)}), "sandbox_ann", "orders")
data_access.move("sandbox_ann.orders", "sandbox_ann.moved");
"""


class _Watching(NotebookClient):
    """Notes each picture of the bar, and lets the kernel go on once there is one."""

    pictures: list[dict[str, Any]]
    go_on: Path

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] in ("display_data", "update_display_data"):
            self.pictures.append(msg["content"]["data"])
            if len(self.pictures) == 1:
                self.go_on.write_text("go on")
        return super().process_message(msg, cell, cell_index)


def test_a_notebook_has_a_bar_without_widgets_and_nothing_afterwards(home: Path) -> None:
    os.mkfifo(home / "seen")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in (WORK, STORE)])
    client = _Watching(notebook, timeout=60, resources={"metadata": {"path": str(home)}})
    client.pictures, client.go_on = [], home / "seen"
    client.execute()

    first, last = client.pictures[0], client.pictures[-1]
    assert first["text/plain"].startswith("Storing <orders> 25 % · 500 of 2,000 rows · 300 B · ")
    assert 'role="progressbar"' in first["text/html"]
    assert 'aria-valuenow="25"' in first["text/html"]
    assert "<orders>" not in first["text/html"]
    assert last == {"text/html": "", "text/plain": ""}
    bar, said = notebook.cells[0].outputs
    assert bar.data == last  # so it is saved
    assert said.text == "done []\n"
    # Five rows that are stored and moved show nothing at all.
    assert notebook.cells[1].outputs == []
