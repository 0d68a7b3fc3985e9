"""Every way a choice can come in, told and mistold."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.choice import MachineChoice
from profiles.quantity import Duration
from profiles.refusal import Reason
from spawner.choice import MAX_FIELDS, MAX_OPTIONS, MAX_VALUE, MalformedChoice, from_form, from_query, from_user_options

GPU_2 = MachineChoice(profile="gpu", options={"gpus": "2"})
DEFAULT = MachineChoice(profile=None, options={})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DEFAULT),
        ({"profile": [""]}, DEFAULT),
        ({"profile": ["gpu"]}, MachineChoice("gpu", {})),
        ({"profile": ["gpu"], "option.gpu.gpus": ["2"]}, GPU_2),
        # Every card posts its selects: only the chosen card's count.
        ({"profile": ["gpu"], "option.gpu.gpus": ["2"], "option.many-core.memory": ["64Gi"]}, GPU_2),
        ({"profile": ["small-cpu"], "option.gpu.gpus": ["4"]}, MachineChoice("small-cpu", {})),
        ({"profile": ["gpu"], "option.gpu-big.gpus": ["4"]}, MachineChoice("gpu", {})),
        # Without a chosen card nobody's selects count.
        ({"option.gpu.gpus": ["4"]}, DEFAULT),
        ({"profile": [""], "option..gpus": ["4"]}, DEFAULT),
        (
            {"profile": ["gpu"], "_xsrf": ["2|a|b"], "next": ["/hub/home"], "for_user": ["ada"]},
            MachineChoice("gpu", {}),
        ),
        ({"profile": ["gpu"], "rescue": ["1"]}, MachineChoice("gpu", {}, rescue=True)),
        ({"profile": ["gpu"], "rescue": ["0", "1"]}, MachineChoice("gpu", {}, rescue=True)),
        ({"profile": ["gpu"], "rescue": ["0"]}, MachineChoice("gpu", {})),
        ({"profile": ["gpu"], "rescue": ["on"]}, MachineChoice("gpu", {}, rescue=True)),
        ({"profile": ["gpu"], "rescue": []}, MachineChoice("gpu", {})),
        ({"profile": ["gpu"], "run_for": ["4h"]}, MachineChoice("gpu", {}, run_for=Duration(14400))),
        ({"profile": ["gpu"], "run_for": [""]}, MachineChoice("gpu", {})),
        ({"profile": ["gpu"], "profile-option-gpu--gpus": ["2"]}, GPU_2),
        ({"profile": ["gpu"], "profile-option-other--gpus": ["2"]}, MachineChoice("gpu", {})),
        (
            {"profile": ["gpu"], "option.gpu.image": ["registry.example.org/team/lab:2026.1@sha256:" + "a" * 64]},
            MachineChoice("gpu", {"image": "registry.example.org/team/lab:2026.1@sha256:" + "a" * 64}),
        ),
    ],
)
def test_form_and_query(fields: dict[str, list[str]], expected: MachineChoice) -> None:
    assert from_form(fields) == expected
    assert from_query(fields) == expected


def test_query_may_hold_plain_strings() -> None:
    assert from_query({"profile": "gpu", "option.gpu.gpus": "2", "rescue": "true"}) == MachineChoice(
        "gpu", {"gpus": "2"}, rescue=True
    )


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, DEFAULT),
        ({}, DEFAULT),
        ({"profile": None}, DEFAULT),
        ({"profile": ""}, DEFAULT),
        ({"profile": None, "options": {}}, DEFAULT),
        ({"profile": "gpu", "options": None}, MachineChoice("gpu", {})),
        ({"profile": "gpu", "options": {"gpus": "2"}}, GPU_2),
        ({"profile": "gpu", "options": {"gpus": 2}}, GPU_2),
        ({"options": {"gpus": 2}}, MachineChoice(None, {"gpus": "2"})),
        ({"profile": "gpu", "profile-option-gpu--gpus": "2"}, GPU_2),
        ({"profile": "gpu", "profile-option-gpu--gpus": ["2"]}, GPU_2),
        ({"profile": "gpu", "options": {}, "profile-option-gpu--gpus": "2"}, GPU_2),
        ({"profile": "gpu", "rescue": True}, MachineChoice("gpu", {}, rescue=True)),
        ({"profile": "gpu", "run_for": "1h30m"}, MachineChoice("gpu", {}, run_for=Duration(5400))),
        ({"profile": "gpu", "run_for": 3600}, MachineChoice("gpu", {}, run_for=Duration(3600))),
        ({"profile": "gpu", "run_for": None}, MachineChoice("gpu", {})),
        ({"profile": "gpu", "rescue": "true"}, MachineChoice("gpu", {}, rescue=True)),
        ({"profile": "gpu", "rescue": False}, MachineChoice("gpu", {})),
    ],
)
def test_stored_options(stored: dict[str, Any] | None, expected: MachineChoice) -> None:
    assert from_user_options(stored) == expected


TAMPERED_NAMES = [
    "ok;anything",
    "gpu\n",
    "gpu\x00",
    " gpu",
    "gpu ",
    "-gpu",
    "gpu-",
    "../../gpu",
    "gpu/../small-cpu",
    "{username}",
    "$(id)",
    "<script>",
    "gpu.gpus",
    "ｇｐｕ",
    "gpu\u202e",
    "a" * 65,
    "a" * 1_000_000,
]
TAMPERED_VALUES = ["2\n", "2\x00", " 2", "2 ", "", "\u202e4", "a" * (MAX_VALUE + 1), "a" * 1_000_000, "4\r\nX-Evil: 1"]
NOT_TEXT: list[Any] = [
    True,
    False,
    1.5,
    math.inf,
    math.nan,
    [],
    ["2"],
    {},
    {"a": {"b": 1}},
    b"2",
    (),
    pytest.param(object(), id="object"),  # its repr is another one in each process
    10**400,
]


@pytest.mark.parametrize("name", TAMPERED_NAMES)
def test_tampered_profile_names_are_malformed_by_every_way(name: str) -> None:
    refused_as_malformed(lambda: from_form({"profile": [name]}))
    refused_as_malformed(lambda: from_query({"profile": name}))
    refused_as_malformed(lambda: from_user_options({"profile": name}))


@pytest.mark.parametrize("name", ["", *TAMPERED_NAMES])
def test_tampered_option_names_are_malformed_by_every_way(name: str) -> None:
    refused_as_malformed(lambda: from_form({"profile": ["gpu"], f"option.gpu.{name}": ["2"]}))
    refused_as_malformed(lambda: from_form({"profile": ["gpu"], f"profile-option-gpu--{name}": ["2"]}))
    refused_as_malformed(lambda: from_user_options({"profile": "gpu", "options": {name: "2"}}))
    refused_as_malformed(lambda: from_user_options({"profile": "gpu", f"profile-option-gpu--{name}": "2"}))


@pytest.mark.parametrize("value", TAMPERED_VALUES)
def test_tampered_option_values_are_malformed_by_every_way(value: str) -> None:
    refused_as_malformed(lambda: from_form({"profile": ["gpu"], "option.gpu.gpus": [value]}))
    refused_as_malformed(lambda: from_query({"profile": "gpu", "profile-option-gpu--gpus": value}))
    refused_as_malformed(lambda: from_user_options({"profile": "gpu", "options": {"gpus": value}}))


@pytest.mark.parametrize("value", NOT_TEXT, ids=repr)
def test_values_of_other_types_are_malformed(value: Any) -> None:
    refused_as_malformed(lambda: from_user_options({"profile": "gpu", "options": {"gpus": value}}))
    refused_as_malformed(lambda: from_user_options({"profile": value}))
    if not isinstance(value, dict):  # an object is what options are
        refused_as_malformed(lambda: from_user_options({"profile": "gpu", "options": value}))


@pytest.mark.parametrize(
    "body",
    [True, 0, 1, 1.5, "gpu", b"gpu", [], ["gpu"], [{"profile": "gpu"}], (), pytest.param(object(), id="object")],
    ids=repr,
)
def test_bodies_that_are_no_object_are_malformed(body: Any) -> None:
    refused_as_malformed(lambda: from_user_options(body))
    refused_as_malformed(lambda: from_form(body))
    refused_as_malformed(lambda: from_query(body))


@pytest.mark.parametrize(
    "stored",
    [
        {"profile": "gpu", "image": "evil:latest"},  # CVE-2023-48311: any image by a user option
        {"profile": "gpu", "kubespawner_override": {"privileged": True}},
        {"profile": "gpu", "image--unlisted-choice": "evil:latest"},
        {"profile": "gpu", "Profile": "small-cpu"},
        {"profile": "gpu", "options ": {}},
        {"profile": "gpu", 1: "x"},
        {"profile": "gpu", None: "x"},
        {"profile": "gpu", ("a",): "x"},
        {"gpus": 2},
        {"profile": "gpu", "rescue": 1},
        {"profile": "gpu", "run_for": "as long as it takes"},
        {"profile": "gpu", "run_for": "-4h"},
        {"profile": "gpu", "run_for": -14400},
        {"profile": "gpu", "run_for": True},
        {"profile": "gpu", "run_for": 4.5},
        {"profile": "gpu", "run_for": ["4h"]},
        {"profile": "gpu", "run_for": 10**400},
        {"profile": "gpu", "run_for": "9" * 1_000_000 + "h"},
        {"profile": "gpu", "run_for": "4h\u202e"},
        {"profile": "gpu", "rescue": None},
        {"profile": "gpu", "rescue": "perhaps"},
        {"profile": "gpu", "rescue": ["true"]},
        {"profile": "gpu", "options": {1: "x"}},
        {"profile": "gpu", "options": {"gpus": "2"}, "profile-option-gpu--gpus": "4"},
        {"profile": "gpu", "profile-option-gpu--gpus": ["2", "4"]},
        {"profile": "gpu", "options": {f"o{n}": "1" for n in range(MAX_OPTIONS + 1)}},
        {f"profile-option-x--{n}": "1" for n in range(MAX_FIELDS + 1)},
    ],
    ids=lambda stored: repr(stored)[:60],
)
def test_unknown_and_contradicting_fields_are_malformed(stored: dict[Any, Any]) -> None:
    refused_as_malformed(lambda: from_user_options(stored))


@pytest.mark.parametrize(
    "fields",
    [
        {"profile": ["gpu", "small-cpu"]},
        {"profile": ["gpu", "gpu"]},
        {"profile": []},
        {"profile": ["gpu"], "option.gpu.gpus": ["1", "4"]},
        {"profile": ["gpu"], "option.gpu.gpus": []},
        {"profile": ["gpu"], "option.gpu.gpus": ["1"], "profile-option-gpu--gpus": ["4"]},
        {"profile": ["gpu"], "rescue": ["0", "1", "1"]},
        {"profile": ["gpu"], "rescue": ["maybe"]},
        {"profile": ["gpu"], "run_for": ["4h", "8h"]},
        {"profile": ["gpu"], "run_for": ["four hours"]},
        {"profile": ["gpu"], "image": ["evil:latest"]},
        {"profile": ["gpu"], "profile_file": [b"x"]},
        {"profile": [["gpu"]]},
        {"profile": [b"gpu"]},
        {"profile": ["gpu"], "": [""]},
        {f"option.x.o{n}": ["1"] for n in range(MAX_FIELDS + 1)},
        {"profile": ["gpu"]} | {f"option.gpu.o{n}": ["1"] for n in range(MAX_OPTIONS + 1)},
    ],
    ids=lambda fields: repr(fields)[:60],
)
def test_forms_told_twice_or_with_strangers_are_malformed(fields: dict[str, Any]) -> None:
    refused_as_malformed(lambda: from_form(fields))
    refused_as_malformed(lambda: from_query(fields))


def test_a_refusal_repeats_little_of_what_was_sent_and_nothing_unprintable() -> None:
    with pytest.raises(MalformedChoice) as caught:
        from_user_options({"profile": "x\x1b[31m\n" + "y" * 10_000})
    message = caught.value.refusal.message
    assert len(message) < 250
    assert message.isprintable()


# Properties: whatever is sent, the answer is a choice or MalformedChoice.

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = (
    st.sampled_from(["profile", "options", "rescue", "run_for", "option.gpu.gpus", "profile-option-gpu--gpus", "_xsrf"])
    | st.text(max_size=12)
    | st.integers()
)


@given(
    st.one_of(
        json_values, st.dictionaries(keys, json_values | st.sampled_from(["gpu", ["gpu"], {"gpus": 2}]), max_size=5)
    )
)
def test_nothing_but_malformed_choice_is_ever_raised(sent: Any) -> None:
    for parse in (from_user_options, from_form, from_query):
        try:
            choice = parse(sent)
        except MalformedChoice as e:
            assert e.refusal.reason is Reason.MALFORMED_CHOICE
            assert e.refusal.message.isprintable()
        else:
            json.dumps(choice.to_user_options())
            assert from_user_options(choice.to_user_options()) == choice


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,20}[A-Za-z0-9])?", fullmatch=True)
#: Printable, blanks only within.
values = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=40).map(str.strip).filter(bool)


def choices(profile: st.SearchStrategy[str | None]) -> st.SearchStrategy[MachineChoice]:
    options = st.dictionaries(names, values, max_size=5)
    lengths = st.none() | st.integers(0, 10**11).map(Duration)
    return st.builds(MachineChoice, profile=profile, options=options, rescue=st.booleans(), run_for=lengths)


@given(choices(st.none() | names))
def test_stored_options_read_back_as_the_same_choice(choice: MachineChoice) -> None:
    kept = json.loads(json.dumps(choice.to_user_options()))
    assert from_user_options(kept) == choice


@given(choices(names))
def test_a_form_and_its_stored_options_say_the_same(choice: MachineChoice) -> None:
    form = {f"option.{choice.profile}.{name}": [value] for name, value in choice.options.items()}
    form["profile"] = [str(choice.profile)]
    if choice.rescue:
        form["rescue"] = ["1"]
    if choice.run_for is not None:
        form["run_for"] = [str(choice.run_for)]
    assert from_form(form) == choice


def refused_as_malformed(parse: Any) -> None:
    with pytest.raises(MalformedChoice) as caught:
        parse()
    assert caught.value.refusal.reason is Reason.MALFORMED_CHOICE
    assert caught.value.refusal.sentence
    assert caught.value.refusal.remedy
