"""PURE: what is sent and answered over REST about asks, as models; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from hub_extensions.approvals.ask import Ask, Note, Terms
from hub_extensions.approvals.ask import AskState as State
from hub_extensions.approvals.ask import NoteKind as Kind
from hub_extensions.shares_api.models import Amount, Exact
from hub_extensions.shares_api.operation import Answer, Body, Operation, Parameter
from profiles.quantity import Duration

LASTS = "How long the yes is to hold: `3d`, `12h`, or seconds"


class NewAsk(Body):
    """Which machine, for how long, and what for."""

    profile: str = ""
    options: dict[str, str | int] | None = Field(default=None, description="Names and values, as at a start.")
    lasts: str | int | None = Field(default=None, description=f"{LASTS}; needed.")
    reason: str = Field(default="", description="What it is for; needed.")


class AskChange(Body):
    """With `state` an answer. Without it a revision where `options` or `lasts` are given, else a comment."""

    state: Literal["granted", "refused", "withdrawn", "revoked"] | None = None
    options: dict[str, str | int] | None = Field(default=None, description="Left out: as the ask stands.")
    lasts: str | int | None = Field(default=None, description=f"{LASTS}; left out: as the ask stands.")
    comment: str = ""


class AskTerms(Answer):
    """Which machine, and for how long."""

    profile: str
    display_name: str
    options: dict[str, str]
    amounts: Amount
    price_per_hour: Exact
    currency: str
    lasts: str = Field(description="Such as `2d`.")

    @classmethod
    def of(cls, terms: Terms) -> AskTerms:
        return cls(
            profile=terms.profile,
            display_name=terms.display_name,
            options=dict(terms.choice.options),
            amounts=Amount.of(terms.amounts),
            price_per_hour=terms.price_per_hour.amount,
            currency=terms.price_per_hour.currency,
            lasts=str(Duration(int(terms.lasts.total_seconds()))),
        )


class AskNote(Answer):
    """One line of an ask's story."""

    author: str
    kind: Kind
    at: datetime
    text: str = Field(description="As its author wrote it.")

    @classmethod
    def of(cls, note: Note) -> AskNote:
        return cls(author=note.author, kind=note.kind, at=note.at, text=note.text)


class AskFacts(Answer):
    """One ask as it stands."""

    id: str
    state: State
    rule: str = Field(description="The approval's id in `policies.approvals`.")
    user: str
    reason: str
    asked: AskTerms = Field(description="What was wanted: the most that a yes can give.")
    terms: AskTerms = Field(description="What a yes gives, as it stands.")
    asked_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    answer: str | None = Field(description="What was said with it.")
    begins_at: datetime | None
    ends_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    holds: bool = Field(description="There is a yes, and it is in force.")
    url: str = Field(description="Of its page.")
    story: list[AskNote] | None = Field(description="Oldest first; null in lists.")

    @classmethod
    def of(cls, ask: Ask, now: datetime, root: str, story: tuple[Note, ...] | None = None) -> AskFacts:
        return cls(
            id=ask.id,
            state=ask.state_at(now),
            rule=ask.rule,
            user=ask.user,
            reason=ask.reason,
            asked=AskTerms.of(ask.asked),
            terms=AskTerms.of(ask.terms),
            asked_at=ask.asked_at,
            answered_by=ask.answered_by or None,
            answered_at=ask.answered_at,
            answer=ask.answer or None,
            begins_at=ask.begins_at,
            ends_at=ask.ends_at,
            revoked_by=ask.revoked_by or None,
            revoked_at=ask.revoked_at,
            holds=ask.holds(now),
            url=f"{root}/{ask.id}",
            story=None if story is None else [AskNote.of(note) for note in story],
        )


class AsksMade(Answer):
    """One for each rule that needs a yes."""

    asks: list[AskFacts]


class Asks(Answer):
    """One's own asks, and those that wait for one's answer."""

    asks: list[AskFacts] = Field(description="Newest first.")
    waiting: list[AskFacts] = Field(description="Who has waited longest comes first.")


ID = Parameter("id", "Of the ask.", {"type": "string", "pattern": "^[0-9a-f]{32}$"}, in_path=True)
SERVERS = ("`servers` for oneself: every person's own token has it, a server's and a service's do not",)
API = (
    Operation("/asks", "One's own asks, and those that wait for one's answer", SERVERS, Asks, errors=(403, 503)),
    Operation(
        "/asks",
        "Ask for a machine that needs a yes",
        SERVERS,
        AsksMade,
        errors=(400, 403, 409, 503),
        method="post",
        body=NewAsk,
        status=201,
    ),
    Operation("/asks/{id}", "One ask and its story", SERVERS, AskFacts, (ID,)),
    Operation(
        "/asks/{id}",
        "Answer, revise, comment, withdraw or take back",
        SERVERS,
        AskFacts,
        (ID,),
        errors=(400, 403, 404, 409, 503),
        method="patch",
        body=AskChange,
    ),
)
