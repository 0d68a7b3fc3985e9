"""What a person chose on the spawn page, or by any other way in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from profiles.frozen import EMPTY


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """A profile and its options, not yet checked: only `resolve` says whether this person may have it.

    `profile=None` means "the default one". Options that are left out take their default.
    """

    profile: str | None = None
    options: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    rescue: bool = False

    def to_user_options(self) -> dict[str, Any]:
        """The JSON that JupyterHub stores and replays. The same choice gives the same JSON."""
        options: dict[str, Any] = {"profile": self.profile, "options": dict(sorted(self.options.items()))}
        if self.rescue:
            options["rescue"] = True
        return options
