"""Which version is meant, and what an unknown one is told."""

from __future__ import annotations

import pytest

from data_access.errors import DataError, Reason
from data_access.models import layout, reference
from data_access.models.layout import Place
from data_access.models.reference import Reference


@pytest.mark.parametrize(
    ("text", "version", "meant"),
    [
        ("churn", None, Reference("churn", "latest")),
        ("churn", 3, Reference("churn", 3)),
        ("churn", "3", Reference("churn", 3)),
        ("churn@v3", None, Reference("churn", 3)),
        ("churn@latest", None, Reference("churn", "latest")),
        ("Churn-2026.a_b@production", None, Reference("Churn-2026.a_b", "production")),
    ],
)
def test_what_is_meant(text: str, version: int | str | None, meant: Reference) -> None:
    assert reference.parse(text, version) == meant
    assert reference.parse(str(meant)) == meant


@pytest.mark.parametrize("name", ["", "_names", "../x", "a/b", "a b", "ä", "x" * 129, "-x", ".x", "x.", None, 3])
def test_no_name(name: str) -> None:
    with pytest.raises(DataError) as caught:
        reference.checked_name(name)
    assert caught.value.reason is Reason.BAD_NAME


@pytest.mark.parametrize("alias", ["3", "v3", "latest", "", "a/b", "_x", "../x", "x" * 65])
def test_no_alias(alias: str) -> None:
    with pytest.raises(DataError) as caught:
        reference.checked_alias(alias)
    assert caught.value.reason is Reason.BAD_NAME


@pytest.mark.parametrize("version", [0, -1, True, 1.5, ["3"]])
def test_no_version(version: object) -> None:
    with pytest.raises(DataError) as caught:
        reference.parse("churn", version)  # type: ignore[arg-type]
    assert caught.value.reason is Reason.BAD_ARGUMENT


def test_a_version_twice_is_refused() -> None:
    with pytest.raises(DataError, match="does too"):
        reference.parse("churn@3", 4)


def test_an_unknown_model_names_near_ones() -> None:
    assert "Did you mean churn?" in str(reference.unknown_model("chrun", ["churn", "fraud"], "s3://lake/_models"))


def test_an_unknown_version_names_what_there_is() -> None:
    told = str(reference.unknown_version("churn", 9, [1, 2, 3, 7], {"production": 2}))
    assert told == ("The model 'churn' has no version 9. Versions are 1 to 3, 7. Aliases are production (2).")


def test_places_are_read_back() -> None:
    place = Place("s3://lake/_models")
    assert layout.version_of(place.claim("churn", 12)) == 12
    assert layout.deleted_of(place.deleted("churn", 12)) == 12
    assert layout.change_of(place.change("churn", "production", 3)) == ("production", 3)
    for url in (place.manifest("churn", 1), place.name("churn"), place.deleted("churn", 1)):
        assert layout.version_of(url) is None
        assert layout.change_of(url) is None
