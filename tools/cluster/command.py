"""Runs other programs: their output goes to the log, and a failure becomes a ClusterError with its last lines."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.cluster.errors import ClusterError

LAST_LINES = 15


@dataclass(frozen=True)
class Commands:
    """`env` is laid over this process's environment; `log` gets every command with its output and exit status."""

    log: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *command: str | Path,
        stdin: str | bytes | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        remedy: str = "",
    ) -> str:
        """Standard output; ClusterError when the exit status is not 0 or `timeout` seconds are over."""
        result = self.attempt(*command, stdin=stdin, cwd=cwd, env=env, timeout=timeout)
        if result.returncode != 0:
            raise ClusterError(
                f"`{_short(command)}` failed ({_status(result.returncode)}):\n{_tail(result.stderr or result.stdout)}",
                remedy or f"All output is in {self.log}.",
            )
        return result.stdout

    def attempt(
        self,
        *command: str | Path,
        stdin: str | bytes | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """As `run`, but a failure is the caller's to judge; a missing program or a timeout gives status 127 or 124."""
        arguments = [str(part) for part in command]
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            done = subprocess.run(
                arguments,
                input=data,
                stdin=subprocess.DEVNULL if data is None else None,
                capture_output=True,
                cwd=cwd,
                env={**os.environ, **self.env, **(env or {})},
                timeout=timeout,
                check=False,
            )
            result = subprocess.CompletedProcess(
                arguments, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
            )
        except FileNotFoundError as error:
            result = subprocess.CompletedProcess(arguments, 127, "", f"{error.filename}: not found")
        except subprocess.TimeoutExpired:
            result = subprocess.CompletedProcess(arguments, 124, "", f"no result within {timeout:g} s")
        self._record(result)
        return result

    def succeeds(self, *command: str | Path, timeout: float | None = None) -> bool:
        return self.attempt(*command, timeout=timeout).returncode == 0

    def _record(self, result: subprocess.CompletedProcess[str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            log.write(f"$ {shlex.join(result.args)}\n{result.stdout[-20000:]}{result.stderr[-20000:]}")
            log.write(f"[{_status(result.returncode)}]\n")


def _status(code: int) -> str:
    return {124: "timed out", 127: "not found"}.get(code, f"exit status {code}")


def _short(command: Sequence[str | Path]) -> str:
    text = shlex.join([str(part) for part in command])
    return text if len(text) <= 160 else f"{text[:157]}…"


def _tail(output: str) -> str:
    return "\n".join(f"    {line}" for line in output.strip().splitlines()[-LAST_LINES:])
