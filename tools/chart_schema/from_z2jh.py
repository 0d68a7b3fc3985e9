"""`python -m tools.chart_schema.from_z2jh VALUES.yaml`: what zero-to-jupyterhub's `singleuser.profileList` becomes.

Standard output is YAML for this chart; what a person has to decide is said on standard error, and the exit code is 0
even then: the output always loads, with a careful guess where zero-to-jupyterhub says nothing.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.chart_schema.z2jh import RETIRED

Values = Mapping[str, Any]
Document = dict[str, Any]

#: KubeSpawner's overrides that have a field of the same meaning here.
KNOWN = {
    "cpu_guarantee", "cpu_limit", "mem_guarantee", "mem_limit", "image", "image_pull_policy", "node_selector",
    "tolerations", "extra_resource_limits", "extra_resource_guarantees", "environment", "extra_labels",
    "extra_annotations", "start_timeout", "volumes", "volume_mounts",
}  # fmt: skip


@dataclass
class Converted:
    """Values for this chart, and what to look at."""

    values: Document = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def convert(z2jh: Values) -> Converted:
    """Pools and profiles for a zero-to-jupyterhub values file."""
    result = Converted()
    singleuser = z2jh.get("singleuser") or {}
    pools: Document = {}
    profiles: Document = {}
    listed = singleuser.get("profileList") or []
    if not listed:
        result.notes.append("there is no singleuser.profileList: one machine is made of singleuser.cpu and memory")
        listed = [{"display_name": "Standard", "default": True}]
    for entry in listed:
        identity = _unique(_slug(entry.get("slug") or entry.get("display_name") or "machine"), profiles)
        profiles[identity] = _profile(entry, identity, singleuser, pools, result.notes)
    default = next((i for i, e in zip(profiles, listed, strict=True) if e.get("default")), next(iter(profiles)))
    result.values = {"shippedProfiles": False, "defaultProfile": default, "pools": pools, "profiles": profiles}
    result.notes += [
        f"{key}: {instead}" for key, instead in RETIRED.items() if key != "singleuser.profileList" and _said(z2jh, key)
    ]
    return result


def _profile(entry: Values, identity: str, singleuser: Values, pools: Document, notes: list[str]) -> Document:
    given = dict(entry.get("kubespawner_override") or {})
    where = f"profiles.{identity}"
    selector = {**(singleuser.get("nodeSelector") or {}), **(given.get("node_selector") or {})}
    tolerations = [*(singleuser.get("extraTolerations") or []), *(given.get("tolerations") or [])]
    profile: Document = {
        "displayName": entry.get("display_name") or identity,
        "purpose": entry.get("description") or "",
        "pool": _pool(selector, tolerations, identity, pools),
        "cpu": _range(given, singleuser, "cpu", where, notes),
        "memory": _range(given, singleuser, "mem", where, notes),
        **_rest(given, where, notes),
    }
    options = {}
    for name, option in (entry.get("profile_options") or {}).items():
        options[_slug(name)] = _option(option, f"{where}.options.{name}", notes)
    if options:
        profile["options"] = options
    return profile


def _option(option: Values, where: str, notes: list[str]) -> Document:
    if (option.get("unlisted_choice") or {}).get("enabled"):
        notes.append(f"{where}: free text (unlisted_choice) is not offered here: list the choices people may take")
    choices: Document = {}
    default = None
    for slug, choice in (option.get("choices") or {}).items():
        given = dict(choice.get("kubespawner_override") or {})
        overrides = _rest(given, f"{where}.{slug}", notes)
        for what, key in (("cpu", "cpu"), ("mem", "memory")):
            if f"{what}_limit" in given or f"{what}_guarantee" in given:
                overrides[key] = _range(given, {}, what, f"{where}.{slug}", notes)
        if "node_selector" in given or "tolerations" in given:
            notes.append(f"{where}.{slug}: a choice cannot change the pool: make it a profile of its own")
        choices[slug] = {"displayName": choice.get("display_name") or slug, "overrides": overrides}
        default = slug if choice.get("default") and default is None else default
    if not choices:
        notes.append(f"{where}: no choice is listed; 'standard' changes nothing")
        choices = {"standard": {}}
    return {
        "displayName": option.get("display_name") or "",
        "default": default or next(iter(choices)),
        "choices": choices,
    }


def _rest(given: Values, where: str, notes: list[str]) -> Document:
    """What has a plain counterpart."""
    made: Document = {}
    resources = {**(given.get("extra_resource_guarantees") or {}), **(given.get("extra_resource_limits") or {})}
    for key, value in (
        ("extendedResources", {name: int(count) for name, count in resources.items()}),
        ("image", given.get("image")),
        ("imagePullPolicy", given.get("image_pull_policy")),
        ("env", {key: str(value) for key, value in (given.get("environment") or {}).items()}),
        ("labels", given.get("extra_labels")),
        ("annotations", given.get("extra_annotations")),
        ("startTimeout", given.get("start_timeout")),
        ("volumes", given.get("volumes")),
        ("volumeMounts", given.get("volume_mounts")),
    ):
        if value:
            made[key] = value
    for unknown in sorted(set(given) - KNOWN):
        notes.append(
            f"{where}: kubespawner_override.{unknown} has no counterpart in a profile; say it for all in singleuser"
        )
    return made


def _range(given: Values, singleuser: Values, what: str, where: str, notes: list[str]) -> Document:
    """Request and limit. KubeSpawner reads 1G as 1024³ bytes, Kubernetes as 1000³: the unit is written out."""
    common = singleuser.get({"cpu": "cpu", "mem": "memory"}[what]) or {}
    request = given.get(f"{what}_guarantee", common.get("guarantee"))
    limit = given.get(f"{what}_limit", common.get("limit"))
    if request is None and limit is None:
        request = limit = {"cpu": 1, "mem": "1Gi"}[what]
        notes.append(
            f"{where}: nothing says how much { ({'cpu': 'cpu', 'mem': 'memory'}[what]) } it gets; {limit} is a guess"
        )
    amounts = {"request": request if request is not None else limit, "limit": limit if limit is not None else request}
    return amounts if what == "cpu" else {key: _binary(value) for key, value in amounts.items()}


def _binary(amount: Any) -> Any:
    return f"{amount}i" if isinstance(amount, str) and re.fullmatch(r"[0-9.]+[KMGT]", amount) else amount


def _pool(selector: Document, tolerations: list[Any], identity: str, pools: Document) -> str:
    """The pool with these nodes, made if there is none yet."""
    wanted = {"nodeSelector": selector, "tolerations": tolerations}
    for name, pool in pools.items():
        if {key: pool[key] for key in wanted} == wanted:
            return name
    name = _unique(
        _slug(str(next(iter(selector.values())))) if selector else ("any" if not tolerations else identity), pools
    )
    pools[name] = {"displayName": name, **wanted}
    return name


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "machine"


def _unique(wanted: str, taken: Mapping[str, Any]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _said(values: Any, key: str) -> bool:
    for part in key.split("."):
        if not isinstance(values, Mapping) or part not in values:
            return False
        values = values[part]
    return bool(values)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chart_schema.from_z2jh", description=__doc__)
    parser.add_argument("values", type=Path, help="a values file of zero-to-jupyterhub")
    file = parser.parse_args().values
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as e:
        print(f"{file}: cannot be read: {e}", file=sys.stderr)
        return 1
    if not isinstance(content, Mapping):
        print(f"{file}: holds no values", file=sys.stderr)
        return 1
    # Charts that wrap zero-to-jupyterhub keep its values under its name.
    result = convert(content.get("jupyterhub", content))
    print(yaml.safe_dump(result.values, sort_keys=False, allow_unicode=True, width=120), end="")
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
