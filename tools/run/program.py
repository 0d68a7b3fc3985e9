"""The steps of `make run`, in order."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.run.environment import prepare_environment
from tools.run.ports import choose_ports
from tools.run.proxy import prepare_proxy
from tools.run.serve import RunningHub, stop_leftover_proxy
from tools.run.state import ADMIN, Logins, State
from tools.run.steps import CannotRun, Progress

ROOT = Path(__file__).resolve().parents[2]


def run(arguments: list[str]) -> int:
    """Set up, serve until Ctrl-C. `--prepare` stops before the Hub starts. Returns the exit status."""
    try:
        return _run(prepare_only="--prepare" in arguments)
    except CannotRun as e:
        if e.output:
            print(e.output, file=sys.stderr)
        print(f"\nmake run: {e.problem}.\n  {e.remedy[:1].upper()}{e.remedy[1:]}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped before the Hub was started.", file=sys.stderr)
        return 130


def _run(*, prepare_only: bool) -> int:
    state = State(Path(os.environ.get("REMUDA_LOCAL") or ROOT / ".remuda" / "local").resolve())
    progress = Progress(total=3 if prepare_only else 4)
    lock = state.claim()
    stop_leftover_proxy(state.proxy_pid)
    # A taken port is told before the minute that the first setup takes, not after it.
    ports = choose_ports(dict(os.environ), state.ports)
    with progress.step("Python environment") as step:
        python = prepare_environment(ROOT, step)
    with progress.step("proxy") as step:
        proxy = prepare_proxy(python, ROOT / ".remuda" / "proxy", step)
    with progress.step("settings and logins") as step:
        step.note = "kept" if state.settings.exists() else f"new, in {state.folder}"
        logins = state.prepare()
        state.write_this_start(ports, proxy)
    if prepare_only:
        return 0
    hub = RunningHub(ROOT, python, state, ports)
    with progress.step("Hub"):
        hub.start(lock)
        try:
            hub.wait_ready()
        except BaseException:
            hub.give_up()
            raise
    if not hub.asked_to_stop:
        welcome(hub, logins, progress.seconds)
    return hub.wait_end()


def welcome(hub: RunningHub, logins: Logins, seconds: float) -> None:
    print(
        f"""
Remuda is ready after {seconds:.1f} s:  {hub.ports.url}

  log in as anybody     any name, password  {logins.user_password}
  as administrator      {ADMIN}, password  {logins.admin_password}

  Machines are only labels here: every server is a process on this computer, with all of its cores and memory.
  Files, settings and the Hub's log are in {hub.state.folder}
  Ctrl-C stops servers, Hub and proxy; files stay.
""",
        flush=True,
    )
