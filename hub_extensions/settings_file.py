"""From YAML documents to `Settings`, or every error at once.

Later documents win over earlier ones, key by key (the chart mounts values and secrets apart; `make run` adds the
ports of this start). A document's mistakes are reported under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from os import pathsep
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from hub_extensions.settings import Settings

#: z2jh's keys that mean something else here, and what to write instead.
MOVED = {
    "singleuser.profileList": "describe machines under `profiles:` (docs/how-to/keep-your-z2jh-chart.md shows how)",
    "singleuser.cloudMetadata": "the chart's network policies block metadata addresses; nothing to set on the Hub",
    "singleuser.networkTools": "the chart's network policies do its work; nothing to set on the Hub",
    "singleuser.storage.dynamic.volumeNameTemplate": "leave it out; the volume is called home in every pod",
    "hub.extraEnv": "the chart sets the Hub's environment; it is not part of the Hub's settings",
    "cull.users": "remove the user in the Hub's admin page; Remuda never removes people for being idle",
    "cull.concurrency": "leave it out; stops run side by side",
}


@dataclass(frozen=True)
class SettingsError:
    """One mistake: where, what, and what to do."""

    file: str
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: field '{self.field}'" if self.field else self.file
        return f"{where}: {self.problem} — {self.remedy}"


class SettingsErrors(Exception):
    """All mistakes of all documents."""

    def __init__(self, errors: Sequence[SettingsError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True)
class SettingsDocument:
    """Text of one settings file, under the name errors give it."""

    name: str
    text: str


def read_settings(paths: str) -> Settings:
    """Settings from files separated like PATH. Raises `SettingsErrors`."""
    names = [name for name in paths.split(pathsep) if name]
    if not names:
        raise SettingsErrors(
            [SettingsError("REMUDA_SETTINGS", "", "is not set", "set it to the path of the Hub's settings.yaml")]
        )
    documents, errors = [], []
    for name in names:
        try:
            documents.append(SettingsDocument(name, Path(name).read_text(encoding="utf-8")))
        except OSError as e:
            remedy = "mount the file there, or correct REMUDA_SETTINGS"
            errors.append(SettingsError(name, "", f"cannot be read: {e.strerror}", remedy))
    if errors:
        raise SettingsErrors(errors)
    return parse_settings(*documents)


def parse_settings(*documents: SettingsDocument) -> Settings:
    """Settings from the documents' text, later ones winning. Raises `SettingsErrors` with everything wrong."""
    parsed: list[tuple[str, Mapping[str, Any]]] = []
    errors: list[SettingsError] = []
    for document in documents:
        try:
            parsed.append((document.name, _mapping(document)))
        except SettingsErrors as e:
            errors.extend(e.errors)
    merged: dict[str, Any] = {}
    for _, content in parsed:
        merged = merge(merged, content)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as e:
        errors.extend(_explain(problem, parsed) for problem in e.errors())
    if errors:
        raise SettingsErrors(errors)
    return settings


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A new mapping: `above` wins, mappings merge key by key, anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


def _mapping(document: SettingsDocument) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(document.text)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = f"is not YAML{where}: {getattr(e, 'problem', None) or e}"
        raise SettingsErrors([SettingsError(document.name, "", problem, "correct the syntax there")]) from e
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        remedy = "write `key: value` lines, such as `mode: local`"
        raise SettingsErrors([SettingsError(document.name, "", f"holds a {type(content).__name__}", remedy)])
    return content


def _explain(problem: Any, parsed: Sequence[tuple[str, Mapping[str, Any]]]) -> SettingsError:
    location = tuple(part for part in problem["loc"] if not _names_a_type(part))
    field = ".".join(map(str, location))
    sentence, remedy = problem["msg"][:1].lower() + problem["msg"][1:], "correct the value"
    if problem["type"] == "extra_forbidden":
        sentence, remedy = "is not a setting", _nearest(location)
    elif problem["type"] == "wrong":
        sentence, remedy = problem["ctx"]["problem"], problem["ctx"]["remedy"]
    elif problem["type"] == "missing":
        sentence, remedy = "is missing", "add it"
    elif "ctx" in problem and "expected" in problem["ctx"]:
        remedy = f"use one of {problem['ctx']['expected']}"
    elif problem["type"] == "string_pattern_mismatch":
        sentence, remedy = "does not look right", f"it must match {problem['ctx']['pattern']}"
    return SettingsError(_source(location, parsed), field, sentence, remedy)


def _names_a_type(part: str | int) -> bool:
    """Pydantic puts the member of a union it tried into the location; no setting is called that."""
    return isinstance(part, str) and (part in {"str", "float", "int", "bool"} or "[" in part)


def _source(location: Sequence[str | int], parsed: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """The last document that says anything at, or else nearest above, this place."""
    for depth in range(len(location), 0, -1):
        for name, content in reversed(parsed):
            if _has(content, location[:depth]):
                return name
    return parsed[-1][0] if parsed else "settings"


def _has(content: Any, location: Sequence[str | int]) -> bool:
    for part in location:
        if (isinstance(content, Mapping) and part in content) or (
            isinstance(content, list) and isinstance(part, int) and part < len(content)
        ):
            content = content[part]
        else:
            return False
    return True


def _nearest(location: Sequence[str | int]) -> str:
    field = ".".join(map(str, location))
    if field in MOVED:
        return MOVED[field]
    model: Any = Settings
    for part in location[:-1]:
        model = _section(model, str(part))
    known = [info.alias or name for name, info in model.model_fields.items()] if model else []
    close = get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"remove it; here one may set {', '.join(sorted(known))}" if known else "remove it"


def _section(model: Any, key: str) -> type[BaseModel] | None:
    if model is None:
        return None
    for name, info in model.model_fields.items():
        if key in {name, info.alias}:
            kinds = (info.annotation, *get_args(info.annotation))
            return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    return None
