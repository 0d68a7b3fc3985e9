"""Two versions side by side: what differs, and what is the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_access.models.show import Sheet, number
from data_access.type_words import in_words
from data_access.workspace import Workspace

if TYPE_CHECKING:
    import pandas

    from data_access.models.artifact import ExampleRecord, ModelVersion

_NONE = "-"


@dataclass(frozen=True)
class Difference:
    """One thing of two versions; `a` and `b` are for people, None where a version has no such thing."""

    section: str  # model, metrics, params, data, code, environment, input, output
    what: str
    a: str | None
    b: str | None
    change: str = ""

    @property
    def same(self) -> bool:
        return self.a == self.b


@dataclass(frozen=True)
class Comparison:
    """`differences` of `a` and `b`; `everything` also has what is the same."""

    a: ModelVersion
    b: ModelVersion
    everything: tuple[Difference, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(each for each in self.everything if not each.same)

    def of(self, section: str) -> tuple[Difference, ...]:
        """The differences of one section."""
        return tuple(each for each in self.differences if each.section == section)

    def sheet(self) -> Sheet:
        rows = tuple(
            (each.section, each.what, _in_words(each, each.a), _in_words(each, each.b), each.change)
            for each in self.differences
        )
        same = sorted({each.section for each in self.everything} - {each.section for each in self.differences})
        foot = f"The same: {', '.join(same)}." if same else ""
        return Sheet(f"{self.a} and {self.b}", ("", "what", str(self.a), str(self.b), "change"), rows, foot)

    def __repr__(self) -> str:
        return self.sheet().text()

    def _repr_html_(self) -> str:
        return self.sheet().html()

    def to_frame(self) -> pandas.DataFrame:
        """Every line, also what is the same: section, what, a, b, change, same."""
        import pandas

        return pandas.DataFrame(
            [(each.section, each.what, each.a, each.b, each.change, each.same) for each in self.everything],
            columns=["section", "what", "a", "b", "change", "same"],
        )


def _in_words(difference: Difference, value: str | None) -> str:
    """Types in words, as everywhere."""
    if value is None:
        return _NONE
    return in_words(value) if difference.section in ("input", "output") else value


def compare(a: str | ModelVersion, b: str | ModelVersion, *, workspace: Workspace | None = None) -> Comparison:
    """`compare("churn@3", "churn@production")`. Raises NotFoundError(unknown-model), CorruptError."""
    from data_access.models.repository import Repository

    repository = Repository(workspace)
    return compared(repository.resolve(a), repository.resolve(b))


def compared(a: ModelVersion, b: ModelVersion) -> Comparison:
    """Of two versions at hand. Pure."""
    lines = [
        *_model(a, b),
        *_metrics(a.metrics, b.metrics),
        *_mapping("params", a.params, b.params),
        *_data(a, b),
        *_code(a, b),
        *_environment(a, b),
        *_schema("input", a.example, b.example),
        *_schema("output", a.example, b.example),
    ]
    return Comparison(a, b, tuple(lines))


def _model(a: ModelVersion, b: ModelVersion) -> Iterator[Difference]:
    for what, one, other in (
        ("class", a.model_class, b.model_class),
        ("format", a.format, b.format),
        ("by", a.by, b.by),
        ("seed", _text(a.seed), _text(b.seed)),
        ("parent", a.parent, b.parent),
    ):
        yield Difference("model", what, one, other)
    yield from _mapping("model", a.tags, b.tags)


def _metrics(a: Mapping[str, float], b: Mapping[str, float]) -> Iterator[Difference]:
    for what in _keys(a, b):
        one, other = a.get(what), b.get(what)
        if one is None or other is None:
            yield Difference("metrics", what, _number(one), _number(other))
            continue
        share = f" ({(other - one) / abs(one):+.2%})" if one else ""
        same = one == other or (one != one and other != other)  # noqa: PLR0124 - NaN
        yield Difference(
            "metrics", what, repr(one), repr(one if same else other), "" if same else f"{other - one:+.4g}{share}"
        )


def _mapping(section: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for what in _keys(a, b):
        yield Difference(section, what, repr(a[what]) if what in a else None, repr(b[what]) if what in b else None)


def _data(a: ModelVersion, b: ModelVersion) -> Iterator[Difference]:
    left, right = _by_table(a), _by_table(b)
    for table in _keys(left, right):
        one, other = left.get(table, ()), right.get(table, ())
        change = ""
        if len(one) == len(other) == 1 and one != other:
            apart = other[0][0] - one[0][0]
            change = f"{abs(apart)} commit{'s' if abs(apart) != 1 else ''} {'later' if apart > 0 else 'earlier'}"
        yield Difference("data", table, _commits(one), _commits(other), change)


def _by_table(version: ModelVersion) -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for each in version.inputs:
        key = str(each.anchor.table)
        found[key] = tuple(sorted({*found.get(key, ()), (each.anchor.number, each.anchor.id)}))
    return found


def _commits(of: tuple[tuple[int, str], ...]) -> str | None:
    return ", ".join(f"{number_}:{id_}" for number_, id_ in of) or None


def _code(a: ModelVersion, b: ModelVersion) -> Iterator[Difference]:
    for what, attribute in (
        ("commit", "git_commit"),
        ("uncommitted changes", "dirty_diff"),
        ("remote", "git_remote"),
        ("notebook", "notebook"),
        ("notebook's content", "notebook_sha256"),
        ("script", "script"),
    ):
        yield Difference("code", what, getattr(a.code, attribute), getattr(b.code, attribute))


def _environment(a: ModelVersion, b: ModelVersion) -> Iterator[Difference]:
    yield Difference("environment", "Python", a.lock.python, b.lock.python)
    yield Difference("environment", "platform", a.lock.platform, b.lock.platform)
    yield Difference("environment", "image", a.environment.image, b.environment.image)
    left = {each.name: each for each in a.lock.distributions}
    right = {each.name: each for each in b.lock.distributions}
    for name in _keys(left, right):
        one, other = left.get(name), right.get(name)
        if one and other and one.version == other.version and one.content != other.content:
            told = f"{one.version}, content "
            yield Difference(
                "environment",
                name,
                told + _told(one.content),
                told + _told(other.content),
                "the same version, other files",
            )
            continue
        yield Difference("environment", name, one.version if one else None, other.version if other else None)


def _schema(section: str, a: ExampleRecord | None, b: ExampleRecord | None) -> Iterator[Difference]:
    left = {each.name: each.type for each in (getattr(a, section) if a else ())}
    right = {each.name: each.type for each in (getattr(b, section) if b else ())}
    for name in _keys(left, right):
        yield Difference(section, name, left.get(name), right.get(name))


def _keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*a, *b]))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: float | None) -> str | None:
    return None if value is None else number(value)


def _told(content: str | None) -> str:
    return content[:12] if content else "unknown"
