"""Runs one program for as long as somebody holds our standard input open, then ends it and removes its folder.

    python -m tools.servers.guard SIGNAL FOLDER COMMAND …

The kernel closes that pipe however the holder ends, by SIGKILL too: no server and no folder stays behind.
`SIGNAL` is the number that ends the program in good order; SIGKILL follows after five seconds. An empty FOLDER removes
nothing. The exit status is the program's.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys

GRACE_S = 5


def main(arguments: list[str]) -> int:
    ending, folder, command = int(arguments[0]), arguments[1], arguments[2:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the holder's business; its end is ours
    signal.signal(signal.SIGTERM, lambda *_: os.close(0))
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    watched = os.pidfd_open(program.pid)
    with contextlib.suppress(OSError):  # SIGTERM closes what is being waited for
        select.select([0, watched], [], [])
    end(program, ending)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    return program.returncode


def end(program: subprocess.Popen[bytes], ending: int) -> None:
    """The program and all that it started."""
    for number in (ending, signal.SIGKILL):
        if program.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(program.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
