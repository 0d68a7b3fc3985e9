"""What a name means: a table, a file, a folder, an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_access.discover.place import ObjectPlace, TablePlace, WebPlace, place_of, without_secrets
from data_access.errors import DataError, Reason
from data_access.names import TableName


def orders(as_of: str | int | None = None) -> TablePlace:
    return TablePlace(TableName("sales", "orders"), as_of)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "odd.name").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("sales.orders", orders()),
        ("Sales.Orders", orders()),
        ("sales.orders@42", orders(42)),
        ("sales.orders@q3-report", orders("q3-report")),
        ("sales.orders@42:01J00000000000000000000000", orders("sales.orders@42:01J00000000000000000000000")),
        ("s3://lake/raw/x.csv", ObjectPlace("s3://lake/raw/x.csv", False)),
        ("s3://lake/raw/", ObjectPlace("s3://lake/raw/", True)),
        ("s3a://lake/raw/x", ObjectPlace("s3://lake/raw/x", False)),
        ("s3://lake", ObjectPlace("s3://lake", True)),
        ("https://example.org/x.csv", WebPlace("https://example.org/x.csv")),
    ],
)
def test_places(written: str, place: object) -> None:
    assert place_of(written) == place


@pytest.mark.parametrize(
    ("written", "folder"),
    [("orders.csv", False), ("orders.csv.gz", False), ("odd.name", False), ("folder", True), ("./a.b/c", False),
     ("new/", True), (Path("sales.orders"), False)],
)  # fmt: skip
def test_files(here: Path, written: str | Path, folder: bool) -> None:
    assert place_of(written) == ObjectPlace(f"file://{here / written}", folder)


@pytest.mark.parametrize("written", ["ftp://host/x", "s3:///x", "gopher://x"])
def test_what_is_no_place(written: str) -> None:
    with pytest.raises(DataError) as caught:
        place_of(written)
    assert caught.value.reason is Reason.BAD_LOCATION


def test_addresses_are_told_without_their_keys() -> None:
    url = "https://ann:geheim@example.org:8443/a/b.csv?X-Amz-Signature=abc#part"
    assert without_secrets(url) == "https://example.org:8443/a/b.csv?…"
    assert str(WebPlace(url)) == without_secrets(url)
    assert WebPlace(url).name == "b.csv"
