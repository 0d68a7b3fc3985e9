"""YAML texts and mappings in, plain dicts and mistakes out. No meaning yet, but lines are still known here."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from profiles.problems import CatalogError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: the same, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

#: Endings of catalog files in a folder.
ENDINGS = (".yaml", ".yml")
DEEPEST = 100
MOST_NODES = 200_000  # aliases of aliases can unfold to more than memory holds


@dataclass(frozen=True, slots=True)
class Document:
    """A catalog file, or a mapping that came another way (Helm values, settings)."""

    name: str
    text: str = ""
    mapping: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Parsed:
    """`sections` is None where the text is not YAML at all."""

    name: str
    sections: dict[str, Any] | None
    errors: tuple[CatalogError, ...] = ()


def from_mapping(name: str, mapping: Mapping[str, Any]) -> Document:
    """`name` is what errors call it, such as `settings: catalog`."""
    return Document(name, mapping=mapping)


def read_documents(path: Path | str) -> tuple[Document, ...]:
    """A file, or the YAML files of a folder in the order of their names. Raises OSError, UnicodeDecodeError."""
    path = Path(path)
    files = sorted(each for each in path.iterdir() if each.suffix in ENDINGS) if path.is_dir() else [path]
    return tuple(Document(str(file), file.read_text(encoding="utf-8")) for file in files)


def shipped_documents() -> tuple[Document, ...]:
    """The pools and profiles that come with Remuda."""
    folder = Path(__file__).parent / "catalog"
    names = ("pools", "small-cpu", "many-core", "gpu")  # the order of the cards
    return tuple(
        Document(f"shipped {name}.yaml", (folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in names
    )


def parse(document: Document) -> Parsed:
    """Never raises: what can't be read is an error among the others."""
    try:
        if document.mapping is not None:
            return Parsed(document.name, _string_keys(document.mapping))
        content, errors = _read(document)
    except _TooMuch as e:
        return _unreadable(document, None, str(e), "write the values out")
    except yaml.YAMLError as e:
        return Parsed(document.name, None, (_syntax_error(document.name, e),))
    except (RecursionError, ValueError) as e:
        problem = "it is nested too deeply" if isinstance(e, RecursionError) else f"a value cannot be read: {e}"
        return _unreadable(document, None, problem, "correct or quote it")
    if not isinstance(content, dict):
        problem = f"the document is a {_kind(content)}, not a mapping"
        return _unreadable(document, 1, problem, "begin with pools: and profiles:")
    return Parsed(document.name, content, errors)


def _read(document: Document) -> tuple[Any, tuple[CatalogError, ...]]:
    """The content and its duplicate keys; raises what PyYAML raises."""
    loader = _Loader(document.text)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}, ()
        errors = tuple(_duplicates(document.name, root))  # first: it stops at aliases that unfold without end
        return _string_keys(loader.construct_document(root)), errors
    finally:
        loader.dispose()


def _unreadable(document: Document, line: int | None, problem: str, remedy: str) -> Parsed:
    return Parsed(document.name, None, (_error(document.name, line, problem, remedy),))


class _TooMuch(Exception):
    """A document that unfolds without end."""


def _duplicates(file: str, root: yaml.Node) -> Iterator[CatalogError]:
    """The same key twice in one mapping: YAML parsers keep the last, silently."""
    pending: list[tuple[yaml.Node, tuple[str, ...], frozenset[int]]] = [(root, (), frozenset())]
    seen = 0
    while pending:
        node, path, above = pending.pop()
        seen += 1
        if seen > MOST_NODES:
            raise _TooMuch("aliases unfold to more than a catalog can hold")
        if id(node) in above:
            raise _TooMuch("an alias contains itself")
        if len(path) > DEEPEST:
            raise _TooMuch(f"it is nested more than {DEEPEST} deep")
        within = above | {id(node)}
        if isinstance(node, yaml.SequenceNode):
            pending += [(item, (*path, str(i)), within) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[Hashable, int] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else repr(key.value)
            line = key.start_mark.line + 1
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                yield _duplicate(file, line, (*path, name), lines[name])
            lines.setdefault(name, line)
            pending.append((value, (*path, name), within))


def _duplicate(file: str, line: int, path: tuple[str, ...], first: int) -> CatalogError:
    subject, rest = locate(path)
    problem = f"the key {path[-1]!r} is written twice, first on line {first}"
    return CatalogError(file, subject, ".".join(rest), problem, "keep one of them", line)


def locate(path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """`("profiles", "gpu", "cpu")` -> `("profile 'gpu'", ("cpu",))`."""
    if len(path) > 1 and path[0] in {"profiles", "pools"}:
        return f"{path[0].removesuffix('s')} {path[1]!r}", path[2:]
    return "", path


def _syntax_error(file: str, error: yaml.YAMLError) -> CatalogError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    remedy = "correct the YAML there: indentation, quotes, a missing colon"
    if "single document" in str(error) or "another document" in problem:
        problem, remedy = "there are several documents in one file", "remove the line --- or split the file"
    elif "\\t" in problem or "token" in problem:
        remedy = "indent with spaces, and quote text that begins with a special character"
    return _error(file, mark.line + 1 if mark else None, f"not YAML: {problem}", remedy)


def _error(file: str, line: int | None, problem: str, remedy: str) -> CatalogError:
    return CatalogError(file, "", "", problem, remedy, line)


def _string_keys(value: Any, depth: int = 0) -> Any:
    """A copy with text for keys: `choices: {1: …}` means "1"."""
    if depth > DEEPEST:
        raise _TooMuch(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, Mapping):
        return {_key(key): _string_keys(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_string_keys(item, depth + 1) for item in value]
    return value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else str(key)


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "single value"
