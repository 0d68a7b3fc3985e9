"""What a Hub starts with is not looked through for garbage again; what has become garbage meanwhile does not stay."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from hub_extensions.admission.memory import set_aside, set_aside_what_stays
from hub_extensions.admission.task import FirstLook


class Knot:
    """Only the collector of garbage can take it away: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_is_passed_over_and_garbage_is_not_kept() -> None:
    kept = Knot()
    gone = weakref.ref(Knot())
    set_aside()
    assert gone() is None
    assert not any(each is kept for each in gc.get_objects())
    frozen = weakref.ref(kept)
    del kept
    gc.collect()
    assert frozen() is not None
    set_aside()
    assert frozen() is None


async def test_it_waits_for_the_first_comparison() -> None:
    look, app = FirstLook(), SimpleNamespace(log=logging.getLogger(__name__))
    before = gc.get_freeze_count()
    waiting = asyncio.create_task(set_aside_what_stays(app, look))
    await asyncio.sleep(0)
    assert gc.get_freeze_count() == before
    look.over()
    await waiting
    assert gc.get_freeze_count() > before
