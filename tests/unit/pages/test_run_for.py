"""For how long: one select for all cards, and what each length costs, when it ends, and what a budget says to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub_extensions.approvals.handlers import choice_of
from hub_extensions.page_frame.machine_words import form_fields
from hub_extensions.spawn_page.form import render_cards
from hub_extensions.spawn_page.outlook import worth_asking
from hub_extensions.spawn_page.view import Card, Cards, Outlook, cards_for, on_offer
from profiles.admission import Admit, decide
from profiles.choice import LENGTHS, MachineChoice
from profiles.lease import Charge, Request
from profiles.lease_book import LeaseBook
from profiles.model import Catalog
from profiles.person import Person
from profiles.policy import Policies
from profiles.pots import Pot
from profiles.quantity import Duration
from profiles.refusal import Reason, Refusal
from profiles.resolve import resolve
from profiles.snapshot import Snapshot
from tests.unit.pages.reading import Element, assert_accessible, read

ADA = Person("ada", frozenset({"ml-team"}))
HOUR = timedelta(hours=1)


def outlook(catalog: Catalog, now: datetime, policies: dict[str, Any] | None = None, spent: int = 0) -> Outlook:
    """As `outlook_of` asks the gate; `spent` euros of the budget `mine`."""
    rules = Policies.model_validate(policies or {})
    snapshot = Snapshot(LeaseBook(), {Pot("mine", "user", "ada"): Charge(0, 0, spent * 1_000_000)})
    plans = on_offer(catalog, ADA)

    def foreseen(asked: Any) -> dict[Any, Any]:
        requests = {key: Request.of("foreseen", ADA, "", plan) for key, plan in asked.items()}
        return {key: decide(request, snapshot, rules, now) for key, request in requests.items()}

    decisions = foreseen(plans)
    return Outlook(decisions, now, shorter=foreseen(worth_asking(plans, decisions, None)))


def card(catalog: Catalog, seen: Outlook, profile_id: str, run_for: Duration | None = None) -> Card:
    made = cards_for(catalog, ADA, MachineChoice(profile_id, run_for=run_for), outlook=seen)
    return next(card for card in made.cards if card.profile_id == profile_id)


def page(catalog: Catalog, seen: Outlook | None, run_for: Duration | None = None) -> Element:
    made = cards_for(catalog, ADA, MachineChoice(run_for=run_for), outlook=seen)
    live = Cards(made.cards, made.verb, live="/hub/remuda/shares/ada" if seen else "", lengths=made.lengths)
    return read("<h1>Page</h1>" + str(render_cards(live, "Choose a machine")))


def test_one_select_says_for_how_long_and_until_i_stop_it_is_chosen(catalog: Catalog, now: datetime) -> None:
    html = page(catalog, outlook(catalog, now))
    assert_accessible(html)
    options = html.one("select", name="run_for").all("option")
    assert [(each["value"], each.text) for each in options] == [
        ("", "Until I stop it"), ("1h", "1 hour"), ("2h", "2 hours"), ("4h", "4 hours"), ("8h", "8 hours"),
        ("12h", "12 hours"), ("1d", "24 hours"),
    ]  # fmt: skip
    assert [each["value"] for each in options if each.has("selected")] == [""]


def test_where_nobody_would_see_to_it_it_is_not_offered(catalog: Catalog) -> None:
    assert not page(catalog, None).all("select", name="run_for")


def test_each_length_has_its_price_and_its_end_for_each_machine(catalog: Catalog, now: datetime) -> None:
    variants = card(catalog, outlook(catalog, now), "gpu").variants
    assert variants is not None
    three_gpus = variants["3"]
    assert three_gpus.lengths["2h"].run_price == "€15.00 for 2 hours"
    assert three_gpus.lengths["2h"].until is not None
    assert (three_gpus.lengths["2h"].until.words, three_gpus.lengths["2h"].cut) == ("16:05 (UTC)", False)
    assert three_gpus.lengths["2h"].limits == (
        "Stops after 30 minutes without activity", "Stops 2 hours after its start"
    )  # fmt: skip


def test_what_is_asked_for_beyond_a_machines_own_limit_is_cut_and_told(catalog: Catalog, now: datetime) -> None:
    whole_day = card(catalog, outlook(catalog, now), "gpu", Duration(86400)).facts
    assert whole_day.run_price == "€20.00 for 8 hours"
    assert whole_day.limits[-1] == "Stops 8 hours after its start, the longest that it may run"
    assert whole_day.until is not None
    assert whole_day.until.words == "22:05 (UTC)"


def test_what_is_asked_for_beyond_what_a_budget_pays_says_until_when(catalog: Catalog, now: datetime) -> None:
    seen = outlook(catalog, now, {"budgets": {"mine": {"per": "user", "money": 200, "window": "30d"}}}, spent=195)
    four_hours, one_hour = (card(catalog, seen, "gpu", Duration(hours * 3600)).facts for hours in (4, 1))
    assert four_hours.until is not None
    assert (four_hours.until.relative, four_hours.cut, four_hours.run_price) == (
        "in 2 hours", True, "€5.00 for 2 hours"
    )  # fmt: skip
    assert four_hours.limits == ("Stops after 30 minutes without activity",)
    assert (one_hour.cut, one_hour.run_price) == (False, "€2.50 for 1 hour")


class TestABudgetThatRefuses:
    """Ada's €5 pay for two hours of a GPU, and the admin wants no runs under four."""

    POLICIES = {"budgets": {"mine": {"per": "user", "money": 200, "window": "30d", "shortestRun": "4h"}}}  # noqa: RUF012

    def test_says_what_can_be_started_instead(self, catalog: Catalog, now: datetime) -> None:
        facts = card(catalog, outlook(catalog, now, self.POLICIES, spent=195), "gpu").facts
        assert facts.lock is not None
        assert facts.lock.reason == "over-budget"
        assert facts.lock.remedy.startswith("Start it for 2 hours only, choose a cheaper machine, ")

    def test_lets_in_what_it_pays_for(self, catalog: Catalog, now: datetime) -> None:
        facts = card(catalog, outlook(catalog, now, self.POLICIES, spent=195), "gpu").facts
        assert {length: at.lock is None for length, at in facts.lengths.items()} == {
            "1h": True, "2h": True, "4h": False, "8h": False, "12h": False, "1d": False
        }  # fmt: skip

    def test_the_card_of_a_chosen_length_is_open(self, catalog: Catalog, now: datetime) -> None:
        seen = outlook(catalog, now, self.POLICIES, spent=195)
        short, long = (card(catalog, seen, "gpu", Duration(hours * 3600)) for hours in (1, 8))
        assert (short.usable, short.lock, short.selected) == (True, None, True)
        assert (long.usable, long.selected) == (False, False)

    def test_nothing_is_said_where_no_length_on_offer_is_paid_for(self, catalog: Catalog, now: datetime) -> None:
        facts = card(catalog, outlook(catalog, now, self.POLICIES, spent=199), "gpu").facts
        assert facts.lock is not None
        assert "only" not in facts.lock.remedy


def test_whatever_is_let_in_for_long_is_let_in_for_less(catalog: Catalog, now: datetime) -> None:
    """So only what a budget refuses is asked about again."""
    plans = on_offer(catalog, ADA)
    admitted = dict.fromkeys(plans, Admit(HOUR))
    assert worth_asking(plans, admitted, None) == {}


@pytest.mark.parametrize("run_for", [Duration(3 * 3600), Duration(5), None])
def test_a_length_of_another_way_is_in_the_list_and_chosen(
    catalog: Catalog, now: datetime, run_for: Duration | None
) -> None:
    html = page(catalog, outlook(catalog, now), run_for)
    options = html.one("select", name="run_for").all("option")
    chosen = [each["value"] for each in options if each.has("selected")]
    assert chosen == (["3h"] if run_for == Duration(3 * 3600) else [""])
    assert len(options) == 1 + len(LENGTHS) + (chosen == ["3h"])


@pytest.mark.parametrize("forged", [b"-4h", b"soon", b"0h", b"1000000h", b"\xff"])
def test_whoever_waits_in_line_for_a_forged_length_is_refused_as_at_a_start(catalog: Catalog, forged: bytes) -> None:
    outcome = resolve(catalog, choice_of({"profile": [b"gpu"], "run_for": [forged]}), ADA)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.RUN_FOR_OUT_OF_BOUNDS
    assert choice_of({"profile": [b"gpu"], "run_for": [b"4h"]}).run_for == Duration(4 * 3600)
    assert choice_of({"profile": [b"gpu"], "run_for": [b""]}).run_for is None


def test_a_form_that_starts_the_same_again_says_for_how_long() -> None:
    choice = MachineChoice("gpu", {"gpus": "2"}, run_for=Duration(5400))
    assert ("run_for", "1h30m") in form_fields(choice)
    assert not [each for each in form_fields(MachineChoice("gpu")) if each[0] == "run_for"]
