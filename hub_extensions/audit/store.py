"""Reading and writing the audit. Each takes the connection of a transaction that somebody else has opened, so that an
entry is kept exactly when what it tells of is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.engine import Connection, Row

from hub_extensions.audit.entry import Action, AuditEntry, Filter, Way
from hub_extensions.audit.policies import as_json, changes, digest
from hub_extensions.audit.tables import AUDIT
from profiles.policy import Policies

#: Who changed something while the hub was not running.
NOBODY = ""


def write(connection: Connection, entry: AuditEntry) -> None:
    connection.execute(
        insert(AUDIT).values(
            at=entry.at,
            actor=entry.actor,
            action=str(entry.action),
            subject=entry.subject,
            way=str(entry.way),
            details=dict(entry.details),
        )
    )


def entries(connection: Connection, wanted: Filter, limit: int = 100) -> tuple[AuditEntry, ...]:
    """Newest first."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if wanted.person:
        query = query.where(or_(AUDIT.c.actor == wanted.person, AUDIT.c.subject == wanted.person))
    if wanted.action is not None:
        query = query.where(AUDIT.c.action == str(wanted.action))
    if wanted.since is not None:
        query = query.where(AUDIT.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AUDIT.c.at < wanted.until)
    if wanted.before is not None:
        query = query.where(AUDIT.c.id < wanted.before)
    return tuple(_entry(row) for row in connection.execute(query))


def note_policies(connection: Connection, policies: Policies, now: datetime) -> AuditEntry | None:
    """One entry when the hub comes up with other policies than the last time; None when they are the same."""
    last = next(iter(entries(connection, Filter(action=Action.POLICIES_CHANGED), limit=1)), None)
    before = dict(last.details["policies"]) if last else {}
    after = as_json(policies)
    if digest(before) == digest(after):
        return None
    details: dict[str, Any] = {
        "digest": digest(after), "changes": list(changes(before, after)), "policies": after
    }
    entry = AuditEntry(
        at=now, actor=NOBODY, action=Action.POLICIES_CHANGED, subject="", way=Way.BOOT, details=details
    )
    write(connection, entry)
    return entry


def _entry(row: Row[Any]) -> AuditEntry:
    kept = row._mapping
    return AuditEntry(
        id=kept["id"],
        at=kept["at"],
        actor=kept["actor"],
        action=Action(kept["action"]),
        subject=kept["subject"],
        way=Way(kept["way"]),
        details=kept["details"],
    )
