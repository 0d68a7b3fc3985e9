"""How models look: plain text in a shell, a table in a notebook. Values in, text out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from data_access.discover.words import counted, size
from data_access.html import RIGHT, Column, Page
from data_access.texts import shortened
from data_access.type_words import in_words

if TYPE_CHECKING:
    import pandas

    from data_access.models.artifact import AliasChange, ModelVersion

_T = TypeVar("_T")
_WIDEST = 60


@dataclass(frozen=True)
class Sheet:
    """A title, rows of text below columns, and a sentence below them. `kinds` are those of `html.Column`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: str = ""
    widest: int | None = _WIDEST  # characters of a cell in text; None cuts nothing
    kinds: tuple[str, ...] = ()  # by default text; a foot is a sentence, or an address

    def text(self) -> str:
        cut = [[self._cut(each) for each in line] for line in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
        right = [kind in RIGHT for kind in self._kinds()]
        body = [
            "  ".join(
                each.rjust(width) if to_right else each.ljust(width)
                for each, width, to_right in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in cut
        ]
        rule = "  ".join("─" * width for width in widths)
        table = ["", body[0], rule, *body[1:]] if self.rows else []
        return "\n".join([self.title, *table, *(["", self.foot] if self.foot else [])])

    def _kinds(self) -> tuple[str, ...]:
        return self.kinds or ("text",) * len(self.columns)

    def _cut(self, text: str) -> str:
        return text if self.widest is None else shortened(text, self.widest)

    def html(self) -> str:
        page = Page(self.title)
        if self.rows:
            page.table(list(map(Column, self.columns, self._kinds())), self.rows)
        if self.foot:
            page.note(self.foot)
        return str(page)

    def to_frame(self) -> pandas.DataFrame:
        import pandas

        return pandas.DataFrame(list(self.rows), columns=list(self.columns))


class Listing(tuple[_T, ...], Generic[_T]):
    """A tuple that shows itself as a table. `to_frame` gives the table as a DataFrame."""

    _sheet: Callable[[Sequence[Any]], Sheet]

    def __new__(cls, items: Iterable[_T], sheet: Callable[[Sequence[Any]], Sheet]) -> Listing[_T]:
        self = super().__new__(cls, tuple(items))
        self._sheet = sheet
        return self

    def __repr__(self) -> str:
        return self._sheet(self).text()

    def _repr_html_(self) -> str:
        return self._sheet(self).html()

    def to_frame(self) -> pandas.DataFrame:
        return self._sheet(self).to_frame()


def describe(version: ModelVersion) -> Sheet:
    """One version, member by member."""
    rows = [
        ("made", f"{_when(version.at)} by {version.by}"),
        ("model", version.model_class),
        ("format", version.format + (f"   UNSAFE: {version.risk}" if version.risk else "")),
        *(("not as", f"{name}: {why}") for name, why in version.refused.items()),
        ("files", f"{counted(len(version.files), 'file')}, {size(version.size)}"),
    ]
    if version.example:
        example = version.example
        near = "" if example.deviation is None else f", reproduced to {example.deviation:.2g}"
        rows += [
            ("input", _typed(example.input)),
            ("output", _typed(example.output)),
            ("example", f"{counted(example.rows, 'row')}; tolerance {example.tolerance:g}{near}"),
        ]
    if (varied := version.options.get("varied")) and varied["differ"]:
        told = (
            f"{varied['differ']} of {varied['rows']} rows with the example's columns shuffled are answered differently"
        )
        rows.append(("ATTENTION", told))
    rows += [(f"metric {name}", number(value)) for name, value in version.metrics.items()]
    rows += [(f"param {name}", str(value)) for name, value in version.params.items()]
    rows += [(f"tag {name}", value) for name, value in version.tags.items()]
    rows += [
        ("made from", str(each.anchor) + ("" if each.pin else f"   NOT safe from gc: {each.why_not}"))
        for each in version.inputs
    ]
    rows += [
        (name, str(value)) for name, value in (("seed", version.seed), ("parent", version.parent)) if value is not None
    ]
    code = version.code.git_commit or version.code.notebook or version.code.script
    if code:
        rows.append(("code", code + (" with uncommitted changes" if version.code.dirty_diff else "")))
    lock = version.lock
    rows.append(
        (
            "environment",
            f"Python {lock.python}, {len(lock.distributions)} packages, {lock.hashed} with an index's hashes",
        )
    )
    if version.notes:
        rows.append(("notes", version.notes))
    return Sheet(str(version), ("what", "value"), tuple(rows), version.url, widest=200, kinds=("text", "sentence"))


def _typed(columns: Sequence[Any]) -> str:
    told = ", ".join(f"{each.name}: {in_words(each.type)}" for each in columns[:12])
    return told + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")


def versions(of: Sequence[tuple[ModelVersion, Sequence[str]]]) -> Sheet:
    """Several versions of one model, with their aliases."""
    names = list(dict.fromkeys(name for version, _ in of for name in version.metrics))[:6]
    rows = tuple(
        (
            str(version.version),
            ", ".join(aliases),
            _when(version.at),
            version.by,
            version.format + ("" if version.safe else " (unsafe)"),
            size(version.size),
            *(number(version.metrics[name]) if name in version.metrics else "" for name in names),
        )
        for version, aliases in of
    )
    title = f"{of[0][0].name}: {counted(len(of), 'version')}" if of else "no versions"
    kinds = ("number", "text", "time", "text", "text", "size", *("count" for _ in names))
    return Sheet(title, ("version", "aliases", "made", "by", "format", "size", *names), rows, kinds=kinds)


def models(of: Sequence[Any]) -> Sheet:
    """All models, one per row."""
    rows = tuple(
        (
            each.name,
            str(each.latest.version),
            ", ".join(f"{alias} → {version}" for alias, version in sorted(each.aliases.items())),
            _when(each.latest.at),
            each.latest.by,
            ", ".join(f"{name} {number(value)}" for name, value in list(each.latest.metrics.items())[:3]),
        )
        for each in of
    )
    title = counted(len(of), "model") if of else "There are no models yet: save_model keeps one."
    kinds = ("code", "number", "text", "time", "text", "sentence")
    return Sheet(title, ("model", "latest", "aliases", "made", "by", "metrics"), rows, kinds=kinds)


def changes(of: Sequence[AliasChange]) -> Sheet:
    """Moves of aliases."""
    rows = tuple(
        (
            each.alias,
            str(each.before) if each.before is not None else "-",
            str(each.after) if each.after is not None else "-",
            each.by,
            _when(each.at),
            each.why,
        )
        for each in of
    )
    return Sheet(
        f"{of[0].name}: aliases" if of else "no alias was ever set", ("alias", "from", "to", "by", "at", "why"), rows,
        kinds=("text", "number", "number", "text", "time", "sentence"),
    )  # fmt: skip


def number(value: float) -> str:
    return f"{value:.6g}"


def _when(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
