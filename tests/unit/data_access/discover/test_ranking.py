"""What a few words find."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_access.discover.ranking import Document, Entry, match, rank


def table(name: str, *columns: str, comment: str = "", foreign: bool = False, day: int = 1, tag: str = "") -> Document:
    database, _, short = name.partition(".")
    entries = [Entry("table", short), Entry("database", database)]
    entries += [Entry("column", column, column) for column in columns]
    entries += [Entry("comment", comment)] if comment else []
    entries += [Entry("tag", tag)] if tag else []
    return Document(name, tuple(entries), datetime(2026, 11, day, tzinfo=UTC), foreign)


SHOP = [
    table("sales.orders", "order_id", "customer_id", "amount"),
    table("sales.order_lines", "order_id", "sku", comment="One line per article of an order"),
    table("crm.customers", "customer_id", "country", comment="Who buys"),
    table("sandbox_bob.orders", "order_id", foreign=True, day=9),
    table("hr.people", "name", comment="Not of any order", tag="orders-freeze"),
]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("orders", "sales.orders"),
        ("ORDERS", "sales.orders"),
        ("order lines", "sales.order_lines"),
        ("customer country", "crm.customers"),
        ("article", "sales.order_lines"),
        ("freeze", "hr.people"),
        ("custmers", "crm.customers"),
        ("sku", "sales.order_lines"),
        ("sales amount", "sales.orders"),
    ],
)
def test_the_best_comes_first(query: str, first: str) -> None:
    assert rank(SHOP, query)[0].document.name == first


def test_other_peoples_sandboxes_come_later() -> None:
    names = [hit.document.name for hit in rank(SHOP, "orders")]
    assert names.index("sales.orders") < names.index("sandbox_bob.orders")


def test_all_words_are_meant_where_a_table_has_all() -> None:
    assert {hit.document.name for hit in rank(SHOP, "customer amount")} == {"sales.orders"}
    assert {hit.document.name for hit in rank(SHOP, "amount country")} == {"sales.orders", "crm.customers"}


def test_what_resembles_is_for_when_nothing_is() -> None:
    assert rank([table("a.orders"), table("a.ordres")], "orders")[0].document.name == "a.orders"
    assert [hit.document.name for hit in rank([table("a.orders"), table("a.ordres")], "orders")] == ["a.orders"]
    assert rank([table("a.orders")], "ordres")


def test_nothing_is_found_by_nothing() -> None:
    assert rank(SHOP, " _ ,") == []
    assert rank(SHOP, "zebra") == []
    assert rank([], "orders") == []


def test_it_says_why() -> None:
    [hit] = rank(SHOP, "buys country")
    assert {(entry.what, entry.text) for entry in hit.because} == {("comment", "Who buys"), ("column", "country")}


WORDS = st.text("abcdeÄß_ ", min_size=1, max_size=8)


@given(st.lists(WORDS, unique=True, max_size=6), WORDS)
def test_order_and_case_of_what_there_is_do_not_matter(names: list[str], query: str) -> None:
    documents = [table(f"db.{name}") for name in names]
    found = [hit.document.name for hit in rank(documents, query)]
    assert found == [
        hit.document.name for hit in rank(reversed(documents), query.upper() if "ß" not in query else query)
    ]
    assert len(set(found)) == len(found)


@given(WORDS)
def test_a_whole_name_beats_a_part(word: str) -> None:
    folded = word.casefold()
    assert match(folded, word) == max(match(folded, text) for text in (word, f"{word} x", f"x{word}", f"{word}x"))


def test_all_places_are_known_the_best_first() -> None:
    [hit] = rank([table("air.weather", "wind_dir", "wind_speed", "temp", "wind", comment="Of the wind")], "wind")
    assert [entry.text for entry in hit.because] == ["wind"]
    assert [entry.text for entry in hit.others] == ["wind_dir", "wind_speed", "Of the wind"]
