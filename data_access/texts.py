"""Texts for people, cut to what fits. Pure, and imports nothing: everything may use it."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """The text in at most `most` letters, the last an ellipsis where it was longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
