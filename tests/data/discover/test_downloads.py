"""Downloads from a web server that does not always behave."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from data_access import copy, load_dataframe
from data_access.discover.web import download
from data_access.errors import CorruptError, DataError, ForbiddenError, NotFoundError, Reason, UnreachableError
from data_access.workspace import Workspace
from tests.data.discover.web import Behaviour, serving

CONTENT = random.Random(1).randbytes(3_000_000)


def quiet(*_: object) -> None: ...


def fetched(web: Behaviour, path: Path) -> bytes:
    download(web.url, path, began=quiet, advanced=quiet, wait=quiet)
    return path.read_bytes()


def test_a_file_comes_to_a_folder_and_to_s3(workspace: Workspace, tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as web:
        done = copy(web.url, f"{tmp_path}/data/", sha256=hashlib.sha256(CONTENT).hexdigest(), workspace=workspace)
        assert (tmp_path / "data/flights.csv").read_bytes() == CONTENT
        assert (done.bytes, done.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        assert "geheim" not in str(done)
        copy(web.url, f"{workspace.warehouse}/raw/f.csv", workspace=workspace)
        assert bytes(workspace.storage.get(f"{workspace.warehouse}/raw/f.csv")) == CONTENT
        with pytest.raises(DataError) as caught:
            copy(web.url, f"{tmp_path}/data/", workspace=workspace)
        assert caught.value.reason is Reason.ALREADY_THERE
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["flights.csv"]


def test_a_table_comes_from_the_web(workspace: Workspace) -> None:
    with serving(Behaviour(b"day,n\n2026-11-20,1\n2026-11-21,2\n")) as web:
        done = copy(web.url, "sandbox_ann.flights", workspace=workspace)
        assert done.commit is not None
        assert "geheim" not in done.commit.message
    assert load_dataframe("sandbox_ann.flights", workspace=workspace)["n"].tolist() == [1, 2]


def test_what_was_cut_goes_on(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, cut_after=[1_000_000, 1_200_000])) as web:
        assert fetched(web, tmp_path / "x") == CONTENT
        first, second, third = web.asked
        assert first is None
        assert second is not None
        assert third is not None
        assert 0 < int(second[6:-1]) < int(third[6:-1])


def test_the_next_call_goes_on_where_the_last_broke(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, cut_after=[500_000] * 5)) as web:
        with pytest.raises(UnreachableError, match="goes on from there") as caught:
            fetched(web, tmp_path / "x")
        assert "geheim" not in str(caught.value)
        assert not (tmp_path / "x").exists()
        assert (tmp_path / "x.part").exists()
        assert "geheim" not in (tmp_path / "x.part.json").read_text()
        web.asked.clear()
        assert fetched(web, tmp_path / "x") == CONTENT
        assert web.asked[0] is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]


def test_a_file_that_changed_meanwhile_comes_anew(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, cut_after=[500_000] * 5)) as web:
        with pytest.raises(UnreachableError):
            fetched(web, tmp_path / "x")
        web.content, web.etag = CONTENT[::-1], '"v2"'
        assert fetched(web, tmp_path / "x") == CONTENT[::-1]


@pytest.mark.parametrize("web", [Behaviour(CONTENT, ranges=False), Behaviour(CONTENT, etag=None)])
def test_a_server_without_ranges_begins_anew(tmp_path: Path, web: Behaviour) -> None:
    web.cut_after = [1_000_000]
    with serving(web):
        assert fetched(web, tmp_path / "x") == CONTENT


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, status=[503, 429])) as web:
        assert fetched(web, tmp_path / "x") == CONTENT


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (403, ForbiddenError), (400, UnreachableError)])
def test_a_refusal_is_told_at_once(tmp_path: Path, status: int, kind: type[DataError]) -> None:
    with serving(Behaviour(CONTENT, status=[status] * 5)) as web:
        with pytest.raises(kind) as caught:
            fetched(web, tmp_path / "x")
        assert "geheim" not in str(caught.value)
        assert len(web.asked) == 1


def test_another_file_than_expected_is_not_kept(workspace: Workspace, tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as web, pytest.raises(CorruptError, match="sha256"):
        copy(web.url, tmp_path / "x.csv", sha256="0" * 64, workspace=workspace)
    assert not list(tmp_path.glob("*x.csv*"))


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        download("http://127.0.0.1:1/x", tmp_path / "x", began=quiet, advanced=quiet, wait=quiet)
