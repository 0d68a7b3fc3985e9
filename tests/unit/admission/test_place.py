"""Where the books are kept, from where the Hub keeps its own."""

from __future__ import annotations

import pytest

from hub_extensions.admission.place import SETTING, NoPlace, admission_url, in_memory, spoken


@pytest.mark.parametrize(
    ("hub", "ours"),
    [
        ("sqlite:///jupyterhub.sqlite", "sqlite:///remuda.sqlite"),
        ("sqlite:////srv/jupyterhub/jupyterhub.sqlite", "sqlite:////srv/jupyterhub/remuda.sqlite"),
        ("sqlite+pysqlite:////srv/hub.db?timeout=5", "sqlite:////srv/remuda.sqlite"),
        ("/srv/jupyterhub/jupyterhub.sqlite", "sqlite:////srv/jupyterhub/remuda.sqlite"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite://"),
        ("sqlite:///file:hub?mode=memory&cache=shared&uri=true", "sqlite://"),
        ("postgresql://hub@db.example:5433/hub", "postgresql+psycopg://hub@db.example:5433/hub"),
        ("postgresql+psycopg2://hub:p%40ss@db/hub?sslmode=require", "postgresql+psycopg://hub:p%40ss@db/hub?sslmode=require"),
        ("postgres://hub@db/hub", "postgresql+psycopg://hub@db/hub"),
    ],
)  # fmt: skip
def test_beside_the_hubs(hub: str, ours: str) -> None:
    assert admission_url(hub) == ours


def test_what_the_admin_gives_wins() -> None:
    assert admission_url("mysql://hub:s3cret@db/hub", "sqlite:////data/remuda.sqlite") == "sqlite:////data/remuda.sqlite"
    given = admission_url("sqlite://", "postgresql://remuda@db/books")
    assert given == "postgresql+psycopg://remuda@db/books"


@pytest.mark.parametrize(
    ("hub", "given"),
    [("mysql+pymysql://hub:s3cret@db/hub", ""), ("sqlite://", "mysql://hub:s3cret@db/hub"), ("what s3cret ://", "")],
)
def test_elsewhere_the_admin_must_say_where(hub: str, given: str) -> None:
    with pytest.raises(NoPlace) as error:
        admission_url(hub, given)
    assert SETTING in str(error.value)
    assert "s3cret" not in str(error.value)


def test_logs_have_no_passwords() -> None:
    assert spoken("postgresql+psycopg://hub:s3cret@db/hub") == "postgresql+psycopg://hub:***@db/hub"


def test_in_memory() -> None:
    assert in_memory("sqlite://")
    assert not in_memory("sqlite:///remuda.sqlite")
    assert not in_memory("postgresql+psycopg://db/memory")
