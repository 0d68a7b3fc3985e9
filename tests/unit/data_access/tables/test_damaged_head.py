"""A manifest that can't be read does not take the commits before it along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas
import pytest

import data_access as api
from data_access.errors import CorruptError
from data_access.tables import snapshot
from data_access.workspace import Workspace

NAME = "sandbox_ann.orders"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = api.connect(metastore=f"sqlite:///{tmp_path}/catalog.sqlite", warehouse=str(tmp_path / "lake"), user="ann")
    for n in (1, 2, 3):
        api.store_dataframe(pandas.DataFrame({"n": [n]}), NAME, workspace=made)
    return made


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("damage", [cut_off, Path.unlink, lambda path: path.write_text("hello")])
def test_commits_before_a_damaged_head_are_still_read(
    workspace: Workspace, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    second = api.history(NAME, workspace=workspace)[1]
    held = api.anchor(NAME, as_of=2, workspace=workspace)
    api.tag(NAME, "good", 2, workspace=workspace)
    (head,) = tmp_path.glob("lake/sandbox_ann/orders/_remuda/commits/00000003-*.json")
    damage(head)
    snapshot.forget()

    for as_of in (2, held, second, str(held), "good"):
        assert api.load_dataframe(NAME, as_of=as_of, workspace=workspace)["n"].tolist() == [2]
    for as_of in (None, 3):
        with pytest.raises(CorruptError, match="Commits before it can still be loaded"):
            api.load_dataframe(NAME, as_of=as_of, workspace=workspace)
    with pytest.raises(CorruptError):
        api.store_dataframe(pandas.DataFrame({"n": [4]}), NAME, workspace=workspace)


def test_of_two_objects_of_one_number_none_is_guessed(workspace: Workspace, tmp_path: Path) -> None:
    commits = tmp_path / "lake/sandbox_ann/orders/_remuda/commits"
    (second,) = commits.glob("00000002-*.json")
    (first,) = commits.glob("00000001-*.json")
    (commits / f"00000002-{first.stem.partition('-')[2]}.json").write_bytes(second.read_bytes())
    next(commits.glob("00000003-*.json")).unlink()
    snapshot.forget()
    with pytest.raises(CorruptError, match="is committed, but its object"):
        api.load_dataframe(NAME, as_of=2, workspace=workspace)
