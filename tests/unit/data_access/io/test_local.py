"""Files of this machine as a storage: what the contract suite of all storages can't ask of a disk."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from data_access.errors import DataError, ForbiddenError, NotFoundError, Reason
from data_access.storage import local
from data_access.storage.local import LocalStorage
from data_access.storage.router import Reading, url_of
from data_access.storage.upload import Upload


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return f"file://{tmp_path}"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize(
    ("number", "kind", "reason", "said"),
    [
        (errno.ENOSPC, DataError, Reason.DISK_FULL, "There is no room left for"),
        (errno.EDQUOT, DataError, Reason.DISK_FULL, "Your quota has no room left for"),
        (errno.EACCES, ForbiddenError, Reason.FORBIDDEN, "may not be opened by you"),
        (errno.EROFS, ForbiddenError, Reason.FORBIDDEN, "read-only"),
        (errno.EIO, DataError, Reason.UNREACHABLE, "could not be used"),
    ],
)
def test_what_the_system_refuses_is_said_and_the_old_file_stays(  # noqa: PLR0917
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type, reason: Reason, said: str
) -> None:  # fmt: skip
    storage = LocalStorage()
    storage.put(f"{folder}/a", b"old")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local.os, "fsync", fail)
    for call in (
        lambda: storage.put(f"{folder}/a", b"new"),
        lambda: storage.write(f"{folder}/a", lambda file: file.write(b"new")),  # type: ignore[arg-type, return-value]
        lambda: storage.put(f"{folder}/b", b"new", if_absent=True),
    ):
        with pytest.raises(kind, match=said) as caught:
            call()
        assert caught.value.reason is reason
        assert str(tmp_path) in str(caught.value)
    assert storage.get(f"{folder}/a") == b"old"
    assert names(tmp_path) == ["a"]


def test_a_name_that_is_too_long(folder: str) -> None:
    with pytest.raises(DataError, match="255 bytes at most") as caught:
        LocalStorage().put(f"{folder}/{'n' * 256}", b"")
    assert caught.value.reason is Reason.BAD_LOCATION


def test_a_folder_is_no_file(folder: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for call in (LocalStorage().get, LocalStorage().size):
        with pytest.raises(NotFoundError, match="is a folder"):
            call(f"{folder}/d")
    LocalStorage().put(f"{folder}/f", b"")
    with pytest.raises(NotFoundError, match="lies below a file"):
        LocalStorage().put(f"{folder}/f/x", b"")


def test_only_files_that_never_change_share_their_blocks(folder: str, tmp_path: Path) -> None:
    storage = LocalStorage()
    for name in ("t/batch_id=1/p", "home/p"):
        storage.put(f"{folder}/{name}", b"x")
    storage.copy(f"{folder}/t/batch_id=1/p", f"{folder}/t/batch_id=2/p")
    storage.copy(f"{folder}/home/p", f"{folder}/home/q")
    storage.copy(f"{folder}/t/batch_id=1/p", f"{folder}/home/r")
    assert (tmp_path / "t/batch_id=1/p").samefile(tmp_path / "t/batch_id=2/p")
    (tmp_path / "home/p").write_bytes(b"edited in place")
    (tmp_path / "home/r").write_bytes(b"edited in place")
    assert storage.get(f"{folder}/home/q") == storage.get(f"{folder}/t/batch_id=1/p") == b"x"


def test_where_the_file_system_has_no_links(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "")

    monkeypatch.setattr(local.os, "link", no_links)
    storage = LocalStorage()
    storage.put(f"{folder}/a", b"1", if_absent=True)
    with pytest.raises(DataError) as caught:
        storage.put(f"{folder}/a", b"2", if_absent=True)
    assert caught.value.reason is Reason.ALREADY_THERE
    storage.put(f"{folder}/t/batch_id=1/p", b"x")
    storage.copy(f"{folder}/t/batch_id=1/p", f"{folder}/t/batch_id=2/p")
    assert storage.get(f"{folder}/t/batch_id=2/p") == b"x"
    assert [entry.url.removeprefix(folder) for entry in storage.list(f"{folder}/")] == [
        "/a",
        "/t/batch_id=1/p",
        "/t/batch_id=2/p",
    ]


def test_what_is_being_written_is_listed_only_when_nobody_goes_on(folder: str, tmp_path: Path) -> None:
    storage = LocalStorage()
    seen: list[list[str]] = []

    def write(file: IO[bytes]) -> None:
        file.write(b"x")
        seen.append([entry.url for entry in storage.list(f"{folder}/")])

    storage.write(f"{folder}/a", write)
    assert seen == [[]]
    (tmp_path / ".~abandoned").write_bytes(b"x")
    yesterday = time.time() - 25 * 3600
    os.utime(tmp_path / ".~abandoned", (yesterday, yesterday))
    assert len(list(storage.list(f"{folder}/"))) == 2


def test_empty_partition_folders_go_with_their_files(folder: str, tmp_path: Path) -> None:
    storage = LocalStorage()
    urls = [f"{folder}/t/day={i}/batch_id={j}/p" for i in range(2) for j in range(2)]
    for url in urls:
        storage.put(url, b"x")
    storage.delete(urls[:2])
    assert names(tmp_path / "t") == ["day=1"]
    storage.delete(urls[2:])
    assert names(tmp_path) == ["t"]  # somebody may have made it, with rights of its own


def test_a_folder_that_is_emptied_while_one_writes_into_it(folder: str) -> None:
    storage, end, failed = LocalStorage(), threading.Event(), []

    def remove() -> None:
        while not end.is_set():
            storage.delete([f"{folder}/d=1/b=2/gone"])
            storage.put(f"{folder}/d=1/b=2/gone", b"")

    thread = threading.Thread(target=remove)
    thread.start()
    for i in range(20):
        try:
            storage.put(f"{folder}/d=1/b=2/kept", b"%d" % i)
            storage.delete([f"{folder}/d=1/b=2/kept"])
        except DataError as error:
            failed.append(error)
    end.set()
    thread.join()
    assert not failed


def test_an_object_as_a_file_reads_in_any_order(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_access.storage.router._PIECE", 10)
    body = bytes(range(95))
    LocalStorage().put(f"{folder}/a", body)
    file = io.BufferedReader(Reading(LocalStorage(), f"{folder}/a"))
    assert file.read() == body
    file.seek(-5, os.SEEK_END)
    assert file.read(10) == body[-5:]
    file.seek(3)
    assert file.read(20) == body[3:23]


def test_a_place_as_a_url_is_literal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert url_of("a b%2F/ü") == f"file://{tmp_path}/a b%2F/ü"
    assert url_of("s3://bucket/a b") == "s3://bucket/a b"


# Uploads in parts


def _upload(written: list[bytes], broken: int | None = None) -> tuple[Upload, list[bytes]]:
    """An upload of ten bytes a part, and what arrived; after `broken` parts the server fails."""
    stored: list[bytes] = []

    def large(parts: Iterator[bytes]) -> None:
        held = []
        for part in parts:
            if broken is not None and len(held) == broken:
                raise ConnectionError("cut")
            held.append(part)
        stored.append(b"".join(held))

    return Upload(lambda data: stored.append(bytes(data)), large, 10), stored


@pytest.mark.parametrize("sizes", [[], [3], [10], [9, 9, 9], [1] * 25, [1000], [0, 11]])
def test_what_is_written_arrives_whole(sizes: list[int]) -> None:
    written = [os.urandom(size) for size in sizes]
    upload, stored = _upload(written)
    with upload as file:
        for each in written:
            assert file.write(each) == len(each)
    assert stored == [b"".join(written)]
    assert upload.tell() == sum(sizes)


@pytest.mark.parametrize("size", [3, 300])
def test_nothing_arrives_when_the_writer_fails(size: int) -> None:
    upload, stored = _upload([])
    with pytest.raises(ValueError, match="odd"), upload as file:
        file.write(bytes(size))
        raise ValueError("odd")
    assert stored == []


@pytest.mark.parametrize("broken", [0, 3])
def test_the_writer_hears_of_an_upload_that_failed(broken: int) -> None:
    upload, stored = _upload([], broken)
    with pytest.raises(ConnectionError, match="cut"), upload as file:
        for _ in range(100):
            file.write(bytes(10))
    assert stored == []
