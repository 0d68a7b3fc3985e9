"""What cards say of quotas and budgets, and which of them can be pressed: by the decision that the gate takes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from hub_extensions.spawn_page.form import render_cards
from hub_extensions.spawn_page.view import Card, Cards, Outlook, cards_for, on_offer, variants_of
from profiles.admission import Admit, Deny, decide
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.lease import Charge, Lease, LeaseState, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.person import Person
from profiles.policy import Policies
from profiles.pots import Pot
from profiles.quantity import Money
from profiles.snapshot import Snapshot
from tests.unit.pages.reading import Element, assert_accessible, read

ADA = Person("ada", frozenset({"ml-team"}))
TWO_GPUS = {"quotas": {"gpus": {"per": "user", "gpus": 2}}}


def outlook(catalog: Catalog, now: datetime, policies: dict[str, Any], *leases: Lease, **spent: str) -> Outlook:
    """`spent`: money by rule, of ada's pots."""
    rules = Policies.model_validate(policies)
    used = {Pot(rule, "user", "ada"): Charge(0, 0, int(Decimal(money) * 1_000_000)) for rule, money in spent.items()}
    snapshot = Snapshot(LeaseBook(leases), used)
    plans = on_offer(catalog, ADA)
    asked = {key: Request.of("foreseen", ADA, "", plan) for key, plan in plans.items()}
    return Outlook({key: decide(request, snapshot, rules, now) for key, request in asked.items()}, now)


def lease(now: datetime, user: str = "ada", gpus: int = 1) -> Lease:
    return Lease(
        id=f"{user}-{gpus}",
        user=user,
        groups=frozenset({"ml-team"}),
        server="other",
        profile="gpu",
        display_name="GPU",
        pool="gpu",
        amounts=Amounts(1, 8000, 32 * 2**30, {"nvidia.com/gpu": gpus}),
        price_per_hour=Money(Decimal("2.5"), "EUR"),
        state=LeaseState.RUNNING,
        held_at=now,
        began_at=now,
    )


def cards(catalog: Catalog, seen: Outlook, last: MachineChoice | None = None) -> Cards:
    made = cards_for(catalog, ADA, last, outlook=seen)
    return Cards(made.cards, made.verb, live="/hub/remuda/shares/ada")


def card(catalog: Catalog, seen: Outlook, profile_id: str, last: MachineChoice | None = None) -> Card:
    return next(card for card in cards(catalog, seen, last).cards if card.profile_id == profile_id)


def page(catalog: Catalog, seen: Outlook, last: MachineChoice | None = None) -> Element:
    return read("<h1>Page</h1>" + str(render_cards(cards(catalog, seen, last), "Choose a machine")))


def box(page: Element, profile_id: str) -> Element:
    radio = page.one("input", type="radio", value=profile_id)
    assert radio.parent is not None
    assert radio.parent.parent is not None
    return radio.parent.parent


class TestWhatIsLeft:
    def test_ones_own_quota(self, catalog: Catalog, now: datetime) -> None:
        seen = outlook(catalog, now, TWO_GPUS, lease(now))
        assert card(catalog, seen, "gpu").facts.shares == ("1 of 2 GPUs left for you",)
        assert card(catalog, seen, "small").facts.shares == (), "it takes no GPU"

    def test_a_groups_a_machines_and_everybodys(self, catalog: Catalog, now: datetime) -> None:
        policies = {
            "quotas": {
                "team": {"per": "group", "gpus": 8},
                "machine": {"per": "profile", "servers": 5, "profiles": ["gpu"]},
                "all": {"per": "hub", "cores": 100, "memory": "1Ti"},
            }
        }
        seen = outlook(catalog, now, policies, lease(now, "bea", 3), lease(now, "cy", 2))
        assert card(catalog, seen, "gpu").facts.shares == (
            "ml-team: 3 of 8 GPUs free",
            "Everybody on this machine: 3 of 5 servers free",
            "Everybody together: 84 of 100 cores free",
            "Everybody together: 960 GiB of 1 TiB of memory free",
        )

    def test_a_budget_and_how_long_it_lasts(self, catalog: Catalog, now: datetime) -> None:
        policies = {"budgets": {"mine": {"per": "user", "money": 200}}}
        facts = card(catalog, outlook(catalog, now, policies, mine="187.60"), "gpu").facts
        assert facts.shares == ("€12.40 of €200.00 left this month; enough for 4 h 57 min",)
        assert facts.until is not None
        assert (facts.until.words, facts.until.relative) == ("19:02 (UTC)", "in 4 h 57 min")

    def test_budgets_in_hours(self, catalog: Catalog, now: datetime) -> None:
        policies = {"budgets": {"hours": {"per": "group", "gpuHours": 20, "window": "week"}}}
        facts = card(catalog, outlook(catalog, now, policies, lease(now, gpus=2)), "gpu").facts
        assert facts.shares == ("ml-team: 12 of 20 GPU hours left this week; enough for 12 hours",)
        assert facts.until is not None
        assert (facts.until.words, facts.cut) == ("22:05 (UTC)", False), "the profile's own 8 hours are over before"

    def test_what_lasts_for_months_says_only_how_much(self, catalog: Catalog, now: datetime) -> None:
        policies = {"budgets": {"mine": {"per": "user", "money": 200}}}
        facts = card(catalog, outlook(catalog, now, policies), "small").facts
        assert facts.shares == ("€200.00 of €200.00 left this month",)
        assert facts.until is None

    def test_a_days_work_has_its_price(self, catalog: Catalog, now: datetime) -> None:
        seen = outlook(catalog, now, {})
        assert card(catalog, seen, "gpu").facts.run_price == "€20.00 for 8 hours"
        assert card(catalog, seen, "small").facts.run_price == "€0.40 for 8 hours"


class TestNotNow:
    def test_a_machine_that_no_variant_of_would_be_let_in(self, catalog: Catalog, now: datetime) -> None:
        seen = outlook(catalog, now, TWO_GPUS, lease(now, gpus=2))
        told = seen.decisions["gpu", ("1",)]
        assert isinstance(told, Deny)
        html = page(catalog, seen)
        assert_accessible(html)
        gpu = box(html, "gpu")
        assert gpu.one("input", type="radio").has("disabled")
        assert gpu.one(cls="rm-lock")["data-rm-reason"] == "over-quota"
        assert gpu.one(cls="rm-lock").text == told.refusal.message, "the very words of a refused start"
        assert gpu.one(cls="rm-start").has("disabled")
        assert gpu.one(cls="rm-start").has("hidden")
        assert "Not now" in gpu.text

    def test_the_script_may_open_it_later(self, catalog: Catalog, now: datetime) -> None:
        small = box(page(catalog, outlook(catalog, now, TWO_GPUS)), "small")
        assert small.one(cls="rm-lock").has("hidden")
        assert list(json.loads(small["data-rm-variants"])) == [""], "it has no options, and still can be told anew"

    def test_two_gpus_may_be_refused_where_one_is_not(self, catalog: Catalog, now: datetime) -> None:
        seen = outlook(catalog, now, TWO_GPUS, lease(now))
        variants = card(catalog, seen, "gpu").variants
        assert variants is not None
        assert [facts.lock and facts.lock.reason for facts in variants.values()] == [None] + ["over-quota"] * 3

    def test_a_last_choice_that_is_refused_leaves_the_others_to_choose(self, catalog: Catalog, now: datetime) -> None:
        last = MachineChoice("gpu", {"gpus": "2"})
        seen = outlook(catalog, now, TWO_GPUS, lease(now))
        gpu = card(catalog, seen, "gpu", last)
        assert gpu.lock is not None
        assert gpu.usable
        html = box(page(catalog, seen, last), "gpu")
        assert not html.one("input", type="radio").has("disabled")
        assert not html.one(cls="rm-start").has("disabled")

    def test_nothing_that_would_be_refused_is_preselected(self, catalog: Catalog, now: datetime) -> None:
        no_more = {"quotas": {"small": {"per": "user", "servers": 0, "profiles": ["small"]}}}
        chosen = [each.profile_id for each in cards(catalog, outlook(catalog, now, no_more)).cards if each.selected]
        assert chosen == ["many"]

    def test_where_nothing_can_be_started_now_the_page_says_so_and_blames_nobody(
        self, catalog: Catalog, now: datetime
    ) -> None:
        none = {"quotas": {"none": {"per": "hub", "servers": 0}}}
        said = page(catalog, outlook(catalog, now, none)).one(cls="rm-empty")
        assert "None of these machines can be started now: each card says why." in said.text
        assert not said.has("hidden")
        assert page(catalog, outlook(catalog, now, {})).one(cls="rm-empty").has("hidden")

    def test_a_used_up_budget_says_when_it_begins_anew(self, catalog: Catalog, now: datetime) -> None:
        policies = {"budgets": {"mine": {"per": "user", "money": 200}}}
        lock = card(catalog, outlook(catalog, now, policies, mine="200"), "gpu").lock
        assert lock is not None
        assert lock.reason == "over-budget"
        assert "1 April" in lock.remedy

    def test_a_machine_for_others_stays_closed_whatever_is_free(self, catalog: Catalog, now: datetime) -> None:
        big = box(page(catalog, outlook(catalog, now, TWO_GPUS)), "big")
        assert big.one(cls="rm-lock")["data-rm-reason"] == "forbidden-profile"
        assert not big.all("button")
        assert not big.has("data-rm-variants")


def test_the_news_of_a_page_are_its_cards_own_facts(catalog: Catalog, now: datetime) -> None:
    seen = outlook(catalog, now, TWO_GPUS, lease(now))
    news = variants_of(catalog, ADA, seen)
    assert news == {each.profile_id: each.variants for each in cards(catalog, seen).cards if not each.closed}


def test_without_a_gate_cards_are_as_they_were(catalog: Catalog) -> None:
    html = read(str(render_cards(cards_for(catalog, ADA), "Choose a machine")))
    assert not html.all(cls="rm-shares")
    assert not [each for each in html.all() if each.has("data-rm-shares")]


@pytest.mark.parametrize("hours", [1, 200])
def test_a_permission_that_ends_is_told_as_the_latest_stop(catalog: Catalog, now: datetime, hours: int) -> None:
    plans = on_offer(catalog, ADA)
    seen = Outlook(dict.fromkeys(plans, Admit(timedelta(hours=hours))), now)
    facts = card(catalog, seen, "gpu").facts
    assert facts.until is not None
    assert (facts.until.relative, facts.cut) == (("in 1 hour", True) if hours == 1 else ("in 8 hours", False))
    assert (card(catalog, seen, "small").facts.until is not None) == (hours == 1), "a week ahead is no news yet"


class TestAskingForIt:
    """A machine that needs a yes: its card leads to where one asks, with what is chosen on it."""

    NEEDS_YES: ClassVar = {"approvals": {"many-gpus": {"profiles": ["gpu"], "moreThan": {"gpus": 1}}}}

    def shown(self, catalog: Catalog, now: datetime, last: MachineChoice | None = None) -> Element:
        seen = outlook(catalog, now, self.NEEDS_YES)
        made = cards_for(catalog, ADA, last, outlook=seen)
        asking = Cards(made.cards, made.verb, live="/hub/remuda/shares/ada", ask="/hub/approvals/ask")
        return box(read(str(render_cards(asking, "Choose a machine"))), "gpu")

    def test_two_gpus_are_asked_for(self, catalog: Catalog, now: datetime) -> None:
        gpu = self.shown(catalog, now, MachineChoice("gpu", {"gpus": "2"}))
        ask = gpu.one(cls="rm-ask")
        assert not ask.has("hidden")
        assert ask["href"] == "/hub/approvals/ask?profile=gpu&option.gpu.gpus=2"
        assert gpu.one(cls="rm-lock")["data-rm-reason"] == "needs-approval"

    def test_one_is_not(self, catalog: Catalog, now: datetime) -> None:
        assert self.shown(catalog, now).one(cls="rm-ask").has("hidden")


def test_a_budget_for_some_machines_says_so(catalog: Catalog, now: datetime) -> None:
    policies = {"budgets": {"gpus": {"per": "user", "money": 200, "profiles": ["gpu"]}}}
    facts = card(catalog, outlook(catalog, now, policies), "gpu").facts
    assert facts.shares == (
        "€200.00 of €200.00 left this month for this kind of machine; enough for 3 days 8 h",
    )
