"""A bar over bytes or steps, where a person looks on and the work is long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from data_access.config import Settings

_WORTH_IT = 64 * 1024**2


@contextmanager
def over_bytes(settings: Settings, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what is to be told how many bytes more are done; safe for threads."""
    if not _shown(settings) or total < _WORTH_IT:
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, unit="B", unit_scale=True, leave=False) as bar:
        yield bar.update


@contextmanager
def over_steps(settings: Settings, what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Yields what is to be told the name of each step as it begins."""
    if not _shown(settings):
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, leave=False, bar_format="{desc} {bar} {n_fmt}/{total_fmt} {elapsed}") as bar:

        def step(name: str) -> None:
            bar.set_description(f"{what}: {name}")
            bar.update()

        yield step


def _shown(settings: Settings) -> bool:
    if settings.progress is not None:
        return settings.progress
    return sys.stderr.isatty() or "ipykernel" in sys.modules
