"""The tutorial, run as a newcomer runs it: from top to bottom, in an empty home, with nothing set up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = ROOT / "data_access" / "tutorial" / "flights.ipynb"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells with what they showed; a cell that raises fails here."""
    home = tmp_path_factory.mktemp("home")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(home)}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("JUPYTERHUB_USER", "ann")
        patch.setenv("REMUDA_DATA_PROGRESS", "false")  # on a slow computer bars would be among the outputs
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("IPYTHONDIR", str(home / ".ipython"))
        for name in ("REMUDA_DATA_CONFIG", "REMUDA_DATA_METASTORE", "REMUDA_DATA_WAREHOUSE"):
            patch.delenv(name, raising=False)
        client.execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(ran: list[Any], source: str) -> str:
    """What the cells with this text in them showed or printed, as plain text."""
    cells = [cell for cell in ran if source in cell.source]
    assert cells, f"no cell has {source!r} any more"
    parts = []
    for output in (output for cell in cells for output in cell.outputs):
        parts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(parts)


def test_the_committed_notebook_has_no_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None), cell.source


def test_every_flight_is_stored_and_the_mistake_is_seen_and_taken_back(ran: list[Any]) -> None:
    assert shown(ran, 'message="2013 as published"') == "(1, 336776)"
    assert shown(ran, "mistake.number") == "2"
    before, now = map(float, re.findall(r"[\d.]+\d", shown(ran, "minutes then")))
    assert before == pytest.approx(21.7) and now == pytest.approx(1303.7)
    assert "rolled back to 1" in shown(ran, "the airline's July was in seconds")


def test_the_check_catches_the_mistake_with_its_note(ran: list[Any]) -> None:
    said = shown(ran, "except data_access.DataError as error")
    assert "dep_delay" in said and "ask for the unit before you divide" in said
    assert "changed checks" in shown(ran, "limit=2") and "July, as corrected" not in shown(ran, "limit=2")
    assert "all 29,425 rows" in shown(ran, "stored.checks")


def test_a_join_a_search_and_a_lineage_find_what_they_should(ran: list[Any]) -> None:
    assert "flights" in shown(ran, "join {sandbox}.airports") and "delay" in shown(ran, "join {sandbox}.airports")
    assert "less than 1 mile" in shown(ran, "by_visibility")
    assert "sandbox_ann.weather" in shown(ran, 'search("wind")')
    assert "airports" in shown(ran, "browse(sandbox)")
    told = shown(ran, 'lineage(f"{sandbox}.daily_delays")')
    assert "sandbox_ann.flights" in told and "sandbox_ann.weather" in told


def test_the_model_answers_as_when_it_was_kept_and_holds_its_data(ran: list[Any]) -> None:
    assert "arrival-delay" in shown(ran, "kept.name, kept.version")
    assert len(re.findall(r"-?\d+\.\d*", shown(ran, "again.predict"))) == 3
    assert re.search(r"commits given up \(would be\)\s+1–2, 4\n", shown(ran, "gc(f")), "commit 3 is pinned"


def test_the_command_brings_the_notebook_and_replaces_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "data_access", "tutorial"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environ)
    brought = tmp_path / "flights.ipynb"
    assert str(brought) in done.stdout
    assert brought.read_bytes() == NOTEBOOK.read_bytes()
    brought.write_text("work of mine")
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environ)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert brought.read_text() == "work of mine"


def test_the_notebook_names_no_place_that_a_home_lacks() -> None:
    text = "".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
    assert not re.findall(r"\]\((?!https?://)[^)]*\)", text)
