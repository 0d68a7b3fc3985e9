"""What needs two parts of a catalog to see: pools, defaults, options that get in each other's way, nodes too small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from profiles.access import who_may
from profiles.model import CpuRange, MemoryRange, NodeSize, Option, Overrides, Pool, Profile
from profiles.policy import Budget, Policies, Quota
from profiles.problems import nearest, one_of
from profiles.translate import Wrong

#: Sections of the policies whose rules name machines and pools.
RULES = ("quotas", "budgets", "approvals", "reservations")
_MAPS = ("extended_resources", "env", "annotations", "labels")
_WHOLE = ("cpu", "memory", "image", "image_pull_policy", "idle_timeout", "max_lifetime")


def pool_exists(pool: object, pool_ids: Iterable[str]) -> Wrong | None:
    ids = list(pool_ids)
    if not isinstance(pool, str) or pool in ids:
        return None
    return Wrong(
        ("pool",), f"there is no pool '{pool}'", nearest(pool, ids, f"define it under pools, or take {one_of(ids)}")
    )


def misnamed(name: str, found: Iterable[Wrong], profiles: Iterable[str]) -> Wrong | None:
    """A profile that has nothing of its own, and nearly the name of another one: that one was to be changed."""
    missing = {each.path[0] for each in found if each.missing and len(each.path) == 1}
    near = nearest(name, [each for each in profiles if each != name], "")
    if not near or not missing >= {"pool", "cpu", "memory"}:
        return None
    problem = f"there is no profile '{name}' that this could change"
    return Wrong((), problem, f"{near} A new one needs pool, cpu and memory")


def profile_wrongs(profile: Profile, pool: Pool | None) -> Iterator[Wrong]:
    """Mistakes within one profile."""
    yield from _options_apart(profile.options)
    yield from _mounts(profile)
    if pool is not None and pool.autoscaled is not None and pool.autoscaled.largest_node is not None:
        yield from _fits_somewhere(profile, pool.autoscaled.largest_node)


def default_wrong(default: str | None, profiles: Mapping[str, Profile], written: Iterable[str]) -> Wrong | None:
    """The default is what an empty request gets, so everybody must be allowed to have it."""
    if not default:
        return None
    path = ("defaultProfile",)
    open_to_all = [name for name, profile in profiles.items() if profile.enabled and profile.allow.everyone]
    remedy = f"take {one_of(open_to_all)}" if open_to_all else 'write defaultProfile: "", so that one must be chosen'
    if default not in set(written):
        return Wrong(path, f"there is no profile '{default}'", nearest(default, open_to_all, remedy))
    profile = profiles.get(default)
    if profile is None:
        return None  # it has mistakes of its own
    if not profile.enabled:
        return Wrong(path, f"the profile '{default}' is not enabled", remedy)
    if not profile.allow.everyone:
        problem = f"only {who_may(profile.allow)} may use '{default}', but whoever chooses nothing gets the default"
        return Wrong(path, problem, remedy)
    return None


def same_names(profiles: Mapping[str, Profile]) -> Iterator[tuple[str, Wrong]]:
    """Two cards nobody can tell apart."""
    first: dict[str, str] = {}
    for name, profile in profiles.items():
        shown = (profile.display_name or name).casefold()
        if profile.enabled and shown in first:
            problem = f"'{profile.display_name}' is also the name of the profile '{first[shown]}'"
            yield name, Wrong(("displayName",), problem, "give it another name")
        elif profile.enabled:
            first[shown] = name


def names_wrongs(rules: Mapping[str, Any], profiles: Iterable[str], pools: Iterable[str]) -> Iterator[Wrong]:
    """Machines and pools that rules name and nobody has defined. `rules` as they are written, whatever else is wrong
    with them: who mends one mistake is not told of the next one only then."""
    known = {"profile": list(profiles), "pool": list(pools)}
    for section in RULES:
        written = rules.get(section)
        for rule, given in written.items() if isinstance(written, Mapping) else ():
            for kind, names in known.items():
                listed = given.get(f"{kind}s") if isinstance(given, Mapping) else None
                for index, name in enumerate(listed if isinstance(listed, (list, tuple)) else ()):
                    if isinstance(name, str) and name not in names:
                        path, remedy = (section, str(rule), f"{kind}s", str(index)), f"take {one_of(names)}"
                        yield Wrong(path, f"there is no {kind} '{name}'", nearest(name, names, remedy))


def policy_wrongs(
    policies: Policies, profiles: Mapping[str, Profile | None], whole: Sequence[str]
) -> Iterator[Wrong]:
    """Rules that cannot count anything. A profile of None has mistakes of its own. `whole`: the quotas with per: hub,
    also those that have mistakes of their own."""
    scopes: dict[str, Mapping[str, Quota | Budget]] = {"quotas": policies.quotas, "budgets": policies.budgets}
    for section, rules in scopes.items():
        for rule, scope in rules.items():
            yield from _beside(section, rule, scope)
    for rule, quota in policies.quotas.items():
        if quota.borrowing is not None:
            path = ("quotas", rule, "borrowing", "within")
            if quota.borrowing.within not in whole:
                problem = f"there is no quota '{quota.borrowing.within}' with per: hub"
                remedy = f"take {one_of(whole)}" if whole else "add the quota that all shares lie within"
                yield Wrong(path, problem, nearest(quota.borrowing.within, whole, remedy) if whole else remedy)
    for rule, budget in policies.budgets.items():
        if budget.money is not None and not _has_price(budget, profiles):
            problem = "it is in money, and no machine that it is about has a price"
            yield Wrong(("budgets", rule, "money"), problem, "give pricePerHour to the profiles, or count machineHours")


def _beside(section: str, rule: str, scope: Quota | Budget) -> Iterator[Wrong]:
    """Other amounts for somebody whom the rule is not about. Where it is about people, their groups may be any."""
    overrides: dict[str, Iterable[str]] = {"users": scope.overrides.users}
    if scope.per == "group":
        overrides["groups"] = scope.overrides.groups
    for kind, names in overrides.items():
        about: tuple[str, ...] = getattr(scope, kind)
        for name in names:
            if about and name not in about:
                remedy = nearest(name, about, f"add it to {kind} of the rule, or remove it")
                problem = f"the rule is not about '{name}', so that these amounts never count"
                yield Wrong((section, rule, "overrides", kind, name), problem, remedy)


def _has_price(budget: Budget, profiles: Mapping[str, Profile | None]) -> bool:
    about = [profile for name, profile in profiles.items() if not budget.profiles or name in budget.profiles]
    offered = [
        profile
        for profile in about
        if profile is None or (profile.enabled and (not budget.pools or profile.pool in budget.pools))
    ]
    return any(profile is None or _costs(profile) for profile in offered)


def _costs(profile: Profile) -> bool:
    choices = [choice for option in profile.options.values() for choice in option.choices.values()]
    return bool(profile.price_per_hour) or any(choice.price_per_hour for choice in choices)


def _options_apart(options: Mapping[str, Option]) -> Iterator[Wrong]:
    """Two options that set the same thing: which one wins would depend on their order."""
    for (one, first), (other, second) in combinations(options.items(), 2):
        for target in sorted(_targets(first) & _targets(second)):
            problem = f"the options '{one}' and '{other}' both set {target}"
            yield Wrong(("options", other), problem, "make them one option, or let only one set it")


def _targets(option: Option) -> set[str]:
    return {target for choice in option.choices.values() for target in _set_by(choice.overrides)}


def _set_by(overrides: Overrides) -> Iterator[str]:
    fields = type(overrides).model_fields
    for name in _WHOLE:
        if getattr(overrides, name) is not None:
            yield fields[name].alias or name
    for name in _MAPS:
        yield from (f"{fields[name].alias or name}.{key}" for key in getattr(overrides, name))


def _mounts(profile: Profile) -> Iterator[Wrong]:
    names = [str(volume["name"]) for volume in profile.volumes]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Wrong(("volumes", str(index)), f"two volumes are called '{name}'", "give one another name")
    seen: set[str] = set()
    for index, mount in enumerate(profile.volume_mounts):
        path = ("volumeMounts", str(index))
        if mount["name"] not in names:
            remedy = nearest(mount["name"], names, "add it to volumes of this profile")
            yield Wrong((*path, "name"), f"there is no volume '{mount['name']}'", remedy)
        if mount["mountPath"] in seen:
            problem = f"something is mounted at {mount['mountPath']} already"
            yield Wrong((*path, "mountPath"), problem, "mount it elsewhere")
        seen.add(mount["mountPath"])


def _fits_somewhere(profile: Profile, node: NodeSize) -> Iterator[Wrong]:
    """The largest node the pool's autoscaler adds must hold the profile, and each single choice."""
    yield from _too_large((), profile.cpu, profile.memory, profile.extended_resources, node)
    for name, option in profile.options.items():
        for value, choice in option.choices.items():
            change = choice.overrides
            path = ("options", name, "choices", value, "overrides")
            yield from _too_large(path, change.cpu, change.memory, change.extended_resources, node)


def _too_large(
    path: tuple[str, ...],
    cpu: CpuRange | None,
    memory: MemoryRange | None,
    devices: Mapping[str, int],
    node: NodeSize,
) -> Iterator[Wrong]:
    remedy = "lower it, or correct autoscaled.largestNode of the pool"
    if cpu and node.cpu and cpu.request > node.cpu:
        yield Wrong((*path, "cpu"), f"{cpu.request} requested, and the pool's largest node has {node.cpu}", remedy)
    if memory and node.memory and memory.request > node.memory:
        problem = f"{memory.request} requested, and the pool's largest node has {node.memory}"
        yield Wrong((*path, "memory"), problem, remedy)
    for name, count in devices.items():
        there = node.extended_resources.get(name, 0)
        if count > there:
            problem = f"{count} requested, and the pool's largest node has {there}"
            yield Wrong((*path, "extendedResources", name), problem, remedy)
