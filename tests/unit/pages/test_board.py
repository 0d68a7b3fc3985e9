from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hub_extensions.switch.board import Phase, Switch, SwitchBoard, switch_board

KEY = ("ada", "")
SWITCH = Switch(
    wanted={"profile": "gpu"}, wanted_name="GPU", leaving_name="Small CPU", since=datetime(2026, 3, 2, tzinfo=UTC)
)


def test_the_first_switch_of_a_server_wins() -> None:
    board = SwitchBoard()
    assert board.begin(KEY, SWITCH)
    assert not board.begin(KEY, SWITCH)
    assert board.begin(("ada", "second"), SWITCH)
    board.finish(KEY)
    assert board.begin(KEY, SWITCH)


def test_phases() -> None:
    board = SwitchBoard()
    board.starting(KEY)
    assert board.get(KEY) is None
    board.begin(KEY, SWITCH)
    board.starting(KEY)
    current = board.get(KEY)
    assert current is not None
    assert current.phase is Phase.STARTING
    board.finish(KEY)
    assert board.get(KEY) is None


async def test_everyone_who_waits_is_woken_by_a_change() -> None:
    board = SwitchBoard()
    board.begin(KEY, SWITCH)
    waiting = [asyncio.ensure_future(board.changed(KEY, SWITCH, timeout_s=30)) for _ in range(3)]
    await asyncio.sleep(0)
    board.starting(KEY)
    woken = await asyncio.gather(*waiting)
    assert [switch and switch.phase for switch in woken] == [Phase.STARTING] * 3
    board.finish(KEY)
    assert await board.changed(KEY, SWITCH, timeout_s=30) is None


async def test_a_wait_ends_with_the_unchanged_switch_after_its_time() -> None:
    board = SwitchBoard()
    board.begin(KEY, SWITCH)
    assert await board.changed(KEY, SWITCH, timeout_s=0.01) == SWITCH


def test_a_hub_has_one_board() -> None:
    settings: dict[str, object] = {}
    assert switch_board(settings) is switch_board(settings)
    assert switch_board({}) is not switch_board(settings)
