"""One progress line per step, and the one kind of error a person is shown."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TAIL_LINES = 25


class CannotRun(Exception):
    """What stands in the way, and what to do about it."""

    def __init__(self, problem: str, remedy: str, output: str = "") -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.output = problem, remedy, output


@dataclass
class Step:
    """`note` is what the finished line says besides the seconds."""

    name: str
    note: str = ""


@dataclass
class Progress:
    """Prints `[2/6] what …  3.1 s`. Steps that had nothing to do say so and cost no line of their own to read."""

    total: int
    began: float = field(default_factory=time.monotonic)
    done: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        self.done += 1
        step = Step(name)
        started = time.monotonic()
        # On a terminal the line appears when the step begins, so that a slow one is seen to be at work.
        if sys.stdout.isatty():
            print(f"[{self.done}/{self.total}] {name} …", end="", flush=True)
        try:
            yield step
        except BaseException:
            if sys.stdout.isatty():
                print(flush=True)
            raise
        seconds = time.monotonic() - started
        start = "\r" if sys.stdout.isatty() else ""
        note = f"  ({step.note})" if step.note else ""
        print(f"{start}[{self.done}/{self.total}] {name:<34} {seconds:6.1f} s{note}", flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


def call(command: Sequence[str], *, remedy: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Output of a command that must succeed. Raises `CannotRun` with the end of what it said."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as e:
        raise CannotRun(f"{command[0]} cannot be started: {e.strerror}", remedy) from e
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise CannotRun(f"`{' '.join(map(str, command))}` failed with status {done.returncode}", remedy, tail)
    return done.stdout
