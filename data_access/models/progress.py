"""A bar over bytes or steps, where a person looks on and the work is long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from data_access.config import Settings
from data_access.tables.progress import progress, watched


@contextmanager
def over_bytes(settings: Settings, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what is to be told how many bytes more are done; safe for threads."""
    with progress(settings, what, total) as bar:
        yield lambda size: bar.advance(size, 0)


@contextmanager
def over_steps(settings: Settings, what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Yields what is to be told the name of each step as it begins."""
    if not (watched() if settings.progress is None else settings.progress):
        yield lambda _: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, leave=False, bar_format="{desc} {bar} {n_fmt}/{total_fmt} {elapsed}") as bar:

        def step(name: str) -> None:
            bar.set_description(f"{what}: {name}")
            bar.update()

        yield step
