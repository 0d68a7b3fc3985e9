"""Reading raw Kubernetes JSON without ever raising: what is absent or of another type is empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EMPTY: Mapping[str, Any] = {}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def section(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at `path`; an empty one where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else EMPTY


def items(value: Any, *path: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects at `path`."""
    found = section(value, *path[:-1]).get(path[-1])
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, (list, tuple)) else ()


def text(value: Any, *path: str) -> str:
    """The string at `path`."""
    found = section(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def time(value: Any) -> datetime | None:
    """An RFC 3339 time, aware; None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def condition(pod: Any, kind: str) -> Mapping[str, Any]:
    return next((each for each in items(pod, "status", "conditions") if each.get("type") == kind), EMPTY)


def is_true(state: Mapping[str, Any]) -> bool:
    return state.get("status") == "True"


@dataclass(frozen=True, slots=True)
class Event:
    """The part of a core/v1 (or events.k8s.io/v1) event that explains something."""

    reason: str
    message: str
    component: str
    kind: str
    uid: str
    name: str
    count: int
    first: datetime | None
    last: datetime | None
    version: int

    @property
    def order(self) -> tuple[datetime, int]:
        # Times have whole seconds; the resource version puts what happened within one in order.
        return (self.last or LONG_AGO, self.version)


def read_event(raw: Mapping[str, Any]) -> Event:
    about = section(raw, "involvedObject") or section(raw, "regarding")
    series = section(raw, "series")
    made = time(raw.get("eventTime")) or time(section(raw, "metadata").get("creationTimestamp"))
    version = text(raw, "metadata", "resourceVersion")
    first = time(raw.get("firstTimestamp")) or time(raw.get("deprecatedFirstTimestamp")) or made
    last = time(series.get("lastObservedTime")) or time(raw.get("lastTimestamp")) or made or first
    return Event(
        reason=text(raw, "reason"),
        message=text(raw, "message") or text(raw, "note"),
        component=text(raw, "source", "component")
        or text(raw, "reportingComponent")
        or text(raw, "reportingController"),
        kind=text(about, "kind"),
        uid=text(about, "uid"),
        name=text(about, "name"),
        count=max(number(raw.get("count")), number(series.get("count")), 1),
        first=first,
        last=last,
        version=int(version) if version.isdigit() else 0,
    )


def events_about(events: Iterable[Any], kind: str, uid: str, name: str = "") -> list[Event]:
    """The events of exactly this object, oldest first: an earlier pod of the same name has another uid.

    Without a uid of ours the name decides; an event without one says nothing about whose it is and is left out.
    """
    read = [read_event(raw) for raw in events if isinstance(raw, Mapping)]
    mine = [e for e in read if e.kind == kind and (e.uid == uid if uid else bool(name) and e.name == name)]
    return sorted(mine, key=lambda event: event.order)


def latest(events: Sequence[Event], *reasons: str) -> Event | None:
    return next((event for event in reversed(events) if event.reason in reasons), None)
