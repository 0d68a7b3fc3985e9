"""What `browse` and `search` answer: a table to look at, as HTML in a notebook and as text in a shell. Pure."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from data_access.discover import words

if TYPE_CHECKING:
    import pandas

_RIGHT = ("number", "size", "count")


@dataclass(frozen=True)
class Head:
    """A column of a listing.

    `kind`: text, sentence (cut last), code, number (a count), size (bytes), time (aware datetime), or count (a value
    that is a number).
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
    """Shows itself in a notebook and in a shell; `to_frame()` gives the plain values, `rows` them as dictionaries."""

    title: str
    sections: tuple[Section, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    now: datetime | None = None

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
    used = [i for i in range(len(section.heads)) if any(row[i] for row in table)]
    wanted = [max(cells(section.heads[i].name), *(cells(_one_line(row[i])) for row in table)) for i in used]
    widths = fitted(wanted, width, last=[at for at, i in enumerate(used) if section.heads[i].kind == "sentence"])

    def line(texts: Sequence[str]) -> str:
        return "  ".join(
            padded(cut(_one_line(texts[i]), most), most, right=section.heads[i].kind in _RIGHT)
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


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("listing.css").read_text()


def as_html(listing: Listing) -> str:
    """Built as a tree, so that no comment or name of anybody becomes markup."""
    box = ElementTree.Element("div", {"class": "remuda-listing"})
    ElementTree.SubElement(box, "style").text = "@@style@@"
    if listing.title:
        ElementTree.SubElement(box, "div", {"class": "title"}).text = _clean(listing.title)
    if listing.facts:
        facts = ElementTree.SubElement(box, "dl")
        for name, value in listing.facts.items():
            pair = ElementTree.SubElement(facts, "div")
            ElementTree.SubElement(pair, "dt").text = _clean(name)
            ElementTree.SubElement(pair, "dd").text = _clean(value)
    for section in listing.sections:
        _section(box, section, listing.now)
    if listing.note:
        ElementTree.SubElement(box, "div", {"class": "note"}).text = _clean(listing.note)
    return ElementTree.tostring(box, encoding="unicode").replace("@@style@@", _style(), 1)


def _section(box: ElementTree.Element, section: Section, now: datetime | None) -> None:
    if section.title:
        ElementTree.SubElement(box, "div", {"class": "section"}).text = _clean(section.title)
    if not section.rows:
        ElementTree.SubElement(box, "div", {"class": "note"}).text = _clean(section.note or "None.")
        return
    texts = [
        [shown(value, head.kind, now) for value, head in zip(row, section.heads, strict=True)] for row in section.rows
    ]
    used = [i for i in range(len(section.heads)) if any(row[i] for row in texts)]
    scroll = ElementTree.SubElement(box, "div", {"class": "scroll"})
    table = ElementTree.SubElement(scroll, "table")
    head = ElementTree.SubElement(ElementTree.SubElement(table, "thead"), "tr")
    for i in used:
        ElementTree.SubElement(head, "th", {"scope": "col", "class": section.heads[i].kind}).text = section.heads[
            i
        ].name
    body = ElementTree.SubElement(table, "tbody")
    for values, row in zip(section.rows, texts, strict=True):
        line = ElementTree.SubElement(body, "tr")
        for i in used:
            cell = ElementTree.SubElement(line, "td", {"class": section.heads[i].kind})
            cell.text = _clean(row[i])
            if exact := _exact(values[i], section.heads[i].kind):
                cell.set("title", exact)
    if section.note:
        ElementTree.SubElement(box, "div", {"class": "note"}).text = _clean(section.note)


def _exact(value: Any, kind: str) -> str:
    """What the pointer shows of a rounded value."""
    if kind == "size" and value is not None:
        return f"{value:,} bytes"
    return f"{value:%Y-%m-%d %H:%M:%S %Z}" if kind == "time" and value is not None else ""


def _clean(text: str) -> str:
    """Without signs that XML has no place for."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)
