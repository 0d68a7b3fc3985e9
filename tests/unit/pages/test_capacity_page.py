"""Who uses what: names as far as the reader may know, amounts by pool, quotas and budgets as bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub_extensions.capacity.view import FEW, NO_GATE, CapacityPage, Known, ShowHolders, Viewer, pools_of
from hub_extensions.page_frame.meters import Level, budget_meter, quota_meter, quota_meters, unique
from hub_extensions.page_frame.render import render
from hub_extensions.page_frame.share_words import left
from profiles.admission import decide
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.frozen import freeze
from profiles.lease import Charge, Lease, LeaseState, LeaveWhy, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.policy import Policies
from profiles.pots import Pot
from profiles.quantity import Money
from profiles.reservations import Reservation
from profiles.resolve import resolve
from profiles.snapshot import Snapshot
from profiles.waiting import Waiting
from tests.unit.pages.reading import Element, assert_accessible, read

HOUR = timedelta(hours=1)


def lease(user: str, now: datetime, *groups: str, gpus: int = 1, began: bool = True, **more: Any) -> Lease:
    return Lease(
        **{
            "id": f"{user}-{gpus}",
            "user": user,
            "groups": frozenset(groups),
            "server": "",
            "profile": "gpu",
            "display_name": "GPU",
            "pool": "gpu",
            "amounts": Amounts(1, 8000, 32 * 2**30, freeze({"nvidia.com/gpu": gpus})),
            "price_per_hour": Money(Decimal("2.5"), "EUR"),
            "state": LeaseState.RUNNING if began else LeaseState.HELD,
            "held_at": now - 2 * HOUR,
            "began_at": now - HOUR if began else None,
            "longest": 8 * HOUR,
            **more,
        }
    )


def page(catalog: Catalog, viewer: Viewer, now: datetime, *leases: Lease, **more: Any) -> Element:
    room = more.pop("room", None)
    view = CapacityPage(pools_of(leases, catalog, viewer, now, room), xsrf="x", action="/hub/capacity/ask", **more)
    return read(str(render("capacity.html", page=view)))


@pytest.mark.parametrize(
    ("viewer", "said"),
    [
        (Viewer("ada"), "somebody"),
        (Viewer("ada", frozenset({"ml-team"})), "somebody in ml-team"),
        (Viewer("ada", frozenset({"ml-team"}), shown=ShowHolders.GROUPS), "bea"),
        (Viewer("ada", frozenset({"astro"}), shown=ShowHolders.GROUPS), "somebody"),
        (Viewer("ada", shown=ShowHolders.EVERYONE), "bea"),
        (Viewer("root", sees_all=True), "bea"),
        (Viewer("bea"), "You"),
    ],
)
def test_a_holders_name_is_for_those_who_may_know_it(viewer: Viewer, said: str, now: datetime) -> None:
    """A group that the reader is not in is not told either."""
    assert viewer.holder(lease("bea", now, "ml-team", "secret")) == said


def test_who_holds_what_since_when_and_until_when(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, Viewer("ada"), now, lease("bea", now), lease("ada", now, began=False, gpus=2))
    assert_accessible(html)
    pool = html.one("section", data_rm_pool="gpu")
    rows = [row.text for row in pool.all("tr")[1:]]
    assert rows[0].startswith("You GPU 8 cores, 32 GiB of memory, 2 NVIDIA GPUs starting asked for 2 hours ago")
    assert rows[1].startswith("somebody GPU")
    assert "1 hour ago" in rows[1]
    assert "21:05 (UTC) at the latest" in rows[1]
    assert "bea" not in html.text
    assert "Nobody holds a machine here" in html.one("section", data_rm_pool="general").text


def test_of_many_machines_the_first_are_shown_and_the_others_unfold(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, Viewer("ada"), now, *(lease(f"user{each}", now) for each in range(FEW + 3)))
    assert_accessible(html)
    pool = html.one("section", data_rm_pool="gpu")
    assert [each.text for each in pool.all("summary") if "more" in each.text] == ["3 more"]
    assert len(pool.all("th", scope="row")) == FEW + 3


def test_closing_time_is_told_where_it_comes_first(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, Viewer("ada"), now, lease("bea", now, closes_at=now + HOUR / 2))
    assert "14:35 (UTC) at the latest" in html.one("section", data_rm_pool="gpu").text


def test_without_knowing_the_nodes_there_are_numbers_and_no_bars(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, Viewer("ada"), now, lease("bea", now), lease("cy", now, began=False, gpus=2))
    pool = html.one("section", data_rm_pool="gpu")
    assert not pool.all(role="meter")
    assert "GPUs 3 2 of that starting." in pool.text
    assert "Cores 16 8 of that starting." in pool.text


def test_with_the_nodes_it_says_what_is_free(catalog: Catalog, now: datetime) -> None:
    room = {"gpu": Amounts(0, 64000, 512 * 2**30, freeze({"nvidia.com/gpu": 4}))}
    html = page(catalog, Viewer("ada"), now, lease("bea", now), lease("cy", now, began=False, gpus=2), room=room)
    gpus = next(each for each in html.all(role="meter") if "GPU" in each["aria-label"])
    assert gpus["aria-label"] == "GPUs: 3 of 4 NVIDIA GPUs"
    assert gpus["aria-valuenow"] == "25"
    assert "1 free on the nodes there are now. 2 of that starting." in html.text


def test_what_somebody_else_runs_can_be_asked_for_without_learning_whose_it_is(
    catalog: Catalog, now: datetime
) -> None:
    bea, starting = lease("bea", now), lease("cy", now, began=False, gpus=2)
    html = page(catalog, Viewer("ada"), now, bea, starting, lease("ada", now, gpus=4), typed={"bea-1": "<b>Please</b>"})
    assert_accessible(html)
    [form] = html.all("form")
    assert form["action"] == "/hub/capacity/ask"
    assert form.one("input", name="lease")["value"] == "bea-1"
    assert form.one("textarea").text == "<b>Please</b>"
    assert html.one("details").has("open"), "what was typed into an ask that was refused is seen again"
    assert html.one("summary").text == "Ask for it : GPU of somebody, since 13:05 (UTC)"


def test_a_machine_of_a_pool_that_is_no_longer_in_the_catalog(catalog: Catalog, now: datetime) -> None:
    pools = pools_of([lease("bea", now, pool="old")], catalog, Viewer("ada"), now)
    assert [pool.pool_id for pool in pools] == ["general", "gpu", "old"]


def test_without_a_gate_the_page_says_so(catalog: Catalog, now: datetime) -> None:
    html = read(str(render("capacity.html", page=CapacityPage((), notice=NO_GATE))))
    assert "keeps no account" in html.text
    assert_accessible(html)


def test_what_people_write_stays_text(nasty_catalog: Catalog, nasty: str, now: datetime) -> None:
    held = lease(nasty, now, pool="p", display_name=nasty)
    html = page(nasty_catalog, Viewer("root", sees_all=True), now, held)
    assert not html.all("script")
    assert nasty in html.text


class TestMeters:
    POLICIES = Policies.model_validate(
        {
            "quotas": {"mine": {"per": "user", "gpus": 4, "servers": 3}, "team": {"per": "group", "gpus": 8}},
            "budgets": {"money": {"per": "user", "money": 200}, "all": {"per": "hub", "gpuHours": 100}},
        }
    )

    def seen(self, catalog: Catalog, now: datetime, spent: str = "0") -> Any:
        ada = Person("ada", frozenset({"ml-team"}))
        book = LeaseBook([lease("ada", now, "ml-team", gpus=3)])
        used = {Pot("money", "user", "ada"): Charge(0, 0, int(Decimal(spent) * 1_000_000))}
        asked = []
        for profile in ("small", "gpu"):
            plan = resolve(catalog, MachineChoice(profile), ada)
            assert isinstance(plan, MachinePlan)
            asked.append(Request.of("foreseen", ada, "", plan))
        return unique(decide(each, Snapshot(book, used), self.POLICIES, now) for each in asked)

    def test_a_rule_for_some_machines_names_them(self, catalog: Catalog, now: datetime) -> None:
        policies = {"quotas": {"few": {"per": "user", "servers": 1, "profiles": ["gpu", "gone"], "pools": ["gpu"]}}}
        limited = catalog.model_copy(update={"policies": Policies.model_validate(policies)})
        plan = resolve(catalog, MachineChoice("gpu"), Person("ada"))
        assert isinstance(plan, MachinePlan)
        decision = decide(Request.of("x", Person("ada"), "", plan), Snapshot(LeaseBook()), limited.policies, now)
        [meter] = quota_meters(unique([decision])[0], limited, "bea")
        assert meter.label == "ada, on GPU, gone, GPU nodes"

    def test_what_can_be_reserved_is_told_apart_only_where_it_differs(self, catalog: Catalog, now: datetime) -> None:
        plan = resolve(catalog, MachineChoice("gpu"), Person("ada"))
        assert isinstance(plan, MachinePlan)

        def said(reservable: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
            rules = {
                "quotas": {"gpus": {"per": "hub", "gpus": 3, "profiles": ["gpu"]}},
                "reservations": {"gpus": {"gpus": reservable, "profiles": ["gpu"]}},
            }
            limited = catalog.model_copy(update={"policies": Policies.model_validate(rules)})
            decision = decide(Request.of("x", Person("ada"), "", plan), Snapshot(LeaseBook()), limited.policies, now)
            shown = quota_meters(unique([decision])[0], limited, "ada")
            return left(decision, "EUR"), tuple(f"{each.label}: {each.figure}" for each in shown)

        assert said(3) == (("Everybody together: 3 of 3 GPUs free",), ("Everybody together, on GPU: 0 of 3 GPUs",))
        assert said(2) == (
            ("Everybody together: 3 of 3 GPUs free", "Everybody together, that can be reserved: 2 of 2 GPUs free"),
            (
                "Everybody together, on GPU: 0 of 3 GPUs",
                "Everybody together, on GPU, that can be reserved: 0 of 2 GPUs",
            ),
        )

    def test_a_machines_own_quota_has_its_name(self, catalog: Catalog, now: datetime) -> None:
        rules = {"quotas": {"few": {"per": "profile", "servers": 1}}}
        limited = catalog.model_copy(update={"policies": Policies.model_validate(rules)})
        plan = resolve(catalog, MachineChoice("small"), Person("ada"))
        assert isinstance(plan, MachinePlan)
        decision = decide(Request.of("x", Person("ada"), "", plan), Snapshot(LeaseBook()), limited.policies, now)
        [meter] = quota_meters(unique([decision])[0], limited, "ada")
        assert meter.label == f"Everybody on {catalog.profiles['small'].display_name}"

    def test_what_those_in_line_come_first_for_is_not_left(self, catalog: Catalog, now: datetime) -> None:
        """As the card of the machine that wants it says; one that wants none of it overtakes nobody, and hears more."""
        rules = Policies.model_validate({"quotas": {"gpus": {"per": "hub", "gpus": 4}}})
        requests = [
            Request.of("x", Person(name), "", plan)
            for name, profile in (("ada", "small"), ("ada", "gpu"), ("bea", "gpu"))
            if isinstance(plan := resolve(catalog, MachineChoice(profile), Person(name)), MachinePlan)
        ]
        bea = replace(requests.pop(), amounts=Amounts(1, 8000, 32 * 2**30, {"nvidia.com/gpu": 2}))
        line = (Waiting(id="bea", request=bea, joined_at=now, pot=Pot("gpus", "hub")),)
        snapshot = Snapshot(LeaseBook([lease("cy", now, gpus=2)]), waiting=line)
        decisions = [decide(each, snapshot, rules, now) for each in requests]
        [standing] = unique(decisions)[0]
        assert f"Everybody together: {standing.left} of 4 GPUs free" in left(decisions[1], "EUR")
        meter = quota_meter(standing, "ada")
        kept = "2 kept for others, who reserved it or come first in line."
        assert (meter.figure, meter.said) == ("2 of 4 GPUs", f"Nothing is left for another machine. {kept}")

    def test_every_pot_once(self, catalog: Catalog, now: datetime) -> None:
        standings, balances = self.seen(catalog, now)
        meters = [quota_meter(each, "ada") for each in standings]
        assert [(each.label, each.figure, each.percent) for each in meters] == [
            ("You", "1 of 3 servers", 33),
            ("You", "3 of 4 GPUs", 75),
            ("ml-team", "3 of 8 GPUs", 37),
        ]
        assert [(each.pot.pot.rule) for each in balances] == ["money", "all"]

    @pytest.mark.parametrize(
        ("spent", "level", "said"),
        [
            ("10", Level.CALM, "€180.00 left"),
            ("160", Level.WARNING, "More than 80 % is used. "),
            ("190", Level.DANGER, "More than 95 % is used. "),
            ("200", Level.DANGER, "It is used up. "),
        ],
    )
    def test_a_budget_warns_as_it_says(
        self, catalog: Catalog, now: datetime, spent: str, level: Level, said: str
    ) -> None:
        _, balances = self.seen(catalog, now, spent)
        meter = budget_meter(balances[0], "EUR", "ada")
        assert meter.level == level
        assert meter.said.startswith(said)
        assert "it begins anew on 1 April." in meter.said

    def test_a_budget_says_that_another_currency_is_in_it(self, catalog: Catalog, now: datetime) -> None:
        _, balances = self.seen(catalog, now, "10")
        said = budget_meter(replace(balances[0], others=("USD", "CHF")), "EUR", "ada").said
        assert said.endswith(" Some of it was billed in USD and CHF: such amounts count as they stand.")

    def test_a_month_ends_where_the_policies_are_at_home(self, catalog: Catalog, now: datetime) -> None:
        _, balances = self.seen(catalog, now, "10")
        west = budget_meter(balances[0], "EUR", "ada", timezone="America/New_York")
        assert "it begins anew on 31 March." in west.said

    def test_what_runs_is_used_and_set_aside(self, catalog: Catalog, now: datetime) -> None:
        _, balances = self.seen(catalog, now, "10")
        meter = budget_meter(balances[0], "EUR", "ada")
        assert meter.figure == "€12.50 of €200.00 this month"
        assert meter.said == "€180.00 left, €7.50 set aside for what runs; it begins anew on 1 April."
        assert (meter.percent, meter.ahead) == (6, 4)
        hours = budget_meter(balances[1], "EUR", "ada")
        assert (hours.label, hours.figure) == ("Everybody together", "3 of 100 GPU hours this month")


def test_what_is_reserved_now_and_next_as_far_as_the_reader_may_know(catalog: Catalog, now: datetime) -> None:
    there = [
        booked("later", "ada", now + 5 * HOUR),
        booked("now", "bea", now - HOUR),
        booked("over", "bea", now - 5 * HOUR),
        *(booked(f"more{n}", "bea", now + (6 + n) * HOUR) for n in range(9)),
    ]
    known = Known(there, timezone="Europe/Berlin")
    [pool] = [each for each in pools_of([], catalog, Viewer("ada"), now, known=known) if each.pool_id == "gpu"]
    assert [(each.who, each.now, each.mine) for each in pool.booked[:2]] == [
        ("somebody", True, False), ("You", False, True),
    ]  # fmt: skip
    assert pool.booked[0].when == "Mon 2 Mar, 14:05 to 16:05"
    assert len(pool.booked) == 4
    view = CapacityPage((pool,), calendar="/hub/reservations", timezone="Europe/Berlin")
    html = read(str(render("capacity.html", page=view)))
    assert_accessible(html)
    assert "times are in Europe/Berlin" in html.text
    assert "bea" not in html.text


def booked(name: str, user: str, begins_at: datetime) -> Reservation:
    return Reservation(
        id=name,
        rule="gpus",
        user=user,
        groups=frozenset(),
        profile="gpu",
        display_name="GPU",
        amounts=Amounts(1, 8000, 32 * 2**30, freeze({"nvidia.com/gpu": 1})),
        begins_at=begins_at,
        ends_at=begins_at + 2 * HOUR,
        made_at=begins_at - 24 * HOUR,
    )


def test_borrowed_unused_and_what_makes_room(catalog: Catalog, now: datetime) -> None:
    leases = [
        lease("ada", now, id="a", leaves_at=now + HOUR, leaves_why=LeaveWhy.LENT),
        lease("bea", now, id="b", leaves_at=now + HOUR, leaves_why=LeaveWhy.RESERVED),
        lease("cat", now, id="c"),
        lease("dan", now, id="kept:d", began=False, leaves_at=now + HOUR, leaves_why=LeaveWhy.KEPT),
    ]
    known = Known(borrowed={"a"}, unused={"c"})
    [pool] = [each for each in pools_of(leases, catalog, Viewer("ada"), now, known=known) if each.pool_id == "gpu"]
    assert {each.machine and (each.who, each.notes, each.kept) for each in pool.holdings} == {
        ("You", ("borrowed from what others leave idle", "given back to those it belongs to"), False),
        ("somebody", ("reserved by others from then on",), False),
        ("somebody", ("its GPUs have done nothing so far",), False),
        ("somebody", (), True),
    }
    known = Known([booked("r", "ada", now + HOUR), booked("s", "cat", now + 4 * HOUR)])
    [pool] = [each for each in pools_of(leases, catalog, Viewer("ada"), now, known=known) if each.pool_id == "gpu"]
    assert ("reserved by you from then on",) in [each.notes for each in pool.holdings]
    html = str(render("capacity.html", page=CapacityPage((pool,), xsrf="x", action="/hub/capacity/ask")))
    assert "kept, not started yet" in html
    assert_accessible(read(html))
