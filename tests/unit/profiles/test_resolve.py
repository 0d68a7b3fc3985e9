"""(catalog, choice, person) -> plan or refusal: nobody gets what is not on offer to them, by whatever they send."""

from __future__ import annotations

import copy
import json
import pickle
import timeit
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.access import allows, who_may
from profiles.catalog import from_mapping, load_catalog
from profiles.choice import LONGEST_RUN, SHORTEST_RUN, MachineChoice
from profiles.lease import Request
from profiles.machine import RunningMachine
from profiles.model import Access, Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.quantity import Cpu, Duration, Memory
from profiles.refusal import MEANING, Reason, Refusal
from profiles.resolve import options_for, resolve

OVERLAY: dict[str, Any] = {
    "profiles": {
        "team": {
            "extends": "gpu",
            "displayName": "Team GPU",
            "allow": {"groups": ["ml-team"]},
            "idleTimeout": "never",
            "env": {"A": "1", "B": "2"},
            "options": {
                "image": {
                    "default": "plain",
                    "choices": {
                        "plain": {},
                        "torch": {
                            "pricePerHour": "0.1",
                            "overrides": {
                                "image": "example.org/torch:2",
                                "imagePullPolicy": "Always",
                                "env": {"B": "3"},
                            },
                        },
                    },
                },
                "stay": {
                    "default": "short",
                    "choices": {
                        "short": {},
                        "long": {
                            "overrides": {"maxLifetime": "never", "annotations": {"x/y": "z"}, "labels": {"l": "v"}}
                        },
                    },
                },
            },
        },
        "named": {"extends": "small-cpu", "displayName": "Bob's", "allow": {"users": ["bob"]}},
        "root": {"extends": "small-cpu", "displayName": "Root's", "allow": {"admins": True}},
        "gone": {"extends": "small-cpu", "displayName": "Gone", "enabled": False},
    }
}
CATALOG = load_catalog(from_mapping("test", OVERLAY))
ADA, BOB = Person("ada"), Person("bob")
MEMBER, ADMIN = Person("eve", frozenset({"ml-team", "astro"})), Person("root", admin=True)


def plan(choice: MachineChoice, person: Person = ADA) -> MachinePlan:
    outcome = resolve(CATALOG, choice, person)
    assert isinstance(outcome, MachinePlan), outcome
    return outcome


def refusal(choice: MachineChoice, person: Person = ADA, catalog: Catalog = CATALOG) -> Refusal:
    outcome = resolve(catalog, choice, person)
    assert isinstance(outcome, Refusal), outcome
    return outcome


@pytest.mark.parametrize("person", [ADA, BOB, MEMBER, ADMIN], ids=lambda person: person.name)
@pytest.mark.parametrize(
    ("profile", "allowed"),
    [
        ("small-cpu", {"ada", "bob", "eve", "root"}),
        ("many-core", {"ada", "bob", "eve", "root"}),
        ("gpu", {"ada", "bob", "eve", "root"}),
        ("team", {"eve"}),
        ("named", {"bob"}),
        ("root", {"root"}),
    ],
)
def test_who_gets_which_machine(person: Person, profile: str, allowed: set[str]) -> None:
    outcome = resolve(CATALOG, MachineChoice(profile), person)
    if person.name in allowed:
        assert isinstance(outcome, MachinePlan)
        assert outcome.profile_id == profile
    else:
        assert isinstance(outcome, Refusal)
        assert outcome.reason is Reason.FORBIDDEN_PROFILE


def test_a_group_that_is_gone_takes_the_machine_away() -> None:
    replayed = MachineChoice("team", {"gpus": "1", "image": "plain", "stay": "short"})
    assert isinstance(resolve(CATALOG, replayed, MEMBER), MachinePlan)
    assert refusal(replayed, Person("eve", frozenset({"astro"}))).reason is Reason.FORBIDDEN_PROFILE


def test_no_choice_is_the_default_machine() -> None:
    assert plan(MachineChoice()).profile_id == "small-cpu"
    assert plan(MachineChoice("")).profile_id == "small-cpu"
    assert plan(MachineChoice(None, {"memory": "8Gi"})).memory.limit == Memory.parse("8Gi")


def test_without_a_default_one_must_be_named() -> None:
    bare = CATALOG.model_copy(update={"default_profile": None})
    told = refusal(MachineChoice(), catalog=bare)
    assert told.reason is Reason.NO_PROFILE
    assert "Small CPU" in told.remedy
    assert "Team GPU" not in told.message, "what somebody may not use is not recommended to them"


def test_a_default_this_person_may_not_use_is_refused_not_replaced() -> None:
    shut = CATALOG.model_copy(update={"default_profile": "team"})
    assert refusal(MachineChoice(), catalog=shut).reason is Reason.FORBIDDEN_PROFILE


@pytest.mark.parametrize(
    ("choice", "reason", "told"),
    [
        (MachineChoice("gpuu"), Reason.UNKNOWN_PROFILE, "gpu"),
        (MachineChoice("gone"), Reason.UNKNOWN_PROFILE, "no longer offered"),
        (MachineChoice("GPU"), Reason.UNKNOWN_PROFILE, "“GPU”"),
        (MachineChoice("team"), Reason.FORBIDDEN_PROFILE, "Only members of ml-team may use Team GPU."),
        (MachineChoice("team", {"gpus": "99"}), Reason.FORBIDDEN_PROFILE, "ask"),
        (MachineChoice("named"), Reason.FORBIDDEN_PROFILE, "one named person"),
        (MachineChoice("root"), Reason.FORBIDDEN_PROFILE, "Only administrators"),
        (MachineChoice("gpu", {"gpus": "99"}), Reason.OPTION_OUT_OF_BOUNDS, "1, 2, 3, 4"),
        (MachineChoice("gpu", {"gpus": "0"}), Reason.OPTION_OUT_OF_BOUNDS, "1, 2, 3, 4"),
        (MachineChoice("gpu", {"gpus": ""}), Reason.OPTION_OUT_OF_BOUNDS, "1, 2, 3, 4"),
        (MachineChoice("gpu", {"gpus": "2 "}), Reason.OPTION_OUT_OF_BOUNDS, "1, 2, 3, 4"),
        (MachineChoice("gpu", {"gpus": "1;rm -rf"}), Reason.OPTION_OUT_OF_BOUNDS, "GPUs"),
        (MachineChoice("gpu", {"image": "evil:latest"}), Reason.UNKNOWN_OPTION, "It has: gpus."),
        (MachineChoice("gpu", {"gpus": "1", "memory": "64Gi"}), Reason.UNKNOWN_OPTION, "memory"),
        (MachineChoice("gpu", {"": "1"}), Reason.UNKNOWN_OPTION, "gpus"),
        (MachineChoice("gpu", {"gpus": 2}), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[dict-item]
        (MachineChoice("gpu", {3: "2"}), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[dict-item]
        (MachineChoice(7), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[arg-type]
        (MachineChoice("gpu", [("gpus", "2")]), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[arg-type]
        (MachineChoice("gpu", None), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[arg-type]
        (MachineChoice(["gpu"]), Reason.MALFORMED_CHOICE, "spawn page"),  # type: ignore[arg-type]
    ],
)
def test_what_is_not_on_offer_is_refused_with_a_reason(choice: MachineChoice, reason: Reason, told: str) -> None:
    outcome = refusal(choice)
    assert outcome.reason is reason
    assert told.lower() in outcome.message.lower()
    assert outcome.sentence.endswith(".")
    assert outcome.remedy.endswith((".", "page."))


def test_a_refusal_quotes_what_came_in_cut_and_printable() -> None:
    outcome = refusal(MachineChoice("x\x1b[31m\n\u202e" + "y" * 5000))
    assert len(outcome.sentence) < 160
    assert outcome.message.isprintable()


def test_the_forbidden_are_told_what_to_do() -> None:
    outcome = refusal(MachineChoice("team"))
    assert outcome.remedy == "Ask your administrator to add you to ml-team, or choose another machine."
    assert "bob" not in refusal(MachineChoice("named")).message, "names of people stay private"


def test_options_add_their_prices_and_change_the_machine() -> None:
    chosen = plan(MachineChoice("team", {"gpus": "4", "image": "torch", "stay": "long"}), MEMBER)
    assert chosen.price_per_hour.amount == Decimal("2.5") + Decimal("7.5") + Decimal("0.1")
    assert str(chosen.price_per_hour) == "10.10 EUR"
    assert dict(chosen.extended_resources) == {"nvidia.com/gpu": 4}
    assert chosen.gpus == 4
    assert (chosen.image, chosen.image_pull_policy) == ("example.org/torch:2", "Always")
    assert dict(chosen.env) == {"A": "1", "B": "3"}
    assert (dict(chosen.annotations), dict(chosen.labels)) == ({"x/y": "z"}, {"l": "v"})
    assert chosen.max_lifetime is None
    assert chosen.idle_timeout is None, "never is no limit"
    assert chosen.cpu.limit == Cpu.parse(8)


def test_defaults_fill_what_was_not_chosen_and_the_choice_is_complete() -> None:
    chosen = plan(MachineChoice("team", {"gpus": "2"}), MEMBER)
    assert dict(chosen.options) == {"gpus": "2", "image": "plain", "stay": "short"}
    assert chosen.max_lifetime == Duration(86400)
    assert resolve(CATALOG, chosen.choice, MEMBER) == chosen


@given(asked=st.none() | st.integers(0, 10**9).map(Duration), stay=st.sampled_from(["short", "long"]))
def test_a_machine_lives_as_long_as_was_asked_and_never_longer_than_its_own_limit(
    asked: Duration | None, stay: str
) -> None:
    wanted = MachineChoice("team", {"stay": stay}, run_for=asked)
    outcome, own = resolve(CATALOG, wanted, MEMBER), plan(replace(wanted, run_for=None), MEMBER).max_lifetime
    if asked is not None and not SHORTEST_RUN <= asked <= LONGEST_RUN:
        assert isinstance(outcome, Refusal)
        assert outcome.reason is Reason.RUN_FOR_OUT_OF_BOUNDS
        return
    assert isinstance(outcome, MachinePlan)
    given_both = [each for each in (asked, own) if each is not None]
    assert outcome.max_lifetime == (min(given_both) if given_both else None)
    assert resolve(CATALOG, outcome.choice, MEMBER) == outcome, "what was asked is kept, also where it was cut"
    machine = RunningMachine.of(outcome, "id")
    assert machine.ends_as_asked is (asked is not None and outcome.max_lifetime == asked)
    assert RunningMachine.from_dict(machine.to_dict()) == machine
    longest = Request.of("id", MEMBER, "", outcome).longest
    assert longest == (timedelta(seconds=outcome.max_lifetime.seconds) if outcome.max_lifetime else None)


def test_a_length_out_of_bounds_says_both() -> None:
    told = refusal(MachineChoice("team", run_for=Duration(60)), MEMBER)
    assert told.sentence == (
        "A machine can be asked for 10 minutes at least and 366 days at most, and 1 minute is not in between."
    )
    assert refusal(MachineChoice("team", run_for="4h"), MEMBER).reason is Reason.MALFORMED_CHOICE  # type: ignore[arg-type]


def test_a_resource_overridden_to_none_is_not_asked_for() -> None:
    overlay = {
        "profiles": {
            "gpu": {
                "options": {
                    "gpus": {
                        "choices": {"none": {"overrides": {"extendedResources": {"nvidia.com/gpu": 0}}}},
                        "default": "none",
                    }
                }
            }
        }
    }
    catalog = load_catalog(from_mapping("test", overlay))
    outcome = resolve(catalog, MachineChoice("gpu"), ADA)
    assert isinstance(outcome, MachinePlan)
    assert outcome.extended_resources == {}
    assert outcome.gpus == 0


def test_a_rescue_start_says_so() -> None:
    assert plan(MachineChoice("gpu", {}, rescue=True)).rescue
    assert plan(MachineChoice("gpu", {}, rescue=True)).choice.rescue
    assert not plan(MachineChoice("gpu")).rescue


@pytest.mark.parametrize("field", ["env", "labels", "annotations", "extended_resources", "options"])
def test_a_plan_cannot_be_used_to_change_the_catalog(field: str) -> None:
    mapping: Any = getattr(plan(MachineChoice("gpu")), field)
    with pytest.raises(TypeError, match="shared"):
        mapping["x"] = "y"
    with pytest.raises(TypeError, match="shared"):
        mapping.update(x=1)
    with pytest.raises(TypeError, match="shared"):
        mapping |= {"x": 1}


def test_resolving_leaves_catalog_and_choice_as_they_were() -> None:
    before, options = CATALOG.model_dump_json(), {"gpus": "3"}
    plan(MachineChoice("gpu", options))
    refusal(MachineChoice("gpu", {"gpus": "9"}))
    options_for(CATALOG, MEMBER)
    assert before == CATALOG.model_dump_json()
    assert options == {"gpus": "3"}


def test_a_plan_is_plain_json_and_survives_copying_and_pickling() -> None:
    chosen = plan(MachineChoice("team", {"image": "torch"}), MEMBER)
    assert json.loads(json.dumps(chosen.to_dict()))["pricePerHour"] == "2.60 EUR"
    assert copy.deepcopy(chosen) == chosen
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert copy.deepcopy(CATALOG) == CATALOG


def test_resolve_is_fast_enough_for_a_page_of_cards() -> None:
    choice = MachineChoice("team", {"gpus": "4", "image": "torch"})
    best = min(timeit.repeat(lambda: resolve(CATALOG, choice, MEMBER), number=200, repeat=5)) / 200
    assert best < 200e-6, f"{best * 1e6:.0f} µs (typically 15; the bound leaves room for a busy machine)"


JUNK = st.none() | st.text(max_size=12) | st.sampled_from(["gpu", "team", "named", "gone", "small-cpu", "__class__"])
VALUES = st.text(max_size=8) | st.sampled_from(["1", "4", "5", "torch", "plain", "8Gi", "long"])
OPTIONS = st.dictionaries(
    st.sampled_from(["gpus", "image", "memory", "stay"]) | st.text(max_size=6), VALUES, max_size=3
)
PEOPLE = st.builds(
    Person,
    name=st.sampled_from(["ada", "bob", "eve", ""]),
    groups=st.frozensets(st.sampled_from(["ml-team", "astro", ""])),
    admin=st.booleans(),
)


@given(JUNK, OPTIONS, PEOPLE, st.booleans())
def test_whatever_is_sent_nobody_gets_more_than_the_catalog_offers_them(
    profile: str | None, options: dict[str, str], person: Person, rescue: bool
) -> None:
    outcome = resolve(CATALOG, MachineChoice(profile, options, rescue), person)
    if isinstance(outcome, Refusal):
        assert outcome.reason in Reason
        assert outcome.sentence
        assert outcome.remedy
        return
    offered = CATALOG.profiles[outcome.profile_id]
    assert outcome.profile_id == (profile or CATALOG.default_profile)
    assert allows(offered.allow, person)
    assert outcome.options.keys() == offered.options.keys()
    assert all(value in offered.options[name].choices for name, value in outcome.options.items())
    assert all(outcome.options[name] == value for name, value in options.items()), "what was asked, or a refusal"
    assert outcome.gpus <= 4
    assert outcome.price_per_hour.amount >= offered.price_per_hour
    assert resolve(CATALOG, outcome.choice, person) == outcome, "a stored choice gives the same machine again"


@given(PEOPLE)
def test_a_card_says_what_a_start_would(person: Person) -> None:
    offers = options_for(CATALOG, person)
    assert [offer.profile_id for offer in offers] == list(CATALOG.profiles), "locked cards stay visible"
    for offer in offers:
        outcome = resolve(CATALOG, MachineChoice(offer.profile_id), person)
        assert outcome == (offer.plan or offer.locked)
        assert (offer.plan is None) != (offer.locked is None)
        assert offer.is_default == (offer.profile_id == "small-cpu")


def test_an_offer_lists_its_options_with_what_they_add() -> None:
    offer = next(offer for offer in options_for(CATALOG, ADA) if offer.profile_id == "gpu")
    (gpus,) = offer.options
    assert (gpus.option_id, gpus.display_name) == ("gpus", "GPUs")
    assert [(c.choice_id, str(c.price_per_hour), c.is_default) for c in gpus.choices] == [
        ("1", "0.00 EUR", True),
        ("2", "2.50 EUR", False),
        ("3", "5.00 EUR", False),
        ("4", "7.50 EUR", False),
    ]


def test_a_disabled_profile_is_never_on_offer_however_the_catalog_was_made() -> None:
    off = CATALOG.profiles["gpu"].model_copy(update={"enabled": False})
    catalog = CATALOG.model_copy(update={"profiles": {**CATALOG.profiles, "gpu": off}})
    assert refusal(MachineChoice("gpu"), catalog=catalog).reason is Reason.UNKNOWN_PROFILE
    assert "gpu" not in [offer.profile_id for offer in options_for(catalog, ADA)]


@pytest.mark.parametrize(
    ("allow", "who"),
    [
        (Access(everyone=True), "everyone"),
        (Access(groups=("a",)), "members of a"),
        (Access(groups=("a", "b")), "members of a or b"),
        (Access(groups=("a", "b", "c")), "members of a, b or c"),
        (Access(users=("x",)), "one named person"),
        (Access(users=("x", "y")), "2 named people"),
        (Access(admins=True), "administrators"),
        (Access(groups=("a",), admins=True), "members of a and administrators"),
        (Access(groups=("a",), users=("x",), admins=True), "members of a, one named person and administrators"),
    ],
)
def test_who_may_in_words(allow: Access, who: str) -> None:
    assert who_may(allow) == who


@pytest.mark.parametrize("everyone", [True, False])
@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("by_group", [True, False])
@pytest.mark.parametrize("admins", [True, False])
@pytest.mark.parametrize("admin", [True, False])
def test_any_of_the_four_lets_in(everyone: bool, by_name: bool, by_group: bool, admins: bool, admin: bool) -> None:
    allow = Access.model_construct(
        everyone=everyone, users=("ada",) if by_name else (), groups=("g",) if by_group else (), admins=admins
    )
    assert allows(allow, Person("ada", frozenset({"g"}), admin)) == (
        everyone or by_name or by_group or (admins and admin)
    )
    assert allows(allow, Person("eve", frozenset({"h"}), admin)) == (everyone or (admins and admin))


def test_every_reason_is_explained() -> None:
    assert set(MEANING) == set(Reason)
    assert Refusal(Reason.NO_PROFILE, "One.", "Two.").message == "One. Two."


@pytest.mark.parametrize(
    ("choice", "stored"),
    [
        (MachineChoice(), {"profile": None, "options": {}}),
        (MachineChoice("gpu", {"b": "2", "a": "1"}), {"profile": "gpu", "options": {"a": "1", "b": "2"}}),
        (MachineChoice("gpu", {}, True), {"profile": "gpu", "options": {}, "rescue": True}),
    ],
)
def test_a_choice_is_stored_as_canonical_json(choice: MachineChoice, stored: dict[str, Any]) -> None:
    assert json.dumps(choice.to_user_options()) == json.dumps(stored)
