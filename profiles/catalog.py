"""Load a catalog: documents in, a checked `Catalog` or every mistake in them out.

shipped files ─┐
admin's files ─┴─ parse ─ lay over each other ─ extends ─ models ─ cross-checks ─ Catalog | CatalogErrors
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from profiles import checks
from profiles.documents import Document, from_mapping, parse, read_documents, shipped_documents
from profiles.fields import quoted
from profiles.model import Catalog, Pool, Profile
from profiles.overlay import Inherited, Layers, Raw, inherit, lay_over, written
from profiles.policy import Policies
from profiles.problems import CatalogError, CatalogErrors, nearest, one_of
from profiles.translate import Wrong, wrongs

__all__ = [
    "CatalogError",
    "CatalogErrors",
    "Document",
    "from_mapping",
    "load_catalog",
    "read_documents",
    "shipped_documents",
]

M = TypeVar("M", bound=BaseModel)

SECTIONS = ("currency", "defaultProfile", "pools", "profiles", "policies")
#: Keys beside ours in Helm values and settings. They are somebody else's to check.
CHART_KEYS = frozenset(
    {
        "shippedProfiles",
        "enabled",
        "hub",
        "proxy",
        "singleuser",
        "cull",
        "data",
        "scheduling",
        "prePuller",
        "grafana",
        "ingress",
        "rbac",
        "imagePullSecrets",
        "imagePullSecret",
        "fullnameOverride",
        "nameOverride",
        "global",
        "custom",
        "debug",
    }
)
#: Of a pool in Helm values, but of no interest to a spawner: room kept free by the chart.
CHART_POOL_KEYS = frozenset({"placeholders"})
POOL_LABEL = "remuda.dev/pool"


def load_catalog(*documents: Document, base: Sequence[Document] | None = None) -> Catalog:
    """The catalog of `documents` laid over `base` (default: the shipped ones; `()` for none).

    Raises `CatalogErrors` with every mistake. Profiles with `enabled: false` are left out of the result.
    """
    layers = Layers(tuple(parse(each) for each in (*(shipped_documents() if base is None else base), *documents)))
    errors = [error for document in layers.documents for error in document.errors]
    errors += _shape_errors(layers)
    catalog, found = _Loading(layers).catalog()
    errors += found
    if catalog is None or errors:
        raise CatalogErrors(errors)
    return catalog


def _shape_errors(layers: Layers) -> Iterator[CatalogError]:
    """Top-level keys, and sections that are no mappings."""
    for document in layers.documents:
        for key, value in (document.sections or {}).items():
            if key == "policies" and value is not None and not isinstance(value, Mapping):
                problem = f"{quoted(value)} is not a mapping"
                yield CatalogError(document.name, "", key, problem, "write quotas, budgets or approvals below it")
            elif key in {"pools", "profiles"}:
                yield from _section_errors(document.name, key, value)
            elif key not in SECTIONS and key not in CHART_KEYS:
                remedy = nearest(key, SECTIONS, f"remove it, or write {one_of(SECTIONS)}")
                yield CatalogError(document.name, "", key, "there is no such key", remedy)


def _section_errors(file: str, section: str, entries: Any) -> Iterator[CatalogError]:
    if entries is None:
        return
    kind = section.removesuffix("s")
    if not isinstance(entries, Mapping):
        remedy = f"write each {kind} as its id, a colon, and its fields below"
        yield CatalogError(file, "", section, f"{quoted(entries)} is not a mapping of {section} by id", remedy)
        return
    for name, entry in entries.items():
        if entry is not None and not isinstance(entry, Mapping):
            problem = f"{quoted(entry)} is not a mapping"
            yield CatalogError(file, f"{kind} {name!r}", "", problem, "write its fields below it, indented")
        else:
            yield from _empty_keys(file, f"{kind} {name!r}", section, entry or {})


def _empty_keys(file: str, subject: str, section: str, entry: Mapping[str, Any]) -> Iterator[CatalogError]:
    """Keys without a value that no model will ever see, as null takes keys away: `{pricePerHour: 2,90}` has one."""
    model, more = (Pool, CHART_POOL_KEYS) if section == "pools" else (Profile, frozenset[str]())
    known = [*(info.alias or name for name, info in model.model_fields.items()), *more]
    for key in (key for key, value in entry.items() if value is None and key not in known):
        comma = "a comma ends a value here: write decimals with a point, as in 2.90"
        remedy = comma if key.isdecimal() else nearest(key, known, f"remove it, or write {one_of(known)}")
        yield CatalogError(file, subject, key, "there is no such key", remedy)


class _Loading:
    """One run: collects mistakes instead of stopping at the first."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.errors: list[CatalogError] = []
        merged = layers.merged()
        self.head = {key: merged[key] for key in ("currency", "defaultProfile") if merged.get(key) not in (None, "")}
        self.raw_pools = {name: _with_placement(name, pool) for name, pool in _mappings(merged.get("pools"))}
        self.raw_profiles = dict(_mappings(merged.get("profiles")))
        self.raw_policies = lay_over({}, merged.get("policies") or {})

    def catalog(self) -> tuple[Catalog | None, list[CatalogError]]:
        pools = self._valid("pools", self.raw_pools, Pool)
        inherited = inherit(self.raw_profiles, self.layers)
        self.errors += inherited.errors
        profiles = self._profiles(inherited, pools)
        self._check_catalog(profiles)
        policies = self._policies(profiles, pools)
        enabled = {name: profile for name, profile in profiles.items() if profile.enabled}
        if not self.errors and not enabled:
            remedy = "define one under profiles, or use the shipped ones"
            self._add((), Wrong(("profiles",), "there is no machine to choose", remedy))
        try:
            sections = {"pools": pools, "profiles": enabled, "policies": policies}
            return Catalog.model_validate({**self.head, **sections}), self.errors
        except ValidationError as e:
            for each in wrongs(e, Catalog):
                self._add((), each)
            return None, self.errors

    def _valid(self, section: str, entries: Mapping[str, Raw], model: type[M]) -> dict[str, M]:
        valid = {}
        for name, entry in entries.items():
            made, found = _made(model, entry)
            for each in found:
                self._add((section, name), each)
            if made is not None:
                valid[name] = made
        return valid

    def _profiles(self, inherited: Inherited, pools: Mapping[str, Pool]) -> dict[str, Profile]:
        valid: dict[str, Profile] = {}
        for name, raw in inherited.profiles.items():
            made, found = _made(Profile, raw)
            template = raw.get("enabled") is False  # something to extend: it need not be whole
            lost = checks.pool_exists(raw.get("pool") if made is None else made.pool, self.raw_pools)
            more = [] if made is None else list(checks.profile_wrongs(made, pools.get(made.pool)))
            slip = checks.misnamed(name, found := list(found), self.raw_profiles)
            if slip is not None:
                self._add(("profiles", name), slip)
                found = [each for each in found if not each.missing]
            for each in [*found, *([lost] if lost else []), *more]:
                if not (template and each.missing):
                    self._add_inherited(inherited.lineage[name], each)
            if made is not None:
                valid[name] = made
        for name, raw in inherited.orphans.items():
            self._check_orphan(name, raw)
        return valid

    def _policies(self, profiles: Mapping[str, Profile], pools: Mapping[str, Pool]) -> Policies:
        made, found = _made(Policies, self.raw_policies)
        known = {**dict.fromkeys(self.raw_profiles), **profiles}
        found = list(found)
        told = {each.path for each in found}
        names = checks.names_wrongs(self.raw_policies, known, self.raw_pools)
        sound = made or _made(Policies, _without(self.raw_policies, told))[0] or Policies()
        found += [each for each in names if each.path not in told]
        whole = [name for name, quota in _mappings(self.raw_policies.get("quotas")) if quota.get("per") == "hub"]
        for each in [*found, *checks.policy_wrongs(sound, known, whole)]:
            self._add((), replace(each, path=("policies", *each.path)))
        return made or Policies()

    def _check_orphan(self, name: str, raw: Raw) -> None:
        """What it lacks it may have wanted to inherit; what it says can be wrong in itself."""
        _, found = _made(Profile, raw)
        lost = checks.pool_exists(raw["pool"], self.raw_pools) if "pool" in raw else None
        for each in [*(each for each in found if not each.missing), *([lost] if lost else [])]:
            self._add(("profiles", name), each)

    def _check_catalog(self, profiles: Mapping[str, Profile]) -> None:
        default = self.head.get("defaultProfile")
        lost = checks.default_wrong(default, profiles, self.raw_profiles) if isinstance(default, str) else None
        if lost is not None:
            self._add((), lost)
        for name, each in checks.same_names(profiles):
            self._add(("profiles", name), each)

    def _add_inherited(self, lineage: Sequence[str], wrong: Wrong) -> None:
        """A mistake belongs to the profile that wrote it; heirs repeat it, and it is told once."""
        owner = max(lineage, key=lambda name: (written(self.raw_profiles[name], wrong.path), -lineage.index(name)))
        self._add(("profiles", owner), wrong)

    def _add(self, place: tuple[str, ...], wrong: Wrong) -> None:
        subject = f"{place[0].removesuffix('s')} {place[1]!r}" if place else ""
        path = wrong.path
        if not place and len(path) > 1 and path[0] in {"pools", "profiles"}:
            subject, path = f"{path[0].removesuffix('s')} {path[1]!r}", path[2:]
        file = self.layers.author((*place, *wrong.path))
        self.errors.append(CatalogError(file, subject, ".".join(path), wrong.problem, wrong.remedy))


def _without(policies: Raw, wrong: Iterable[tuple[str, ...]]) -> Raw:
    """The rules that have no mistakes; of what is no rule, that."""
    left = {key: dict(each) if isinstance(each, Mapping) else each for key, each in policies.items()}
    for path in wrong:
        section = left.get(path[0]) if path else None
        if isinstance(section, dict) and len(path) > 1:
            section.pop(path[1], None)
        elif path:
            left.pop(path[0], None)
    return left


def _made(model: type[M], raw: Raw) -> tuple[M | None, Iterable[Wrong]]:
    """YAML speaks camelCase only: attribute names are for Python."""
    try:
        return model.model_validate(raw, by_alias=True, by_name=False), ()
    except ValidationError as e:
        return None, wrongs(e, model)


def _with_placement(name: str, pool: Raw) -> Raw:
    """Where an admin says nothing, nodes are labelled and tainted `remuda.dev/pool=<id>`."""
    taint = {"key": POOL_LABEL, "operator": "Equal", "value": name, "effect": "NoSchedule"}
    kept = {key: value for key, value in lay_over({}, pool).items() if key not in CHART_POOL_KEYS}
    return {"nodeSelector": {POOL_LABEL: name}, "tolerations": [taint]} | kept


def _mappings(section: Any) -> Iterator[tuple[str, Raw]]:
    if isinstance(section, Mapping):
        yield from ((name, dict(entry)) for name, entry in section.items() if isinstance(entry, Mapping))
