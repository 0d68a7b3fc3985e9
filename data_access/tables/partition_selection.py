"""Which partitions a reader's `partitions=` means. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_access.errors import NotFoundError, Reason
from data_access.names import near
from data_access.tables.model import Column, PartitionValues
from data_access.tables.partition_values import bad, canonical_value, check_keys, count, how_many

Choice = tuple[frozenset[str | None] | None, ...]


@dataclass(frozen=True)
class Selection:
    """Which partitions `partitions=` means: any of `choices`, each with the values allowed per key (None: all)."""

    keys: tuple[Column, ...]
    choices: tuple[Choice, ...] | None

    def __call__(self, values: PartitionValues) -> bool:
        return self.choices is None or any(_within(values, choice) for choice in self.choices)

    def of(self, there: Iterable[PartitionValues]) -> list[PartitionValues]:
        """Those that are meant. Raises NotFoundError(unknown-partition) when a value asked for is nowhere."""
        known = list(there)
        chosen = [values for values in known if self(values)]
        for choice in self.choices or ():
            self._check(choice, known)
        return chosen

    def _check(self, choice: Choice, known: list[PartitionValues]) -> None:
        if any(_within(values, choice) for values in known) and all(
            allowed is None or allowed <= {values[place] for values in known} for place, allowed in enumerate(choice)
        ):
            return
        for place, (key, allowed) in enumerate(zip(self.keys, choice, strict=True)):
            there = {values[place] for values in known}
            for value in sorted(allowed or (), key=str):
                if value not in there:
                    raise _unknown(f"{key.name}={_shown(value)}", value, there)
        wanted = ", ".join(
            f"{key.name}={'|'.join(sorted(map(_shown, allowed)))}"
            for key, allowed in zip(self.keys, choice, strict=True)
            if allowed is not None
        )
        raise NotFoundError(
            Reason.UNKNOWN_PARTITION, f"There is no partition {wanted}.", "Each of the values is in other partitions."
        )


def _within(values: PartitionValues, choice: Choice) -> bool:
    return all(allowed is None or value in allowed for value, allowed in zip(values, choice, strict=True))


def selector(spec: object, keys: Sequence[Column]) -> Selection:
    """What a reader's `partitions=` means.

    None: all. `["2026-11-20"]`: one value per partition column, a prefix is enough. `[("a", "b"), ("c",)]`: several of
    these. `{"day": "2026-11-20"}` or `{"day": ["…", "…"]}`: by name. Raises DataError(bad-partition).
    """
    keys = tuple(keys)
    if spec is None:
        return Selection(keys, None)
    if not keys:
        raise bad("The table has no partitions", "Leave out partitions=, or use where=.")
    if isinstance(spec, Mapping):
        return Selection(keys, (_by_name(spec, keys),))
    if isinstance(spec, str) or not isinstance(spec, Iterable):
        spec = [spec]
    several = list(spec)
    if several and all(isinstance(each, tuple | list) for each in several):
        return Selection(keys, tuple(_prefix(each, keys) for each in several))
    if several and all(isinstance(each, Mapping) for each in several):
        return Selection(keys, tuple(_by_name(each, keys) for each in several))
    return Selection(keys, (_prefix(several, keys),) if several else ())


def _prefix(values: Sequence[object], keys: Sequence[Column]) -> Choice:
    names = [key.name for key in keys]
    if len(values) > len(keys):
        several = f" Several partitions: {{'{names[0]}': {list(values)!r}}}." if len(keys) == 1 else ""
        raise bad(count(values, names), how_many(names) + several)
    fixed = [frozenset([canonical_value(value, key)]) for value, key in zip(values, keys, strict=False)]
    return (*fixed, *[None] * (len(keys) - len(fixed)))


def _by_name(spec: Mapping[str, object], keys: Sequence[Column]) -> Choice:
    check_keys(spec, [key.name for key in keys])
    return tuple(_allowed(spec[key.name], key) if key.name in spec else None for key in keys)


def _allowed(value: object, key: Column) -> frozenset[str | None]:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return frozenset(canonical_value(each, key) for each in value)
    return frozenset([canonical_value(value, key)])


def _unknown(what: str, value: str | None, there: Iterable[str | None]) -> NotFoundError:
    known = sorted(each for each in there if each is not None)
    close = near(value or "", known)
    said = f"Did you mean {' or '.join(close)}?" if close else _range(known)
    return NotFoundError(Reason.UNKNOWN_PARTITION, f"There is no partition {what}.", said)


def _range(known: Sequence[str]) -> str:
    if not known:
        return "There are none."
    if len(known) <= 8:
        return f"There are: {', '.join(known)}."
    return f"There are {len(known)}, from {known[0]} to {known[-1]}."


def _shown(value: str | None) -> str:
    return "null" if value is None else value
