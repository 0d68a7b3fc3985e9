"""Which starts need a yes, and which yes covers one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from profiles.caps import Caps
from profiles.grants import covering, exceeds, expired, rules_for, upcoming
from profiles.person import Person
from tests.unit.profiles.shares import NOW, amounts, grant, policies, request


@pytest.mark.parametrize(
    ("rule", "asked", "needed"),
    [
        ({"profiles": ["gpu"]}, {}, True),
        ({"profiles": ["small"]}, {}, False),
        ({"profiles": ["gpu"], "moreThan": {"gpus": 1}}, {"gpus": 1}, False),
        ({"profiles": ["gpu"], "moreThan": {"gpus": 1}}, {"gpus": 2}, True),
        ({"profiles": ["small"], "moreThan": {"gpus": 1}}, {"gpus": 2}, False),
        ({"moreThan": {"gpus": 0}}, {"gpus": 1}, True),
        ({"moreThan": {"cores": "2500m"}}, {"cores": 2.5}, False),
        ({"moreThan": {"cores": "2500m"}}, {"cores": 2.501}, True),
        ({"moreThan": {"memory": "8Gi"}}, {"gib": 9}, True),
        ({"moreThan": {"cores": 9, "memory": "8Gi"}}, {"gib": 9}, True),  # more of anything
        ({"moreThan": {"devices": {"nvidia.com/gpu": 1}}}, {"gpus": 2}, True),
        ({"moreThan": {"devices": {"nvidia.com/mig-1g.5gb": 1}}}, {"gpus": 2}, False),
        ({"profiles": ["gpu"], "exempt": {"groups": ["ml"]}}, {"groups": "ml"}, False),
        ({"profiles": ["gpu"], "exempt": {"groups": ["ml"]}}, {"groups": "astro"}, True),
        ({"profiles": ["gpu"], "exempt": {"users": ["ada"]}}, {}, False),
        ({"profiles": ["gpu"], "exempt": {"everyone": True}}, {}, False),
    ],
)
def test_who_needs_a_yes(rule: dict[str, Any], asked: dict[str, Any], needed: bool) -> None:
    rules = policies(approvals={"big": rule})
    assert [name for name, _ in rules_for(rules, request(**asked))] == (["big"] if needed else [])


def test_an_administrator_needs_one_like_everybody_unless_exempt() -> None:
    boss = replace(request(), person=Person("ada", admin=True))
    assert rules_for(policies(approvals={"big": {"profiles": ["gpu"]}}), boss)
    assert not rules_for(policies(approvals={"big": {"profiles": ["gpu"], "exempt": {"admins": True}}}), boss)


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"user": "bob"}, False),
        ({"rule": "other"}, False),
        ({"profile": "small"}, False),
        ({"amounts": amounts(cores=1, gib=2, gpus=2)}, True),  # exactly as much
        ({"amounts": amounts(cores=1, gib=2, gpus=1)}, False),
        ({"amounts": amounts(cores=0.5, gib=2, gpus=2)}, False),
        ({"amounts": amounts(cores=1, gib=1, gpus=2)}, False),
        ({"begins": 0}, True),  # from its first moment …
        ({"begins": 0.001}, False),
        ({"ends": 0}, False),  # … to before its last
        ({"ends": 0.001}, True),
    ],
)
def test_what_a_yes_covers(changes: dict[str, Any], covered: bool) -> None:
    given = grant(**changes)
    assert (covering((given,), "big", request(gpus=2), NOW) is given) == covered


def test_the_longest_of_several_covers() -> None:
    short, long, later = grant(ends=1), grant(ends=3), grant(begins=2, ends=9)
    assert covering((short, long, later), "big", request(), NOW) is long
    assert covering((), "big", request(), NOW) is None


def test_the_latest_of_those_that_ended_and_the_first_of_those_that_will_begin() -> None:
    many = (grant(begins=-9, ends=-5), grant(begins=-3, ends=-1), grant(begins=2, ends=3), grant(begins=1, ends=4))
    assert expired(many, "big", request(), NOW) is many[1]
    assert upcoming(many, "big", request(), NOW) is many[3]
    assert covering(many, "big", request(), NOW) is None
    assert expired(many, "big", request(user="bob"), NOW) is None
    assert upcoming(many, "big", request(cores=99), NOW) is None


def test_one_that_never_holds_is_nobodys_hope() -> None:
    assert upcoming((grant(begins=2, ends=1),), "big", request(), NOW) is None
    assert not grant(begins=-1, ends=0).holds(NOW)
    assert grant(begins=-1, ends=0).holds(NOW - timedelta(microseconds=1))


def test_nothing_exceeds_no_caps() -> None:
    assert not exceeds(amounts(cores=999, gpus=99), Caps())
    assert exceeds(amounts(), Caps(servers=0))
