"""PURE: the catalog as one person sees it -> the cards of the spawn page and of the switch page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product
from urllib.parse import urlencode

from hub_extensions.page_frame import share_words, words
from hub_extensions.page_frame.menu import Menu
from hub_extensions.page_frame.notice import Notice
from hub_extensions.queue.view import PlaceView
from hub_extensions.spawn_page.facts import Facts, Lock, at_length, facts_of, facts_of_profile, foreseen
from hub_extensions.spawn_page.nearest import Nearest, Variant
from profiles.admission import Decision
from profiles.choice import LENGTHS, LONGEST_RUN, SHORTEST_RUN, MachineChoice
from profiles.frozen import EMPTY
from profiles.model import Catalog, OptionChoice, Profile
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Duration, Money
from profiles.resolve import Offer, options_for

#: Cards carry the exact facts of every combination of their options up to this many; beyond it the price of the
#: chosen combination is shown after the click, on the pending page.
MAX_VARIANTS = 64
#: What a person can get past by asking for it.
ASKABLE = ("needs-approval", "grant-expired")


@dataclass(frozen=True)
class Outlook:
    """What the gate would say to each machine on offer at this moment, and what else is so at present: `notes` by
    machine, what waiting for one would be like, the places that one has in line, and what is free instead. `shorter`:
    the decisions, by machine and length, that are otherwise where it is to run for so long."""

    decisions: Mapping[Variant, Decision]
    now: datetime
    timezone: str = "UTC"
    notes: Mapping[Variant, tuple[str, ...]] = EMPTY
    waits: Mapping[Variant, str] = EMPTY
    places: Mapping[Variant, PlaceView] = EMPTY
    nearest: Mapping[Variant, Nearest] = EMPTY
    shorter: Mapping[tuple[Variant, Duration], Decision] = EMPTY


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
    #: Why the machine is not for this person, whatever is free: its card has neither options nor a button.
    closed: Lock | None = None
    current: bool = False
    #: Whether any of its variants would be let in now.
    usable: bool = True
    #: Whether this person may reserve it.
    reservable: bool = False

    @property
    def lock(self) -> Lock | None:
        return self.closed or self.facts.lock

    @property
    def askable(self) -> bool:
        return self.closed is None and self.facts.lock is not None and self.facts.lock.reason in ASKABLE


@dataclass(frozen=True)
class Cards:
    cards: tuple[Card, ...]
    verb: str = "Start"
    #: Where the page asks again for what the gate would say; empty where there is no gate.
    live: str = ""
    #: Where one asks for a machine that needs a yes.
    ask: str = ""
    #: Where one joins the line, and leaves it; empty without a gate.
    join: str = ""
    leave: str = ""
    #: Where one reserves a machine.
    reserve: str = ""
    #: Where another machine is shown as chosen.
    choose: str = ""
    #: For how long it is to run; empty where nobody would see to it.
    lengths: tuple[OptionItem, ...] = ()

    def ask_for(self, card: Card) -> str:
        """The address of the ask for this card's machine, with the options that are chosen on it."""
        chosen = [(field.field, item.value) for field in card.options for item in field.items if item.selected]
        return f"{self.ask}?{urlencode([('profile', card.profile_id), *chosen])}"

    @property
    def all_closed(self) -> bool:
        """Nothing here is for this person, whatever is free."""
        return all(card.closed is not None for card in self.cards)

    @property
    def selectable(self) -> bool:
        """Something can be started at this moment."""
        return any(card.usable for card in self.cards)


@dataclass(frozen=True)
class SpawnPage:
    heading: str
    cards: Cards
    action: str
    xsrf: str
    notice: Notice | None = None
    for_user: str | None = None
    server_name: str = ""
    #: What has been answered to this person, and who waits for them.
    news: tuple[Notice, ...] = ()


def cards_for(  # noqa: PLR0913 (what is offered, to whom, and how the page puts it)
    catalog: Catalog,
    person: Person,
    last: MachineChoice | None = None,
    *,
    current: str | None = None,
    verb: str = "Start",
    outlook: Outlook | None = None,
) -> Cards:
    """One card per visible profile, in the catalog's order.

    `last` is kept as far as it is still on offer; nothing that this person may not have is ever preselected.
    `current` marks the machine that is running (and is not chosen again, unless it is the only one).
    """
    menu = Menu(catalog, person)
    cards = [_card(menu, offer, last, outlook) for offer in options_for(catalog, person)]
    chosen = _preselected(catalog, cards, last, avoid=current)
    return Cards(
        cards=tuple(
            replace(
                card,
                dom_id=f"machine-{index}",
                selected=card.profile_id == chosen,
                current=current is not None and card.profile_id == current,
            )
            for index, card in enumerate(cards)
        ),
        verb=verb,
        lengths=_length_items(chosen_run_for(last)) if outlook is not None else (),
    )


def chosen_run_for(last: MachineChoice | None) -> Duration | None:
    """For how long, as far as that can be asked for."""
    run_for = last.run_for if last else None
    return run_for if run_for is not None and SHORTEST_RUN <= run_for <= LONGEST_RUN else None


def lengths_with(run_for: Duration | None) -> tuple[Duration, ...]:
    """Those that forms offer, and the one that was chosen by another way."""
    return tuple(sorted({*LENGTHS, *(() if run_for is None else (run_for,))}))


def _length_items(chosen: Duration | None) -> tuple[OptionItem, ...]:
    lengths = ((str(each), words.duration(each.seconds), each == chosen) for each in lengths_with(chosen))
    return (OptionItem("", "Until I stop it", chosen is None), *(OptionItem(*each) for each in lengths))


def on_offer(catalog: Catalog, person: Person, last: MachineChoice | None = None) -> dict[Variant, MachinePlan]:
    """Every machine whose facts the cards will tell: all variants, or the chosen one where there are too many."""
    menu, plans = Menu(catalog, person), {}
    for offer in options_for(catalog, person):
        if offer.locked is None:
            kept = tuple(_kept_values(offer.profile, _of_offer(offer, last)).values())
            for values in (kept, *(_combinations(offer.profile) or ())):
                plan = menu.plan(_choice(offer, values))
                if plan is not None:
                    plans[offer.profile_id, values] = plan
    return plans


def variants_of(
    catalog: Catalog, person: Person, outlook: Outlook | None = None, run_for: Duration | None = None
) -> dict[str, Mapping[str, Facts]]:
    """The facts of every variant by profile: what the page asks for again while it is looked at."""
    menu = Menu(catalog, person)
    offers = (offer for offer in options_for(catalog, person) if offer.locked is None)
    found = ((offer.profile_id, _variants(menu, offer, outlook, run_for)) for offer in offers)
    return {profile_id: variants for profile_id, variants in found if variants is not None}


def _preselected(
    catalog: Catalog, cards: Iterable[Card], last: MachineChoice | None, avoid: str | None
) -> str | None:
    usable = [card for card in cards if card.usable]
    open_ids = [card.profile_id for card in usable if card.lock is None] or [card.profile_id for card in usable]
    wanted = [last.profile if last else None, catalog.default_profile, *open_ids]
    candidates = [profile_id for profile_id in wanted if profile_id in open_ids]
    return next((profile_id for profile_id in candidates if profile_id != avoid), next(iter(candidates), None))


def _card(menu: Menu, offer: Offer, last: MachineChoice | None, outlook: Outlook | None) -> Card:
    profile, currency = offer.profile, menu.catalog.currency if menu.catalog else ""
    values = _kept_values(profile, _of_offer(offer, last))
    chosen = tuple(values.values())
    plan = menu.plan(_choice(offer, chosen)) or offer.plan
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
    run_for = chosen_run_for(last)
    facts = _foreseen(offer, chosen, plan, outlook, run_for) if plan else facts_of_profile(profile, currency)
    variants = None if offer.locked else _variants(menu, offer, outlook, run_for)
    length = str(run_for) if run_for else ""
    facts, as_chosen = facts.at(length), [each.at(length) for each in (variants or {}).values()]
    open_now = offer.locked is None and any(each.lock is None for each in (facts, *as_chosen))
    return Card(
        dom_id=offer.profile_id,
        profile_id=offer.profile_id,
        title=offer.display_name,
        purpose=profile.purpose,
        facts=facts,
        options=() if offer.locked else fields,
        variants=variants,
        closed=Lock.of(offer.locked) if offer.locked else None,
        usable=open_now,
        reservable=offer.locked is None and menu.may_reserve(offer.profile_id, profile.pool),
    )


def _of_offer(offer: Offer, last: MachineChoice | None) -> MachineChoice | None:
    return last if last and last.profile == offer.profile_id else None


def _choice(offer: Offer, values: tuple[str, ...]) -> MachineChoice:
    return MachineChoice(profile=offer.profile_id, options=dict(zip(offer.profile.options, values, strict=True)))


def _kept_values(profile: Profile, last: MachineChoice | None) -> dict[str, str]:
    kept = last.options if last else {}
    return {
        name: str(kept[name]) if str(kept.get(name)) in option.choices else option.default
        for name, option in profile.options.items()
    }


def _combinations(profile: Profile) -> list[tuple[str, ...]] | None:
    """None: more than a card can carry. Without options there is one, of nothing."""
    listed = list(islice(product(*(option.choices for option in profile.options.values())), MAX_VARIANTS + 1))
    return listed if len(listed) <= MAX_VARIANTS else None


def _variants(
    menu: Menu, offer: Offer, outlook: Outlook | None, run_for: Duration | None
) -> Mapping[str, Facts] | None:
    """Without options only what the gate says can change."""
    combinations = _combinations(offer.profile)
    if combinations is None or not (offer.profile.options or outlook):
        return None
    plans = {values: menu.plan(_choice(offer, values)) for values in combinations}
    return {
        "\n".join(values): _foreseen(offer, values, plan, outlook, run_for)
        for values, plan in plans.items()
        if plan is not None
    }


def _foreseen(
    offer: Offer, values: tuple[str, ...], plan: MachinePlan, outlook: Outlook | None, run_for: Duration | None
) -> Facts:
    facts = facts_of(plan)
    key = offer.profile_id, values
    decision = outlook.decisions.get(key) if outlook else None
    if outlook is None or decision is None:
        return facts
    now, timezone = outlook.now, outlook.timezone
    lengths = {
        str(each): at_length(plan.lasting(each), outlook.shorter.get((key, each), decision), now, timezone)
        for each in lengths_with(run_for)
    }
    return replace(
        foreseen(facts, plan, decision, now, timezone),
        shares=share_words.left(decision, plan.price_per_hour.currency),
        notes=outlook.notes.get(key, ()),
        wait=outlook.waits.get(key, ""),
        place=outlook.places.get(key),
        nearest=outlook.nearest.get(key),
        lengths=lengths,
    )


def _choice_words(value: str, choice: OptionChoice, currency: str) -> str:
    label = choice.display_name or value
    if not choice.price_per_hour:
        return label
    return f"{label} (+{Money(choice.price_per_hour, currency).human}/h)"
