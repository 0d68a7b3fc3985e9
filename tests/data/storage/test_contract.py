"""What every storage does, whichever it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import pytest

from data_access.config import Settings
from data_access.errors import DataError, NotFoundError, Reason
from data_access.storage import connect
from data_access.storage.base import Storage

NAMES = ["a.bin", "day=a%2Fb/x y.bin", "ünï/日本.bin", "a+b&c=d/#?*'~.bin", "n" * 200 + ".bin"]


@pytest.fixture(params=["local", "s3", "moto"])
def place(request: pytest.FixtureRequest, warehouse_settings: Callable[[str], dict[str, Any]]) -> tuple[Storage, str]:
    """A storage and an empty folder of it, without a slash at its end."""
    settings = Settings.model_validate(warehouse_settings(request.param))
    folder = str(settings.warehouse)
    return connect(settings), folder if "://" in folder else f"file://{folder}"


@pytest.mark.parametrize("name", NAMES)
def test_what_was_put_is_got_and_listed_under_its_literal_name(place: tuple[Storage, str], name: str) -> None:
    storage, folder = place
    storage.put(f"{folder}/{name}", b"0123456789")
    assert storage.get(f"{folder}/{name}") == b"0123456789"
    assert storage.size(f"{folder}/{name}") == 10
    (entry,) = storage.list(f"{folder}/")
    assert (entry.url, entry.size) == (f"{folder}/{name}", 10)
    assert abs(datetime.now(UTC) - entry.modified) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("start", "end", "bytes_"),
    [(0, 3, b"012"), (3, 10, b"3456789"), (8, 99, b"89"), (4, None, b"456789"), (-4, None, b"6789"), (5, 5, b"")],
)
def test_parts_of_an_object(place: tuple[Storage, str], start: int, end: int | None, bytes_: bytes) -> None:
    storage, folder = place
    storage.put(f"{folder}/a", b"0123456789")
    assert storage.get(f"{folder}/a", start, end) == bytes_


def test_ranges_come_in_the_order_asked(place: tuple[Storage, str]) -> None:
    storage, folder = place
    body = os.urandom(6 * 1024**2)
    storage.put(f"{folder}/a", body)
    ranges = [(5_000_000, 5_000_010), (0, 7), (3, 3), (5, 20), (2_500_000, 3_000_000), (len(body) - 1, len(body))]
    assert [bytes(got) for got in storage.get_ranges(f"{folder}/a", ranges)] == [body[a:b] for a, b in ranges]
    assert storage.get_ranges(f"{folder}/a", []) == []


def test_many_objects_come_in_the_order_asked(place: tuple[Storage, str]) -> None:
    storage, folder = place
    for i in range(40):
        storage.put(f"{folder}/{i}", b"%d" % i * i)
    urls = [f"{folder}/{i}" for i in reversed(range(40))]
    assert [bytes(got) for got in storage.get_many(urls)] == [b"%d" % i * i for i in reversed(range(40))]
    assert storage.get_many([]) == []


def test_an_empty_object(place: tuple[Storage, str]) -> None:
    storage, folder = place
    storage.put(f"{folder}/a", b"")
    storage.write(f"{folder}/b", lambda _: None)
    assert storage.get(f"{folder}/a") == storage.get(f"{folder}/b") == b""
    assert storage.get_many([f"{folder}/a"]) == [b""]


def test_a_put_replaces(place: tuple[Storage, str]) -> None:
    storage, folder = place
    storage.put(f"{folder}/a", b"old, and longer")
    storage.put(f"{folder}/a", memoryview(b"new"))
    assert storage.get(f"{folder}/a") == b"new"


def test_of_sixteen_who_create_the_same_object_one_does(place: tuple[Storage, str]) -> None:
    storage, folder = place
    storage.put(f"{folder}/there", b"")

    def create(i: int) -> int | None:
        try:
            storage.put(f"{folder}/a", b"%d" % i, if_absent=True)
        except DataError as error:
            assert error.reason is Reason.ALREADY_THERE, error
            assert f"{folder}/a".removeprefix("file://") in str(error)
            return None
        return i

    with ThreadPoolExecutor(16) as pool:
        (winner,) = [i for i in pool.map(create, range(16)) if i is not None]
    assert storage.get(f"{folder}/a") == b"%d" % winner


@pytest.mark.parametrize("size", [0, 1000, 16 * 1024**2, 50_000_000])
def test_what_is_written_in_pieces_appears_whole(place: tuple[Storage, str], size: int) -> None:
    storage, folder = place
    body = os.urandom(size)

    def write(file: IO[bytes]) -> None:
        for first in range(0, size, 7_000_000):
            file.write(memoryview(body)[first : first + 7_000_000])

    storage.write(f"{folder}/deep/a", write)
    assert storage.size(f"{folder}/deep/a") == size
    assert storage.get(f"{folder}/deep/a") == body


@pytest.mark.parametrize("size", [10, 50_000_000])
def test_what_fails_while_being_written_is_not_there(place: tuple[Storage, str], size: int) -> None:
    storage, folder = place
    storage.put(f"{folder}/a", b"old")

    def fail(file: IO[bytes]) -> None:
        file.write(b"x" * size)
        raise ValueError("the frame is odd")

    for name in ("a", "b"):
        with pytest.raises(ValueError, match="the frame is odd"):
            storage.write(f"{folder}/{name}", fail)
    assert storage.get(f"{folder}/a") == b"old"
    assert [entry.url for entry in storage.list(f"{folder}/")] == [f"{folder}/a"]


def test_a_copy_is_independent(place: tuple[Storage, str]) -> None:
    storage, folder = place
    storage.put(f"{folder}/x/a", b"one")
    storage.copy(f"{folder}/x/a", f"{folder}/y=%2F/z/b")
    storage.put(f"{folder}/x/a", b"two")
    assert storage.get(f"{folder}/y=%2F/z/b") == b"one"
    storage.copy(f"{folder}/x/a", f"{folder}/y=%2F/z/b")
    assert storage.get(f"{folder}/y=%2F/z/b") == b"two"


def test_data_files_are_copied_from_batch_to_batch(place: tuple[Storage, str]) -> None:
    storage, folder = place
    first, second = (f"{folder}/day=1/batch_id={i}/part-00000.parquet" for i in (1, 2))
    storage.put(first, b"one")
    storage.copy(first, second)
    storage.copy(first, second)  # a commit that is tried again
    storage.delete([first])
    assert storage.get(second) == b"one"


def test_a_list_has_the_folder_and_no_sibling(place: tuple[Storage, str]) -> None:
    storage, folder = place
    names = [f"t/a/{i}" for i in range(5)] + ["t/b", "tt/c", "t2"]
    for name in names:
        storage.put(f"{folder}/{name}", b"1")
    assert [e.url.removeprefix(f"{folder}/") for e in storage.list(f"{folder}/t/")] == [*names[:5], "t/b"]
    assert list(storage.list(f"{folder}/nothing/")) == []


def test_what_is_deleted_is_gone_and_what_is_not_there_is_no_error(place: tuple[Storage, str]) -> None:
    storage, folder = place
    urls = [f"{folder}/d=1/{i}" for i in range(20)]
    for url in urls:
        storage.put(url, b"1")
    storage.put(f"{folder}/kept", b"1")
    storage.delete([*urls, f"{folder}/never"])
    storage.delete(urls)
    storage.delete([])
    assert [entry.url for entry in storage.list(f"{folder}/")] == [f"{folder}/kept"]


@pytest.mark.parametrize(
    "call",
    [
        lambda storage, url: storage.get(url),
        lambda storage, url: storage.get(url, 0, 10),
        lambda storage, url: storage.get(url, -10),
        lambda storage, url: storage.get_ranges(url, [(0, 1), (9_000_000, 9_000_001)]),
        lambda storage, url: storage.get_many([url, url]),
        lambda storage, url: storage.size(url),
        lambda storage, url: storage.copy(url, url + "2"),
    ],
)
def test_what_is_not_there_is_named(place: tuple[Storage, str], call: Callable[[Storage, str], Any]) -> None:
    storage, folder = place
    storage.put(f"{folder}/there", b"1")
    with pytest.raises(NotFoundError) as caught:
        call(storage, f"{folder}/nope.parquet")
    assert caught.value.reason is Reason.NOT_FOUND
    assert f"{folder}/nope.parquet".removeprefix("file://") in str(caught.value)


def test_between_storages(place: tuple[Storage, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    storage, folder = place
    home = f"file://{tmp_path_factory.mktemp('home')}"
    body = os.urandom(20_000_000)
    storage.put(f"{folder}/a", body)
    storage.copy(f"{folder}/a", f"{home}/a")
    storage.copy(f"{home}/a", f"{folder}/b")
    assert storage.get(f"{folder}/b") == body
    assert [bytes(got) for got in storage.get_many([f"{home}/a", f"{folder}/b"])] == [body, body]


@pytest.mark.parametrize("url", ["s3://", "s3://bucket", "s3:///a", "file://a", "ftp://host/a", "a.csv"])
def test_a_place_that_is_none(url: str) -> None:
    with pytest.raises(DataError) as caught:
        connect(Settings()).get(url)
    assert caught.value.reason is Reason.BAD_LOCATION
