"""The environments of a home, kept up to date without making anyone wait.

Reading fifty environments on a network home takes a while; a person opening the launcher must not. So a snapshot is
served, and a background thread makes the next one: whoever asks waits a moment for it (`PATIENCE_S`), not longer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from environments.discovery import Environment, Machine, Reason, describe_all
from environments.facts import Facts, read_facts, stamp
from environments.machine import this_machine
from environments.places import Bounds, Found, known_places, project_places
from environments.repair import repair_interpreter

FRESH_S = 2.0
"""A snapshot younger than this is served as it is."""
PATIENCE_S = 0.04
"""How long a reader waits for a refresh when an older snapshot could be served."""
FIRST_PATIENCE_S = 10.0
"""How long the very first reader waits: Lab asks for another kernel when a notebook's own is missing from its list."""
PROJECTS_S = 20.0
"""How often project folders are searched; the tools' own collections are looked at every time."""

log = logging.getLogger(__name__)


class Catalogue:
    """Snapshots of the environments in one home, for one machine. Safe to use from several threads."""

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str],
        machine: Callable[[], Machine] = this_machine,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    ) -> None:
        self._home, self._environ, self._bounds = home, environ, bounds
        self._machine_of, self._machine = machine, None
        self._known: dict[Path, tuple[tuple[int, ...], Facts | None]] = {}
        self._projects: tuple[float, tuple[Found, ...]] = (float("-inf"), ())
        self._snapshot: tuple[Environment, ...] | None = None
        self._made_at = float("-inf")
        self._refreshing: threading.Event | None = None
        self._lock = threading.Lock()

    def current(self) -> tuple[Environment, ...]:
        """What is known now; starts a refresh when that is old, and waits only a moment for it."""
        if self._snapshot is not None and time.monotonic() - self._made_at < FRESH_S:
            return self._snapshot
        done = self.refresh_in_background()
        done.wait(FIRST_PATIENCE_S if self._snapshot is None else PATIENCE_S)
        return self._snapshot or ()

    def refresh_in_background(self) -> threading.Event:
        """Start a refresh unless one is running; the event is set when it is done."""
        with self._lock:
            if self._refreshing is not None:
                return self._refreshing
            done = self._refreshing = threading.Event()
        threading.Thread(target=self._refresh_and_tell, args=(done,), name="environments", daemon=True).start()
        return done

    def _refresh_and_tell(self, done: threading.Event) -> None:
        try:
            self.refresh()
        except Exception:
            log.exception("Looking for environments failed; the list may be old")
        finally:
            with self._lock:
                self._refreshing = None
            done.set()

    def refresh(self) -> tuple[Environment, ...]:
        """Look now, and answer with what is there."""
        if self._machine is None:
            self._machine = self._machine_of()
        found = self._found()
        read = [(facts, tool) for prefix, tool in found.items() if (facts := self._facts(prefix)) is not None]
        environments = describe_all(read, self._home, self._machine)
        if self._repaired(environments):
            return self.refresh()
        self._snapshot, self._made_at = environments, time.monotonic()
        return environments

    def _found(self) -> dict[Path, str]:
        searched_at, projects = self._projects
        if time.monotonic() - searched_at > PROJECTS_S:
            projects = tuple(project_places(self._home, self._bounds))
            self._projects = (time.monotonic(), projects)
        found: dict[Path, str] = {}
        for place in (*known_places(self._home, self._environ), *projects):
            found.setdefault(place.prefix, place.by)
        return found

    def _facts(self, prefix: Path) -> Facts | None:
        seen = stamp(prefix)
        known = self._known.get(prefix)
        if known is None or known[0] != seen:
            known = self._known[prefix] = (seen, read_facts(prefix) if any(seen) else None)
        return known[1]

    def _repaired(self, environments: tuple[Environment, ...]) -> bool:
        """Repair what an image upgrade moved, without a step by the person; whether anything changed."""
        repaired = False
        for environment in environments:
            if environment.problem is None or environment.problem.reason is not Reason.INTERPRETER_MOVED:
                continue
            assert self._machine is not None
            try:
                interpreter = repair_interpreter(environment.facts, dict(self._machine.pythons))
            except OSError as error:
                log.warning("Could not repair '%s': %s", environment.name, error)
                continue
            if interpreter is not None and self._known.pop(environment.prefix, None):
                log.info("'%s' now uses %s: the image's Python had moved", environment.name, interpreter)
                repaired = True
        return repaired
