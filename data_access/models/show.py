"""How models look: plain text in a shell, a table in a notebook. Values in, text out."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas

    from data_access.models.artifact import AliasChange, ModelVersion

_T = TypeVar("_T")
_PAGE = Template(
    '<div class="remuda-models"><div><b>$title</b></div><table><thead><tr>$head</tr></thead>$body</table>$foot</div>'
)
_HEAD = Template('<th style="text-align:left">$text</th>')
_CELL = Template('<td style="text-align:left;white-space:pre-wrap">$text</td>')
_ROW = Template("<tr>$cells</tr>")
_FOOT = Template("<div>$text</div>")
_WIDEST = 60


@dataclass(frozen=True)
class Sheet:
    """A title, rows of text below columns, and a sentence below them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: str = ""
    widest: int | None = _WIDEST  # characters of a cell in text; None cuts nothing

    def text(self) -> str:
        lines = [tuple(column.upper() for column in self.columns), *self.rows]
        cut = [[self._cut(each) for each in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
        body = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cut] if self.rows else []
        return "\n".join(filter(None, [self.title, *body, self.foot]))

    def _cut(self, text: str) -> str:
        return text if self.widest is None or len(text) <= self.widest else f"{text[: self.widest - 1]}…"

    def html(self) -> str:
        body = "".join(
            _ROW.substitute(cells="".join(_CELL.substitute(text=html.escape(each)) for each in row))
            for row in self.rows
        )
        return _PAGE.substitute(
            title=html.escape(self.title),
            head="".join(_HEAD.substitute(text=html.escape(each)) for each in self.columns),
            body=body,
            foot=_FOOT.substitute(text=html.escape(self.foot)) if self.foot else "",
        )

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
        ("files", f"{len(version.files)}, {size(version.size)}"),
    ]
    if version.example:
        example = version.example
        near = "" if example.deviation is None else f", reproduced to {example.deviation:.2g}"
        rows += [
            ("input", ", ".join(f"{each.name}: {each.type}" for each in example.input[:12])),
            ("output", ", ".join(f"{each.name}: {each.type}" for each in example.output[:12])),
            ("example", f"{example.rows} rows; tolerance {example.tolerance:g}{near}"),
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
    return Sheet(str(version), ("what", "value"), tuple(rows), version.url, widest=200)


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
    title = f"{of[0][0].name}: {len(of)} version{'s' if len(of) != 1 else ''}" if of else "no versions"
    return Sheet(title, ("version", "aliases", "made", "by", "format", "size", *names), rows)


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
    title = f"{len(of)} model{'s' if len(of) != 1 else ''}" if of else "There are no models yet: save_model keeps one."
    return Sheet(title, ("model", "latest", "aliases", "made", "by", "metrics"), rows)


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
        f"{of[0].name}: aliases" if of else "no alias was ever set", ("alias", "from", "to", "by", "at", "why"), rows
    )


def number(value: float) -> str:
    return f"{value:.6g}"


def size(count: int) -> str:
    """1,234,567 → "1.2 MB"."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _when(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
