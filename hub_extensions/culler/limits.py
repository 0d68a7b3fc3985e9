"""PURE: the catalog as the culler will enforce it.

A profile's own idleTimeout and maxLifetime win; `cull.timeout` and `cull.maxAge` fill what it leaves open. The
result is what pages, spawners and the culler all read, so that "stops at 18:40" on a page is the culler's own figure.
"""

from __future__ import annotations

from typing import Any

from hub_extensions.settings import Cull
from profiles.frozen import freeze
from profiles.model import Catalog, Option, Profile
from profiles.quantity import Duration

NEVER = Duration(0)


def with_cull_limits(catalog: Catalog, cull: Cull) -> Catalog:
    """A new catalog; with `cull.enabled` false nothing stops, so no profile promises that it will."""
    profiles = {name: _limited(profile, cull) for name, profile in catalog.profiles.items()}
    return catalog.model_copy(update={"profiles": freeze(profiles)})


def _limited(profile: Profile, cull: Cull) -> Profile:
    if cull.enabled:
        limits: dict[str, Any] = {
            "idle_timeout": _or(profile.idle_timeout, cull.timeout),
            "max_lifetime": _or(profile.max_lifetime, cull.max_age),
        }
    else:
        options = {name: _unlimited(option) for name, option in profile.options.items()}
        limits = {"idle_timeout": NEVER, "max_lifetime": NEVER, "options": freeze(options)}
    return profile.model_copy(update=limits)


def _or(own: Duration | None, otherwise: int) -> Duration:
    return own if own is not None else Duration(otherwise)


def _unlimited(option: Option) -> Option:
    choices = {}
    for name, choice in option.choices.items():
        overrides = choice.overrides.model_copy(update={"idle_timeout": None, "max_lifetime": None})
        choices[name] = choice.model_copy(update={"overrides": overrides})
    return option.model_copy(update={"choices": freeze(choices)})
