"""JupyterHub has no public hook for "the Hub is up": these tests fail when what stands in for it changes."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from jupyterhub.app import JupyterHub

from hub_extensions.startup import when_hub_is_up


async def nothing(app: Any) -> None: ...


def test_the_future_is_there_before_the_configuration_is_read_and_ends_the_start():
    initialize = inspect.getsource(JupyterHub.initialize)
    assert initialize.index("self._start_future = ") < initialize.index("self.load_config_file(")
    assert inspect.getsource(JupyterHub.start).rstrip().endswith("self._start_future.set_result(None)")


def test_a_sub_command_without_a_loop_starts_nothing():
    assert when_hub_is_up(nothing) is False


@pytest.fixture
def app():
    JupyterHub.clear_instance()
    yield JupyterHub.instance()
    JupyterHub.clear_instance()


async def test_work_begins_when_the_start_is_complete(app: JupyterHub):
    app._start_future = asyncio.Future()
    begun = asyncio.Event()

    async def work(got: Any) -> None:
        assert got is app
        begun.set()

    assert when_hub_is_up(work) is True
    await asyncio.sleep(0)
    assert not begun.is_set()
    app._start_future.set_result(None)
    await asyncio.wait_for(begun.wait(), 30)


async def test_a_hub_that_is_not_going_to_run_starts_nothing(app: JupyterHub):
    assert when_hub_is_up(nothing) is False
