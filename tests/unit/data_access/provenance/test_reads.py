"""What a store records as its inputs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from data_access.errors import DataError, Reason
from data_access.names import TableName
from data_access.provenance import forget_reads, inputs, inputs_now, note_read, reads, unnoted
from data_access.tables.model import Anchor


def anchor(number: int, table: str = "orders") -> Anchor:
    return Anchor(TableName("sales", table), number, f"01J{number:023d}")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reads, "_session", reads._Reads())
    yield


def test_loads_of_the_session_once_each_the_last_at_the_end() -> None:
    for number in (1, 2, 1):
        note_read(anchor(number))
    assert inputs_now() == (anchor(2), anchor(1))
    forget_reads()
    assert inputs_now() == ()


def test_no_more_than_a_thousand() -> None:
    for number in range(reads.MOST + 5):
        note_read(anchor(number))
    assert len(inputs_now()) == reads.MOST
    assert inputs_now()[-1] == anchor(reads.MOST + 4)


def test_a_scope_has_its_own() -> None:
    note_read(anchor(1))
    with inputs(anchor(7), str(anchor(8)), anchor(7)) as given:
        assert given == (anchor(7), anchor(8))
        note_read(anchor(9))
        assert inputs_now() == (anchor(7), anchor(8), anchor(9))
        with inputs():
            assert inputs_now() == ()
        with unnoted():
            note_read(anchor(10))
        assert anchor(10) not in inputs_now()
    assert inputs_now() == (anchor(1),)


def test_a_scope_ends_with_an_error_too() -> None:
    with pytest.raises(RuntimeError), inputs(anchor(7)):
        raise RuntimeError
    assert inputs_now() == ()


@pytest.mark.parametrize("given", [7, None, object()])
def test_what_is_no_input(given: object) -> None:
    with pytest.raises(DataError) as caught, inputs(given):
        pass
    assert caught.value.reason is Reason.BAD_ARGUMENT


def test_threads_and_tasks_do_not_mix() -> None:
    start = threading.Barrier(4)
    seen: dict[int, tuple[Anchor, ...]] = {}

    def store(number: int) -> None:
        with inputs(anchor(number)):
            start.wait(10)
            note_read(anchor(100 + number))
            start.wait(10)
            seen[number] = inputs_now()

    threads = [threading.Thread(target=store, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert seen == {number: (anchor(number), anchor(100 + number)) for number in range(4)}

    async def task(number: int) -> tuple[Anchor, ...]:
        with inputs(anchor(number)):
            await asyncio.sleep(0)
            return inputs_now()

    async def both() -> list[tuple[Anchor, ...]]:
        return await asyncio.gather(task(1), task(2))

    assert asyncio.run(both()) == [(anchor(1),), (anchor(2),)]


def test_many_threads_note_at_once() -> None:
    def note(first: int) -> None:
        for number in range(first, first + 200):
            note_read(anchor(number))

    threads = [threading.Thread(target=note, args=(at * 200,)) for at in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(inputs_now()) == 800
