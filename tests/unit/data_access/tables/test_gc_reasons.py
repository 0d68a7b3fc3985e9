"""gc names every commit, tag and anchor that keeps an object."""

from __future__ import annotations

import pytest

from data_access.tables.gc_reasons import NAMED, Because, Reasons

END = "until 2026-12-20 (keep_days=30)"


def told(*added: tuple[Because, int, list[str]]) -> str:
    reasons = Reasons()
    for because, number, holds in added:
        until = END if because is Because.KEPT else "a gc after 2026-11-28 removes it" * (because is Because.RECENT)
        reasons.add(["f"], because, number, holds, until=until)
    return reasons.told()["f"]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ([(Because.KEPT, 1, []), (Because.KEPT, 2, [])], f"commit 2 {END}"),
        ([(Because.KEPT, 1, []), (Because.PRESENT, 3, [])], "commit 3, the present one"),
        ([(Because.HELD, 1, ["tag 'v1'"]), (Because.RECENT, 2, [])], "commit 1: tag 'v1'"),
        ([(Because.HELD, 1, ["tag 'v1'"]), (Because.KEPT, 2, [])], f"commit 1: tag 'v1'; commit 2 {END}"),
        ([(Because.KEPT, 1, []), (Because.RECENT, 2, [])], f"commit 1 {END}"),
        (
            [(Because.HELD, 1, ["tag 'v1'"]), (Because.KEPT, 2, []), (Because.PRESENT, 3, [])],
            "commit 3, the present one; commit 1: tag 'v1'",
        ),
        (
            [(Because.HELD, 1, ["tag 'v1'", "anchor of ann, 2026-11-20"]), (Because.HELD, 2, ["tag 'v2'"])],
            "commit 1: tag 'v1', anchor of ann, 2026-11-20; commit 2: tag 'v2'",
        ),
        ([(Because.HELD, 3, ["tag 'v3'"]), (Because.PRESENT, 3, [])], "commit 3, the present one: tag 'v3'"),
        ([(Because.RECENT, 2, [])], "commit 2 is given up; a gc after 2026-11-28 removes it"),
    ],
)
def test_whatever_keeps_an_object_is_named(added: list[tuple[Because, int, list[str]]], said: str) -> None:
    assert told(*added) == said


def test_many_holds_are_counted() -> None:
    said = told((Because.HELD, 1, [f"tag 'v{n}'" for n in range(NAMED + 2)]))
    assert said.endswith(f", tag 'v{NAMED - 1}'; and 2 more tags and anchors")
