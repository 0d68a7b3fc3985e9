"""Documents laid over each other, and profiles over what they extend. Nothing that comes in is changed.

Mappings merge key by key, null takes a key away, lists and plain values replace. `allow` is replaced as a whole: what
you read is who may. A single amount of cpu or memory counts as request and limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiles.documents import Parsed
from profiles.problems import CatalogError, nearest, one_of

Raw = dict[str, Any]

#: Who may: `allow` of a machine, `approvers` and `exempt` of an approval.
REPLACED = frozenset({"allow", "approvers", "exempt"})
AMOUNTS = frozenset({"cpu", "memory"})
#: Not handed down by `extends`.
OWN = frozenset({"extends", "enabled", "displayName"})
#: Two ways to write the same: whichever comes later takes the other away.
EITHER = ({"choices", "range"},)


def lay_over(base: Mapping[str, Any], overlay: Mapping[str, Any], *, keep_nulls: bool = False) -> Raw:
    """A new mapping; neither argument is changed.

    `keep_nulls`: a null of the overlay stays, as it may yet have to take away what `extends` inherits.
    """
    merged = dict(base)
    for group in EITHER:
        if any(overlay.get(key) is not None for key in group):
            for key in group - overlay.keys():
                merged.pop(key, None)
    for key, value in overlay.items():
        if value is None and not keep_nulls:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = lay_over(_below(key, merged.get(key)), value, keep_nulls=keep_nulls)
        else:
            merged[key] = value
    return merged


def _below(key: str, value: Any) -> Mapping[str, Any]:
    """What a mapping is laid over."""
    if isinstance(value, Mapping):
        return {} if key in REPLACED else value
    return {"request": value, "limit": value} if key in AMOUNTS and value is not None else {}


@dataclass(frozen=True)
class Layers:
    """All documents in order. Remembers who wrote what, so that an error names the file to open."""

    documents: tuple[Parsed, ...]

    def merged(self) -> Raw:
        result: Raw = {}
        for document in self.documents:
            result = lay_over(result, _sound_sections(document.sections or {}), keep_nulls=True)
        return result

    def author(self, path: Sequence[str]) -> str:
        """The last file that wrote this path, or as much of it as anyone wrote."""
        depths = [(written(document.sections or {}, path), index) for index, document in enumerate(self.documents)]
        deepest = max((depth for depth, _ in depths), default=0)
        last = max((index for depth, index in depths if depth == deepest), default=None)
        return "catalog" if last is None else self.documents[last].name


def _sound_sections(sections: Mapping[str, Any]) -> Raw:
    """Null at the top, as an empty `profiles:` is, says nothing; nor does a section that is no mapping. Neither may
    take all machines away."""
    return {
        key: value
        for key, value in sections.items()
        if value is not None and (key not in {"pools", "profiles", "policies"} or isinstance(value, Mapping))
    }


def written(content: Any, path: Sequence[str]) -> int:
    """How much of a path this content wrote: all of it, where a plain value stands in the way."""
    for depth, key in enumerate(path):
        if not isinstance(content, Mapping):
            return len(path)
        if key not in content:
            return depth
        content = content[key]
    return len(path)


@dataclass(frozen=True)
class Inherited:
    """Profiles with everything they inherit. `lineage` is each profile's own id first, then what it extends.

    `orphans` are those whose `extends` leads nowhere, with what they say themselves: its mistakes can be told too.
    """

    profiles: dict[str, Raw]
    lineage: dict[str, tuple[str, ...]]
    orphans: dict[str, Raw]
    errors: tuple[CatalogError, ...]


def inherit(profiles: Mapping[str, Raw], layers: Layers) -> Inherited:
    """Profiles whose `extends` leads nowhere are set apart, with an error."""
    whole: dict[str, Raw] = {}
    orphans: dict[str, Raw] = {}
    lineages: dict[str, tuple[str, ...]] = {}
    errors: list[CatalogError] = []
    cycles: set[frozenset[str]] = set()
    for name in profiles:
        lineage, error = _lineage(name, profiles, layers)
        if error is not None:
            cycle = frozenset(lineage)
            if cycle not in cycles:
                errors.append(error)
            cycles.add(cycle)
            orphans[name] = {key: value for key, value in profiles[name].items() if key != "extends"}
            continue
        lineages[name] = lineage
        whole[name] = _whole(lineage, profiles)
    return Inherited(whole, lineages, orphans, tuple(dict.fromkeys(errors)))


def _whole(lineage: Sequence[str], profiles: Mapping[str, Raw]) -> Raw:
    result: Raw = {}
    for ancestor in reversed(lineage[1:]):
        result = lay_over(result, _handed_down(profiles[ancestor]))
    return lay_over(result, profiles[lineage[0]])


def _handed_down(profile: Raw) -> Raw:
    return {key: value for key, value in profile.items() if key not in OWN}


def _lineage(name: str, profiles: Mapping[str, Raw], layers: Layers) -> tuple[tuple[str, ...], CatalogError | None]:
    """The chain of `extends`; with an error, the profiles that are to blame."""
    chain = [name]
    while (parent := profiles[chain[-1]].get("extends")) is not None:
        blamed = chain[-1]
        if not isinstance(parent, str) or parent not in profiles:
            return (blamed,), _unknown_parent(blamed, parent, profiles, layers)
        if parent in chain:
            cycle = chain[chain.index(parent) :]
            return tuple(cycle), _cycle_error(cycle, layers)
        chain.append(parent)
    return tuple(chain), None


def _unknown_parent(name: str, parent: Any, profiles: Iterable[str], layers: Layers) -> CatalogError:
    others = [each for each in profiles if each != name]
    return CatalogError(
        layers.author(("profiles", name, "extends")),
        f"profile {name!r}",
        "extends",
        f"there is no profile {parent!r}",
        nearest(str(parent), others, f"extend {one_of(others)}"),
    )


def _cycle_error(cycle: Sequence[str], layers: Layers) -> CatalogError:
    if len(cycle) == 1:
        remedy = "remove extends: the same id as a shipped profile is laid over it anyway"
    else:
        remedy = "let one of them extend nothing"
    first = min(range(len(cycle)), key=lambda index: cycle[index])
    turned = [*cycle[first:], *cycle[:first]]
    return CatalogError(
        layers.author(("profiles", turned[0], "extends")),
        f"profile {turned[0]!r}",
        "extends",
        f"profiles extend each other in a circle: {' → '.join([*turned, turned[0]])}",
        remedy,
    )
