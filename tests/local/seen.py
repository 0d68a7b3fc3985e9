"""What a Hub's answer shows: our part of the page; JupyterHub's frame is not ours to judge."""

from __future__ import annotations

import httpx

from tests.unit.pages.reading import Element, read


def main_of(answer: httpx.Response) -> Element:
    return part(answer, "main")


def part(answer: httpx.Response, tag: str) -> Element:
    """From the first to the end of it. JupyterHub's own pages have no main; every page has a body."""
    text = answer.text
    return read(text[text.index(f"<{tag}") : text.index(f"</{tag}>") + len(f"</{tag}>")]).one(tag)


def said(answer: httpx.Response) -> str:
    """All notices."""
    return " ".join(notice.text for notice in main_of(answer).all("div", cls="rm-notice"))
