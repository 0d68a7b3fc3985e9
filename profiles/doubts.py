"""What is allowed and cannot be meant: values that get in each other's way. They are said, and the hub starts.

A mistake (`checks`) is what cannot work. Here each value works by itself, and only two of them together say something
that never comes true. Each is told with both values and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from profiles.access import Access
from profiles.booking import Queue, Reservable
from profiles.caps import Caps
from profiles.model import Catalog, Pool, Profile
from profiles.policy import Approval, Policies, Quota
from profiles.problems import nearest, one_of
from profiles.quantity import Duration


@dataclass(frozen=True, slots=True)
class Doubt:
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem} — {self.remedy}"


def doubts(catalog: Catalog) -> tuple[Doubt, ...]:
    """Of a catalog without mistakes, in the order in which it is written."""
    policies = catalog.policies
    return (
        *_kept_on(catalog.profiles),
        *_hidden(policies, catalog.profiles),
        *_unheard_of(policies, catalog),
        *_nobody_asks(policies.approvals, catalog.profiles),
        *(each for rule, given in policies.reservations.items() for each in _reservable(rule, given, catalog)),
        *_waiting(policies.queue, policies.reservations),
    )


def _kept_on(profiles: Mapping[str, Profile]) -> Iterator[Doubt]:
    for name, profile in profiles.items():
        asked = profile.keep_alive_at_most
        if asked is None or not asked.seconds:
            continue
        field, longest = f"profiles.{name}.keepAliveAtMost", _longest(profile, "max_lifetime")
        if longest is not None and longest.seconds and longest < asked:
            yield Doubt(
                field,
                f"it may be kept on for {asked.human}, and stops after {longest.human} (maxLifetime) in any case",
                f'lower it to "{longest}" or less, or raise maxLifetime',
            )
        idle = _longest(profile, "idle_timeout")
        if idle is not None and not idle.seconds and all(not each.seconds for each in _limits(profile, "idle_timeout")):
            problem = f"it may be kept on for {asked.human}, and is never stopped for being idle"
            yield Doubt(field, problem, "remove it, or give it an idleTimeout")


def _longest(profile: Profile, limit: str) -> Duration | None:
    """Of the machine and all its choices; 0 is “never”, and longer than all. None: not said here."""
    given = _limits(profile, limit)
    return next((each for each in given if not each.seconds), max(given, default=None))


def _limits(profile: Profile, limit: str) -> tuple[Duration, ...]:
    choices = [choice.overrides for option in profile.options.values() for choice in option.choices.values()]
    given = (getattr(each, limit) for each in (profile, *choices))
    return tuple(each for each in given if each is not None)


def _hidden(policies: Policies, profiles: Mapping[str, Profile]) -> Iterator[Doubt]:
    """Rules about machines that nobody can choose. What extends such a one is a machine of its own."""
    sections: Mapping[str, Mapping[str, Quota | Approval | Reservable]] = {
        "quotas": policies.quotas,
        "budgets": policies.budgets,  # type: ignore[dict-item]
        "approvals": policies.approvals,
        "reservations": policies.reservations,
    }
    for section, rules in sections.items():
        for rule, given in rules.items():
            for index, name in enumerate(given.profiles):
                if name not in profiles:
                    yield Doubt(
                        f"policies.{section}.{rule}.profiles.{index}",
                        f"nobody can choose {name}, which is not enabled; machines that extend it are not meant by it",
                        "name those instead, or enable it",
                    )


def _unheard_of(policies: Policies, catalog: Catalog) -> Iterator[Doubt]:
    """A device by a name that no machine has: such a limit limits nothing, and such a yes is never asked for."""
    known = sorted(_devices(catalog))
    for section, rule, key, caps in _all_caps(policies):
        for name in caps.devices:
            if name not in known:
                field = f"policies.{section}.{rule}.{key}devices.{name}"
                yield Doubt(field, "no machine has such a device", nearest(name, known, f"take {one_of(known)}"))


def _devices(catalog: Catalog) -> Iterator[str]:
    for profile in catalog.profiles.values():
        yield from profile.extended_resources
        for option in profile.options.values():
            for choice in option.choices.values():
                yield from choice.overrides.extended_resources
    for pool in catalog.pools.values():
        if pool.autoscaled is not None and pool.autoscaled.largest_node is not None:
            yield from pool.autoscaled.largest_node.extended_resources


def _all_caps(policies: Policies) -> Iterator[tuple[str, str, str, Caps]]:
    for rule, quota in policies.quotas.items():
        yield "quotas", rule, "", quota
        for kind, given in (("users", quota.overrides.users), ("groups", quota.overrides.groups)):
            for who, caps in given.items():
                yield "quotas", rule, f"overrides.{kind}.{who}.", caps
        if quota.borrowing is not None:
            yield "quotas", rule, "borrowing.most.", quota.borrowing.most
    for rule, approval in policies.approvals.items():
        yield "approvals", rule, "moreThan.", approval.more_than
    for rule, reservable in policies.reservations.items():
        yield "reservations", rule, "", reservable
        yield "reservations", rule, "atMost.", reservable.at_most


def _nobody_asks(approvals: Mapping[str, Approval], profiles: Mapping[str, Profile]) -> Iterator[Doubt]:
    for rule, approval in approvals.items():
        about = [profile for name, profile in profiles.items() if not approval.profiles or name in approval.profiles]
        if approval.exempt is not None and about and all(_lies_in(each.allow, approval.exempt) for each in about):
            problem = "whoever may use these machines is exempt, so that nobody ever asks"
            yield Doubt(f"policies.approvals.{rule}.exempt", problem, "exempt fewer, or allow the machines to more")


def _lies_in(some: Access, others: Access) -> bool:
    """As far as names tell."""
    return others.everyone or (
        not some.everyone
        and set(some.users) <= set(others.users)
        and set(some.groups) <= set(others.groups)
        and (others.admins or not some.admins)
    )


def _reservable(rule: str, given: Reservable, catalog: Catalog) -> Iterator[Doubt]:
    field = f"policies.reservations.{rule}"
    if given.clear_before > given.notice:
        yield Doubt(
            f"{field}.clearBefore",
            f"what is reserved is to be free {given.clear_before.human} before it begins, and whoever is in the way is "
            f"told {given.notice.human} ahead (notice): what is reserved in between is not free in time",
            f'lower it to "{given.notice}" or less, or raise notice',
        )
    if given.notice > given.ahead:
        yield Doubt(
            f"{field}.notice",
            f"whoever is in the way is told {given.notice.human} before, and one may reserve only {given.ahead.human} "
            "ahead: no reservation ever gets a machine that others use",
            f'lower it to less than "{given.ahead}", or raise ahead',
        )
    if given.no_show >= given.longest:
        yield Doubt(
            f"{field}.noShow",
            f"what nobody takes up is released after {given.no_show.human}, and no reservation is longer than "
            f"{given.longest.human}: none is ever released before its end",
            f'lower it to less than "{given.longest}"',
        )
    if given.warm_before.seconds and not any(pool.autoscaled for pool in _pools(given, catalog)):
        problem = f"a node is asked for {given.warm_before.human} before, and none of its pools is autoscaled"
        yield Doubt(f"{field}.warmBefore", problem, "remove it, or give the pool autoscaled")


def _pools(given: Reservable, catalog: Catalog) -> Iterable[Pool]:
    names = {
        profile.pool
        for name, profile in catalog.profiles.items()
        if (not given.profiles or name in given.profiles) and (not given.pools or profile.pool in given.pools)
    }
    return [pool for name, pool in catalog.pools.items() if name in names]


def _waiting(queue: Queue, reservations: Mapping[str, Reservable]) -> Iterator[Doubt]:
    for rule, given in reservations.items():
        if queue.enabled and queue.keep_for > given.no_show:
            yield Doubt(
                "policies.queue.keepFor",
                f"a machine is kept {queue.keep_for.human} for who is called, longer than for who has reserved one "
                f"({given.no_show.human}, noShow of reservations.{rule})",
                f'lower it to "{given.no_show}" or less, or raise noShow',
            )
