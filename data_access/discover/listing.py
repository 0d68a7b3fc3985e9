"""What `browse` and `search` answer: a table to look at, as HTML in a notebook and as text in a shell. Pure."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data_access import html
from data_access.discover import words

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Head:
    """A column of a listing.

    `kind`: text, sentence (cut last), code, number (a count), size (bytes), time (aware datetime), count (a value
    that is a number), or hidden (for programs: in `rows`, JSON and frames only).
    """

    name: str
    kind: str = "text"


@dataclass(frozen=True)
class Section:
    """One table of a listing; `note` stands below it."""

    title: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Listing:
    """Shows itself in a notebook and in a shell; `to_frame()` gives the plain values, `rows` them as dictionaries.

    `copied` names the facts that people copy: they are shown as code.
    """

    title: str
    sections: tuple[Section, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    now: datetime | None = None
    copied: tuple[str, ...] = ("location",)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Of the first section: bytes, counts and times as they are."""
        return self.section()

    def section(self, title: str | None = None) -> list[dict[str, Any]]:
        """The rows of a section by its title. Raises KeyError."""
        for each in self.sections:
            if title is None or each.title == title:
                return [dict(zip((head.name for head in each.heads), row, strict=True)) for row in each.rows]
        if title is None:
            return []
        raise KeyError(title)

    def to_frame(self, section: str | None = None) -> pandas.DataFrame:
        import pandas

        heads = next((each.heads for each in self.sections if section in (None, each.title)), ())
        return pandas.DataFrame(self.section(section), columns=[head.name for head in heads])

    def __len__(self) -> int:
        return len(self.sections[0].rows) if self.sections else 0

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __repr__(self) -> str:
        return as_text(self, shutil.get_terminal_size((120, 24)).columns)

    def _repr_html_(self) -> str:
        return as_html(self)


def shown(value: Any, kind: str, now: datetime | None) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if kind == "size":
        return words.size(value)
    if kind == "number":
        return words.number(value)
    if kind == "time":
        return words.ago(value, now) if now is not None else value.isoformat(timespec="seconds")
    return str(value)


# Text


def as_text(listing: Listing, width: int) -> str:
    """Aligned columns, none wider than the terminal can bear."""
    parts = [listing.title] if listing.title else []
    if listing.facts:
        most = max(map(cells, listing.facts))
        parts.append("\n".join(f"{padded(name, most)}  {value}" for name, value in listing.facts.items()))
    for section in listing.sections:
        heading = f"{section.title}\n" if section.title else ""
        body = "\n".join(_lines(section, width, listing.now)) if section.rows else "(none)"
        parts.append(heading + body + (f"\n{section.note}" if section.note else ""))
    if listing.note:
        parts.append(listing.note)
    return "\n\n".join(parts)


def _lines(section: Section, width: int, now: datetime | None) -> list[str]:
    table = [
        [shown(value, head.kind, now) for value, head in zip(row, section.heads, strict=True)] for row in section.rows
    ]
    used = _used(section, table)
    wanted = [max(cells(section.heads[i].name), *(cells(_one_line(row[i])) for row in table)) for i in used]
    widths = fitted(wanted, width, last=[at for at, i in enumerate(used) if section.heads[i].kind == "sentence"])

    def line(texts: Sequence[str]) -> str:
        return "  ".join(
            padded(cut(_one_line(texts[i]), most), most, right=section.heads[i].kind in html.RIGHT)
            for i, most in zip(used, widths, strict=True)
        ).rstrip()

    head = line([each.name for each in section.heads])
    return [head, "  ".join("─" * most for most in widths), *map(line, table)]


def fitted(widths: Sequence[int], width: int, last: Sequence[int] = ()) -> list[int]:
    """Column widths that fit together into `width`: the widest give first, those of `last` only when the others have
    nothing left to give; none below twelve.
    """
    given = list(widths)
    for giving in ([at for at in range(len(given)) if at not in last], list(last)):
        while giving and sum(given) + 2 * (len(given) - 1) > width:
            widest = max(giving, key=given.__getitem__)
            if given[widest] <= 12:
                break
            given[widest] -= 1
    return given


def cells(text: str) -> int:
    """How many places a text takes in a terminal: some signs take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def padded(text: str, width: int, *, right: bool = False) -> str:
    space = " " * max(0, width - cells(text))
    return space + text if right else text + space


def cut(text: str, width: int) -> str:
    if cells(text) <= width:
        return text
    kept = text
    while kept and cells(kept) > width - 1:
        kept = kept[:-1]
    return kept + "…"


def _one_line(text: str) -> str:
    """Also without what would move a terminal's cursor or change its colours."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


# HTML


def as_html(listing: Listing) -> str:
    page = html.Page(listing.title)
    page.facts(listing.facts, listing.copied)
    for section in listing.sections:
        _section(page, section, listing.now)
    if listing.note:
        page.note(listing.note)
    return str(page)


def _section(page: html.Page, section: Section, now: datetime | None) -> None:
    if section.title:
        page.section(section.title)
    if not section.rows:
        page.note(section.note or "None.")
        return
    heads = section.heads
    texts = [[shown(value, head.kind, now) for value, head in zip(row, heads, strict=True)] for row in section.rows]
    used = _used(section, texts)
    page.table(
        [html.Column(heads[i].name, heads[i].kind) for i in used],
        [
            [html.Cell(texts_of[i], _exact(values[i], heads[i].kind)) for i in used]
            for values, texts_of in zip(section.rows, texts, strict=True)
        ],
    )
    if section.note:
        page.note(section.note)


def _used(section: Section, texts: Sequence[Sequence[str]]) -> list[int]:
    """The columns that a person is shown: those that say anything, and are not for programs."""
    return [i for i, head in enumerate(section.heads) if head.kind != "hidden" and any(row[i] for row in texts)]


def _exact(value: Any, kind: str) -> str:
    """What the pointer shows of a rounded value."""
    if kind == "size" and value is not None:
        return f"{value:,} bytes"
    return f"{value:%Y-%m-%d %H:%M:%S %Z}" if kind == "time" and value is not None else ""
