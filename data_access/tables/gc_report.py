"""What gc did, or would do, for a person: shows itself in a notebook and in a shell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_access.names import TableName
from data_access.tables.gc_rules import Fate, Item

if TYPE_CHECKING:
    from data_access.discover.listing import Listing, Section


@dataclass(frozen=True, repr=False)
class GcReport:
    """`given_up`: numbers of the commits that can't be read any more; `items`: every folder, what and why.

    `why`: where none is given up, what keeps them.
    """

    table: TableName
    given_up: tuple[int, ...]
    items: tuple[Item, ...]
    dry_run: bool
    why: str = ""

    @property
    def removed(self) -> tuple[Item, ...]:
        """What went; of a dry run: what would."""
        return tuple(each for each in self.items if each.fate is Fate.REMOVE)

    @property
    def kept(self) -> tuple[Item, ...]:
        return tuple(each for each in self.items if each.fate is Fate.STAY)

    @property
    def bytes_removed(self) -> int:
        return sum(each.bytes for each in self.removed)

    def listing(self) -> Listing:
        from data_access.discover import words
        from data_access.discover.listing import Listing

        goes = "would go" if self.dry_run else "gone"
        objects = sum(len(each.paths) for each in self.removed)
        facts = {
            goes: f"{words.size(self.bytes_removed)} in {words.counted(objects, 'object')}",
            "stays": words.size(sum(each.bytes for each in self.kept)),
            "commits given up" + (" (would be)" if self.dry_run else ""): numbers_told(self.given_up) or "none",
        }
        sections = (_section(goes.capitalize(), self.removed), _section("Stays", self.kept))
        note = " ".join(filter(None, (self.why, "Nothing was changed: this was a dry run." * self.dry_run)))
        return Listing(f"gc of {self.table}", sections, facts, note)

    def __repr__(self) -> str:
        return repr(self.listing())

    def _repr_html_(self) -> str:
        return self.listing()._repr_html_()


def _section(title: str, items: Iterable[Item]) -> Section:
    """By reason: a thousand folders that stay for one reason are one line."""
    from data_access.discover.listing import Head, Section

    by_reason: dict[str, list[Item]] = {}
    for each in items:
        by_reason.setdefault(each.reason, []).append(each)
    rows = tuple(
        (
            reason, some[0].folder if len(some) == 1 else f"{len(some):,} folders, as {some[0].folder}",
            sum(len(each.paths) for each in some), sum(each.bytes for each in some),
        )
        for reason, some in by_reason.items()
    )  # fmt: skip
    return Section(
        title, (Head("why", "sentence"), Head("where", "code"), Head("objects", "number"), Head("size", "size")), rows
    )


def numbers_told(numbers: Iterable[int]) -> str:
    """`1–40, 42`."""
    from data_access.tables.manifest import ranges

    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges(list(numbers)))
