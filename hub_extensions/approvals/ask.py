"""Values: somebody asks for a machine that needs a yes, what was said about it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from profiles.amounts import Amounts
from profiles.choice import MachineChoice
from profiles.grants import Grant
from profiles.plan import MachinePlan
from profiles.quantity import Money

#: An ask that nobody has answered by then is closed: what it was for has passed.
ANSWER_WITHIN = timedelta(days=14)
#: Of the asks that wait for somebody a page shows so many.
MANY = 200


class AskState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """Nobody answered in time."""
    REVOKED = "revoked"


class NoteKind(StrEnum):
    """What a note is about; the same words are the audit's actions, as `ask-granted`."""

    ASKED = "asked"
    COMMENT = "commented"
    REVISED = "revised"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Exactly what: a choice of machine as the catalog resolved it for the person who asks, and for how long."""

    choice: MachineChoice
    display_name: str
    amounts: Amounts
    price_per_hour: Money
    lasts: timedelta

    @classmethod
    def of(cls, plan: MachinePlan, lasts: timedelta) -> Terms:
        return cls(
            choice=MachineChoice(plan.profile_id, dict(plan.options)),
            display_name=plan.display_name,
            amounts=Amounts.of(plan),
            price_per_hour=plan.price_per_hour,
            lasts=lasts,
        )

    @property
    def profile(self) -> str:
        return self.choice.profile or ""

    @property
    def costs_at_most(self) -> Money:
        """Running all the time that it holds."""
        hours = Decimal(int(self.lasts.total_seconds())) / 3600
        return Money((self.price_per_hour.amount * hours).quantize(Decimal("0.01")), self.price_per_hour.currency)

    def to_dict(self) -> dict[str, Any]:
        """JSON; `from_dict` reads it back."""
        return {
            "choice": self.choice.to_user_options(),
            "display_name": self.display_name,
            "amounts": self.amounts.to_dict(),
            "price_per_hour": str(self.price_per_hour.amount),
            "currency": self.price_per_hour.currency,
            "lasts": int(self.lasts.total_seconds()),
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Terms:
        choice = kept["choice"]
        return cls(
            choice=MachineChoice(choice["profile"], dict(choice["options"])),
            display_name=str(kept["display_name"]),
            amounts=Amounts.from_dict(kept["amounts"]),
            price_per_hour=Money(Decimal(kept["price_per_hour"]), str(kept["currency"])),
            lasts=timedelta(seconds=int(kept["lasts"])),
        )


@dataclass(frozen=True, slots=True)
class Note:
    """One line of an ask's story. `text` is what its author wrote: untrusted, and shown as text only."""

    kind: NoteKind
    author: str
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`asked` is what the person wanted and the most that a yes can give; `terms` is what a yes gives as it stands."""

    id: str
    rule: str
    user: str
    reason: str
    asked: Terms
    terms: Terms
    asked_at: datetime
    state: AskState = AskState.OPEN
    answered_by: str = ""
    answered_at: datetime | None = None
    answer: str = ""
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    revoked_by: str = ""
    revoked_at: datetime | None = None
    #: When the account that asked was removed: it is kept for those who answered, and is nobody's any more.
    left_at: datetime | None = None

    def state_at(self, now: datetime) -> AskState:
        """What is kept as open stands for closed once nobody has answered in time: no clock has to run for it."""
        unanswered = self.state is AskState.OPEN and now >= self.asked_at + ANSWER_WITHIN
        return AskState.EXPIRED if unanswered else self.state

    def holds(self, now: datetime) -> bool:
        """There is a yes, and it is in force."""
        return self.state is AskState.GRANTED and self.ends_at is not None and now < self.ends_at

    @property
    def grant(self) -> Grant | None:
        """What admission decides by; of a yes that was taken back, up to when it held."""
        if self.begins_at is None or self.ends_at is None or self.left_at is not None:
            return None
        return Grant(
            id=self.id,
            rule=self.rule,
            user=self.user,
            profile=self.terms.profile,
            amounts=self.terms.amounts,
            begins_at=self.begins_at,
            ends_at=min(self.ends_at, self.revoked_at or self.ends_at),
            granted_by=self.answered_by,
        )
