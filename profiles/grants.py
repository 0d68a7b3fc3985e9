"""Machines that need a yes: which rule asks for one, and whether a grant covers a start. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from profiles.access import allows
from profiles.amounts import Amounts
from profiles.caps import Caps
from profiles.lease import Lease, Request
from profiles.policy import Approval, Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Somebody said yes: this person may have this machine, with as much as `amounts`, from … until …."""

    id: str
    rule: str
    user: str
    profile: str
    amounts: Amounts
    begins_at: datetime
    ends_at: datetime
    granted_by: str = ""

    def holds(self, now: datetime) -> bool:
        return self.begins_at <= now < self.ends_at


def rules_for(policies: Policies, request: Request) -> tuple[tuple[str, Approval], ...]:
    """The rules by which this start needs a yes; none for whoever is exempt."""
    return tuple((rule, approval) for rule, approval in policies.approvals.items() if _asks(approval, request))


def covering(grants: tuple[Grant, ...], rule: str, request: Request, now: datetime) -> Grant | None:
    """The grant that covers this start longest."""
    return max(_holding(grants, rule, request, now), key=lambda grant: grant.ends_at, default=None)


def machines_granted(grants: tuple[Grant, ...], rule: str, request: Request, now: datetime) -> int:
    """How many machines like this the person may run at once by this rule."""
    return sum(grant.amounts.servers for grant in _holding(grants, rule, request, now))


def machines_out(leases: Iterable[Lease], approval: Approval, request: Request) -> int:
    """How many of the person's others the yes is used for already."""
    return sum(
        lease.id != request.lease_id
        and not (lease.is_kept and lease.server == request.server)
        and lease.profile == request.profile and _asks(approval, lease.request())
        for lease in leases
    )


def _holding(grants: tuple[Grant, ...], rule: str, request: Request, now: datetime) -> list[Grant]:
    return [each for each in grants if each.holds(now) and _fits(each, rule, request)]


def expired(grants: tuple[Grant, ...], rule: str, request: Request, now: datetime) -> Grant | None:
    """The one that did cover it, most recently."""
    over = [each for each in grants if each.ends_at <= now and _fits(each, rule, request)]
    return max(over, key=lambda grant: grant.ends_at, default=None)


def upcoming(grants: tuple[Grant, ...], rule: str, request: Request, now: datetime) -> Grant | None:
    """The one that will cover it, soonest."""
    ahead = [each for each in grants if now < each.begins_at < each.ends_at and _fits(each, rule, request)]
    return min(ahead, key=lambda grant: grant.begins_at, default=None)


def _asks(approval: Approval, request: Request) -> bool:
    if approval.profiles and request.profile not in approval.profiles:
        return False
    if approval.exempt is not None and allows(approval.exempt, request.person):
        return False
    return not approval.more_than.says_something or exceeds(request.amounts, approval.more_than)


def exceeds(amounts: Amounts, caps: Caps) -> bool:
    """More of anything than the caps say."""
    return (
        (caps.servers is not None and amounts.servers > caps.servers)
        or (caps.cores is not None and amounts.millicores > caps.cores.millicores)
        or (caps.memory is not None and amounts.memory > caps.memory.bytes)
        or (caps.gpus is not None and amounts.gpus > caps.gpus)
        or any(amounts.devices.get(name, 0) > count for name, count in caps.devices.items())
    )


def _fits(grant: Grant, rule: str, request: Request) -> bool:
    most, wanted = grant.amounts, request.amounts
    return (
        grant.user == request.person.name
        and grant.rule == rule
        and grant.profile == request.profile
        and wanted.millicores <= most.millicores
        and wanted.memory <= most.memory
        and all(count <= most.devices.get(name, 0) for name, count in wanted.devices.items())
    )
