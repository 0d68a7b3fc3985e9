"""PURE: what this package answers. Handlers follow it; the OpenAPI document and the reference page are made from it."""

from __future__ import annotations

from hub_extensions.shares_api import models
from hub_extensions.shares_api.operation import Operation, Parameter

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
USER = Parameter("user", "The name of a user.", {"type": "string"}, in_path=True)
OWN = (
    "`read:users!user=NAME` for a person's: everybody has it for themselves. For oneself `users:activity` will do, "
    "which a server's own token has (`JUPYTERHUB_API_TOKEN` in a notebook)"
)
ALL = "`list:users` for anybody's: administrators have it"

SHARES = Operation(
    "/shares",
    "What is left for oneself, and what a start of each machine would be told now",
    (OWN,),
    models.Shares,
)
SHARES_OF = Operation("/shares/{user}", "The same for another person", (OWN,), models.Shares, (USER,))
CAPACITY = Operation(
    "/capacity",
    "Who uses what at this moment, pool by pool",
    (
        "`read:users` for oneself: everybody has it, and `users:activity`, which a server's own token has, will do; "
        "others’ names are null",
        "`list:users`: all names",
    ),
    models.Capacity,
)
USAGE = Operation(
    "/usage",
    "Hours and money by day, with what runs counted as far as it has run",
    (OWN, "`read:groups!group=NAME` for a group's sums: its members need none", ALL),
    models.Usage,
    (OF, DAYS),
    (400, 403, 404, 503),
)
LEDGER = Operation(
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
API = (SHARES, SHARES_OF, CAPACITY, USAGE, LEDGER)
