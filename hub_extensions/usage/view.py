"""PURE: sums and sessions -> the page "Usage and cost"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import quote, urlencode

from hub_extensions.measured.figures import Efficiency, Measured
from hub_extensions.measured.words import NOT_MEASURED, cores_used, gpus_used, memory_used, shares_of
from hub_extensions.page_frame import words
from hub_extensions.page_frame.machine_words import Moment
from hub_extensions.page_frame.meters import Meter
from hub_extensions.page_frame.notice import Notice
from hub_extensions.usage.scope import PERIODS, Period, Whose
from hub_extensions.usage.sums import Bar, so_far, total_of
from profiles.frozen import EMPTY
from profiles.lease import Charge, EndReason, Entry, Lease
from profiles.quantity import Money

#: The plot is drawn in a box of so many units; the browser makes it as wide as the page.
PLOT_WIDTH, PLOT_HEIGHT = 720, 140
CENT = Decimal("0.01")
#: So many sessions, and so many of them at once; the others unfold.
MANY, FEW = 200, 30

ENDS = {
    EndReason.STOPPED: "stopped",
    EndReason.CULLED: "stopped, nobody used it",
    EndReason.OUT_OF_BUDGET: "stopped, the budget was used up",
    EndReason.TIME_OVER: "stopped at the end of its time",
    EndReason.GIVEN_BACK: "given back to whom it was promised",
    EndReason.ENDED: "ended by itself",
    EndReason.NEVER_RAN: "never came up",
    EndReason.LOST: "gone while the hub was away",
}


@dataclass(frozen=True)
class Link:
    label: str
    href: str
    here: bool


@dataclass(frozen=True)
class Figures:
    """One row of sums. `cores`, `memory` and `gpus` are used of what there was."""

    label: str
    machine_hours: str
    gpu_hours: str
    money: str
    href: str = ""
    cores: str = NOT_MEASURED
    memory: str = ""
    gpus: str = ""


@dataclass(frozen=True)
class Session:
    machine: str
    who: str
    began: Moment | None
    ended: Moment | None
    how: str
    lasted: str
    money: str
    href: str = ""
    cores: str = NOT_MEASURED
    memory: str = ""
    gpus: str = ""

    @property
    def running(self) -> bool:
        return self.ended is None


@dataclass(frozen=True)
class PlotBar:
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True)
class Plot:
    """`most` is what the highest bar stands for."""

    title: str
    summary: str
    most: str
    first: str
    last: str
    bars: tuple[PlotBar, ...]
    width: int = PLOT_WIDTH
    height: int = PLOT_HEIGHT


@dataclass(frozen=True)
class UsagePage:
    heading: str
    lead: str
    people: tuple[Link, ...]
    periods: tuple[Link, ...]
    total: Figures
    plot: Plot | None
    budgets: tuple[Meter, ...] = ()
    sessions: tuple[Session, ...] = ()
    shows_sessions: bool = False
    shows_people: bool = False
    users: tuple[Figures, ...] = ()
    groups: tuple[Figures, ...] = ()
    csv_href: str = ""
    cut: bool = False
    few: int = FEW
    notice: Notice | None = None


def heading_of(whose: Whose, me: str) -> str:
    if whose.kind == "everybody":
        return "Usage and cost of everybody"
    return "Your usage and cost" if whose == Whose("user", me) else f"Usage and cost of {whose.name}"


def figures(
    label: str, used: Charge, currency: str, href: str = "", efficiency: Efficiency | None = None
) -> Figures:
    return Figures(
        label, hours(used.hours), hours(used.gpu_hours), paid(used, currency), href, *shares_of(efficiency)
    )


def hours(value: Decimal) -> str:
    """`12.5`, `0.02`: one decimal from ten on, two below, so that minutes do not vanish."""
    step = Decimal("0.1") if value >= 10 else Decimal("0.01")
    text = f"{value.quantize(step):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def paid(used: Charge, currency: str) -> str:
    """`€0.88`; `under €0.01`, as home says of what has only begun."""
    cost = cents(used.money)
    return f"under {Money(CENT, currency).human}" if used.micros and not cost else Money(cost, currency).human


def rows(  # noqa: PLR0913, PLR0917 (who used what, and where it is)
    sums: Mapping[str, Charge],
    currency: str,
    kind: str,
    period: Period,
    base: str,
    efficiency: Mapping[str, Efficiency] = EMPTY,
) -> tuple[Figures, ...]:
    """The dearest first; each leads to its own page."""
    return tuple(
        figures(name, used, currency, address(base, f"{kind}:{name}", period.days), efficiency.get(name))
        for name, used in sums.items()
    )


def address(base: str, whose: str, days: int) -> str:
    return f"{base}?{urlencode({'of': whose, 'days': days})}"


def people_links(  # noqa: PLR0913, PLR0917 (who reads what, and where it is)
    whose: Whose, period: Period, me: str, groups: Iterable[str], sees_all: bool, base: str
) -> tuple[Link, ...]:
    known = [("Mine", Whose("user", me)), *((name, Whose("group", name)) for name in sorted(groups))]
    if sees_all:
        known.append(("Everybody", Whose("everybody")))
    links = [Link(label, address(base, str(each), period.days), each == whose) for label, each in known]
    if not any(link.here for link in links):
        links.append(Link(whose.name, address(base, str(whose), period.days), True))
    return tuple(links)


def period_links(whose: Whose, period: Period, base: str) -> tuple[Link, ...]:
    return tuple(Link(f"{days} days", address(base, str(whose), days), days == period.days) for days in PERIODS)


def sessions(  # noqa: PLR0913, PLR0917 (what there is, and where and when it is read)
    entries: Sequence[Entry],
    running: Sequence[Lease],
    now: datetime,
    measured: Mapping[str, Measured] = EMPTY,
    base: str = "",
    timezone: str = "UTC",
) -> tuple[Session, ...]:
    """What runs first, with what it has used so far; then what is over, newest first. Each leads to its receipt."""
    going = tuple(
        Session(
            machine=lease.display_name,
            who=lease.user,
            began=_moment(lease.began_at, now, timezone),
            ended=None,
            how="running",
            lasted=words.duration(lease.ran(now).total_seconds()),
            money=paid(so_far(lease, now), lease.price_per_hour.currency),
            **_used(lease, measured, base, running=True),
        )
        for lease in running
    )
    return going + tuple(
        Session(
            machine=entry.lease.display_name,
            who=entry.lease.user,
            began=_moment(entry.lease.began_at, now, timezone),
            ended=Moment.past(entry.ended_at, now, timezone),
            how=ENDS[entry.reason],
            lasted=words.duration(entry.charge.seconds),
            money=paid(entry.charge, entry.lease.price_per_hour.currency),
            **_used(entry.lease, measured, base),
        )
        for entry in entries
    )


def _used(
    lease: Lease, measured: Mapping[str, Measured], base: str, *, running: bool = False
) -> dict[str, str]:
    one = measured.get(lease.id)
    return {
        "href": f"{base}/receipt/{quote(lease.id, safe='')}" if base and lease.began_at else "",
        "cores": cores_used(one, running=running),
        "memory": memory_used(one),
        "gpus": gpus_used(one, lease.amounts.gpus),
    }


def _moment(at: datetime | None, now: datetime, timezone: str) -> Moment | None:
    return Moment.past(at, now, timezone) if at is not None else None


def plot(drawn: Sequence[Bar], currency: str) -> Plot | None:
    """Money where anything costs, else hours of machines; nothing where nothing ran."""
    total = total_of(bar.charge for bar in drawn)
    if not total.seconds:
        return None
    costs = bool(total.micros)
    values = [bar.charge.micros if costs else bar.charge.seconds for bar in drawn]
    most, step = max(values), PLOT_WIDTH / len(drawn)
    weekly = len(drawn) > 1 and drawn[1].begins - drawn[0].begins == timedelta(days=7)
    unit, gap = "week" if weekly else "day", min(4.0, step / 4)

    def said(bar: Bar) -> str:
        return Money(bar.charge.money, currency).human if costs else f"{hours(bar.charge.hours)} machine hours"

    made = tuple(
        PlotBar(
            x=round(place * step + gap / 2, 2),
            y=round(PLOT_HEIGHT - (height := max(2.0, PLOT_HEIGHT * value / most) if value else 0.0), 2),
            width=round(step - gap, 2),
            height=round(height, 2),
            said=f"{_day(bar.begins)}: {said(bar)}",
        )
        for place, (bar, value) in enumerate(zip(drawn, values, strict=True))
    )
    highest = drawn[values.index(most)]
    what = "Cost" if costs else "Machine hours"
    return Plot(
        title=f"{what} per {unit}",
        summary=f"{what} per {unit}; most, {said(highest)}, on {_day(highest.begins)}.",
        most=said(highest),
        first=_day(drawn[0].begins),
        last=_day(drawn[-1].begins),
        bars=made,
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
