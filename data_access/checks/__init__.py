"""Assumptions about data, that are checked before anybody can see the data, and that explain themselves.

    from data_access import store_dataframe
    from data_access.checks import check, in_range, not_null, set_checks, unique

    set_checks("sandbox_ann", "orders", [
        not_null("order_id"),
        unique("order_id", note="Billing joins on it. If it comes twice, the export ran twice: keep the later file."),
        in_range("amount", 0, 10_000, severity="warn", note="Large orders are rare; ask sales before you believe one."),
    ])
    store_dataframe(df, "sandbox_ann", "orders")    # judged after it is written and before it is committed
    check(df, [not_null("order_id")])               # on demand, on any frame
    check("sandbox_ann.orders", as_of=42)           # on a stored table

A check that fails with severity *stop* leaves the table as it was; what all checks saw is in the commit. In production
there must be checks, and none can be demoted.
"""

from data_access.checks.declare import (
    as_check,
    custom,
    demote,
    foreign_key,
    freshness,
    in_range,
    in_set,
    matches,
    no_drift,
    not_null,
    pandera,
    row_count,
    unique,
)
from data_access.checks.gate import CheckWarning, first_set, gate
from data_access.checks.kinds import Check
from data_access.checks.on_demand import check, check_table
from data_access.checks.result import CheckReport, CheckResult
from data_access.checks.run import run
from data_access.checks.stored import CheckSet, add_checks, get_checks, remove_checks, set_checks
from data_access.checks.suggest import suggest

__all__ = [
    "Check",
    "CheckReport",
    "CheckResult",
    "CheckSet",
    "CheckWarning",
    "add_checks",
    "as_check",
    "check",
    "check_table",
    "custom",
    "demote",
    "first_set",
    "foreign_key",
    "freshness",
    "gate",
    "get_checks",
    "in_range",
    "in_set",
    "matches",
    "no_drift",
    "not_null",
    "pandera",
    "remove_checks",
    "row_count",
    "run",
    "set_checks",
    "suggest",
    "unique",
]
