"""PURE: what a probe is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A picture of the cluster older than this is no base for starts. The watch itself is given less than this to
#: reconnect (its longest wait is 30 s), so a probe that fails here has outlived several attempts.
STALE_AFTER_S = 120.0


@dataclass(frozen=True)
class Health:
    """`ok` decides the status code; every fact is shown, none is secret. `unwritten`: why the database of leases and
    ledger, which may be another than the Hub's own, cannot be written."""

    profiles: int
    database: bool
    watch: Mapping[str, Any] | None
    unwritten: str = ""

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences for whoever reads the probe's log; empty when all is well."""
        found = []
        if not self.database:
            found.append("the Hub's database does not answer")
        if self.unwritten:
            found.append(f"the database of leases and ledger cannot be written ({self.unwritten})")
        if self.watch is not None and not (self.watch.get("watching", 1) and self.watch.get("synced", False)):
            found.append("the cluster's pods have not been listed yet")
        elif self.watch is not None and float(self.watch.get("stale_seconds") or 0.0) > STALE_AFTER_S:
            found.append(f"nothing was heard from the cluster for {float(self.watch['stale_seconds']):.0f} s")
        return tuple(found)

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "problems": list(self.problems),
            "catalog": {"profiles": self.profiles},
            "database": self._database(),
            "watch": dict(self.watch) if self.watch is not None else None,
        }

    def _database(self) -> dict[str, Any]:
        if not self.database:
            return {"ok": False, "problem": "does not answer"}
        return {"ok": False, "problem": f"cannot be written ({self.unwritten})"} if self.unwritten else {"ok": True}
