"""PURE: the page of reservations: what can be booked, what is, and one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from hub_extensions.capacity.view import takes
from hub_extensions.page_frame import words as page_words
from hub_extensions.page_frame.machine_words import of_plan
from hub_extensions.page_frame.notice import Notice, Tone
from hub_extensions.reservations import words
from hub_extensions.reservations.decide import pot_for
from hub_extensions.reservations.gantt import DAYS, Calendar
from hub_extensions.reservations.words import MAX_NOTE, NotPossible
from hub_extensions.spawn_page.view import Variant, on_offer
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.lease import Request
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Duration
from profiles.reservations import Reservation
from profiles.slots import Span, limits

#: Minutes that the form offers, as far as the rules go.
LENGTHS = (30, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880, 10080)
USUAL = 120

OFF = Notice(
    "Nothing can be reserved on this hub.", "Your administrator can allow it: see “Reservations” in its guide.", "off"
)
AWAY = Notice(
    "Reservations cannot be read at present.",
    "What is reserved stays so. Try again in a minute; if it happens again, tell your administrator.",
    "admission-unavailable",
    Tone.WARNING,
)
DONE = {
    "reserved": Notice("It is reserved.", "Start the machine as usual when your time begins: what you need is kept."),
    "changed": Notice("The reservation is changed.", "What it no longer needs is free for others."),
    "same": Notice("Nothing was to be changed.", "The reservation is as it was."),
    "cancelled": Notice("The reservation is cancelled.", "Its person is told, with your reason."),
    "ended": Notice("The reservation is over.", "What was kept for you is free for others."),
    "feed-removed": Notice("Your calendar’s address no longer works.", ""),
}


@dataclass(frozen=True)
class Item:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Proposal:
    begins: str
    ends: str
    label: str


@dataclass(frozen=True)
class Own:
    id: str
    machine: str
    when: str
    takes: str
    note: str
    state: str
    tone: str
    #: Neither over nor given up.
    stands: bool
    #: What the button says; empty: there is none.
    end: str


@dataclass(frozen=True)
class Typed:
    """What the form has in it."""

    machine: str = ""
    day: str = ""
    clock: str = ""
    minutes: str = ""
    note: str = ""


@dataclass(frozen=True)
class Found:
    said: str
    proposals: tuple[Proposal, ...] = ()


@dataclass(frozen=True)
class Feed:
    """`url` only right after it was made: the hub does not keep it."""

    since: str = ""
    url: str = ""


@dataclass(frozen=True)
class Week:
    label: str
    earlier: str
    later: str
    this: str


@dataclass(frozen=True)
class ReservationsPage:
    root: str
    spawn: str
    xsrf: str
    timezone: str
    machines: tuple[Item, ...]
    lengths: tuple[Item, ...]
    typed: Typed
    week: Week
    calendars: tuple[Calendar, ...]
    mine: tuple[Own, ...]
    feed: Feed
    max_shown: int = 10
    found: Found | None = None
    notice: Notice | None = None
    max_note: int = MAX_NOTE


def machines(catalog: Catalog, person: Person) -> dict[Variant, MachinePlan]:
    """What this person may reserve, each size once: images and other software make no difference here. What is
    larger than all that can be reserved at once is left out."""
    found: dict[Variant, MachinePlan] = {}
    known: set[tuple[str, Amounts]] = set()
    for variant, plan in on_offer(catalog, person).items():
        size = variant[0], Amounts.of(plan)
        if size not in known:
            known.add(size)
            request = Request.of("", person, "", plan)
            pot = pot_for(request, catalog.policies)
            if not isinstance(pot, NotPossible) and all(request.amounts.much(n) <= most for n, most in limits(pot)):
                found[variant] = plan
    return found


def value_of(choice: MachineChoice) -> str:
    """A choice as the form's one value."""
    return urlencode([("profile", choice.profile or ""), *choice.options.items()])


def choice_of_value(value: str) -> MachineChoice:
    """Judged by `resolve`, not here."""
    fields = dict(parse_qsl(value, max_num_fields=100) if value.count("&") < 100 else [])
    return MachineChoice(fields.pop("profile", None) or None, fields)


def items(catalog: Catalog, person: Person, chosen: str, like: MachinePlan | None = None) -> tuple[Item, ...]:
    """`like`: the machine that a link came for, with whatever software."""
    offered: list[tuple[str, str, bool]] = []
    for plan in machines(catalog, person).values():
        value = value_of(MachineChoice(plan.profile_id, plan.options))
        told = of_plan(plan, catalog)
        same = like is not None and (like.profile_id, Amounts.of(like)) == (plan.profile_id, Amounts.of(plan))
        offered.append((value, " · ".join((told.name, *told.parts, told.price)), value == chosen or same))
    return tuple(Item(*each) for each in offered)


def lengths(catalog: Catalog, chosen: str) -> tuple[Item, ...]:
    most = max((each.longest.seconds for each in catalog.policies.reservations.values()), default=0)
    offered = sorted({*(minutes for minutes in LENGTHS if minutes * 60 <= most), most // 60})
    if chosen.isascii() and chosen.isdigit() and 0 < int(chosen[:6]) <= most // 60:
        offered = sorted({*offered, int(chosen[:6])})
    picked = chosen or str(USUAL if USUAL in offered else offered[0] if offered else "")
    return tuple(Item(str(each), Duration(each * 60).human, str(each) == picked) for each in offered)


def usual(now: datetime, timezone: str) -> tuple[str, str]:
    """The next full hour: day and clock."""
    local = (now + timedelta(hours=1)).astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d}", f"{local:%H}:00"


def found(outcome: tuple[Span, ...] | NotPossible, timezone: str) -> Found:
    if isinstance(outcome, NotPossible):
        return Found(f"{outcome.sentence} {outcome.remedy}")
    proposals = tuple(
        Proposal(_utc(begin), _utc(end), words.slot(begin, end, timezone)) for begin, end in outcome
    )
    return Found(words.proposals(outcome), proposals)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def mine(reservations: Iterable[Reservation], timezone: str, now: datetime) -> tuple[Own, ...]:
    """Those ahead first, then what is over, newest first."""
    ahead = [each for each in reservations if each.stands(now)]
    over = [each for each in reservations if not each.stands(now)]
    over.sort(key=lambda each: each.begins_at, reverse=True)
    return tuple(_own(each, timezone, now) for each in (*ahead, *over))


def _own(each: Reservation, timezone: str, now: datetime) -> Own:
    state, tone = state_of(each, now)
    begun = each.begins_at <= now
    return Own(
        id=each.id,
        machine=each.display_name,
        when=words.slot(each.begins_at, each.ends_at, timezone),
        takes=takes(each.amounts),
        note=each.note,
        state=state,
        tone=tone,
        stands=each.stands(now),
        end=("End it now" if begun else "Cancel") if each.stands(now) else "",
    )


def state_of(each: Reservation, now: datetime) -> tuple[str, str]:
    if each.over_at is not None and each.over_at < each.ends_at:
        if not each.over_by:
            return "Released, because nobody came", "bad"
        did = "Cancelled" if each.over_at <= each.begins_at else "Ended early"
        return did if each.over_by == each.user else f"{did} by {each.over_by}", "over"
    if not each.stands(now):
        return ("Used" if each.taken_at else "Over"), "over"
    if each.begins_at > now:
        return f"Begins {page_words.ahead(each.begins_at, now)}", "waiting"
    return ("In use" if each.taken_at else "Kept for you: start the machine"), "good"


def week(first: date, root: str, now: datetime, timezone: str) -> Week:
    last, today = first + timedelta(days=DAYS - 1), now.astimezone(ZoneInfo(timezone)).date()
    return Week(
        label=f"{first.day} {first:%B} to {last.day} {last:%B} {last.year}",
        earlier=f"{root}?{urlencode({'week': first - timedelta(days=DAYS)})}#rm-calendar",
        later=f"{root}?{urlencode({'week': first + timedelta(days=DAYS)})}#rm-calendar",
        this="" if first == today else f"{root}#rm-calendar",
    )


def query(typed: Typed) -> Iterator[tuple[str, str]]:
    """What the address of a search says."""
    yield from (("machine", typed.machine), ("day", typed.day), ("from", typed.clock), ("lasts", typed.minutes))
    if typed.note:
        yield "note", typed.note


def typed_of(fields: Mapping[str, str], now: datetime, timezone: str) -> Typed:
    """Cut to what a form can hold."""
    day, clock = usual(now, timezone)
    return Typed(
        machine=fields.get("machine", "")[:2000],
        day=(fields.get("day") or day)[:20],
        clock=(fields.get("from") or clock)[:20],
        minutes=fields.get("lasts", "")[:10],
        note=fields.get("note", "")[:2000],
    )
