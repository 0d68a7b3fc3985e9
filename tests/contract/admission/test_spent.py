"""The ledger, its sums by hour, and what budgets make of them: all three say the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub_extensions.admission import spent
from hub_extensions.admission.store import Store
from profiles.admission import Admit, lease_of
from profiles.cost import by_hour
from profiles.lease import Charge, EndReason, Entry, LeaseState
from profiles.policy import Budget, Policies
from profiles.pots import BudgetPot, budget_pots
from tests.contract.admission.asking import HOUR, NOW, ask, rules

RUNS = 60
SINCE, UNTIL = NOW - timedelta(days=90), NOW + timedelta(days=90)
#: Every shape that a budget's scope may have.
SCOPES: dict[str, dict[str, object]] = {
    "user": {"per": "user"},
    "user-groups": {"per": "user", "groups": ["ml"]},
    "user-users": {"per": "user", "users": ["ada", "bob"]},
    "user-both": {"per": "user", "users": ["ada"], "groups": ["ml", "bio"]},
    "group": {"per": "group"},
    "group-groups": {"per": "group", "groups": ["ml", "bio"]},
    "group-users": {"per": "group", "users": ["ada", "bob"]},
    "group-both": {"per": "group", "users": ["ada", "bob"], "groups": ["ml"]},
    "hub": {"per": "hub"},
    "hub-users": {"per": "hub", "users": ["ada", "eve"]},
    "hub-group": {"per": "hub", "groups": ["ml"]},
    "hub-groups": {"per": "hub", "groups": ["ml", "bio"]},
    "hub-both": {"per": "hub", "users": ["ada", "eve"], "groups": ["ml", "bio"]},
    "hub-machines": {"per": "hub", "profiles": ["gpu"], "pools": ["gpus"]},
    "user-machines": {"per": "user", "groups": ["ml"], "profiles": ["cpu"], "pools": ["gpus", "small"]},
}


@pytest.fixture
def runs(store: Store) -> list[Entry]:
    """Some runs of three people in changing groups, of a second to three days, over four months."""
    dice, entries = random.Random(7), []
    for number in range(RUNS):
        began = NOW + timedelta(hours=dice.uniform(-1500, 200))
        request = ask(
            f"{number}",
            dice.choice(["ada", "bob", "eve"]),
            groups=tuple(dice.sample(["ml", "bio", "staff"], dice.randint(0, 3))),
            gpus=dice.randint(0, 4),
            price=f"{dice.uniform(0, 9):.6f}",
            profile=dice.choice(["gpu", "cpu"]),
            pool=dice.choice(["gpus", "small", "big"]),
        )
        held = lease_of(request, Admit(None), began)
        store.adopt(replace(held, state=LeaseState.RUNNING, began_at=began), began)
        ended = began + timedelta(seconds=dice.choice([dice.uniform(0, 4000), dice.uniform(0, 259_200)]))
        entry = store.ended(request.lease_id, ended, EndReason.STOPPED, ended)
        assert entry is not None
        entries.append(entry)
    return entries


def _total(charges: Iterator[Charge]) -> Charge:
    return sum(charges, Charge())


def test_the_hours_add_up_to_the_ledger(store: Store, runs: list[Entry]) -> None:
    ledger = store.ledger(since=SINCE, until=UNTIL)
    assert ledger == tuple(sorted(runs, key=lambda entry: entry.ended_at, reverse=True))
    everything = _total(entry.charge for entry in ledger)
    for by in ("user", "profile"):
        hours = store.used(since=SINCE, until=UNTIL, by=by)
        assert _total(row.charge for row in hours) == everything
    for group in ("ml", "bio", "staff"):
        theirs = store.ledger(since=SINCE, until=UNTIL, group=group)
        assert theirs == tuple(entry for entry in ledger if group in entry.lease.groups)
        hours = store.used(since=SINCE, until=UNTIL, by="group", name=group)
        assert _total(row.charge for row in hours) == _total(entry.charge for entry in theirs)
    adas = store.used(since=NOW - 500 * HOUR, until=NOW, by="user", name="ada")
    assert adas
    assert all(row.subject == "ada" and NOW - 500 * HOUR <= row.hour < NOW for row in adas)


@pytest.mark.parametrize("since_h", [0, -7.5, -31, -24 * 40])
@pytest.mark.parametrize("until_h", [0.5, 3, 40])
def test_sums_of_each_are_those_of_their_hours(store: Store, runs: list[Entry], since_h: float, until_h: float) -> None:
    since, until = NOW + timedelta(hours=since_h), NOW + timedelta(hours=until_h)
    for by in ("user", "group"):
        hours: dict[str, Charge] = {}
        for each in store.used(since=since, until=until, by=by):
            hours[each.subject] = hours.get(each.subject, Charge()) + each.charge
        with store.database.reading() as connection:
            sums = spent.used_by_each(connection, since=since, until=until, by=by)
        assert {each.subject: each.charge for each in sums} == hours


def test_budgets_count_what_the_ledger_says(store: Store, runs: list[Entry]) -> None:
    for window in ("day", "week", "month", "30d", "5h"):
        policies = rules(
            timezone="Asia/Kathmandu",  # a quarter to an hour
            budgets={name: {**scope, "money": 10, "window": window} for name, scope in SCOPES.items()},
        )
        for now in (NOW, NOW - timedelta(days=11, hours=7), NOW + timedelta(days=6)):
            assert _by_rollup(store, policies, now) == _by_ledger(policies, runs, now), (window, now)


def _pots(policies: Policies, now: datetime) -> list[BudgetPot]:
    request = ask("new", "ada", groups=("ml", "bio"), pool="gpus")
    cpu = ask("new", "ada", groups=("ml", "bio"), pool="gpus", profile="cpu")
    return [*budget_pots(policies, request, now), *budget_pots(policies, cpu, now)]


def _by_rollup(store: Store, policies: Policies, now: datetime) -> dict[str, Charge]:
    pots = _pots(policies, now)
    with store.database.reading() as connection:
        # One by one and all at once.
        alone = {str(pot.pot): spent.spent_in(connection, [pot], now).get(pot.pot, Charge()) for pot in pots}
        for pot, charge in spent.spent_in(connection, list({pot.pot: pot for pot in pots}.values()), now).items():
            assert charge == alone[str(pot)]
        return alone


def _by_ledger(policies: Policies, runs: list[Entry], now: datetime) -> dict[str, Charge]:
    return {str(pot.pot): _total(_counted(pot, runs)) for pot in _pots(policies, now)}


def _counted(pot: BudgetPot, runs: list[Entry]) -> Iterator[Charge]:
    begin = pot.begin.replace(minute=0, second=0, microsecond=0)
    for entry in runs:
        assert entry.lease.began_at is not None
        if _draws(pot, entry):
            for hour, charge in by_hour(entry.lease, entry.lease.began_at, entry.ended_at):
                if hour >= begin and (pot.end is None or hour < pot.end):
                    yield charge


def _draws(pot: BudgetPot, entry: Entry) -> bool:
    budget: Budget = pot.budget
    lease, per, subject = entry.lease, pot.pot.per, pot.pot.subject
    return (
        (per != "user" or lease.user == subject)
        and (per != "group" or subject in lease.groups)
        and (not budget.users or lease.user in budget.users)
        and (not budget.groups or bool(lease.groups & set(budget.groups)))
        and (not budget.profiles or lease.profile in budget.profiles)
        and (not budget.pools or lease.pool in budget.pools)
    )


def test_pages_of_the_ledger(store: Store, runs: list[Entry]) -> None:
    for only in ({}, {"user": "ada"}, {"group": "ml"}):
        whole = store.ledger(since=SINCE, until=UNTIL, **only)
        pages: list[Entry] = []
        before = None
        while page := store.ledger(since=SINCE, until=UNTIL, limit=7, before=before, **only):
            pages += page
            before = (page[-1].ended_at, page[-1].lease.id)
        assert tuple(pages) == whole
