"""The shorthand `range` of an option, written out as choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.fields import MOST_CHOICES, wrong

if TYPE_CHECKING:
    from profiles.model import OptionRange

_PREFIX = "extendedResources."


def choices_of(shorthand: OptionRange) -> dict[str, dict[str, Any]]:
    """Choices by id, as an admin would have written them one by one. Raises what a Pydantic validator may."""
    numbers = range(shorthand.from_, shorthand.to + 1, shorthand.step)
    if not numbers:
        raise wrong(f"the range ends at {shorthand.to}, before it begins at {shorthand.from_}", "swap from and to")
    if len(numbers) > MOST_CHOICES:
        raise wrong(f"the range has {len(numbers)} choices", f"have at most {MOST_CHOICES}: raise step or lower to")
    return {
        f"{number}{shorthand.unit or ''}": {
            "pricePerHour": shorthand.price_per_hour_each * (number - shorthand.from_),
            "overrides": _overrides(shorthand.sets, shorthand.unit, number),
        }
        for number in numbers
    }


def default_of(shorthand: OptionRange, written: str) -> str:
    """The default as written, or the first choice; the unit may be left out."""
    if not written:
        return f"{shorthand.from_}{shorthand.unit or ''}"
    return f"{written}{shorthand.unit or ''}" if written.isdigit() else written


def _overrides(sets: str, unit: str | None, number: int) -> dict[str, Any]:
    if sets == "memory":
        if unit is None:
            raise wrong("a range of memory has no unit", "add unit: Gi")
        return {"memory": f"{number}{unit}"}
    if unit is not None:
        raise wrong("a unit counts only with sets: memory", "remove it")
    if sets == "cpu":
        return {"cpu": number}
    return {"extendedResources": {sets.removeprefix(_PREFIX): number}}
