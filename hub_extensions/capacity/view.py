"""PURE: leases -> who uses what, pool by pool, as far as the reader may know."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice

from hub_extensions.capacity.asking import MAX_MESSAGE
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import Moment, pool_name
from hub_extensions.page_frame.meters import Level, Meter
from hub_extensions.page_frame.notice import Notice
from hub_extensions.reservations.words import slot
from profiles.accelerators import is_gpu
from profiles.admission_words import amount, number
from profiles.amounts import Amounts, total
from profiles.frozen import EMPTY
from profiles.lease import Lease, LeaseState, LeaveWhy
from profiles.lease_book import BY_AGE
from profiles.model import Catalog
from profiles.reservations import Reservation

#: So many machines of a pool are shown at once; the others unfold.
FEW = 30


class ShowHolders(StrEnum):
    """Who sees the names of those who hold machines; everybody sees their own."""

    EVERYONE = "everyone"
    GROUPS = "groups"
    """Members of a common group."""
    ADMINS = "admins"


@dataclass(frozen=True)
class Viewer:
    """Who reads. `sees_all`: may list all users of the hub anyway."""

    name: str
    groups: frozenset[str] = frozenset()
    sees_all: bool = False
    shown: ShowHolders = ShowHolders.ADMINS

    def holder(self, lease: Lease | Reservation) -> str:
        """`You`, `bea`, `somebody in ml-team`, `somebody`."""
        if lease.user == self.name:
            return "You"
        common = sorted(lease.groups & self.groups)
        named = self.shown is ShowHolders.EVERYONE or (self.shown is ShowHolders.GROUPS and bool(common))
        if self.sees_all or named:
            return lease.user
        return f"somebody in {common[0]}" if common else "somebody"


@dataclass(frozen=True)
class Holding:
    who: str
    mine: bool
    machine: str
    takes: str
    starting: bool
    since: Moment
    until: Moment | None
    #: Of somebody else's that runs: what asks for it, by the lease's id.
    ask: str = ""
    #: No machine yet: a place that is kept for somebody who was called from the line, or switches.
    kept: bool = False
    #: What else there is to know: borrowed, has to make room, does nothing with its GPUs.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Booked:
    """A reservation. `state` is `now` or `next`."""

    who: str
    mine: bool
    what: str
    when: str
    now: bool


@dataclass(frozen=True)
class PoolView:
    pool_id: str
    name: str
    meters: tuple[Meter, ...]
    holdings: tuple[Holding, ...]
    booked: tuple[Booked, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known beside who holds what: reservations that stand, leases beyond their group's share, leases whose
    GPUs have done nothing so far. Times are told in `timezone`."""

    reservations: Iterable[Reservation] = ()
    borrowed: Container[str] = ()
    unused: Container[str] = ()
    timezone: str = "UTC"


@dataclass(frozen=True)
class CapacityPage:
    pools: tuple[PoolView, ...]
    quotas: tuple[Meter, ...] = ()
    budgets: tuple[Meter, ...] = ()
    notice: Notice | None = None
    private: bool = False
    #: Where all reservations are; empty where nothing can be reserved.
    calendar: str = ""
    timezone: str = "UTC"
    xsrf: str = ""
    action: str = ""
    max_message: int = MAX_MESSAGE
    few: int = FEW
    #: By lease: what was written in an ask for it that was refused.
    typed: Mapping[str, str] = EMPTY


NOTHING_ELSE = Known()
#: So many reservations of a pool are told; the calendar has all of them.
MOST_BOOKED = 4


#: What a hub without leases says, wherever it is asked.
NO_GATE = Notice(
    "This hub keeps no account of who uses what.", "Your administrator can turn it on: see “Fair shares” in its guide."
)
AWAY = Notice(
    "Who uses what cannot be read at present.",
    "What runs goes on. Try again in a minute; if it happens again, tell your administrator.",
    "admission-unavailable",
)


def pools_of(  # noqa: PLR0913, PLR0917 - who reads, when, and what is known
    leases: Iterable[Lease],
    catalog: Catalog | None,
    viewer: Viewer,
    now: datetime,
    room: Mapping[str, Amounts] | None = None,
    known: Known = NOTHING_ELSE,
) -> tuple[PoolView, ...]:
    """The catalog's pools in its order, then those that only old leases know. `room`: what their nodes have in all."""
    reservations = tuple(known.reservations)
    by_pool: dict[str, list[Lease]] = {pool_id: [] for pool_id in (catalog.pools if catalog else ())}
    for lease in leases:
        by_pool.setdefault(lease.pool, []).append(lease)
    ahead = {
        pool_id: replace(known, reservations=tuple(each for each in reservations if _pool(each, catalog) == pool_id))
        for pool_id in by_pool
    }
    return tuple(
        PoolView(
            pool_id=pool_id,
            name=pool_name(catalog, pool_id),
            meters=tuple(_meters(held, (room or {}).get(pool_id))),
            holdings=tuple(_holding(lease, viewer, now, ahead[pool_id]) for lease in _in_order(held, viewer)),
            booked=tuple(islice(_booked(viewer, now, ahead[pool_id]), MOST_BOOKED)),
        )
        for pool_id, held in by_pool.items()
    )


def _in_order(leases: Iterable[Lease], viewer: Viewer) -> list[Lease]:
    """One's own first, then who has been at it longest."""
    return sorted(leases, key=lambda lease: (lease.user != viewer.name, BY_AGE(lease)))


def _pool(reservation: Reservation, catalog: Catalog | None) -> str | None:
    profile = catalog.profiles.get(reservation.profile) if catalog else None
    return profile.pool if profile is not None else None


def _booked(viewer: Viewer, now: datetime, known: Known) -> Iterator[Booked]:
    """Soonest first."""
    for each in sorted(known.reservations, key=lambda each: (each.begins_at, each.id)):
        if each.stands(now):
            yield Booked(
                who=viewer.holder(each),
                mine=each.user == viewer.name,
                what=f"{each.display_name}: {takes(each.amounts)}",
                when=slot(each.begins_at, each.ends_at, known.timezone),
                now=each.begins_at <= now,
            )


def _mine(lease: Lease, viewer: Viewer, known: Known, now: datetime) -> bool:
    """What this machine makes room for is the reader's own: the first that begins when it has left."""
    after = [each for each in known.reservations if lease.leaves_at is not None and each.begins_at >= lease.leaves_at]
    first = min((each for each in after if each.stands(now)), key=lambda each: each.begins_at, default=None)
    return first is not None and first.user == viewer.name


def _notes(lease: Lease, viewer: Viewer, known: Known, now: datetime) -> Iterator[str]:
    if lease.id in known.borrowed:
        yield "borrowed from what others leave idle"
    if lease.leaves_why is LeaveWhy.RESERVED:
        yield f"reserved by {'you' if _mine(lease, viewer, known, now) else 'others'} from then on"
    if lease.leaves_why is LeaveWhy.LENT:
        yield "given back to those it belongs to"
    if lease.id in known.unused:
        yield "its GPUs have done nothing so far"


def _holding(lease: Lease, viewer: Viewer, now: datetime, known: Known) -> Holding:
    starting = lease.state is LeaseState.HELD
    ends = lease.ends_at if lease.began_at is not None else None
    return Holding(
        who=viewer.holder(lease),
        mine=lease.user == viewer.name,
        machine=lease.display_name,
        takes=takes(lease.amounts),
        starting=starting,
        since=Moment.past(lease.began_at or lease.held_at, now, known.timezone),
        until=Moment.future(ends, now, known.timezone) if ends is not None else None,
        ask="" if starting or lease.user == viewer.name else lease.id,
        kept=lease.is_kept,
        notes=tuple(_notes(lease, viewer, known, now)),
    )


def takes(amounts: Amounts) -> str:
    """`8 cores, 32 GiB of memory, 1 NVIDIA GPU`."""
    devices = (words.resource(name, count) for name, count in amounts.devices.items())
    return ", ".join((amount("cores", amounts.millicores), amount("memory", amounts.memory), *devices))


def _meters(leases: Sequence[Lease], room: Amounts | None) -> Iterable[Meter]:
    running = total(lease.amounts for lease in leases if lease.state is LeaseState.RUNNING)
    granted = total(lease.amounts for lease in leases)
    yield Meter("Servers", str(granted.servers), None, said=_starting("servers", granted.servers - running.servers))
    yield _meter("cores", running.millicores, granted.millicores, room.millicores if room else 0)
    yield _meter("memory", running.memory, granted.memory, room.memory if room else 0)
    for name in sorted({*granted.devices, *(room.devices if room else ())}):
        of = room.devices.get(name, 0) if room else 0
        yield _meter(name, running.devices.get(name, 0), granted.devices.get(name, 0), of)


def _meter(resource: str, running: int, granted: int, room: int) -> Meter:
    """Where it is not known how much there is, there is a number and no bar."""
    label = {"cores": "Cores", "memory": "Memory"}.get(resource) or ("GPUs" if is_gpu(resource) else resource)
    starting = _starting(resource, granted - running)
    if not room:
        return Meter(label, number(resource, granted), None, said=starting)
    percent = min(100, running * 100 // room)
    return Meter(
        label=label,
        figure=f"{number(resource, granted)} of {_amount(resource, room)}",
        percent=percent,
        ahead=min(100 - percent, (granted - running) * 100 // room),
        said=f"{number(resource, max(0, room - granted))} free on the nodes there are now. {starting}".strip(),
        level=Level.WARNING if granted >= room else Level.CALM,
    )


def _amount(resource: str, value: int) -> str:
    return amount(resource, value) if resource in {"cores", "memory"} else words.resource(resource, value)


def _starting(resource: str, value: int) -> str:
    return f"{number(resource, value)} of that starting." if value else ""
