"""What is wrong with a catalog, in a form an admin can act on; all of it, not just the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class CatalogError:
    """One mistake. `subject` is `profile 'gpu'`, `pool 'general'` or empty; `field` is the path as written."""

    file: str
    subject: str
    field: str
    problem: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place, self.subject, f"field '{self.field}'" if self.field else ""]
        text = f"{': '.join(part for part in parts if part)}: {self.problem} — {self.remedy}"
        return " ".join(text.split())  # one line, whatever was quoted


class CatalogErrors(Exception):
    """Every mistake of a catalog."""

    def __init__(self, errors: Iterable[CatalogError]) -> None:
        self.errors: list[CatalogError] = list(dict.fromkeys(errors))
        super().__init__("\n".join(map(str, self.errors)))


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean "gpu"?`, or what to say when nothing is near."""
    by_folded = {_folded(each): each for each in known}
    close = get_close_matches(_folded(name)[:200], by_folded, n=1, cutoff=0.7)
    return f'did you mean "{by_folded[close[0]]}"?' if close else otherwise


def _folded(name: str) -> str:
    """`idle_timeout`, `IdleTimeout` and `idle-timeout` are near `idleTimeout`."""
    return name.replace("_", "").replace("-", "").lower()


def one_of(known: Iterable[str]) -> str:
    names = list(known)
    return f"one of: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}" if names else "none is defined"
