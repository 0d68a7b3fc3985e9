"""Which metastore a setting names."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_access.errors import DataError, Reason
from data_access.metastore.place import parse

HOME = Path("/homes/ann")


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("sqlite", "sqlite", "sqlite:///homes/ann/.local/share/remuda/catalog.sqlite"),
        ("sqlite:///data/catalog.db", "sqlite", "sqlite:///data/catalog.db"),
        ("sqlite:////data/catalog.db", "sqlite", "sqlite:///data/catalog.db"),
        ("sqlite:///~/catalog.db", "sqlite", "sqlite:///homes/ann/catalog.db"),
        ("thrift://metastore", "hive", "thrift://metastore:9083"),
        ("thrift://a:1, thrift://b:2", "hive", "thrift://a:1,thrift://b:2"),
        ("thrift://a:1,b", "hive", "thrift://a:1,thrift://b:9083"),
        ("thrift://[::1]:9", "hive", "thrift://[::1]:9"),
        ("glue", "glue", "glue://"),
        ("glue://eu-central-1", "glue", "glue://eu-central-1"),
        ("glue://us-gov-west-1/", "glue", "glue://us-gov-west-1"),
        ("postgresql://ann@db:5433/lake?sslmode=require", "postgresql", "postgresql://db:5433/lake"),
        ("postgres://db/lake", "postgresql", "postgresql://db/lake"),
    ],
)
def test_places(text: str, kind: str, url: str) -> None:
    place = parse(text, HOME)
    assert (place.kind, place.url) == (kind, url)


def test_what_each_kind_needs() -> None:
    assert parse("sqlite:///~/c.db", HOME).path == HOME / "c.db"
    assert parse("thrift://a:1,thrift://b", HOME).addresses == (("a", 1), ("b", 9083))
    assert parse("glue://eu-central-1", HOME).region == "eu-central-1"
    place = parse("postgresql://ann@db:5433/lake?sslmode=require", HOME)
    assert (place.user, place.addresses, place.database) == ("ann", (("db", 5433),), "lake")
    assert place.options == (("sslmode", "require"),)


@pytest.mark.parametrize(
    "text",
    [
        "", "hive", "metastore:9083", "mysql://db/lake", "sqlite://", "sqlite:///", "sqlite://relative.db", "thrift://",
        "thrift://a:port", "thrift://a:99999", "thrift://a/path", "thrift://ann@a", "thrift://a,http://b",
        "glue://", "glue://Frankfurt", "postgresql://db", "postgresql://db:x/lake",
    ],
)  # fmt: skip
def test_what_names_no_metastore(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(text, HOME)
    assert caught.value.reason is Reason.BAD_CONFIGURATION
    assert "`metastore`" in str(caught.value)
    assert "thrift://host:9083" in caught.value.remedy


@pytest.mark.parametrize(
    "text", ["postgresql://ann:s3cret@db/lake", "mysql://ann:s3cret@db", "ann:s3cret@db", "thrift://ann:s3cret@a"]
)
def test_a_password_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(text, HOME)
    assert "s3cret" not in str(caught.value)
