"""PURE: entries of the audit -> a page for administrators, and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from hub_extensions.audit.entry import MEANING, Action, AuditEntry, Filter, Way
from hub_extensions.page_frame.machine_words import Moment
from hub_extensions.page_frame.notice import Notice
from hub_extensions.page_frame.words import clock_in

PER_PAGE = 100
MOST_IN_CSV = 50_000
WAYS: dict[Way, str] = {Way.PAGE: "page", Way.REST: "REST", Way.BOOT: "start of the hub"}
#: Shown on lines of their own, by a link, or only of use to programs.
_NOT_SHOWN = {"digest", "policies", "ask", "profile", "text", "changes"}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True)
class Row:
    at: Moment
    actor: str
    did: str
    subject: str
    way: str
    details: str
    href: str


@dataclass(frozen=True)
class ActionItem:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class AuditPage:
    rows: tuple[Row, ...]
    person: str
    actions: tuple[ActionItem, ...]
    since: str
    until: str
    action_url: str
    csv_url: str
    older_url: str
    timezone: str
    notice: Notice | None = None


@dataclass(frozen=True)
class Asked:
    """A filter as it was typed, days by the hub's clock; what cannot be read filters nothing."""

    person: str = ""
    action: str = ""
    since: str = ""
    until: str = ""
    before: str = ""

    def filter(self, timezone: str) -> Filter:
        """`until` is the last day, and all of it."""
        return Filter(
            person=self.person.strip()[:255].replace("\x00", ""),
            action=next((action for action in Action if action == self.action), None),
            since=day_of(self.since, timezone),
            until=day_of(self.until, timezone, 1),
            before=int(self.before) if re.fullmatch("[0-9]{1,18}", self.before) else None,
        )

    def query(self, **more: str) -> str:
        fields = {"person": self.person, "action": self.action, "since": self.since, "until": self.until, **more}
        return urlencode({name: value for name, value in fields.items() if value})


def day_of(text: str, timezone: str, later: int = 0) -> datetime | None:
    """The beginning of `2026-11-20`, or of the day so many days later."""
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 (a day by the clock of the zone)
    except ValueError:
        return None
    if not 1971 <= day.year < 9998:
        return None
    return datetime.combine(day + timedelta(days=later), time.min, ZoneInfo(timezone)).astimezone(UTC)


def audit_page(  # noqa: PLR0913, PLR0917 (what there is, and where and when it is read)
    entries: tuple[AuditEntry, ...],
    asked: Asked,
    now: datetime,
    root: str,
    timezone: str,
    notice: Notice | None = None,
) -> AuditPage:
    """`root` is the hub's own path: `/hub/`."""
    url = f"{root}audit"
    full = len(entries) == PER_PAGE
    return AuditPage(
        rows=tuple(_row(entry, now, root, timezone) for entry in entries),
        person=asked.person,
        actions=tuple(ActionItem(action, MEANING[action], action == asked.action) for action in Action),
        since=asked.since if day_of(asked.since, timezone) else "",
        until=asked.until if day_of(asked.until, timezone) else "",
        action_url=url,
        csv_url=f"{url}?{asked.query(format='csv')}",
        older_url=f"{url}?{asked.query(before=str(entries[-1].id))}" if full else "",
        timezone=timezone,
        notice=notice,
    )


def csv_of(entries: Iterable[AuditEntry]) -> str:
    """Spreadsheets run what begins like a formula: such cells begin with an apostrophe instead."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("id", "at", "actor", "action", "subject", "way", "details"))
    for entry in entries:
        details = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)
        cells = (entry.actor, str(entry.action), entry.subject, str(entry.way), details)
        table.writerow((entry.id, entry.at.isoformat(), *map(_harmless, cells)))
    return out.getvalue()


def details_words(details: Mapping[str, Any], now: datetime, timezone: str) -> str:
    """The short ones on one line, `machine: GPU · lasts: 3 days`; of changed policies each change; texts last."""
    short = " · ".join(_short(details, now, timezone))
    told = details.get("changes")
    changes = [str(each) for each in told] if isinstance(told, list) else []
    return "\n".join(line for line in (short, *changes, str(details.get("text", ""))) if line)


def _short(details: Mapping[str, Any], now: datetime, timezone: str) -> Iterator[str]:
    for name, value in details.items():
        if name in _NOT_SHOWN or value in ("", None, {}, []):
            continue
        if isinstance(value, str) and _TIME.match(value):
            yield f"{name.replace('_', ' ')}{'' if name == 'until' else ':'} {_moment(value, now, timezone)}"
        elif isinstance(value, Mapping):
            yield from (f"{key}: {each}" for key, each in value.items())
        else:
            yield f"{name}: {value}"


def _moment(iso: str, now: datetime, timezone: str) -> str:
    try:
        return clock_in(timezone, datetime.fromisoformat(iso), now)
    except ValueError:
        return iso


def _row(entry: AuditEntry, now: datetime, root: str, timezone: str) -> Row:
    ask = entry.details.get("ask")
    return Row(
        at=Moment.past(entry.at, now, timezone),
        actor=entry.actor or "the hub",
        did=MEANING[entry.action],
        subject=entry.subject or "the hub",
        way=WAYS[entry.way],
        details=details_words(entry.details, now, timezone),
        href=f"{root}approvals/{ask}" if ask else "",
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
