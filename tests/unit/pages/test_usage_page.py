"""Usage and cost: who may see what, sums by day, sessions as receipts, and the plot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.page_frame.render import render
from hub_extensions.usage import sums
from hub_extensions.usage.scope import Period, Whose, may_see, may_see_each
from hub_extensions.usage.view import (
    ENDS,
    FEW,
    UsagePage,
    figures,
    heading_of,
    hours,
    paid,
    people_links,
    period_links,
    plot,
    rows,
    sessions,
)
from profiles.cost import by_hour, charge
from profiles.lease import Charge, EndReason, Entry, Lease
from tests.unit.pages.reading import Element, assert_accessible, read
from tests.unit.pages.test_capacity_page import lease

HOUR = timedelta(hours=1)
ME = Whose("user", "ada")


@dataclass(frozen=True)
class Hour:
    subject: str
    hour: datetime
    charge: Charge


def ended(one: Lease, ran: timedelta, reason: EndReason = EndReason.STOPPED) -> Entry:
    assert one.began_at is not None
    return Entry(lease=one, ended_at=one.began_at + ran, reason=reason, charge=charge(one, ran))


def hours_of(entry: Entry) -> list[Hour]:
    assert entry.lease.began_at is not None
    return [Hour(entry.lease.user, *part) for part in by_hour(entry.lease, entry.lease.began_at, entry.ended_at)]


def period(now: datetime, days: int = 7, zone: str = "UTC") -> Period:
    found = Period.parse(str(days), now, zone)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("", ME),
        ("me", ME),
        ("user:bea", Whose("user", "bea")),
        ("group:ml:team", Whose("group", "ml:team")),
        ("everybody", Whose("everybody")),
        ("group:", None),
        ("somebody", None),
        ("hub:x", None),
    ],
)
def test_whose(text: str, whose: Whose | None) -> None:
    assert Whose.parse(text, "ada") == whose


@pytest.mark.parametrize(
    ("whose", "seen", "each"),
    [
        (ME, True, True),
        (Whose("user", "bea"), False, False),
        (Whose("group", "ml-team"), True, False),
        (Whose("group", "other"), False, False),
        (Whose("everybody"), False, False),
    ],
)
def test_who_may_see_what(whose: Whose, seen: bool, each: bool) -> None:
    assert may_see(whose, "ada", {"ml-team"}, sees_all=False) is seen
    assert may_see_each(whose, "ada", sees_all=False) is each
    assert may_see(whose, "root", (), sees_all=True)
    assert may_see_each(whose, "root", sees_all=True)


class TestPeriods:
    def test_whole_days_of_the_time_zone(self, now: datetime) -> None:
        assert period(now, 1, "Europe/Berlin").since == datetime(2026, 3, 1, 23, tzinfo=UTC)

    def test_over_a_change_of_clocks(self) -> None:
        spring = datetime(2026, 3, 30, 12, tzinfo=UTC)
        assert period(spring, 3, "Europe/Berlin").since == datetime(2026, 3, 27, 23, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["0", "-1", "x", "1001", "9999999999999", "٣"])
    def test_nonsense_is_refused(self, text: str, now: datetime) -> None:
        assert Period.parse(text, now, "UTC") is None

    def test_thirty_days_unless_said_otherwise(self, now: datetime) -> None:
        usual = Period.parse("", now, "UTC")
        assert usual is not None
        assert usual.days == 30


class TestSums:
    def test_each_day_has_its_part_of_a_run_and_of_what_still_runs(self, now: datetime) -> None:
        midnight = now.replace(hour=0, minute=0)
        over = ended(lease("ada", now, began_at=midnight - 2 * HOUR), 3 * HOUR)
        running = lease("ada", now, gpus=2, began_at=now - HOUR)
        drawn = sums.bars(hours_of(over), [running], period(now, 3), now)
        assert [bar.begins.day for bar in drawn] == [28, 1, 2]
        assert [bar.charge.hours for bar in drawn] == [0, 2, 2]
        assert [bar.charge.gpu_hours for bar in drawn] == [0, 2, 3]
        assert drawn[2].charge.money == Decimal("5.00")

    def test_what_ran_before_the_period_is_left_out(self, now: datetime) -> None:
        old = lease("ada", now, began_at=now - timedelta(days=40))
        drawn = sums.bars([], [old], period(now, 2), now)
        assert sums.total_of(bar.charge for bar in drawn).seconds == int((now - period(now, 2).since).total_seconds())

    def test_a_year_is_drawn_by_the_week(self, now: datetime) -> None:
        drawn = sums.bars([], [lease("ada", now)], period(now, 365), now)
        assert len(drawn) == 53
        assert drawn[-1].charge.hours == 1

    def test_the_dearest_first_and_groups_count_their_members(self, now: datetime) -> None:
        ada, bea = lease("ada", now, "a", "b"), lease("bea", now, "b")
        over = hours_of(ended(bea, HOUR))
        assert list(sums.by_user(over, [ada, bea], period(now), now)) == ["bea", "ada"]
        by_group = sums.by_group([], [ada, bea], period(now), now)
        assert {name: used.hours for name, used in by_group.items()} == {"b": 2, "a": 1}

    @pytest.mark.parametrize(
        ("whose", "who"),
        [(ME, ["ada"]), (Whose("group", "b"), ["bea", "ada"]), (Whose("everybody"), ["bea", "ada", "cy"])],
    )
    def test_what_runs_of_whom(self, whose: Whose, who: list[str], now: datetime) -> None:
        running = [
            lease("cy", now, began_at=now - 3 * HOUR),
            lease("ada", now, "b", began_at=now - 2 * HOUR),
            lease("bea", now, "b"),
            lease("dan", now, "b", began=False),
        ]
        assert [each.user for each in sums.running_of(running, whose)] == who


def view(now: datetime, *entries: Entry, running: tuple[Lease, ...] = (), **more: Any) -> UsagePage:
    used = [hour for entry in entries for hour in hours_of(entry)]
    drawn = sums.bars(used, running, period(now), now)
    made = UsagePage(
        heading=heading_of(ME, "ada"),
        lead="",
        people=people_links(ME, period(now), "ada", {"ml-team"}, False, "/hub/usage"),
        periods=period_links(ME, period(now), "/hub/usage"),
        total=figures("In 7 days", sums.total_of(bar.charge for bar in drawn), "EUR"),
        plot=plot(drawn, "EUR"),
        sessions=sessions(entries, running, now),
        shows_sessions=True,
        csv_href="/hub/usage.csv?of=user%3Aada&days=7",
    )
    return replace(made, **more)


def page(shown: UsagePage) -> Element:
    html = read(str(render("usage.html", page=shown)))
    assert_accessible(html)
    return html


class TestPage:
    def test_receipts(self, now: datetime) -> None:
        over = ended(lease("ada", now, began_at=now - 5 * HOUR), timedelta(minutes=90), EndReason.CULLED)
        html = page(view(now, over, running=(lease("ada", now, gpus=2),)))
        first, second = [row.text for row in html.one("section", aria_labelledby="rm-sessions").all("tr")[1:]]
        assert first == "GPU 13:05 (UTC) running 1 hour €2.50 so far not yet – –"
        assert second == "GPU 09:05 (UTC) 10:35 (UTC) stopped, nobody used it 1 h 30 min €3.75 not measured – –"
        total = html.one("section", aria_labelledby="rm-total").all("dd")
        assert [dd.text for dd in total] == ["2.5", "3.5", "€6.25", "not measured"]

    def test_a_start_that_never_came_up_costs_nothing_and_is_told(self, now: datetime) -> None:
        never = Entry(lease=lease("ada", now, began=False), ended_at=now, reason=EndReason.NEVER_RAN)
        html = page(view(now, sessions=sessions([never], [], now)))
        assert "– 14:05 (UTC) never came up 0 seconds €0.00" in html.text

    def test_of_many_the_first_are_shown_and_the_others_unfold(self, now: datetime) -> None:
        running = [lease("ada", now, id=str(each)) for each in range(FEW + 12)]
        used = {f"user{each}": Charge(60, 0, 6_000_000) for each in range(FEW + 1)}
        people = rows(used, "EUR", "user", period(now), "/hub/usage")
        html = page(view(now, sessions=sessions([], running, now), users=people))
        for about, more in (("rm-sessions", "12 more"), ("rm-people", "1 more")):
            section = html.one("section", aria_labelledby=about)
            assert section.one("summary").text == more
            assert len(section.all("th", scope="row")) == (FEW + 12 if about == "rm-sessions" else FEW + 1)
        assert html.text.index("1 more") < html.text.index("12 more"), "sums come before single sessions"

    def test_what_is_less_than_a_cent_is_not_nothing(self) -> None:
        micros = (0, 1, 4_999, 5_000, 880_000)
        said = ["€0.00", "under €0.01", "under €0.01", "€0.01", "€0.88"]
        assert [paid(Charge(1, 0, each), "EUR") for each in micros] == said

    def test_links_say_where_one_is(self, now: datetime) -> None:
        html = page(view(now))
        assert [a.text for a in html.all("a", aria_current="page")] == ["Mine", "7 days"]
        assert html.one("a", download="")["href"] == "/hub/usage.csv?of=user%3Aada&days=7"
        assert "Everybody" not in html.text

    def test_for_an_administrator_people_and_groups_lead_to_their_own_pages(self, now: datetime) -> None:
        used = sums.by_user([], [lease("bea", now)], period(now), now)
        html = page(view(now, users=rows(used, "EUR", "user", period(now), "/hub/usage")))
        assert html.one("section", aria_labelledby="rm-people").one("a")["href"] == "/hub/usage?of=user%3Abea&days=7"
        links = people_links(Whose("user", "bea"), period(now), "root", (), True, "/hub/usage")
        assert [(link.label, link.here) for link in links] == [("Mine", False), ("Everybody", False), ("bea", True)]

    def test_nothing_ran(self, now: datetime) -> None:
        html = page(view(now))
        assert "No machine has run in this time" in html.text
        assert not html.all("svg")

    def test_what_people_write_stays_text(self, nasty: str, now: datetime) -> None:
        html = page(view(now, ended(lease("ada", now, display_name=nasty), HOUR), heading=nasty))
        assert not html.all("script")
        assert nasty in html.text


class TestPlot:
    def test_the_highest_bar_is_as_high_as_the_plot_and_is_named(self, now: datetime) -> None:
        drawn = sums.bars([], [lease("ada", now), lease("bea", now, began_at=now - 16 * HOUR)], period(now, 2), now)
        made = plot(drawn, "EUR")
        assert made is not None
        assert made.title == "Cost per day"
        assert made.most == "€37.71"
        assert [round(bar.height) for bar in made.bars] == [18, 140]
        assert made.bars[1].said == "2 March 2026: €37.71"
        assert all(0 <= bar.y <= 140 and bar.y + bar.height == pytest.approx(140) for bar in made.bars)

    def test_free_machines_are_drawn_by_their_hours(self, now: datetime) -> None:
        free = sums.Bar(now.date(), Charge(7200, 0, 0))
        made = plot([free], "EUR")
        assert made is not None
        assert (made.title, made.most) == ("Machine hours per day", "2 machine hours")


@pytest.mark.parametrize(("value", "said"), [("0", "0"), ("0.016", "0.02"), ("2.5", "2.5"), ("1234.56", "1,234.6")])
def test_hours(value: str, said: str) -> None:
    assert hours(Decimal(value)) == said


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_has_words(reason: EndReason) -> None:
    assert ENDS[reason]
