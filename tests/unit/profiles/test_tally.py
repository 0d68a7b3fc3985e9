"""Sums kept lease by lease equal sums counted anew, whatever comes, goes, begins, and whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.amounts import Amounts, total
from profiles.frozen import freeze
from profiles.lease import Lease, LeaseState
from profiles.lease_book import FEW, LeaseBook
from profiles.policy import Budget, Policies, Quota
from profiles.pots import BudgetPot, Pot, QuotaPot, drawn, held, in_use, running_up, set_aside
from profiles.quantity import Money

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = st.integers(-120, 2_000).map(lambda n: START + timedelta(minutes=n, microseconds=n * 7))
POLICIES = Policies.model_validate(
    {
        "quotas": {
            "all": {"per": "hub", "gpus": 9},
            "some": {"per": "hub", "users": ["u1"], "pools": ["x"], "gpus": 9},
        },
        "budgets": {
            "money": {"per": "hub", "money": 100, "holdAtMost": "2h"},
            "hours": {"per": "group", "machineHours": 100, "profiles": ["p"]},
            "gpus": {"per": "hub", "groups": ["g1"], "gpuHours": 100},
        },
    }
)


@st.composite
def leases(draw: st.DrawFn, number: int) -> Lease:
    began = draw(st.none() | MINUTES)
    return Lease(
        id=f"l{number}",
        user=draw(st.sampled_from(["u1", "u2"])),
        groups=frozenset(draw(st.sets(st.sampled_from(["g1", "g2"])))),
        server="",
        profile=draw(st.sampled_from(["p", "q"])),
        display_name="P",
        pool=draw(st.sampled_from(["x", "y"])),
        amounts=Amounts(1, 500, 2**30, freeze({"nvidia.com/gpu": 2}) if draw(st.booleans()) else freeze({})),
        price_per_hour=Money(Decimal(draw(st.integers(0, 5_000_000))) / 1_000_000, "EUR"),
        state=LeaseState.HELD if began is None else LeaseState.RUNNING,
        held_at=START,
        began_at=began,
        longest=draw(st.none() | st.integers(0, 300).map(lambda n: timedelta(minutes=n))),
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equals_counting_anew(data: st.DataObject) -> None:
    book = LeaseBook(data.draw(leases(n)) for n in range(FEW + 4))
    for _ in range(data.draw(st.integers(1, 12))):
        number = data.draw(st.integers(0, FEW + 8))
        if data.draw(st.booleans()):
            book.put(data.draw(leases(number)))
        else:
            book.remove(f"l{number}")
        _same_as_counted(book, now=data.draw(MINUTES), out=f"l{data.draw(st.integers(0, FEW))}")


def _same_as_counted(book: LeaseBook, now: datetime, out: str) -> None:
    for rule, quota in POLICIES.quotas.items():
        pot = QuotaPot(Pot(rule, "hub"), quota, quota)
        counted = total(lease.amounts for lease in drawn(pot.pot, quota, book) if lease.id != out)
        assert in_use(pot, book, [out]) == counted
    begin = now - timedelta(hours=5, minutes=20)
    for rule, budget in POLICIES.budgets.items():
        for subject in ["g1", "g2"] if budget.per == "group" else [""]:
            pot_ = BudgetPot(Pot(rule, budget.per, subject), budget, Decimal(100), begin, None)
            mine = [lease for lease in drawn(pot_.pot, budget, book) if lease.id != out]
            used = sum((_rate(budget, lease) * _ran(lease, now, begin) for lease in mine), Decimal(0))
            rest = sum((_rate(budget, lease) * _rest(budget, lease, now) for lease in mine), Decimal(0))
            assert abs(running_up(pot_, book, now, [out]) - used) < Decimal("0.000001")
            assert abs(held(pot_, book, now, [out]) - rest) < Decimal("0.000001")


def _rate(budget: Budget, lease: Lease) -> Decimal:
    own = {"money": lease.price_per_hour.amount, "machine_hours": 1, "gpu_hours": lease.amounts.gpus}[budget.unit]
    return Decimal(own) / 3600


def _ran(lease: Lease, now: datetime, begin: datetime) -> Decimal:
    if lease.began_at is None:
        return Decimal(0)
    return _seconds(max(timedelta(0), now - max(lease.began_at, begin)))


def _rest(budget: Budget, lease: Lease, now: datetime) -> Decimal:
    return _seconds(max(timedelta(0), set_aside(budget, lease.longest) - lease.ran(now)))


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000


def test_a_rule_that_is_read_anew_is_summed_anew() -> None:
    quota = POLICIES.quotas["all"]
    book = LeaseBook()
    for _ in range(500):
        again = Quota.model_validate(quota.model_dump(by_alias=True, exclude_unset=True))
        assert in_use(QuotaPot(Pot("all", "hub"), again, again), book).servers == 0
