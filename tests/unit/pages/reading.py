"""Reads HTML the way a browser's tree would be asked: elements by tag and attribute, and their text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "path"}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def has(self, name: str) -> bool:
        return name in self.attrs

    def all(self, tag: str | None = None, **attrs: str) -> list[Element]:
        """Descendants; `cls` asks for one class, other names for equal values (`_` stands for `-`)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attrs.items()}
        return [element for element in self._walk() if (tag in (None, element.tag)) and element._is(wanted)]

    def one(self, tag: str | None = None, **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} elements match {tag} {attrs}"
        return found[0]

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def _walk(self) -> list[Element]:
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child, *child._walk()]
        return found

    def _is(self, wanted: dict[str, str]) -> bool:
        for name, value in wanted.items():
            if name == "cls":
                if value not in self.attrs.get("class", "").split():
                    return False
            elif self.attrs.get(name) != value:
                return False
        return True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.here = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.children.append(data)


def read(html: str) -> Element:
    """The tree; an element that is closed wrongly, or not at all, fails the test."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.here is reader.root, f"<{reader.here.tag}> is never closed"
    return reader.root


def assert_accessible(page: Element) -> None:
    """What every page keeps: unique ids, one h1, named fields, references that lead somewhere, posts with _xsrf."""
    ids = [element["id"] for element in page.all() if element.has("id")]
    assert len(ids) == len(set(ids)), f"ids repeat: {sorted(ids)}"
    assert len(page.all("h1")) == 1
    labelled = {label["for"] for label in page.all("label")}
    for control in [*page.all("input"), *page.all("select")]:
        if control.attrs.get("type") != "hidden":
            assert control["id"] in labelled, f"{control.attrs} has no label"
    for element in page.all():
        for name in ("aria-describedby", "aria-labelledby", "aria-controls", "for"):
            for target in element.attrs.get(name, "").split():
                assert target in ids, f"{name}={target} leads nowhere"
    for button in [*page.all("button"), *page.all("a")]:
        assert button.text or button.has("aria-hidden"), f"{button.attrs} says nothing"
    for form in page.all("form"):
        if form.attrs.get("method") == "post":
            assert form.one("input", name="_xsrf")["value"]
