"""PURE: what is sent and answered over REST about the line, as models; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from hub_extensions.queue.decide import place_of
from hub_extensions.shares_api.operation import Answer, Body, Operation, Parameter
from profiles.waiting import Waiting


class NewPlace(Body):
    """Which machine, and for which server."""

    profile: str = ""
    options: dict[str, str | int] | None = Field(default=None, description="Names and values, as at a start.")
    server: str = Field(default="", description="Of oneself; empty: the default one.")
    run_for: str | int | None = Field(default=None, description="For how long, as `4h`, as at a start.")
    starts_itself: bool = Field(default=True, description="The hub starts it when it is its turn; else one is told.")


class PlaceFacts(Answer):
    """One place in line."""

    id: str
    user: str
    server: str
    profile: str
    display_name: str
    options: dict[str, str]
    joined_at: datetime
    run_for: str | None = Field(description="For how long it is to run, as `4h`; null: until it is stopped.")
    starts_itself: bool
    place: int | None = Field(description="Counted from 1 among those who wait for the same; null once called.")
    kept_until: datetime | None = Field(description="It was called, and the machine is kept until then.")
    words: str | None = Field(description="As the pages say it; null for others'.")

    @classmethod
    def of(cls, waiting: Waiting, line: tuple[Waiting, ...], words: str | None = None) -> PlaceFacts:
        request = waiting.request
        return cls(
            id=waiting.id,
            user=request.person.name,
            server=request.server,
            profile=request.profile,
            display_name=request.display_name,
            options=dict(waiting.options),
            joined_at=waiting.joined_at,
            run_for=None if waiting.run_for is None else str(waiting.run_for),
            starts_itself=waiting.starts_itself,
            place=None if waiting.kept_until is not None else place_of(waiting, line),
            kept_until=waiting.kept_until,
            words=words,
        )


class Places(Answer):
    """In the order of the line."""

    places: list[PlaceFacts]


SERVERS = ("`servers` for oneself: every person's own token has it, a server's and a service's do not",)
API = (
    Operation(
        "/queue",
        "One's own places in line, or everybody's",
        (*SERVERS, "`list:users` and `servers` for everybody's: administrators have them"),
        Places,
        parameters=(Parameter("all", "`1`: everybody's", {"type": "string", "enum": ["0", "1"]}),),
        errors=(403, 404, 503),
    ),
    Operation(
        "/queue",
        "Wait for a machine that others have now",
        SERVERS,
        PlaceFacts,
        method="post",
        body=NewPlace,
        status=201,
        errors=(400, 403, 404, 409, 503),
    ),
    Operation(
        "/queue/{id}",
        "Leave the line",
        (*SERVERS, "`servers!user=NAME` for somebody else's: administrators have it; it is kept in the audit"),
        None,
        (Parameter("id", "Of the place.", {"type": "string", "pattern": "^[0-9a-f]{32}$"}, in_path=True),),
        method="delete",
        status=204,
        errors=(403, 404, 503),
    ),
)
