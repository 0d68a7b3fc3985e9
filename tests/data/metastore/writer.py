"""A process that stores one small partition again and again: `python writer.py SETTINGS NAME HOW_MANY`.

It tells of each commit on a line of its own, `number id seconds`, and what it had to repeat because others were first.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import time

import pyarrow as pa

from data_access.config import Settings
from data_access.errors import ConflictError
from data_access.tables.store import store_dataframe
from data_access.workspace import connect

PR_SET_PDEATHSIG = 1


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # dies with the test, however that ends
    workspace, me = connect(Settings.model_validate_json(sys.argv[1])), sys.argv[2]
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(int(sys.argv[3])):
        frame = pa.table({"turn": [turn], "writer": [me]})
        started = time.monotonic()
        while True:
            try:
                commit = store_dataframe(
                    frame,
                    "sandbox_ann",
                    "hammered",
                    partition_by=["writer"],
                    message=f"{me} {turn}",
                    workspace=workspace,
                )
            except ConflictError:
                print("again", flush=True)
                continue
            break
        print(commit.number, commit.id, f"{time.monotonic() - started:.3f}", flush=True)


if __name__ == "__main__":
    main()
