"""People, rules and machines for tests of asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hub_extensions.approvals.ask import Ask, Terms
from hub_extensions.approvals.decide import Said, raise_asks
from hub_extensions.approvals.words import NotPossible, Why
from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.frozen import freeze
from profiles.person import Person
from profiles.policy import Policies
from profiles.quantity import Money

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = Person("ada")
BEA = Person("bea", frozenset({"leads"}))
CAT = Person("cat", frozenset({"leads"}))
DAN = Person("dan")
ADMIN = Person("admin", admin=True)
POLICIES = Policies.model_validate(
    {
        "approvals": {
            "big-gpu": {
                "profiles": ["gpu"],
                "moreThan": {"gpus": 1},
                "approvers": {"groups": ["leads"]},
                "longest": "7d",
                "exempt": {"users": ["eve"]},
            }
        }
    }
)
#: Two rules ask about the same machine, each with its own people.
TWO_RULES = Policies.model_validate(
    {
        "approvals": {
            "money": {"profiles": ["gpu"], "longest": "2d"},
            "lead": {"profiles": ["gpu"], "approvers": {"groups": ["leads"]}},
        }
    }
)


def terms(gpus: int = 2, lasts: timedelta = 3 * DAY, profile: str = "gpu") -> Terms:
    return Terms(
        choice=MachineChoice(profile, {"gpus": str(gpus)}),
        display_name="GPU" if profile == "gpu" else profile,
        amounts=Amounts(1, 4000, 16 * 2**30, freeze({"nvidia.com/gpu": gpus} if gpus else {})),
        price_per_hour=Money(Decimal("2.90") * gpus, "EUR"),
        lasts=lasts,
    )


def said(by: Person, text: str = "", after: timedelta = timedelta(0)) -> Said:
    return Said(by, NOW + after, text)


def asks(
    by: Person = ADA,
    wanted: Terms | None = None,
    text: str = "Training the model",
    *,
    policies: Policies = POLICIES,
    known: tuple[Ask, ...] = (),
    after: timedelta = timedelta(0),
) -> tuple[Ask, ...] | NotPossible:
    numbers = count(len(known) + 1)
    outcome = raise_asks(said(by, text, after), wanted or terms(), policies, known, lambda: f"ask-{next(numbers)}")
    return outcome if isinstance(outcome, NotPossible) else tuple(changed.ask for changed in outcome)


def an_ask(by: Person = ADA, wanted: Terms | None = None) -> Ask:
    made = asks(by, wanted)
    assert not isinstance(made, NotPossible), made
    return made[0]


def why(outcome: object) -> Why:
    assert isinstance(outcome, NotPossible), outcome
    assert outcome.sentence.endswith("."), outcome.sentence
    assert outcome.remedy.endswith("."), outcome.remedy
    return outcome.reason


def with_longest(length: str) -> Policies:
    rule = POLICIES.approvals["big-gpu"].model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return Policies.model_validate({"approvals": {"big-gpu": {**rule, "longest": length}}})


def copy(ask: Ask, **changes: object) -> Ask:
    return replace(ask, **changes)  # type: ignore[arg-type]
