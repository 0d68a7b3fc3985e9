# ruff: noqa: E501 - a table reads best with a case on a line
"""What is allowed and can hardly be meant, and mistakes that are told together."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.__main__ import main
from profiles.catalog import CatalogErrors, Document, load_catalog
from profiles.doubts import doubts


def doubted(policies: str = "{}", profiles: str = "{}", pools: str = "{}") -> list[str]:
    text = f"policies: {policies}\nprofiles: {profiles}\npools: {pools}"
    return [str(each) for each in doubts(load_catalog(Document("my.yaml", text)))]


def mistakes(policies: str, profiles: str = "{}") -> list[str]:
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(Document("my.yaml", f"policies: {policies}\nprofiles: {profiles}"))
    return [str(error).removeprefix("my.yaml: ") for error in refused.value.errors]


def test_nothing_that_is_shipped_is_doubted() -> None:
    assert doubted() == []


@pytest.mark.parametrize(
    ("profiles", "told"),
    [
        ("{gpu: {keepAliveAtMost: 48h}}", 'profiles.gpu.keepAliveAtMost: it may be kept on for 2 days, and stops after 1 day (maxLifetime) in any case — lower it to "1d" or less, or raise maxLifetime'),
        ("{gpu: {keepAliveAtMost: 24h}}", ""),
        ("{gpu: {keepAliveAtMost: 48h, maxLifetime: never}}", ""),
        ("{gpu: {keepAliveAtMost: never}}", ""),
        ("{gpu: {keepAliveAtMost: 48h, options: {how: {default: a, choices: {a: {}, b: {overrides: {maxLifetime: 3d}}}}}}}", ""),
        ("{gpu: {keepAliveAtMost: 4h, idleTimeout: never}}", "profiles.gpu.keepAliveAtMost: it may be kept on for 4 hours, and is never stopped for being idle — remove it, or give it an idleTimeout"),
    ],
)  # fmt: skip
def test_machines_that_are_kept_on(profiles: str, told: str) -> None:
    assert doubted(profiles=profiles) == [told] * bool(told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("clearBefore: 2h", "clearBefore: what is reserved is to be free 2 hours before it begins, and whoever is in the way is told 1 hour ahead (notice): what is reserved in between is not free in time — lower it to \"1h\" or less, or raise notice"),
        ("clearBefore: 1h", ""),
        ("ahead: 8h, notice: 12h", "notice: whoever is in the way is told 12 hours before, and one may reserve only 8 hours ahead: no reservation ever gets a machine that others use — lower it to less than \"8h\", or raise ahead"),
        ("longest: 1h, noShow: 1h", "noShow: what nobody takes up is released after 1 hour, and no reservation is longer than 1 hour: none is ever released before its end — lower it to less than \"1h\""),
        ("warmBefore: 10m", "warmBefore: a node is asked for 10 minutes before, and none of its pools is autoscaled — remove it, or give the pool autoscaled"),
        ("devices: {nvidia.com/gpuu: 1}", "devices.nvidia.com/gpuu: no machine has such a device — did you mean \"nvidia.com/gpu\"?"),
    ],
)  # fmt: skip
def test_what_can_be_reserved(given: str, told: str) -> None:
    expected = [f"policies.reservations.r.{told}"] * bool(told)
    assert doubted(f"{{reservations: {{r: {{gpus: 2, profiles: [gpu], {given}}}}}}}") == expected


def test_a_node_can_be_asked_for_where_a_pool_is_autoscaled() -> None:
    rule = "{reservations: {r: {gpus: 2, profiles: [gpu], warmBefore: 10m}}}"
    assert doubted(rule, pools="{gpu: {autoscaled: {}}}") == []


@pytest.mark.parametrize(("queue", "doubt"), [("keepFor: 30m", False), ("keepFor: 40m", True), ("keepFor: 40m, enabled: false", False)])
def test_a_place_in_line_is_not_kept_longer_than_a_reservation(queue: str, doubt: bool) -> None:
    told = doubted(f"{{queue: {{{queue}}}, reservations: {{r: {{gpus: 2, profiles: [gpu]}}}}}}")
    assert told == [
        "policies.queue.keepFor: a machine is kept 40 minutes for who is called, longer than for who has reserved one "
        '(30 minutes, noShow of reservations.r) — lower it to "30m" or less, or raise noShow'
    ] * doubt


@pytest.mark.parametrize("section", ["quotas: {a: {per: user, gpus: 1", "approvals: {a: {moreThan: {gpus: 1}", "reservations: {a: {gpus: 1"])
def test_rules_about_machines_that_nobody_can_choose(section: str) -> None:
    [told] = doubted(f"{{{section}, profiles: [gpu]}}}}}}", "{gpu: {enabled: false}, big: {extends: gpu, enabled: true}}")
    assert told == (
        f"policies.{section.partition(':')[0]}.a.profiles.0: nobody can choose gpu, which is not enabled; machines that "
        "extend it are not meant by it — name those instead, or enable it"
    )


@pytest.mark.parametrize(
    ("allow", "exempt", "doubt"),
    [
        ("groups: [ml]", "groups: [ml, astro]", True),
        ("groups: [ml]", "groups: [astro]", False),
        ("groups: [ml], admins: true", "groups: [ml]", False),
        ("everyone: true", "everyone: true", True),
        ("everyone: true", "admins: true", False),
    ],
)  # fmt: skip
def test_a_yes_that_nobody_has_to_ask_for(allow: str, exempt: str, doubt: bool) -> None:
    told = doubted(f"{{approvals: {{a: {{profiles: [gpu], exempt: {{{exempt}}}}}}}}}", f"{{gpu: {{allow: {{{allow}}}}}}}")
    assert bool(told) is doubt


def test_amounts_for_whom_a_rule_is_not_about_are_mistakes() -> None:
    found = mistakes(
        "{quotas: {a: {per: user, users: [ada], gpus: 1, overrides: {users: {adda: {gpus: 2}}}}},"
        " budgets: {b: {per: group, groups: [ml], money: 1, overrides: {groups: {physics: 2}}}}}"
    )
    assert found == [
        "field 'policies.quotas.a.overrides.users.adda': the rule is not about 'adda', so that these amounts never count — did you mean \"ada\"?",
        "field 'policies.budgets.b.overrides.groups.physics': the rule is not about 'physics', so that these amounts never count — add it to groups of the rule, or remove it",
    ]


def test_a_person_of_the_rules_groups_may_be_of_another_group_too() -> None:
    assert doubted("{quotas: {a: {per: user, groups: [ml], gpus: 1, overrides: {groups: {leads: {gpus: 2}}}}}}") == []


def test_mistakes_of_different_kinds_are_told_together() -> None:
    found = mistakes(
        "{timezone: Berlin,"
        " quotas: {a: {per: user, server: 1, pools: [cellar]}, b: {per: group, gpus: 1, borrowing: {within: all}},"
        " c: {per: user, servers: 1, users: [x], pools: [gpuu], overrides: {users: {y: {servers: 2}}}}, all: {per: hub, gpus: x}},"
        " budgets: {m: {per: user, money: 5, profiles: [free]}}}",
        "{free: {extends: small-cpu, pricePerHour: 0, options: null}, gpu: {pool: gppu}}",
    )
    fields = [each.partition(":")[0] for each in found]
    assert sorted(fields) == sorted(
        [
            "profile 'gpu'",
            "field 'policies.timezone'",
            "field 'policies.quotas.a.server'",
            "field 'policies.quotas.a.pools.0'",
            "field 'policies.quotas.c.pools.0'",
            "field 'policies.quotas.c.overrides.users.y'",
            "field 'policies.quotas.all.gpus'",
            "field 'policies.budgets.m.money'",
        ]
    ), "nothing is told about `within`: the quota is there, and only its amount is wrong"


def test_a_slip_in_the_name_of_the_machine_that_is_changed() -> None:
    assert mistakes("{}", "{gpuu: {pricePerHour: 3}}") == [
        "profile 'gpuu': there is no profile 'gpuu' that this could change — did you mean \"gpu\"? A new one needs pool, cpu and memory"
    ]
    assert len(mistakes("{}", "{training: {pricePerHour: 3}}")) == 3, "each key that it lacks"


def test_check_says_doubts_and_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("profiles: {gpu: {keepAliveAtMost: 48h}}")
    assert main(["check", str(file)]) == 0
    *_, said, last = capsys.readouterr().out.splitlines()
    assert said.startswith("can this be meant? profiles.gpu.keepAliveAtMost: ")
    assert last == "3 profiles in 3 pools: no mistakes; 1 to look at"
