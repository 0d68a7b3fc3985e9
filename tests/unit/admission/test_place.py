"""Where the books are, from where the Hub's own database is."""

from __future__ import annotations

import pytest

from hub_extensions.admission.place import NoPlace, admission_url, in_memory, spoken


@pytest.mark.parametrize(
    ("hub", "ours"),
    [
        ("sqlite:///jupyterhub.sqlite", "sqlite:///remuda.sqlite"),
        ("sqlite:////srv/jupyterhub/jupyterhub.sqlite", "sqlite:////srv/jupyterhub/remuda.sqlite"),
        ("jupyterhub.sqlite", "sqlite:///remuda.sqlite"),
        ("/srv/hub.sqlite", "sqlite:////srv/remuda.sqlite"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite://"),
        ("postgresql://hub:secret@db/hub", "postgresql+psycopg://hub:secret@db/hub"),
        ("postgres://hub@db/hub", "postgresql+psycopg://hub@db/hub"),
        ("postgresql+psycopg2://hub@db/hub", "postgresql+psycopg://hub@db/hub"),
    ],
)
def test_beside_the_hubs_own(hub: str, ours: str) -> None:
    assert admission_url(hub) == ours


def test_where_the_admin_says() -> None:
    given = "postgresql://remuda:pw@db/remuda"
    assert admission_url("mysql://hub@db/hub", given) == "postgresql+psycopg://remuda:pw@db/remuda"
    assert admission_url("mysql://hub@db/hub", "sqlite:////srv/books.sqlite") == "sqlite:////srv/books.sqlite"


@pytest.mark.parametrize(
    ("hub", "given", "setting"),
    [
        ("mysql://hub:secret@db/hub", "", "hub.db.url is mysql"),
        ("sqlite:///hub.sqlite", "mysql://hub:secret@db/hub", "hub.admissionDbUrl is mysql"),
        ("sqlite:///hub.sqlite", "db.example/remuda", "hub.admissionDbUrl is no URL"),
        ("sqlite:///hub.sqlite", "not a url", "hub.admissionDbUrl is no URL"),
        ("nonsense://[", "", "hub.db.url is nonsense"),
    ],
)
def test_what_cannot_hold_them_is_told_without_its_password(hub: str, given: str, setting: str) -> None:
    with pytest.raises(NoPlace) as no_place:
        admission_url(hub, given)
    assert setting in no_place.value.problem
    assert "set hub.admissionDbUrl" in no_place.value.remedy
    assert "secret" not in str(no_place.value)


def test_logs_have_no_password() -> None:
    assert "secret" not in spoken("postgresql://hub:secret@db/hub")


def test_memory_is_known_as_such() -> None:
    assert in_memory("sqlite://")
    assert in_memory("sqlite:///:memory:")
    assert not in_memory("sqlite:///remuda.sqlite")
