"""How a listing looks: aligned text, safe HTML, plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.discover import words
from data_access.discover.listing import Head, Listing, Section, as_html, as_text, cells, cut, fitted, padded

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEADS = (Head("table", "code"), Head("rows", "number"), Head("size", "size"), Head("changed", "time"), Head("comment"))
ROWS = (
    ("orders", 1_234_567, 2_500_000_000, NOW - timedelta(hours=3), "What was sold"),
    ("prices", None, 12, NOW - timedelta(days=400), None),
)
SHOP = Listing("sales", (Section("", HEADS, ROWS, "2 of 9"),), {"owner": "ann"}, "A note", NOW)


def test_text_is_aligned() -> None:
    assert as_text(SHOP, 100).splitlines() == [
        "sales",
        "",
        "owner  ann",
        "",
        "table        rows    size  changed      comment",
        "──────  ─────────  ──────  ───────────  ─────────────",
        "orders  1,234,567  2.5 GB  3 hours ago  What was sold",
        "prices               12 B  2025-10-16",
        "2 of 9",
        "",
        "A note",
    ]


def test_values_stay_values() -> None:
    assert SHOP.rows[0]["size"] == 2_500_000_000
    assert SHOP.rows[1]["comment"] is None
    assert len(SHOP) == 2
    frame = SHOP.to_frame()
    assert list(frame.columns) == ["table", "rows", "size", "changed", "comment"]
    assert Listing("", ()).rows == []
    with pytest.raises(KeyError):
        SHOP.section("Partitions")


def test_html_holds_no_markup_of_others() -> None:
    nasty = '<script>alert("x")</script>&\x00'
    text = as_html(Listing(nasty, (Section(nasty, (Head("a"),), ((nasty,),), nasty),), {"b": nasty}, nasty, NOW))
    assert "<script" not in text
    box = ElementTree.fromstring(text.replace("<style>", "<style><![CDATA[").replace("</style>", "]]></style>"))
    assert "".join(box.find(".//td").itertext()) == '<script>alert("x")</script>&\ufffd'


def test_a_cell_tells_the_exact_value() -> None:
    assert 'title="2,500,000,000 bytes"' in as_html(SHOP)
    assert 'title="2026-11-20 09:00:00 UTC"' in as_html(SHOP)


def test_terminals_are_not_steered() -> None:
    shown = as_text(Listing("", (Section("", (Head("a"),), (("\x1b[31mred\x1b[0m\nnext",),)),)), 80)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 3


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5), st.integers(45, 200))
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]], width: int) -> None:
    heads = tuple(Head(name) for name in ("one", "two", "three"))
    text = as_text(Listing("", (Section("", heads, tuple(map(tuple, rows))),)), width)
    assert all(cells(line) <= width for line in text.splitlines())


@given(TEXTS, st.integers(1, 40))
def test_cut_and_padded_to_the_width(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= max(width, 1)
    assert cells(padded(cut(text, width), width)) == width


@given(st.lists(st.integers(0, 300), max_size=8), st.integers(1, 200))
def test_columns_give_way_fairly(widths: list[int], width: int) -> None:
    given_ = fitted(widths, width)
    assert all(new <= old for new, old in zip(given_, widths, strict=True))
    assert all(new >= min(old, 12) for new, old in zip(given_, widths, strict=True))


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (123_456, "123 kB"), (999_499, "999 kB"),
     (999_501, "1.0 MB"), (5_000_000_000_000, "5.0 TB"), (None, "")],
)  # fmt: skip
def test_sizes(count: int | None, said: str) -> None:
    assert words.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "just now"), (0.2, "just now"), (1, "1 second ago"), (59, "59 seconds ago"), (61, "1 minute ago"),
     (7200, "2 hours ago"), (86_400, "1 day ago"), (15 * 86_400, "2 weeks ago"), (90 * 86_400, "2026-08-22")],
)  # fmt: skip
def test_times(seconds: float, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said
    assert words.ago(None, NOW) == ""


def test_a_sentence_is_cut_last() -> None:
    heads = (Head("why", "sentence"), Head("where", "code"))
    listing = Listing("", (Section("", heads, (("w" * 60, "p" * 60),)),))
    assert "w" * 60 in as_text(listing, 80)
    assert "p" * 17 + "…" in as_text(listing, 80)
    assert "w" * 25 + "…" in as_text(listing, 40)


def test_what_is_for_programs_is_not_shown() -> None:
    listing = Listing("", (Section("", (Head("type"), Head("exact", "hidden")), (("date", "date32[day]"),)),))
    assert listing.rows == [{"type": "date", "exact": "date32[day]"}]
    assert "date32" not in as_text(listing, 80) + as_html(listing)


@pytest.mark.parametrize(("count", "said"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_counts(count: int, said: str) -> None:
    assert words.counted(count, "file") == said
