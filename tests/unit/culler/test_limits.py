"""The catalog carries the limits that will be enforced, and none that will not."""

from __future__ import annotations

from hub_extensions.culler.limits import with_cull_limits
from hub_extensions.settings import Cull
from profiles.choice import MachineChoice
from profiles.machine import RunningMachine
from profiles.model import Catalog
from profiles.person import Person
from profiles.plan import MachinePlan
from profiles.resolve import resolve

PLAIN = {"pool": "p", "cpu": 1, "memory": "1Gi"}
LONGER = {"idleTimeout": "2h", "maxLifetime": "9h"}
CATALOG = Catalog.model_validate(
    {
        "pools": {"p": {}},
        "profiles": {
            "silent": PLAIN,
            "own": {**PLAIN, "idleTimeout": "30m", "maxLifetime": "8h"},
            "never": {**PLAIN, "idleTimeout": "never", "maxLifetime": 0},
            "option": {
                **PLAIN,
                "options": {"stay": {"default": "long", "choices": {"long": {"overrides": LONGER}, "short": {}}}},
            },
        },
    }
)


def limits(cull: Cull, profile: str, **options: str) -> tuple[int | None, int | None]:
    plan = resolve(with_cull_limits(CATALOG, cull), MachineChoice(profile, options), Person("ada"))
    assert isinstance(plan, MachinePlan)
    machine = RunningMachine.of(plan, "s")
    return machine.idle_timeout_s or None, machine.max_lifetime_s or None


def test_a_profiles_own_limits_win_and_the_settings_fill_the_rest():
    cull = Cull(timeout=3600, max_age=7200)
    assert limits(cull, "silent") == (3600, 7200)
    assert limits(cull, "own") == (1800, 28800)
    assert limits(cull, "never") == (None, None)
    assert limits(cull, "option", stay="long") == (7200, 32400)
    assert limits(cull, "option", stay="short") == (3600, 7200)


def test_zero_in_the_settings_is_no_limit():
    assert limits(Cull(timeout=0, max_age=0), "silent") == (None, None)


def test_nothing_promises_to_stop_where_nothing_is_stopped():
    off = Cull(enabled=False)
    assert {limits(off, "silent"), limits(off, "own"), limits(off, "option", stay="long")} == {(None, None)}


def test_the_admins_catalog_is_not_changed():
    before = CATALOG.model_dump()
    with_cull_limits(CATALOG, Cull(enabled=False))
    assert CATALOG.model_dump() == before
