"""Which plots a comparison gets: waiting, pools over the day, cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from profiles.simulation import svg
from profiles.simulation.figures import Figures, time_shares
from profiles.simulation.outcome import Moment, Outcome
from profiles.simulation.tables import span

#: Parts of the span in plots over time: a quarter of an hour of a day.
BINS = 96
MOST_GROUPS = 8
MOST_PANELS = 4
MINUTES = (0, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 960, 1920)

Compared = Sequence[tuple[Figures, Outcome]]


def charts(compared: Compared) -> dict[str, str]:
    """SVG by name of the file, without `.svg`; no utilisation where no pool has a limit, no line where nobody stood."""
    made = {"waiting": waiting(compared)}
    if any(outcome.limited for _, outcome in compared):
        made["utilisation"] = utilisation(compared)
    if any(outcome.line for _, outcome in compared):
        made["line"] = line(compared)
    return {**made, "machines": machines(compared), "cost": cost(compared)}


def waiting(compared: Compared) -> str:
    """How many of all who came had their machine within so long; who never got one is above the curve's end."""
    longest = max((figures.waits.longest for figures, _ in compared), default=0) / 60
    most = next((minutes for minutes in MINUTES if minutes and minutes >= longest), MINUTES[-1])
    panels = [
        svg.Panel(
            compared[0][1].catalog.pools[pool].display_name or pool,
            [svg.Curve(each.name, _within(day, pool, most), tone) for tone, (each, day) in enumerate(compared)],
        )
        for pool in _visited(compared[0][1])
    ]
    least = min((share for panel in panels for curve in panel.curves for _, share in curve.points), default=0.0)
    floor = int(max(0.0, least - 0.02) * 10)
    ticks = [tick / 10 for tick in range(floor, 11)]
    y = svg.Axis("have their machine", 1.0, ticks if len(ticks) < 8 else ticks[::-2][::-1], "{:.0%}".format, floor / 10)
    return svg.panels("Waiting, from the first click until there is room", panels, _minutes(most, len(panels)), y)


def _visited(outcome: Outcome) -> list[str]:
    """The pools that most come to, in the catalog's order."""
    visits = Counter(story.pool for story in outcome.stories if story.pool)
    most = {pool for pool, _ in visits.most_common(MOST_PANELS)}
    return [pool for pool in outcome.pools if pool in most]


def utilisation(compared: Compared) -> str:
    """Of cores, memory and devices the scarcest, pool by pool, a panel for each policy file."""
    panels = [
        svg.Panel(figures.name, [_over_time(outcome, pool, 0) for pool in outcome.pools if pool in outcome.limited])
        for figures, outcome in compared
    ]
    y = svg.axis("in use", 1.0, "{:.0%}".format, steps=4)
    return svg.panels("Utilisation of pools", panels, _clock(compared[0][1]), y)


def line(compared: Compared) -> str:
    """How many stand in line over the day, those who were called not among them."""
    curves = []
    for tone, (figures, outcome) in enumerate(compared):
        moments = [Moment(at, 0, 0.0, count) for at, count in outcome.line]
        shares = time_shares(moments, outcome.begin, outcome.end, BINS)
        curves.append(svg.Curve(figures.name, _points(outcome, [waiting for _, _, waiting in shares]), tone))
    most = max((y for curve in curves for _, y in curve.points), default=1.0)
    title = "People in line for what others have"
    return svg.panels(title, [svg.Panel("", curves)], _clock(compared[0][1]), svg.axis("people", most, steps=4))


def machines(compared: Compared) -> str:
    panels = [
        svg.Panel(figures.name, [_over_time(outcome, pool, 1) for pool in outcome.pools])
        for figures, outcome in compared
    ]
    most = max((y for panel in panels for curve in panel.curves for _, y in curve.points), default=1.0)
    return svg.panels("Machines running", panels, _clock(compared[0][1]), svg.axis("machines", most, steps=4))


def cost(compared: Compared) -> str:
    """The dearest groups of the first file, and all together."""
    groups = list(dict.fromkeys(group for figures, _ in compared for group in figures.cost_by_group))[:MOST_GROUPS]
    rows = [("everybody", [float(figures.cost.amount) for figures, _ in compared])]
    for group in groups:
        spent = [figures.cost_by_group.get(group) for figures, _ in compared]
        rows.append((group, [0.0 if money is None else float(money.amount) for money in spent]))
    currency = compared[0][0].cost.currency
    names = [f"{figures.name}: {figures.cost.human}" for figures, _ in compared]
    x = svg.axis(f"cost in {currency}; somebody in two groups counts in both", max(rows[0][1]), "{:,.0f}".format)
    return svg.bars("Cost by group", rows, names, x)


def _within(outcome: Outcome, pool: str, most: float) -> list[tuple[float, float]]:
    stories = [story for story in outcome.stories if story.pool == pool]
    waits = sorted(story.waited.total_seconds() / 60 for story in stories if story.waited is not None)
    count = max(1, len(stories))
    points = [(0.0, sum(wait <= 0 for wait in waits) / count)]
    for place, wait in enumerate(waits, start=1):
        if wait > 0:
            points += [(_spread(wait, most), points[-1][1]), (_spread(wait, most), place / count)]
    return [*points, (1.0, points[-1][1])]


def _spread(minutes: float, most: float) -> float:
    """Square root: an hour and a minute can both be seen."""
    return float((minutes / most) ** 0.5) if most else 0.0


def _minutes(most: float, panels: int) -> svg.Axis:
    shown: list[float] = []
    for each in MINUTES:
        at = _spread(each, most)
        if each <= most and (not shown or at - shown[-1] > 0.09 * panels):
            shown.append(at)
    return svg.Axis("waited at most", 1.0, shown, lambda at: span(round(at * at * most * 60)))


def _over_time(outcome: Outcome, pool: str, which: int) -> svg.Curve:
    values = time_shares(outcome.pools[pool], outcome.begin, outcome.end, BINS)
    points = _points(outcome, [value[which] for value in values])
    return svg.Curve(outcome.catalog.pools[pool].display_name or pool, points, list(outcome.pools).index(pool))


def _points(outcome: Outcome, values: Sequence[float]) -> list[tuple[float, float]]:
    hours = (outcome.end - outcome.begin).total_seconds() / 3600
    return [((place + 0.5) * hours / BINS, value) for place, value in enumerate(values)]


def _clock(outcome: Outcome) -> svg.Axis:
    """Hours of one day by the clock, days by their date, where the policies' day is."""
    hours = (outcome.end - outcome.begin).total_seconds() / 3600
    zone = ZoneInfo(outcome.catalog.policies.timezone)

    def local(hour: float) -> datetime:
        return (outcome.begin + timedelta(hours=hour)).astimezone(zone)

    if hours <= 49:
        ticks = [float(hour) for hour in range(0, int(hours) + 1, 6)]
        return svg.Axis(f"time of day, {zone.key}", hours, ticks, lambda hour: f"{local(hour):%H:%M}")
    step = 24.0 * max(1, -(-int(hours / 24) // 6))
    ticks = [number * step for number in range(int(hours / step) + 1)]
    return svg.Axis(f"day, {zone.key}", hours, ticks, lambda hour: f"{local(hour).day} {local(hour):%b}")


