"""PURE: the catalog as one person sees it -> the cards of the spawn page and of the switch page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, product

from hub_extensions.page_frame import words
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice
from profiles.choice import MachineChoice
from profiles.model import Catalog, OptionChoice, Profile
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Duration
from profiles.resolve import Offer, options_for

#: Cards carry the exact facts of every combination of their options up to this many; beyond it the price of the
#: chosen combination is shown after the click, on the pending page.
MAX_VARIANTS = 64


@dataclass(frozen=True)
class Facts:
    """What one choice of machine is, in words."""

    cores: str
    cores_note: str
    memory: str
    memory_note: str
    accelerators: tuple[str, ...]
    price: str
    limits: tuple[str, ...]


@dataclass(frozen=True)
class OptionItem:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class OptionField:
    field: str
    label: str
    items: tuple[OptionItem, ...]


@dataclass(frozen=True)
class Lock:
    sentence: str
    remedy: str
    reason: str


@dataclass(frozen=True)
class Card:
    dom_id: str
    profile_id: str
    title: str
    purpose: str
    facts: Facts
    options: tuple[OptionField, ...] = ()
    #: Facts by the chosen values of all options, joined with a newline.
    variants: Mapping[str, Facts] | None = None
    selected: bool = False
    lock: Lock | None = None
    current: bool = False


@dataclass(frozen=True)
class Cards:
    cards: tuple[Card, ...]
    verb: str = "Start"

    @property
    def selectable(self) -> bool:
        return any(card.lock is None for card in self.cards)


@dataclass(frozen=True)
class SpawnPage:
    heading: str
    cards: Cards
    action: str
    xsrf: str
    notice: Notice | None = None
    for_user: str | None = None
    server_name: str = ""


def cards_for(
    catalog: Catalog,
    person: Person,
    last: MachineChoice | None = None,
    *,
    current: str | None = None,
    verb: str = "Start",
) -> Cards:
    """One card per visible profile, in the catalog's order.

    `last` is kept as far as it is still on offer; nothing that this person may not have is ever preselected.
    `current` marks the machine that is running (and is not chosen again, unless it is the only one).
    """
    menu = Menu(catalog, person)
    offers = options_for(catalog, person)
    chosen = _preselected(catalog, offers, last, avoid=current)
    cards = tuple(
        replace(_card(menu, offer, last), dom_id=f"machine-{index}", selected=offer.profile_id == chosen)
        for index, offer in enumerate(offers)
    )
    if current is not None:
        cards = tuple(replace(card, current=card.profile_id == current) for card in cards)
    return Cards(cards=cards, verb=verb)


def _preselected(
    catalog: Catalog, offers: tuple[Offer, ...], last: MachineChoice | None, avoid: str | None
) -> str | None:
    open_ids = [offer.profile_id for offer in offers if offer.locked is None]
    wanted = [last.profile if last else None, catalog.default_profile, *open_ids]
    candidates = [profile_id for profile_id in wanted if profile_id in open_ids]
    return next((profile_id for profile_id in candidates if profile_id != avoid), next(iter(candidates), None))


def _card(menu: Menu, offer: Offer, last: MachineChoice | None) -> Card:
    profile, currency = offer.profile, menu.catalog.currency
    values = _kept_values(profile, last if last and last.profile == offer.profile_id else None)
    plan = menu.plan(MachineChoice(profile=offer.profile_id, options=values)) or offer.plan
    fields = tuple(
        OptionField(
            field=f"option.{offer.profile_id}.{name}",
            label=option.display_name or name,
            items=tuple(
                OptionItem(value, _choice_words(value, choice, currency), value == values[name])
                for value, choice in option.choices.items()
            ),
        )
        for name, option in profile.options.items()
    )
    lock = Lock(offer.locked.sentence, offer.locked.remedy, str(offer.locked.reason)) if offer.locked else None
    return Card(
        dom_id=offer.profile_id,
        profile_id=offer.profile_id,
        title=offer.display_name,
        purpose=profile.purpose,
        facts=facts_of(plan) if plan else facts_of_profile(profile, currency),
        options=() if lock else fields,
        variants=None if lock else _variants(menu, offer),
        lock=lock,
    )


def _kept_values(profile: Profile, last: MachineChoice | None) -> dict[str, str]:
    kept = last.options if last else {}
    return {
        name: str(kept[name]) if str(kept.get(name)) in option.choices else option.default
        for name, option in profile.options.items()
    }


def _variants(menu: Menu, offer: Offer) -> Mapping[str, Facts] | None:
    names = tuple(offer.profile.options)
    combinations = product(*(option.choices for option in offer.profile.options.values()))
    listed = list(islice(combinations, MAX_VARIANTS + 1))
    if not names or len(listed) > MAX_VARIANTS:
        return None
    choices = {values: MachineChoice(offer.profile_id, dict(zip(names, values, strict=True))) for values in listed}
    plans = {"\n".join(values): menu.plan(choice) for values, choice in choices.items()}
    return {key: facts_of(plan) for key, plan in plans.items() if plan is not None}


def _choice_words(value: str, choice: OptionChoice, currency: str) -> str:
    label = choice.display_name or value
    if not choice.price_per_hour:
        return label
    return f"{label} (+{words.money(choice.price_per_hour, currency)}/h)"


def facts_of(plan: MachinePlan) -> Facts:
    return _facts(
        plan,
        words.price_per_hour(plan.price_per_hour.amount, plan.price_per_hour.currency),
    )


def facts_of_profile(profile: Profile, currency: str) -> Facts:
    """A locked profile has no plan; its card still says what it would be."""
    return _facts(profile, words.price_per_hour(profile.price_per_hour, currency))


def _facts(machine: MachinePlan | Profile, price: str) -> Facts:
    cpu, memory = machine.cpu, machine.memory
    return Facts(
        cores=words.cores(cpu.limit.cores),
        cores_note=f"{words.cores(cpu.request.cores)} guaranteed" if cpu.request < cpu.limit else "",
        memory=memory.limit.human,
        memory_note=f"{memory.request.human} guaranteed" if memory.request < memory.limit else "",
        accelerators=tuple(words.resource(name, n) for name, n in machine.extended_resources.items() if n),
        price=price,
        limits=limits_of(machine.idle_timeout, machine.max_lifetime),
    )


def limits_of(idle_timeout: Duration | None, max_lifetime: Duration | None) -> tuple[str, ...]:
    """When the machine stops by itself; 0 seconds is never."""
    said = []
    if idle_timeout and idle_timeout.seconds:
        said.append(f"Stops after {words.duration(idle_timeout.seconds)} without activity")
    if max_lifetime and max_lifetime.seconds:
        said.append(f"Stops {words.duration(max_lifetime.seconds)} after its start")
    return tuple(said) or ("Runs until you stop it",)
