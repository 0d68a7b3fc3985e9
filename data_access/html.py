"""How all answers look in a notebook: one style for titles, facts, tables and notes. Pure.

Pages are built as trees, so that no comment, name or value of anybody becomes markup. The style holds within
JupyterLab's own rules for tables, in its light and dark themes; where styles are taken away (GitHub, a notebook that is
not trusted) what remains reads well, and cells keep their sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from xml.etree import ElementTree

_STYLE = "@@style@@"
#: Kinds of columns whose cells stand to the right.
RIGHT = ("number", "size", "count")
#: Kinds of columns whose texts may take several lines, and from how many letters; others do beyond `_LONG`.
_WRAPPED = ("text", "sentence")
_SHORT, _LONG = 24, 40


@dataclass(frozen=True)
class Column:
    """`kind`: text, sentence (long), code, time, or number, size and count, which stand to the right."""

    name: str
    kind: str = "text"


@dataclass(frozen=True)
class Cell:
    """A text, and what the pointer shows of it."""

    text: str
    exact: str = ""


class Page:
    """One answer. Parts are added in order; `str` is the HTML."""

    def __init__(self, title: str = "", outcome: str = "") -> None:
        self.box = ElementTree.Element("div", {"class": "remuda-data"})
        ElementTree.SubElement(self.box, "style").text = _STYLE
        if title:
            head = add(self.box, "div", "title")
            add(head, "b", "", title)
            if outcome:
                add(head, "span", "outcome", f" {outcome}")

    def facts(self, facts: Mapping[str, str], code: Sequence[str] = ()) -> None:
        """Names with values, side by side. `code` names those that are to be copied."""
        if not facts:
            return
        box = add(self.box, "div", "facts")
        for name, value in facts.items():
            pair = add(box, "div")
            add(pair, "span", "name", name).tail = " "
            add(pair, "span", "code" if name in code else "", value)

    def section(self, title: str) -> None:
        add(self.box, "div", "section", title)

    def text(self, text: str) -> None:
        add(self.box, "div", "lines", text)

    def note(self, text: str) -> None:
        add(self.box, "div", "note", text)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]) -> None:
        add_table(self.box, columns, rows)

    def block(self, tone: str, title: str, badge: str) -> ElementTree.Element:
        """A part with a coloured edge. `tone`: passed, warns, failed."""
        box = add(self.box, "div", f"block {tone}")
        head = add(box, "div")
        add(head, "b", "", title).tail = " "
        add(head, "span", "badge", badge)
        return box

    def __str__(self) -> str:
        return _written(self.box).replace(_STYLE, _style(), 1)


def _written(box: ElementTree.Element) -> str:
    """As XML, whose attributes have no brackets either; empty elements are closed as HTML wants it."""
    return ElementTree.tostring(box, encoding="unicode", short_empty_elements=False)


def add(parent: ElementTree.Element, tag: str, kind: str = "", text: str = "") -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag, {"class": kind} if kind else {})
    element.text = clean(text) or None
    return element


def add_table(parent: ElementTree.Element, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]) -> None:
    """Wider than the page, it is scrolled; words and numbers are not broken."""
    table = add(add(parent, "div", "scroll"), "table")
    head = add(add(table, "thead"), "tr")
    for column in columns:
        _sided(add(head, "th", "", column.name), column.kind).set("scope", "col")
    body = add(table, "tbody")
    for row in rows:
        line = add(body, "tr")
        for column, given in zip(columns, row, strict=True):
            cell = given if isinstance(given, Cell) else Cell(given)
            element = _sided(add(line, "td"), column.kind)
            if (column.kind in _WRAPPED and len(cell.text) > _SHORT) or len(cell.text) > _LONG:
                _breakable(add(element, "div"), clean(cell.text), paths=column.kind == "code")
            else:
                element.text = clean(cell.text) or None
            if cell.exact:
                element.set("title", clean(cell.exact))


def _breakable(box: ElementTree.Element, text: str, *, paths: bool) -> None:
    """Paths break after a slash; what is copied has no break."""
    first, *rest = text.replace("/", "/\0").split("\0") if paths else [text]
    box.text = first
    for piece in rest:
        ElementTree.SubElement(box, "wbr").tail = piece


def _sided(element: ElementTree.Element, kind: str) -> ElementTree.Element:
    """The side is an attribute of its own, too: JupyterLab takes <style> out of what is not trusted."""
    side = "right" if kind in RIGHT else "left"
    element.set("class", f"{kind} right" if kind in RIGHT else kind)
    element.set("style", f"text-align:{side}")
    return element


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("html.css").read_text()


def clean(text: str) -> str:
    """Without signs that a page has no place for."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)
