# ruff: noqa: E501 - a table reads best with a case on a line
"""Policies as admins write them: what is taken, and what is said about the rest."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from profiles.__main__ import main
from profiles.catalog import CatalogErrors, Document, load_catalog
from profiles.policy import Policies, groups_named


def load(text: str, profiles: str = "{}") -> Policies:
    return load_catalog(Document("my.yaml", f"policies: {text}\nprofiles: {profiles}")).policies


def mistakes(text: str, profiles: str = "{}") -> list[str]:
    with pytest.raises(CatalogErrors) as refused:
        load(text, profiles)
    return [str(error).removeprefix("my.yaml: ") for error in refused.value.errors]


PROMISES = (
    "{quotas: {all: {per: hub, gpus: 8}, ml: {per: group, gpus: 4, borrowing: {within: all, most: {gpus: 2}}}}, "
    "reservations: {gpus: {gpus: 8, profiles: [gpu], atMost: {gpus: 4}}}, queue: {keepFor: 20m}}"
)
FREE = "{free: {extends: small-cpu, pricePerHour: 0, options: null}}"
WHOLE = """
timezone: Europe/Berlin
whenUnavailable: admit
quotas:
  mine: {per: user, servers: 3, cores: 500m, memory: 8Gi, gpus: 0, devices: {nvidia.com/mig-1g.5gb: 4}}
  theirs: {per: group, groups: [ml], pools: [gpu], gpus: 4, overrides: {groups: {ml: {gpus: 8}}}}
budgets:
  month: {per: user, money: 200, overrides: {users: {ada: 12.50}, groups: {ml: 400}}}
  hours: {per: hub, gpuHours: 1000, window: 720h, warnAt: [50], grace: 0, holdAtMost: 1h, shortestRun: 1m}
approvals:
  many: {profiles: [gpu], moreThan: {gpus: 1}, approvers: {groups: [leads]}, exempt: {admins: true}, longest: 2d}
"""


def test_everything_at_once() -> None:
    policies = load_catalog(Document("x", yaml.safe_dump({"policies": yaml.safe_load(WHOLE)}))).policies
    assert policies.quotas["mine"].cores is not None and policies.quotas["mine"].cores.millicores == 500
    assert policies.budgets["month"].overrides.users == {"ada": Decimal("12.50")}
    assert policies.budgets["hours"].window == "30d", "written in one way only"
    assert policies.budgets["hours"].grace.seconds == 0
    assert policies.approvals["many"].exempt is not None
    assert not policies.empty


def test_without_rules_nothing_can_be_refused() -> None:
    assert load("{timezone: Asia/Tokyo}").empty
    assert load_catalog().policies.empty


def test_defaults() -> None:
    policies = load("{budgets: {a: {per: user, money: 1}}, approvals: {b: {profiles: [gpu]}}}")
    budget, approval = policies.budgets["a"], policies.approvals["b"]
    assert (budget.window, str(budget.grace), budget.warn_at) == ("month", "15m", (80, 95, 100))
    assert (str(budget.hold_at_most), str(budget.shortest_run)) == ("4h", "15m")
    assert approval.approvers.admins and approval.exempt is None and str(approval.longest) == "7d"
    assert (policies.timezone, policies.when_unavailable) == ("UTC", "refuse")


def test_mappings_cannot_be_changed_by_who_reads_them() -> None:
    policies = load(WHOLE.replace("\n", "\n  ").rstrip() + "\n")
    for mapping in (policies.quotas, policies.budgets, policies.approvals, policies.quotas["theirs"].overrides.groups):
        with pytest.raises(TypeError):
            mapping.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{quotas: {a: {per: user, servers: -1}}}", "field 'policies.quotas.a.servers': -1 is less than 0 — write 0 or more"),
        ("{quotas: {a: {per: user, servers: 1.5}}}", "field 'policies.quotas.a.servers': 1.5 is not a whole number — these are counted: write 1, 2 …"),
        ("{quotas: {a: {per: user, cores: -2}}}", "field 'policies.quotas.a.cores': -2 is negative — write cores such as 2 or 0.5, or thousandths of a core such as \"500m\""),
        ("{quotas: {a: {per: user, memory: 8GB}}}", "field 'policies.quotas.a.memory': '8GB' is not an amount of memory — did you mean \"8Gi\"?"),
        ("{quotas: {a: {per: user, devices: {gpu: 1}}}}", "field 'policies.quotas.a.devices.gpu': 'gpu' names no vendor — write it as the node offers it, such as nvidia.com/gpu"),
        ("{quotas: {a: {per: user}}}", "field 'policies.quotas.a': it limits nothing — give servers, cores, memory, gpus or devices"),
        ("{quotas: {a: {servers: 1}}}", "field 'policies.quotas.a.per': it is missing — add per:"),
        ("{quotas: {a: {per: team, servers: 1}}}", "field 'policies.quotas.a.per': 'team' is not allowed here — write 'user', 'group', 'profile' or 'hub'"),
        ("{quotas: {a: {per: user, server: 1}}}", "field 'policies.quotas.a.server': there is no such key — did you mean \"servers\"?"),
        ("{quota: {}}", "field 'policies.quota': there is no such key — did you mean \"quotas\"?"),
        ("{quotas: {A B: {per: user, servers: 1}}}", "field 'policies.quotas.A B': 'A B' is not an id — lower-case letters, digits and single dashes, such as gpu-large"),
        ("{quotas: {a: {per: user, servers: 1, profiles: [gpuu]}}}", "field 'policies.quotas.a.profiles.0': there is no profile 'gpuu' — did you mean \"gpu\"?"),
        ("{quotas: {a: {per: user, servers: 1, pools: [cellar]}}}", "field 'policies.quotas.a.pools.0': there is no pool 'cellar' — take one of: general, many-core, gpu"),
        ("{quotas: {a: {per: group, servers: 1, overrides: {users: {ada: {servers: 2}}}}}}", "field 'policies.quotas.a': overrides.users has no meaning with per: group — write per: user, or remove them"),
        ("{quotas: {a: {per: hub, servers: 1, overrides: {groups: {ml: {servers: 2}}}}}}", "field 'policies.quotas.a': overrides.groups has no meaning with per: hub — remove them"),
        ("{quotas: {a: {per: profile, servers: 1, overrides: {groups: {ml: {servers: 2}}}}}}", "field 'policies.quotas.a': overrides.groups has no meaning with per: profile — remove them"),
        ("{quotas: {a: {per: user, servers: 1, overrides: {users: {ada: {gpu: 2}}}}}}", "field 'policies.quotas.a.overrides.users.ada.gpu': there is no such key — did you mean \"gpus\"?"),
        ("{budgets: {a: {per: user}}}", "field 'policies.budgets.a': it limits nothing — give exactly one of money, machineHours and gpuHours"),
        ("{budgets: {a: {per: user, money: 1, gpuHours: 2}}}", "field 'policies.budgets.a': more than one amount is given — give exactly one of money, machineHours and gpuHours"),
        ("{budgets: {a: {per: profile, money: 1}}}", "field 'policies.budgets.a': a budget belongs to people — write per: user, group or hub, and name the profiles"),
        ("{budgets: {a: {per: user, money: -1}}}", "field 'policies.budgets.a.money': -1 is negative — write 0 for nothing at all"),
        ("{budgets: {a: {per: user, money: 200 EUR}}}", "field 'policies.budgets.a.money': '200 EUR' is not an amount — write a number such as 200, without a unit"),
        ("{budgets: {a: {per: user, money: .inf}}}", "field 'policies.budgets.a.money': inf is not an amount — write a number such as 200, without a unit"),
        ("{budgets: {a: {per: user, machineHours: true}}}", "field 'policies.budgets.a.machineHours': True is not an amount — write a number such as 200, without a unit"),
        ("{budgets: {a: {per: user, machineHours: 10000000000}}}", "field 'policies.budgets.a.machineHours': 10000000000 is more than 1000000000 — leave the budget out for no limit"),
        ("{budgets: {a: {per: user, money: 1, window: fortnight}}}", "field 'policies.budgets.a.window': 'fortnight' is not a window of time — write day, week or month for the calendar's, or a length such as 30d for a sliding one"),
        ("{budgets: {a: {per: user, money: 1, window: 30m}}}", "field 'policies.budgets.a.window': a window of 30 minutes is shorter than an hour — write day, week or month for the calendar's, or a length such as 30d for a sliding one"),
        ("{budgets: {a: {per: user, money: 1, window: 3650d}}}", "field 'policies.budgets.a.window': a window of 3650 days is longer than a year — write day, week or month for the calendar's, or a length such as 30d for a sliding one"),
        ("{budgets: {a: {per: user, money: 1, grace: never}}}", "field 'policies.budgets.a.grace': 'never' is not a length of time — write it as \"30m\", \"8h\", \"1h30m\" or \"2d\", or as a number of seconds"),
        ("{budgets: {a: {per: user, money: 1, holdAtMost: 0}}}", "field 'policies.budgets.a.holdAtMost': there is no time in it — write a length such as \"5m\""),
        ("{budgets: {a: {per: user, money: 1, holdAtMost: 999999999d}}}", "field 'policies.budgets.a.holdAtMost': 999999999 days are more than a year — write a length such as \"4h\""),
        ("{budgets: {a: {per: user, money: 1, warnAt: [101]}}}", "field 'policies.budgets.a.warnAt.0': 101 is more than 100 — write 100 or less"),
        ("{budgets: {a: {per: hub, money: 1, overrides: {groups: {ml: 2}}}}}", "field 'policies.budgets.a': overrides.groups has no meaning with per: hub — remove them"),
        ("{budgets: {a: {per: group, money: 1, overrides: {users: {ada: 2}}}}}", "field 'policies.budgets.a': overrides.users has no meaning with per: group — write per: user, or remove them"),
        ("{approvals: {a: {}}}", "field 'policies.approvals.a': it is about every machine — name profiles, or moreThan"),
        ("{approvals: {a: {profiles: [big]}}}", "field 'policies.approvals.a.profiles.0': there is no profile 'big' — take one of: small-cpu, many-core, gpu"),
        ("{approvals: {a: {profiles: [gpu], approvers: {}}}}", "field 'policies.approvals.a.approvers': nobody may use it — name users, groups or admins: true; to hide a machine write enabled: false"),
        ("{approvals: {a: {profiles: [gpu], approver: {admins: true}}}}", "field 'policies.approvals.a.approver': there is no such key — did you mean \"approvers\"?"),
        ("{reservations: {a: {}}}", "field 'policies.reservations.a': it does not say how much there is — give servers, cores, memory, gpus or devices"),
        ("{reservations: {a: {gpus: 1, longest: 3w}}}", "field 'policies.reservations.a.longest': '3w' is not a length of time — write it as \"30m\", \"8h\", \"1h30m\" or \"2d\", or as a number of seconds"),
        ("{reservations: {a: {gpus: 1, longest: 30d}}}", "field 'policies.reservations.a': the longest reservation (30 days) is longer than one may reserve ahead (14 days) — lower longest, or raise ahead"),
        ("{reservations: {a: {gpus: 1, longest: 8}}}", "field 'policies.reservations.a': the longest reservation would be 8 seconds; a number alone counts seconds — write a length of 5 minutes or more, such as \"8h\""),
        ("{reservations: {a: {gpus: 3, atMost: {gpus: 4}}}}", "field 'policies.reservations.a': atMost has more gpus than there are — lower atMost, or raise what there is"),
        ("{reservations: {a: {gpus: 1, longest: 0}}}", "field 'policies.reservations.a.longest': there is no time in it — write a length such as \"5m\""),
        ("{reservations: {a: {gpus: 1, notice: -5m}}}", "field 'policies.reservations.a.notice': -5m is negative — write it as \"30m\", \"8h\", \"1h30m\" or \"2d\", or as a number of seconds"),
        ("{reservations: {a: {gpus: 1, perPerson: 0}}}", "field 'policies.reservations.a.perPerson': 0 is less than 1 — write 1 or more"),
        ("{reservations: {a: {gpus: 1, pools: [cellar]}}}", "field 'policies.reservations.a.pools.0': there is no pool 'cellar' — take one of: general, many-core, gpu"),
        ("{reservations: {a: {gpus: 1, profiles: [gpuu]}}}", "field 'policies.reservations.a.profiles.0': there is no profile 'gpuu' — did you mean \"gpu\"?"),
        ("{reservations: {a: {gpus: 1, per: hub}}}", "field 'policies.reservations.a.per': there is no such key — remove it, or write one of: servers, cores, memory, gpus, devices, profiles, pools, who, atMost, longest, ahead, perPerson …"),
        ("{quotas: {all: {per: hub, gpus: 4}, a: {per: group, gpus: 1, borrowing: {within: al}}}}", "field 'policies.quotas.a.borrowing.within': there is no quota 'al' with per: hub — did you mean \"all\"?"),
        ("{quotas: {a: {per: group, gpus: 1, borrowing: {within: all}}}}", "field 'policies.quotas.a.borrowing.within': there is no quota 'all' with per: hub — add the quota that all shares lie within"),
        ("{quotas: {a: {per: group, gpus: 1, borrowing: {}}}}", "field 'policies.quotas.a.borrowing.within': it is missing — add within:"),
        ("{quotas: {all: {per: hub, gpus: 4}, a: {per: user, gpus: 1, borrowing: {within: all}}}}", "field 'policies.quotas.a': borrowing has no meaning with per: user — write per: group, or remove it"),
        ("{queue: {keepFor: 0s}}", "field 'policies.queue.keepFor': there is no time in it — write a length such as \"5m\""),
        ("{queue: {perPerson: 1001}}", "field 'policies.queue.perPerson': 1001 is more than 1000 — write 1000 or less"),
        ("{queue: {keep: 5m}}", "field 'policies.queue.keep': there is no such key — did you mean \"keepFor\"?"),
        ("{timezone: Europe/Berln}", "field 'policies.timezone': 'Europe/Berln' is not a time zone — write it as in the tz database: Europe/Berlin, UTC"),
        ("{timezone: ../etc/passwd}", "field 'policies.timezone': '../etc/passwd' is not a time zone — write it as in the tz database: Europe/Berlin, UTC"),
        ("{timezone: ''}", "field 'policies.timezone': '' is not a time zone — write it as in the tz database: Europe/Berlin, UTC"),
        ("{whenUnavailable: wait}", "field 'policies.whenUnavailable': 'wait' is not allowed here — write 'refuse' or 'admit'"),
        ("[]", "field 'policies': [] is not a mapping — write quotas, budgets or approvals below it"),
        ("{quotas: []}", "field 'policies.quotas': [] is not a mapping — write keys and values below it"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_where_it_is(text: str, told: str) -> None:
    assert mistakes(text) == [told]


@pytest.mark.parametrize(
    ("budget", "profiles", "fine"),
    [
        ("profiles: [free]", FREE, False),
        ("profiles: [free, gpu]", FREE, True),
        ("pools: [general]", "{small-cpu: {pricePerHour: 0, options: null}}", False),
        ("pools: [gpu]", "{small-cpu: {pricePerHour: 0, options: null}}", True),
        ("profiles: [free]", "{free: {extends: gpu, pricePerHour: 0}}", True),  # its options cost something
        ("profiles: [gpu]", "{gpu: {enabled: false}}", False),
    ],
)  # fmt: skip
def test_a_budget_in_money_needs_a_machine_with_a_price(budget: str, profiles: str, fine: bool) -> None:
    text = f"{{budgets: {{a: {{per: user, money: 10, {budget}}}}}}}"
    if fine:
        load(text, profiles)
    else:
        assert mistakes(text, profiles) == [
            "field 'policies.budgets.a.money': it is in money, and no machine that it is about has a price — "
            "give pricePerHour to the profiles, or count machineHours"
        ]
    load(text.replace("money", "machineHours"), profiles)


def test_a_rule_may_name_a_template() -> None:
    load("{quotas: {a: {per: user, servers: 1, profiles: [gpu]}}}", "{gpu: {enabled: false}}")


def test_a_mistake_of_a_profile_is_told_once_and_not_again_as_a_missing_price() -> None:
    found = mistakes("{budgets: {a: {per: user, money: 10, profiles: [gpu]}}}", "{gpu: {pricePerHour: x}}")
    assert len(found) == 1 and "pricePerHour" in found[0], found


def test_a_later_file_changes_one_rule_and_takes_another_away() -> None:
    first = Document("a", "policies: {quotas: {a: {per: user, servers: 1}, b: {per: hub, servers: 9}}}")
    later = Document("b", "policies: {quotas: {a: {servers: 2}, b: null}, timezone: Europe/Berlin}")
    policies = load_catalog(first, later).policies
    assert list(policies.quotas) == ["a"]
    assert (policies.quotas["a"].per, policies.quotas["a"].servers) == ("user", 2)


def test_who_may_say_yes_is_never_merged() -> None:
    first = Document("a", "policies: {approvals: {a: {profiles: [gpu], approvers: {users: [eve]}}}}")
    later = Document("b", "policies: {approvals: {a: {approvers: {groups: [leads]}}}}")
    approvers = load_catalog(first, later).policies.approvals["a"].approvers
    assert (approvers.users, approvers.groups) == ((), ("leads",))


def test_a_mistake_names_the_file_that_made_it() -> None:
    first = Document("a.yaml", "policies: {quotas: {a: {per: user, servers: 1}}}")
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(first, Document("b.yaml", "policies: {quotas: {a: {servers: -1}}}"))
    assert [error.file for error in refused.value.errors] == ["b.yaml"]


def test_the_same_rule_twice_is_told_with_its_line() -> None:
    with pytest.raises(CatalogErrors) as refused:
        load_catalog(Document("a", "policies:\n  quotas:\n    a: {per: user, servers: 1}\n    a: {per: hub, servers: 1}\n"))
    assert [str(error) for error in refused.value.errors] == [
        "a:4: field 'policies.quotas.a': the key 'a' is written twice, first on line 3 — keep one of them"
    ]


def test_check_lists_the_rules_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profiles = {"gpu": {"hours": {"days": ["sat", "sun"]}}}
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"policies": yaml.safe_load(WHOLE), "profiles": profiles}, sort_keys=False))
    assert main(["check", str(file)]) == 0
    shown = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert shown == [
        "hours gpu: Saturday and Sunday",
        "quota mine: each person at most 3 servers, 0.5 cores, 8 GiB of memory, 0 GPUs, 4 × nvidia.com/mig-1g.5gb at once",
        "quota theirs: each group, of ml, in gpu, at most 4 GPUs at once; 1 with other amounts",
        "budget month: each person at most €200.00 a month; 2 with other amounts",
        "budget hours: everybody together at most 1000 GPU hours in any 30 days",
        "approval many: gpu with more than 1 GPU needs a yes from members of leads; not for administrators",
    ]


def test_check_lists_what_is_promised_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"policies: {PROMISES}\n")
    assert main(["check", str(file)]) == 0
    shown = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert shown == [
        "quota all: everybody together at most 8 GPUs at once",
        "quota ml: each group at most 4 GPUs at once, and 2 GPUs more while others leave theirs of all idle, given back 15 minutes after it is wanted",
        "reservations gpus: 8 GPUs, on gpu; 4 GPUs at once; for 8 hours at most, 14 days ahead, by everyone",
        "queue: a machine is kept for 20 minutes, and each person has at most 3 places",
    ]


@pytest.mark.parametrize(("many", "places"), [(1, "1 place"), (2, "2 places")])
def test_check_counts_places(many: int, places: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"policies: {{queue: {{perPerson: {many}}}}}\n")
    assert main(["check", str(file)]) == 0
    assert f"each person has at most {places}\n" in capsys.readouterr().out


def test_what_show_writes_loads_as_the_same_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, again = tmp_path / "values.yaml", tmp_path / "again.yaml"
    file.write_text(yaml.safe_dump({"policies": yaml.safe_load(WHOLE)}))
    assert main(["show", str(file)]) == 0
    again.write_text(capsys.readouterr().out)
    one, other = (load_catalog(Document("x", each.read_text()), base=base).policies for each, base in ((file, None), (again, ())))
    assert one == other


def test_the_groups_that_rules_name_are_found_with_their_rules() -> None:
    policies = Policies.model_validate(
        {
            "quotas": {"gpus": {"per": "group", "groups": ["ml"], "gpus": 1, "overrides": {"groups": {"astro": {"gpus": 2}}}}},
            "budgets": {"all": {"per": "hub", "money": 1}},
            "approvals": {"big": {"profiles": ["gpu"], "approvers": {"groups": ["ml", "leads"]}}},
        }
    )
    assert groups_named(policies) == {
        "ml": ("quotas.gpus", "approvals.big"),
        "astro": ("quotas.gpus",),
        "leads": ("approvals.big",),
    }
