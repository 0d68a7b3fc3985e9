"""Writing to the audit from where something is done."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub_extensions.admission.database import Database
from hub_extensions.audit.entry import Action, AuditEntry, Way
from hub_extensions.audit.store import note_policies, write
from profiles.policy import Policies

log = logging.getLogger(__name__)


async def record(  # noqa: PLR0913, PLR0917 (who, what, about whom, when and how are what an entry is)
    gate: Any, actor: str, action: Action, subject: str, details: Mapping[str, Any], now: datetime, way: Way = Way.PAGE
) -> None:
    """Keep one entry. What was done is done: where it cannot be kept it is logged, with all of the entry, and nothing
    is raised. Without a gate there is no audit."""
    if gate is None:
        return
    entry = AuditEntry(at=now, actor=actor, action=action, subject=subject, way=way, details=details)
    try:
        await gate.call(_write, gate.store.database, entry)
    except Exception:
        log.exception("Not in the audit: %s", entry)


async def record_policies(gate: Any, policies: Policies, now: datetime) -> AuditEntry | None:
    """At the hub's start: one entry if they differ from those of the last start."""
    changed: AuditEntry | None = await gate.call(_note_policies, gate.store.database, policies, now)
    return changed


def _write(database: Database, entry: AuditEntry) -> None:
    with database.writing() as connection:
        write(connection, entry)


def _note_policies(database: Database, policies: Policies, now: datetime) -> AuditEntry | None:
    with database.writing() as connection:
        return note_policies(connection, policies, now)
