"""The page that every answer of the module is in a notebook."""

from __future__ import annotations

from importlib import resources
from xml.etree import ElementTree

from data_access.discover.copying import Copied
from data_access.html import Cell, Column, Page
from data_access.tables.model import Anchor

ANCHOR = Anchor.parse("sales.orders@42:01JDB0000000000000000000A1")
#: JupyterLab's strongest rule for cells, `:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon th`: two classes, a tag.
LABS = (2, 1)


def page_of(*rows: tuple[Cell | str, ...], kinds: tuple[str, ...]) -> ElementTree.Element:
    page = Page("<orders>")
    page.table([Column(kind, kind) for kind in kinds], rows)
    return ElementTree.fromstring(str(page))


def test_texts_are_left_and_numbers_right_also_where_the_style_is_taken_away() -> None:
    box = page_of(("a", "1", "2 kB", "0.5", "x"), kinds=("text", "number", "size", "count", "code"))
    assert [cell.get("style") for cell in box.iter("td")] == [
        "text-align:left", *["text-align:right"] * 3, "text-align:left",
    ]  # fmt: skip
    assert [cell.get("style") for cell in box.iter("th")] == [cell.get("style") for cell in box.iter("td")]


def test_rules_for_tables_are_stronger_than_jupyterlabs() -> None:
    style = resources.files("data_access").joinpath("html.css").read_text()
    selectors = [each.strip() for line in style.splitlines() for each in line.partition("{")[0].split(",")]
    of_cells = [each for each in selectors if each.rpartition(" ")[2].partition(".")[0] in ("tr", "td", "th")]
    of_cells = [each for each in of_cells if "td.code" not in each]
    assert len(of_cells) >= 5
    for each in of_cells:
        tags = sum(1 for word in each.replace(">", " ").split() if not word.startswith("."))
        assert (each.count("."), tags) > LABS, each


def test_dates_and_short_texts_are_not_broken_and_long_ones_may_be() -> None:
    long = "day=2026-11-05/batch_id=01M7ZBEN67TXPQ62RH5VD4M0GC"
    box = page_of(("2026-11-21 15:26:30", "two words " * 9, long), kinds=("text", "text", "code"))
    date, text, code = box.iter("td")
    assert date.find("div") is None
    assert text.find("div") is not None
    assert len(code.findall(".//wbr")) == 1
    assert "".join(code.itertext()) == long


def test_facts_are_no_definition_list_whose_parts_jupyterlab_floats() -> None:
    page = Page()
    page.facts({"rows": "12", "location": "s3://lake"}, ("location",))
    box = ElementTree.fromstring(str(page))
    assert not [each for each in box.iter() if each.tag in ("dl", "dt", "dd")]
    assert ["".join(pair.itertext()) for pair in box.findall("./div[@class='facts']/div")] == [
        "rows 12", "location s3://lake",
    ]  # fmt: skip


def test_no_value_becomes_markup() -> None:
    nasty = "</style><script>alert(1)</script>@@style@@\x1b"
    page = Page(nasty, nasty)
    page.facts({nasty: nasty})
    page.section(nasty)
    page.text(nasty)
    page.note(nasty)
    page.table([Column(nasty)], [[Cell(nasty, f'"{nasty}')]])
    page.block("failed", nasty, nasty)
    told = str(page)
    assert "<script" not in told
    assert told.count("<style>") == told.count("</style>") == 1
    assert "\x1b" not in told


def test_an_anchor_shows_the_text_that_is_copied() -> None:
    assert repr(ANCHOR) == "<Anchor sales.orders@42:01JDB0000000000000000000A1>"
    assert "sales.orders@42:01JDB0000000000000000000A1" in ANCHOR._repr_html_()


def test_a_copy_tells_what_it_did() -> None:
    done = Copied("sales.orders", "out.parquet", 1, 2_000, 0.06019729200124857)
    assert repr(done) == "Copied sales.orders to out.parquet: 1 file, 2.0 kB in 0.1 s."
    assert "1 file, 2.0 kB" in done._repr_html_()
