"""Pydantic's errors in an admin's words: the path as written, what is wrong, what to write instead."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from profiles.fields import quoted
from profiles.problems import nearest, one_of

_WANTED = {
    "string_type": ("text", "write text, in quotes if in doubt"),
    "int_type": ("a whole number", "write a number such as 2"),
    "int_parsing": ("a whole number", "write a number such as 2"),
    "int_from_float": ("a whole number", "write a number such as 2"),
    "bool_type": ("true or false", "write true or false"),
    "bool_parsing": ("true or false", "write true or false"),
    "dict_type": ("a mapping", "write keys and values below it"),
    "model_type": ("a mapping", "write keys and values below it"),
    "model_attributes_type": ("a mapping", "write keys and values below it"),
    "tuple_type": ("a list", "write a list: [a, b]"),
    "list_type": ("a list", "write a list: [a, b]"),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    path: tuple[str, ...]
    problem: str
    remedy: str
    missing: bool = False


def wrongs(error: ValidationError, model: type[BaseModel]) -> Iterator[Wrong]:
    """Each of Pydantic's errors once, in its order."""
    for each in error.errors(include_url=False):
        path = tuple(str(part) for part in each["loc"] if part != "[key]")
        yield _wrong(path, each, model)


def _wrong(path: tuple[str, ...], error: Mapping[str, Any], model: type[BaseModel]) -> Wrong:
    kind, given, context = error["type"], quoted(error["input"]), error.get("ctx") or {}
    if "remedy" in context:
        return Wrong(path, context["problem"], context["remedy"])
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    if kind == "missing":
        return Wrong(path, "it is missing", _add(path[-1]), missing=True)
    return Wrong(path, *_plain(kind, given, context, str(error["msg"])))


def _plain(kind: str, given: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    """Problem and remedy of an error that Pydantic found by itself."""
    if kind in _WANTED:
        wanted, remedy = _WANTED[kind]
        return f"{given} is not {wanted}", remedy
    known = {
        "literal_error": ("{given} is not allowed here", "write {expected}"),
        "greater_than_equal": ("{given} is less than {ge}", "write {ge} or more"),
        "less_than_equal": ("{given} is more than {le}", "write {le} or less"),
        "string_pattern_mismatch": ("{given} does not have the right form", "it must match {pattern}"),
    }
    otherwise = (message.replace("{", "{{").replace("}", "}}"), "docs/reference/profiles.md says what it may be")
    problem, remedy = known.get(kind, otherwise)
    return problem.format(given=given, **context), remedy.format(**context)


def _unknown_key(path: tuple[str, ...], model: type[BaseModel]) -> Wrong:
    holder = _model_at(model, path[:-1])
    known = [info.alias or name for name, info in holder.model_fields.items()] if holder else []
    remedy = nearest(path[-1], known, f"remove it, or write {one_of(known)}")
    return Wrong(path, "there is no such key", remedy)


def _add(key: str) -> str:
    examples = {
        "pool": "pool: general",
        "cpu": "cpu: 2",
        "memory": "memory: 8Gi",
        "default": "default: <id of a choice>",
    }
    return f"add {examples.get(key, key + ':')}"


def _model_at(model: type[BaseModel], path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model whose keys stand at this path, so that its keys can be suggested."""
    annotation: Any = model
    for key in path:
        found = _submodel(annotation)
        if found is not None:
            aliases = {info.alias or name: info for name, info in found.model_fields.items()}
            if key.isdigit():
                continue  # in a list of what may stand alone as well
            if key not in aliases:
                return None
            annotation = aliases[key].annotation
        else:
            annotation = (get_args(annotation) or (None,))[-1 if get_origin(annotation) is dict else 0]
    return _submodel(annotation)


def _submodel(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in {Union, types.UnionType}:
        return next((found for each in get_args(annotation) if (found := _submodel(each))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
