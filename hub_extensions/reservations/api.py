"""PURE: what is sent and answered over REST about reservations, as models; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from hub_extensions.reservations.words import MAX_NOTE
from hub_extensions.shares_api.models import Amount
from hub_extensions.shares_api.operation import Answer, Body, Operation, Parameter
from profiles.reservations import Reservation

TIME = "ISO 8601, such as `2026-05-04T14:00+02:00`; without a zone it is in `policies.timezone`"
LASTS = "How long: `2h`, `90m`, or seconds"


class NewReservation(Body):
    """Which machine, from when, and until when or for how long."""

    profile: str = ""
    options: dict[str, str | int] | None = Field(default=None, description="Names and values, as at a start.")
    begins_at: str = Field(description=f"{TIME}.")
    ends_at: str | None = Field(default=None, description=f"{TIME}. Either this or `lasts`.")
    lasts: str | int | None = Field(default=None, description=f"{LASTS}.")
    note: str = Field(default="", description=f"For oneself; {MAX_NOTE} characters at most.")


class ChangedReservation(Body):
    """What is to be otherwise; what is left out stays. `begins_at` alone moves it: it lasts as long as before. Of one
    that has begun only the end and the note can be changed."""

    profile: str | None = Field(default=None, description="Another machine; its options are then those sent, or none.")
    options: dict[str, str | int] | None = Field(default=None, description="Names and values, as at a start.")
    begins_at: str | None = Field(default=None, description=f"{TIME}.")
    ends_at: str | None = Field(default=None, description=f"{TIME}. At most one of this and `lasts`.")
    lasts: str | int | None = Field(default=None, description=f"{LASTS}.")
    note: str | None = Field(default=None, description=f"For oneself; {MAX_NOTE} characters at most.")
    revision: int | None = Field(
        default=None, description="The one that was read: refused with `changed-meanwhile` where it is another by now."
    )


class ReservationFacts(Answer):
    """One reservation as it stands."""

    id: str
    user: str
    rule: str = Field(description="The id in `policies.reservations`.")
    profile: str
    display_name: str
    options: dict[str, str]
    amounts: Amount
    begins_at: datetime
    ends_at: datetime
    made_at: datetime
    changed_at: datetime | None
    revision: int = Field(description="How often it was changed.")
    note: str | None = Field(description="Only for its holder.")
    state: Literal["ahead", "kept", "taken", "over", "cancelled", "released"] = Field(
        description="`kept`: it has begun and its machine is not started yet. `cancelled` also where it was ended "
        "early; `released`: nobody came."
    )
    taken_at: datetime | None
    over_at: datetime | None
    over_by: str | None

    @classmethod
    def of(cls, kept: Reservation, now: datetime, reader: str) -> ReservationFacts:
        return cls(
            id=kept.id,
            user=kept.user,
            rule=kept.rule,
            profile=kept.profile,
            display_name=kept.display_name,
            options=dict(kept.options),
            amounts=Amount.of(kept.amounts),
            begins_at=kept.begins_at,
            ends_at=kept.ends_at,
            made_at=kept.made_at,
            changed_at=kept.changed_at,
            revision=kept.revision,
            note=kept.note or None if kept.user == reader else None,
            state=_state(kept, now),
            taken_at=kept.taken_at,
            over_at=kept.over_at,
            over_by=kept.over_by or None,
        )


def _state(kept: Reservation, now: datetime) -> Literal["ahead", "kept", "taken", "over", "cancelled", "released"]:
    if kept.over_at is not None and kept.over_at < kept.ends_at:
        return "cancelled" if kept.over_by else "released"
    if not kept.stands(now):
        return "over"
    if kept.begins_at > now:
        return "ahead"
    return "taken" if kept.taken_at else "kept"


class OwnReservations(Answer):
    """Soonest first."""

    reservations: list[ReservationFacts]


class Slot(Answer):
    """A time that can be reserved."""

    begins_at: datetime
    ends_at: datetime


class Slots(Answer):
    """The soonest first, then full hours."""

    slots: list[Slot]


ID = Parameter("id", "Of the reservation.", {"type": "string", "pattern": "^[0-9a-f]{32}$"}, in_path=True)
SERVERS = ("`servers` for oneself: every person's own token has it, a server's and a service's do not",)
API = (
    Operation(
        "/reservations",
        "One's own reservations, those of the last week included",
        (*SERVERS, "`list:users` for everybody's"),
        OwnReservations,
        parameters=(
            Parameter(
                "of",
                "`everybody`: all that are not over, and those of the last week.",
                {"type": "string", "enum": ["me", "everybody"], "default": "me"},
            ),
        ),
        errors=(400, 403, 404, 503),
    ),
    Operation(
        "/reservations",
        "Reserve a machine",
        SERVERS,
        ReservationFacts,
        errors=(400, 403, 404, 409, 503),
        method="post",
        body=NewReservation,
        status=201,
    ),
    Operation(
        "/reservations/slots",
        "Times at which a machine can be reserved",
        SERVERS,
        Slots,
        parameters=(
            Parameter("profile", "Which machine; an option of it is `option.PROFILE.NAME`.", {"type": "string"}),
            Parameter("lasts", f"{LASTS}.", {"type": "string", "default": "2h"}),
            Parameter("from", f"Not before: {TIME}; left out: now.", {"type": "string"}),
            Parameter("until", "Over by then; left out: 14 days later.", {"type": "string"}),
        ),
        errors=(400, 403, 404, 409, 503),
    ),
    Operation(
        "/reservations/{id}",
        "Make a reservation longer or shorter, move it, or change its machine",
        SERVERS,
        ReservationFacts,
        (ID,),
        errors=(400, 403, 404, 409, 503),
        method="patch",
        body=ChangedReservation,
    ),
    Operation(
        "/reservations/{id}",
        "Cancel a reservation, or end it early",
        (*SERVERS, "`list:users` for somebody else's, who is told; it is in the audit"),
        ReservationFacts,
        (
            ID,
            Parameter(
                "reason",
                f"Of somebody else's: what its person reads; {MAX_NOTE} characters at most.",
                {"type": "string", "maxLength": MAX_NOTE},
            ),
        ),
        errors=(400, 403, 404, 409, 503),
        method="delete",
    ),
)
