"""What a person chose on the spawn page, or by any other way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.frozen import EMPTY
from profiles.quantity import BadQuantity, Duration

#: For how long a machine may be asked for, and the lengths that forms offer.
SHORTEST_RUN, LONGEST_RUN = Duration(600), Duration(366 * 86400)
LENGTHS = tuple(Duration(hours * 3600) for hours in (1, 2, 4, 8, 12, 24))


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """A profile and its options, not yet checked: only `resolve` says whether this person may have it.

    `profile=None` means "the default one". Options that are left out take their default. `run_for`: it is to stop that
    long after it has come up; None: when its person stops it, or its own limits do.
    """

    profile: str | None = None
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    rescue: bool = False
    run_for: Duration | None = None

    def to_user_options(self) -> dict[str, Any]:
        """The JSON that JupyterHub stores and replays. The same choice gives the same JSON."""
        options: dict[str, Any] = {"profile": self.profile, "options": dict(sorted(self.options.items()))}
        if self.rescue:
            options["rescue"] = True
        if self.run_for is not None:
            options["run_for"] = str(self.run_for)
        return options


def run_for_of(value: object) -> Duration | None:
    """`"4h"`, `"90m"`, or a number of seconds; None and "" are no length. Raises `BadQuantity` for all else. What is
    too short or too long is for `resolve` to say."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadQuantity("it is neither text nor a whole number", 'write it as "30m" or "4h"')
    if isinstance(value, str) and len(value) > 32:
        raise BadQuantity(f"{value[:32]!r}… is not a length of time", 'write it as "30m" or "4h"')
    if isinstance(value, int) and abs(value) >= 10**12:
        raise BadQuantity("it is no length that anybody means", 'write it as "30m" or "4h"')
    return Duration.parse(value)


def readable_run_for(value: object, otherwise: Duration | None = None) -> Duration | None:
    """The same without an error. `Duration(0)` instead of what cannot be read is refused by whoever decides."""
    try:
        return run_for_of(value)
    except BadQuantity:
        return otherwise
