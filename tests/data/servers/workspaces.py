"""Workspaces over every kind of metastore and storage.

    def test_x(workspace): …                       # runs on each of MATRIX
    @pytest.mark.parametrize("workspace", ["hive+s3"], indirect=True)
    def test_y(workspace): …                       # on that one
    def test_z(workspaces):
        ann = workspaces("postgresql", "local", user="ann")
        bob = workspaces("postgresql", "local", user="bob")    # the same metastore and warehouse, another user

Metastores: sqlite, postgresql, hive (2.3.10), hive4 (4.0.1), glue (moto). Storages: local, s3 (versitygw), moto.
Settings are plain values (`workspace.settings`): another process connects with them and the same environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data_access.config import S3Settings, Settings
from data_access.workspace import Workspace, connect
from tests.data.servers.s3 import S3Place

MATRIX = ("sqlite+local", "sqlite+s3")
METASTORES = ("sqlite", "postgresql", "hive", "hive4", "glue")
MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def metastore_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """What to write into the setting `metastore` for a kind; each kind's server starts at first use, empty."""
    known: dict[str, str] = {}

    def url(kind: str) -> str:
        if kind not in known:
            if kind == "sqlite":
                known[kind] = f"sqlite://{tmp_path}/catalog.sqlite"
            else:
                known[kind] = request.getfixturevalue(f"{kind}_url")
        return known[kind]

    return url


@pytest.fixture
def warehouse_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Settings `warehouse` and `s3` for a kind of storage; empty at first."""
    known: dict[str, dict[str, Any]] = {}

    def settings(kind: str) -> dict[str, Any]:
        if kind not in known:
            if kind == "local":
                known[kind] = {"warehouse": str(tmp_path / "warehouse")}
            else:
                place: S3Place = request.getfixturevalue("s3" if kind == "s3" else "moto_s3")
                s3 = S3Settings(endpoint=place.endpoint, region="us-east-1", path_style=True)
                known[kind] = {"warehouse": f"s3://{place.bucket()}/warehouse", "s3": s3}
        return known[kind]

    return settings


@pytest.fixture
def workspaces(
    metastore_url: Callable[[str], str], warehouse_settings: Callable[[str], dict[str, Any]]
) -> Iterator[MakeWorkspace]:
    """Called again with the same kinds within a test: the same places, through connections of its own."""
    made: list[Workspace] = []

    def make(metastore: str = "sqlite", storage: str = "local", user: str = "ann", **settings: Any) -> Workspace:
        values = {"metastore": metastore_url(metastore), **warehouse_settings(storage), "user": user, **settings}
        workspace = connect(Settings.model_validate({"progress": False, **values}))
        made.append(workspace)
        return workspace

    yield make
    for workspace in made:
        workspace.close()


@pytest.fixture(params=MATRIX)
def workspace(request: pytest.FixtureRequest, workspaces: MakeWorkspace) -> Workspace:
    """ann's, over `metastore+storage`."""
    metastore, _, storage = request.param.partition("+")
    return workspaces(metastore, storage)
