"""Servers that come up when a test lets them: a start can be looked at for as long as looking takes."""

from __future__ import annotations

from pathlib import Path

#: Not longer than a start may take: a test that forgets somebody fails by its own words.
SITE = """
import os, pathlib, time
go = pathlib.Path(__file__).with_name("go") / os.environ.get("JUPYTERHUB_USER", "")
end = time.monotonic() + 45
while not go.exists() and time.monotonic() < end:
    time.sleep(0.02)
"""


class Held:
    """`folder` goes into PYTHONPATH of the machines that are meant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "go").mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(SITE)

    def let_go(self, person: str) -> None:
        """Now, and whenever this person starts such a machine again."""
        (self.folder / "go" / person).touch()
