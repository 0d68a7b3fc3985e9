"""What a page looks like, for somebody to look at; some of it for the documentation."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

DOCS = Path(__file__).resolve().parents[2] / "docs" / "images"


def keep(page: Page, name: str, folder: Path, *, in_docs: bool = False, full_page: bool = True) -> None:
    """A PNG in `folder`, or in the one that REMUDA_LOOK_AT names. With REMUDA_SCREENSHOTS set, pictures that the
    documentation shows go there instead."""
    if in_docs and os.environ.get("REMUDA_SCREENSHOTS"):
        folder = DOCS
    elif os.environ.get("REMUDA_LOOK_AT"):
        folder = Path(os.environ["REMUDA_LOOK_AT"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=full_page, animations="disabled", caret="hide")
    assert path.stat().st_size > 10_000, "an empty page"
