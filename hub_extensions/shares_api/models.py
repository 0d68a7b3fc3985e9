"""What the REST API answers, as models: handlers fill them, the OpenAPI document and the reference page come from them.

Money is text, exact, in the hub's currency; times are ISO 8601 in UTC; memory is bytes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from hub_extensions.shares_api.operation import Answer
from profiles.admission import Balance, Decision, Deny
from profiles.amounts import Amounts
from profiles.lease import Charge, EndReason, Entry, Lease, LeaseState
from profiles.plan import MachinePlan
from profiles.standings import Standing

#: Exact, without an exponent.
Exact = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str)]


class Amount(Answer):
    """How much machines reserve."""

    servers: int
    cores: float
    memory_bytes: int
    devices: dict[str, int] = Field(description="By Kubernetes' name of the resource, such as `nvidia.com/gpu`.")

    @classmethod
    def of(cls, amounts: Amounts) -> Amount:
        return cls(
            servers=amounts.servers,
            cores=amounts.millicores / 1000,
            memory_bytes=amounts.memory,
            devices=dict(amounts.devices),
        )


class QuotaStanding(Answer):
    """One amount of one quota."""

    rule: str = Field(description="The quota's id in `policies.quotas`.")
    per: Literal["user", "group", "profile", "hub"]
    subject: str = Field(description="The person, group or machine that shares it; empty for the hub's.")
    resource: str = Field(description="`servers`, `millicores`, `memory` in bytes, `gpus`, or a device.")
    used: int
    limit: int
    promised: int = Field(description="Kept for others, who reserved it or come before this person in line.")
    left: int = Field(description="For another machine: the limit without what is used and what is promised.")
    lent: int = Field(description="Beyond the limit, of what other groups leave idle, so much may be borrowed.")

    @classmethod
    def of(cls, standing: Standing) -> QuotaStanding:
        return cls(
            rule=standing.pot.rule,
            per=standing.pot.per,
            subject=standing.pot.subject,
            resource="millicores" if standing.resource == "cores" else standing.resource,
            used=standing.used,
            limit=standing.limit,
            promised=standing.reserved + standing.ahead,
            left=standing.left,
            lent=standing.lent,
        )


class BudgetBalance(Answer):
    """One budget in its present window."""

    rule: str = Field(description="The budget's id in `policies.budgets`.")
    per: Literal["user", "group", "profile", "hub"]
    subject: str = Field(description="The person or group that shares it; empty for the hub's.")
    unit: Literal["money", "machine_hours", "gpu_hours"]
    window: str = Field(description="`day`, `week`, `month`, or a sliding length such as `30d`.")
    begins: datetime
    ends: datetime | None = Field(description="When it begins anew; null for a sliding window.")
    limit: Exact
    used: Exact
    held: Exact = Field(description="Set aside for the rest of what runs.")
    left: Exact
    other_currencies: list[str] = Field(
        description="In which some of it was billed beside the hub's; such amounts are counted as they stand."
    )

    @classmethod
    def of(cls, balance: Balance) -> BudgetBalance:
        pot = balance.pot
        return cls(
            rule=pot.pot.rule,
            per=pot.pot.per,
            subject=pot.pot.subject,
            unit=pot.budget.unit,
            window=pot.budget.window,
            begins=pot.begin,
            ends=pot.end,
            limit=pot.limit,
            used=_exact(balance.used),
            held=_exact(balance.held),
            left=_exact(balance.left),
            other_currencies=list(balance.others),
        )


class MachineShare(Answer):
    """What a start of this machine would be told now."""

    profile: str
    options: dict[str, str]
    display_name: str
    price_per_hour: Exact
    admitted: bool
    rule: str | None = Field(description="The id of the rule that would refuse; null when admitted.")
    reason: str | None = Field(description="The reason code of the refusal; null when admitted.")
    sentence: str | None = Field(description="The refusal in words, limit against actual.")
    remedy: str | None = Field(description="What to do next.")
    longest_seconds: int | None = Field(description="How long it may run at most; null: no limit.")

    @classmethod
    def of(cls, plan: MachinePlan, decision: Decision) -> MachineShare:
        refused = isinstance(decision, Deny)
        longest = None if isinstance(decision, Deny) else decision.longest
        return cls(
            profile=plan.profile_id,
            options=dict(plan.options),
            display_name=plan.display_name,
            price_per_hour=plan.price_per_hour.amount,
            admitted=not refused,
            rule=decision.rule if isinstance(decision, Deny) else None,
            reason=str(decision.refusal.reason) if isinstance(decision, Deny) else None,
            sentence=decision.refusal.sentence if isinstance(decision, Deny) else None,
            remedy=decision.refusal.remedy if isinstance(decision, Deny) else None,
            longest_seconds=int(longest.total_seconds()) if longest is not None else None,
        )


class Shares(Answer):
    """What is left for one person, and which machines would be let in."""

    user: str
    currency: str
    machines: list[MachineShare]
    quotas: list[QuotaStanding]
    budgets: list[BudgetBalance]


class Holder(Answer):
    """One machine that is granted."""

    user: str | None = Field(description="Null where the hub does not show it to whoever asks.")
    mine: bool
    profile: str
    display_name: str
    state: Literal["held", "running"] = Field(description="`held`: granted, and not up yet.")
    amounts: Amount
    since: datetime
    until: datetime | None = Field(description="When it stops at the latest; null: no limit.")

    @classmethod
    def of(cls, lease: Lease, *, shown: bool, mine: bool) -> Holder:
        ends = lease.ends_at if lease.began_at is not None else None
        return cls(
            user=lease.user if shown else None,
            mine=mine,
            profile=lease.profile,
            display_name=lease.display_name,
            state="held" if lease.state is LeaseState.HELD else "running",
            amounts=Amount.of(lease.amounts),
            since=lease.began_at or lease.held_at,
            until=ends,
        )


class PoolCapacity(Answer):
    pool: str
    display_name: str
    granted: Amount
    room: Amount | None = Field(description="What the pool's present nodes have in all; null where nobody knows.")
    holders: list[Holder]


class Capacity(Answer):
    """Who uses what at this moment."""

    pools: list[PoolCapacity]


class Used(Answer):
    machine_hours: float
    gpu_hours: float
    money: Exact

    @classmethod
    def of(cls, charge: Charge) -> Used:
        hours, gpu_hours = round(charge.seconds / 3600, 4), round(charge.gpu_seconds / 3600, 4)
        return cls(machine_hours=hours, gpu_hours=gpu_hours, money=charge.money)


class UsedFrom(Used):
    """From this day on: one day, or a week where more than 92 days are asked for."""

    begins: date


class UsedBy(Used):
    name: str


class Usage(Answer):
    """What was used, with what runs counted as far as it has run."""

    of: str
    currency: str
    other_currencies: dict[str, Exact] = Field(
        description="Of `total`, what was billed in another currency, by currency. It is added as it stands: nothing "
        "is converted."
    )
    timezone: str
    since: datetime
    until: datetime
    total: Used
    days: list[UsedFrom]
    users: list[UsedBy] | None = Field(description="Only of everybody; the dearest first.")
    groups: list[UsedBy] | None = Field(description="Only of everybody; who is in two groups counts for both.")


class LedgerEntry(Answer):
    """One run that is over. It never changes."""

    lease_id: str
    user: str
    groups: list[str] = Field(description="The person's at the start.")
    server: str
    profile: str
    display_name: str
    pool: str
    amounts: Amount
    price_per_hour: Exact
    currency: str
    held_at: datetime
    began_at: datetime | None = Field(description="Null where the machine never came up.")
    ended_at: datetime
    reason: str = Field(description=f"{', '.join(f'`{each}`' for each in EndReason)}.")
    seconds: int
    gpu_seconds: int
    money: Exact

    @classmethod
    def of(cls, entry: Entry) -> LedgerEntry:
        lease, charge = entry.lease, entry.charge
        return cls(
            lease_id=lease.id,
            user=lease.user,
            groups=sorted(lease.groups),
            server=lease.server,
            profile=lease.profile,
            display_name=lease.display_name,
            pool=lease.pool,
            amounts=Amount.of(lease.amounts),
            price_per_hour=lease.price_per_hour.amount,
            currency=lease.price_per_hour.currency,
            held_at=lease.held_at,
            began_at=lease.began_at,
            ended_at=entry.ended_at,
            reason=entry.reason.value,
            seconds=charge.seconds,
            gpu_seconds=charge.gpu_seconds,
            money=charge.money,
        )


class Ledger(Answer):
    """Runs that are over, newest first."""

    entries: list[LedgerEntry]
    next: str | None = Field(description="Give it as `before` for the next page; null on the last.")


def _exact(value: Decimal) -> Decimal:
    """Sums of thirds of an hour have no end; six decimals are what prices have."""
    return value.quantize(Decimal("0.000001"))
