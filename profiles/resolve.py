"""(catalog, choice, person) -> the machine they get, or why they don't. Pure; called at every start by the spawner.

Everything a request says is distrusted: it may be years old, forged, or about a catalog that has changed since.
What is not on offer is refused, never replaced by something near it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import TypeVar

from profiles.access import Access, allows, who_may
from profiles.choice import LONGEST_RUN, SHORTEST_RUN, MachineChoice
from profiles.frozen import EMPTY, FrozenDict
from profiles.model import Catalog, Option, OptionChoice, Overrides, Profile
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Duration, Money
from profiles.refusal import Reason, Refusal

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class OfferedChoice:
    choice_id: str
    display_name: str
    price_per_hour: Money
    """Added to the profile's."""
    is_default: bool


@dataclass(frozen=True, slots=True)
class OfferedOption:
    option_id: str
    display_name: str
    choices: tuple[OfferedChoice, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """One card. `plan` is what a click gives; None exactly when `locked` says why not."""

    profile_id: str
    profile: Profile
    display_name: str
    plan: MachinePlan | None
    locked: Refusal | None
    is_default: bool
    options: tuple[OfferedOption, ...]


def resolve(catalog: Catalog, choice: MachineChoice, person: Person) -> MachinePlan | Refusal:
    """The plan for this choice; options left out take their default. Never raises for what a person can send."""
    malformed = _malformed(choice) or _run_for_out_of_bounds(choice.run_for)
    if malformed is not None:
        return malformed
    profile_id = choice.profile or catalog.default_profile
    if not profile_id:
        return Refusal(
            Reason.NO_PROFILE, "No machine was chosen, and there is no default one.", _choose_one_of(catalog, person)
        )
    profile = catalog.profiles.get(profile_id)
    if profile is None or not profile.enabled:
        return _unknown_profile(catalog, profile_id, person)
    if not allows(profile.allow, person):
        return _forbidden(profile_id, profile)
    chosen = _chosen(profile_id, profile, choice.options)
    if isinstance(chosen, Refusal):
        return chosen
    return _plan(catalog, profile_id, profile, chosen, choice.rescue).lasting(choice.run_for)


def options_for(catalog: Catalog, person: Person) -> tuple[Offer, ...]:
    """A card for each enabled profile, in the catalog's order; what this person may not use is locked."""
    return tuple(
        _offer(catalog, profile_id, profile, person)
        for profile_id, profile in catalog.profiles.items()
        if profile.enabled
    )


def _offer(catalog: Catalog, profile_id: str, profile: Profile, person: Person) -> Offer:
    outcome = resolve(catalog, MachineChoice(profile_id), person)
    options = tuple(
        OfferedOption(
            name,
            option.display_name or name,
            tuple(
                OfferedChoice(
                    value,
                    choice.display_name or value,
                    Money(choice.price_per_hour, catalog.currency),
                    value == option.default,
                )
                for value, choice in option.choices.items()
            ),
        )
        for name, option in profile.options.items()
    )
    return Offer(
        profile_id=profile_id,
        profile=profile,
        display_name=profile.display_name or profile_id,
        plan=outcome if isinstance(outcome, MachinePlan) else None,
        locked=outcome if isinstance(outcome, Refusal) else None,
        is_default=profile_id == catalog.default_profile,
        options=options,
    )


def _chosen(profile_id: str, profile: Profile, options: Mapping[str, str]) -> dict[str, str] | Refusal:
    """Every option of the profile with a value that is on offer."""
    for name in options:
        if name not in profile.options:
            return _unknown_option(profile_id, profile, name)
    chosen: dict[str, str] = {}
    for name, option in profile.options.items():
        value = options.get(name, option.default)
        if value not in option.choices:
            return _out_of_bounds(profile_id, profile, name, option, value)
        chosen[name] = value
    return chosen


def _plan(catalog: Catalog, profile_id: str, profile: Profile, chosen: Mapping[str, str], rescue: bool) -> MachinePlan:
    picked = [profile.options[name].choices[value] for name, value in chosen.items()]
    changes = [choice.overrides for choice in picked]
    return MachinePlan(
        profile_id=profile_id,
        display_name=profile.display_name or profile_id,
        purpose=profile.purpose,
        pool_id=profile.pool,
        pool=catalog.pools[profile.pool],
        cpu=next((each.cpu for each in changes if each.cpu), profile.cpu),
        memory=next((each.memory for each in changes if each.memory), profile.memory),
        extended_resources=_resources(profile, changes),
        image=next((each.image for each in changes if each.image), profile.image),
        image_pull_policy=next((each.image_pull_policy for each in changes if each.image_pull_policy), None)
        or profile.image_pull_policy,
        price_per_hour=Money(_price(profile, picked), catalog.currency),
        env=_laid_over(profile.env, (each.env for each in changes)),
        volumes=profile.volumes,
        volume_mounts=profile.volume_mounts,
        annotations=_laid_over(profile.annotations, (each.annotations for each in changes)),
        labels=_laid_over(profile.labels, (each.labels for each in changes)),
        idle_timeout=_limit(profile.idle_timeout, (each.idle_timeout for each in changes)),
        max_lifetime=_limit(profile.max_lifetime, (each.max_lifetime for each in changes)),
        keep_alive_at_most=_limit(profile.keep_alive_at_most, ()),
        hours=profile.hours,
        start_timeout=profile.start_timeout,
        options=FrozenDict(chosen) if chosen else EMPTY,
        rescue=rescue,
    )


def _price(profile: Profile, picked: Iterable[OptionChoice]) -> Decimal:
    return sum((choice.price_per_hour for choice in picked), start=profile.price_per_hour)


def _resources(profile: Profile, changes: Iterable[Overrides]) -> Mapping[str, int]:
    merged = _laid_over(profile.extended_resources, (each.extended_resources for each in changes))
    return merged if all(merged.values()) else FrozenDict({name: count for name, count in merged.items() if count})


def _laid_over(base: Mapping[str, V], overlays: Iterable[Mapping[str, V]]) -> Mapping[str, V]:
    """The base itself where nothing is laid over it: nearly always, so nothing is copied."""
    given = [overlay for overlay in overlays if overlay]
    if not given:
        return base
    merged = dict(base)
    for overlay in given:
        merged.update(overlay)
    return FrozenDict(merged)


def _limit(own: Duration | None, overrides: Iterable[Duration | None]) -> Duration | None:
    """0 is "never", which a plan says as None."""
    limit = next((each for each in overrides if each is not None), own)
    return limit if limit is not None and limit.seconds else None


# Refusals. What came in is quoted, cut and made printable; whoever renders a sentence escapes it.


def _malformed(choice: MachineChoice) -> Refusal | None:
    """`spawner.choice` lets nothing of the kind through; other callers may."""
    sound = (choice.profile is None or isinstance(choice.profile, str)) and isinstance(choice.options, Mapping)
    sound = sound and (choice.run_for is None or isinstance(choice.run_for, Duration))
    if sound and all(isinstance(n, str) and isinstance(v, str) for n, v in choice.options.items()):
        return None
    return Refusal(
        Reason.MALFORMED_CHOICE,
        "The choice of machine could not be read.",
        "Open the spawn page and choose a machine there.",
    )


def _run_for_out_of_bounds(run_for: Duration | None) -> Refusal | None:
    if run_for is None or SHORTEST_RUN <= run_for <= LONGEST_RUN:
        return None
    return Refusal(
        Reason.RUN_FOR_OUT_OF_BOUNDS,
        f"A machine can be asked for {SHORTEST_RUN.human} at least and {LONGEST_RUN.human} at most, "
        f"and {run_for.human} is not in between.",
        "Choose a length from the list, or none: then it runs until you stop it.",
    )


def _unknown_profile(catalog: Catalog, profile_id: str, person: Person) -> Refusal:
    return Refusal(
        Reason.UNKNOWN_PROFILE,
        f"There is no machine {_said(profile_id)}, or it is no longer offered.",
        _choose_one_of(catalog, person, near=profile_id),
    )


def _forbidden(profile_id: str, profile: Profile) -> Refusal:
    return Refusal(
        Reason.FORBIDDEN_PROFILE,
        f"Only {who_may(profile.allow)} may use {profile.display_name or profile_id}.",
        f"{_how_to_get_in(profile.allow)}, or choose another machine.",
    )


def _how_to_get_in(allow: Access) -> str:
    if len(allow.groups) == 1:
        return f"Ask your administrator to add you to {allow.groups[0]}"
    if allow.groups:
        return "Ask your administrator to add you to one of these groups"
    return "Ask your administrator if you need it"


def _unknown_option(profile_id: str, profile: Profile, name: str) -> Refusal:
    known = ", ".join(profile.options)
    has = f"It has: {known}." if known else "It has no options."
    return Refusal(
        Reason.UNKNOWN_OPTION,
        f"The machine {profile.display_name or profile_id} has no option {_said(name)}, or no longer.",
        f"{has} Choose again on the spawn page.",
    )


def _out_of_bounds(profile_id: str, profile: Profile, name: str, option: Option, value: str) -> Refusal:
    listed = list(option.choices)
    known = ", ".join(listed) if len(listed) <= 12 else f"{', '.join(listed[:11])} … {listed[-1]}"
    return Refusal(
        Reason.OPTION_OUT_OF_BOUNDS,
        f"{_said(value)} is not offered as {option.display_name or name} of {profile.display_name or profile_id}.",
        f"Choose one of: {known}.",
    )


def _choose_one_of(catalog: Catalog, person: Person, near: str = "") -> str:
    open_to = [name for name, profile in catalog.profiles.items() if profile.enabled and allows(profile.allow, person)]
    if not open_to:
        return "No machine is open to you: ask your administrator."
    close = get_close_matches(near[:64], open_to, n=1) if near else []
    if close:
        return f"Did you mean {close[0]}? Choose again on the spawn page."
    return f"Choose one of: {', '.join(catalog.profiles[name].display_name or name for name in open_to[:8])}."


def _said(text: str) -> str:
    printable = "".join(char if char.isprintable() else "�" for char in text[:61])
    return f"“{printable if len(text) <= 60 else printable[:60] + '…'}”"
