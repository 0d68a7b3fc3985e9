"""PURE: the one table of the API's routes: handlers, the OpenAPI document and the reference page are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from hub_extensions.shares_api import models

PREFIX = "/api/remuda"


@dataclass(frozen=True)
class Parameter:
    """In the query, unless `in_path`."""

    name: str
    description: str
    schema: dict[str, object]
    in_path: bool = False


@dataclass(frozen=True)
class Route:
    """`path` as OpenAPI writes it, below `/hub/api/remuda`; `scopes` in words, as the handler checks them."""

    path: str
    summary: str
    scopes: tuple[str, ...]
    answer: type[models.Answer]
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = (403, 404, 503)


OF = Parameter(
    "of",
    "Whose: `me` (left out: the same), `user:NAME`, `group:NAME` or `everybody`.",
    {"type": "string", "default": "me"},
)
DAYS = Parameter(
    "days",
    "How many days back, today included; days begin at midnight in the policies' time zone.",
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 30},
)
USER = Parameter("user", "The name of a user; without it, one's own.", {"type": "string"}, in_path=True)
OWN = "`read:users!user=NAME` for a person's: everybody has it for themselves"
ALL = "`list:users` for everybody's: administrators have it"

SHARES = Route(
    "/shares/{user}",
    "What is left for a person, and what a start of each machine would be told now",
    (OWN,),
    models.Shares,
    (USER,),
)
CAPACITY = Route(
    "/capacity",
    "Who uses what at this moment, pool by pool",
    (
        "`read:users` for oneself: everybody has it; others’ names are null",
        "`list:users`: all names",
    ),
    models.Capacity,
)
USAGE = Route(
    "/usage",
    "Hours and money by day, with what runs counted as far as it has run",
    (OWN, "`read:groups!group=NAME` for a group's sums: its members need none", ALL),
    models.Usage,
    (OF, DAYS),
    (400, 403, 404, 503),
)
LEDGER = Route(
    "/ledger",
    "Runs that are over, newest first",
    (OWN, "`read:users!group=NAME` for a group's", ALL),
    models.Ledger,
    (
        OF,
        DAYS,
        Parameter(
            "limit", "At most so many.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
        ),
        Parameter("before", "`next` of the page before.", {"type": "string"}),
    ),
    (400, 403, 404, 503),
)
ROUTES = (SHARES, CAPACITY, USAGE, LEDGER)
