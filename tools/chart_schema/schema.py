"""values.schema.json from `Values`, shaped so that Helm's message names the key and what it may be.

Pydantic's schema is right but hard to read in an error: it points into `$defs`, spells "text or null" as `anyOf`, and
asks of an overlay every field that a whole profile needs. So references are put in place, alternatives become several
types, and pools and profiles lose `required`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from tools.chart_schema.values import Values
from tools.chart_schema.z2jh import RETIRED

Schema = dict[str, Any]

#: Sections laid over the shipped catalog: a few keys of a profile are enough.
OVERLAYS = ("pools", "profiles")


class _Quiet(GenerateJsonSchema):
    """The catalog's frozen, empty mappings have no JSON form; their defaults say nothing anyway."""

    ignored_warning_kinds: ClassVar = {"skipped-choice", "non-serializable-default"}


def values_schema() -> Schema:
    """Draft 7, which every Helm 3 reads."""
    raw = Values.model_json_schema(by_alias=True, mode="validation", schema_generator=_Quiet)
    schema = inline(raw, raw.get("$defs", {}))
    for path in _set_by_chart(Values):
        properties = _at(schema, path[:-1])["properties"]
        del properties[path[-1]]
    for section in OVERLAYS:
        schema["properties"][section] = optional_everywhere(schema["properties"][section])
    schema["properties"]["policies"] = nothing_but_ids(schema["properties"]["policies"])
    schema = one_of_each_type(schema)
    for key, instead in RETIRED.items():
        _allow(schema, key.split("."), instead)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart remuda",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def inline(node: Any, definitions: Mapping[str, Schema]) -> Any:
    """References replaced by what they mean; titles dropped. The models are not recursive."""
    if isinstance(node, list):
        return [inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return inline({**target, **beside}, definitions)
    return {
        key: {name: inline(value, definitions) for name, value in content.items()}
        if key == "properties"
        else content
        if key in {"default", "examples", "enum", "const"}
        else inline(content, definitions)
        for key, content in node.items()
        if key != "$defs" and not (key == "title" and isinstance(content, str)) and not _object_default(key, node)
    }


def optional_everywhere(node: Any) -> Any:
    """The same schema for an overlay: nothing is required, and null takes a key away."""
    if isinstance(node, list):
        return [optional_everywhere(item) for item in node]
    if not isinstance(node, dict):
        return node
    relaxed = {key: optional_everywhere(value) for key, value in node.items() if key != "required"}
    if "properties" in node:
        relaxed["properties"] = {key: _or_null(value) for key, value in relaxed["properties"].items()}
    return relaxed


def nothing_but_ids(node: Any) -> Any:
    """Mappings by id take no other keys, where JSON schema alone would let them pass unread. A null takes a rule of an
    earlier values file away."""
    if isinstance(node, list):
        return [nothing_but_ids(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: nothing_but_ids(value) for key, value in node.items()}
    if "patternProperties" in node:
        entries = {pattern: _or_null(value) for pattern, value in strict["patternProperties"].items()}
        strict |= {"patternProperties": entries, "additionalProperties": False}
    return strict


def one_of_each_type(node: Any) -> Any:
    """`anyOf` of schemas for different types as one schema with several types.

    JSON schema's keywords look at one type each (`pattern` at text, `minimum` at numbers), so nothing changes in what
    is admitted; but a message becomes one sentence about the value instead of a nested list of every way to fail.
    """
    if isinstance(node, list):
        return [one_of_each_type(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: one_of_each_type(value) for key, value in node.items()}
    members = node.get("anyOf")
    if not isinstance(members, list):
        return node
    outer = {key: value for key, value in node.items() if key != "anyOf"}
    merged = _merged([nested for member in members for nested in member.get("anyOf", [member])])
    return node if merged is None else {**merged, **outer}


def _merged(members: list[Schema]) -> Schema | None:
    """One schema for all, or None where two of them speak about the same type."""
    merged: Schema = {}
    types: list[str] = []
    for member in members:
        own = _types(member)
        keywords = {key: value for key, value in member.items() if key not in {"type", "description", "enum"}}
        if not own or "const" in member or set(own) & set(types) - {"null"}:
            return None
        if {"number", "integer"} <= {*own, *types} or any(
            merged.get(key, value) != value for key, value in keywords.items()
        ):
            return None
        merged.update(keywords)
        if "enum" in member:
            if any(kind != "null" for kind in types) or len(members) > 2:
                return None
            merged["enum"] = list(dict.fromkeys([*member["enum"], None]))
        types += [kind for kind in own if kind not in types]
    if "enum" in merged and "null" not in types:
        return None
    return {**merged, "type": types if len(types) > 1 else types[0]}


def _object_default(key: str, node: Mapping[str, Any]) -> bool:
    """Defaults of whole sections repeat what their keys say."""
    return key == "default" and isinstance(node.get("default"), dict) and bool(node["default"])


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        return schema  # Helm would list <nil> among the choices
    return {"anyOf": [schema, {"type": "null"}], **{k: schema[k] for k in ("description",) if k in schema}}


def _types(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _set_by_chart(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Settings the chart fills in itself; offering them as values would be a trap."""
    found = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        if name in getattr(model, "set_by_chart", frozenset()):
            found.append((*path, key))
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found += _set_by_chart(info.annotation, (*path, key))
    return found


def _at(schema: Schema, path: tuple[str, ...]) -> Schema:
    for key in path:
        schema = schema["properties"][key]
    return schema


def _allow(schema: Schema, path: list[str], instead: str) -> None:
    """Let a key of zero-to-jupyterhub pass the schema, so that the templates can say what it is called here."""
    for key in path[:-1]:
        properties = schema.setdefault("properties", {})
        if key not in properties:
            properties[key] = {"description": "zero-to-jupyterhub's; see docs/how-to/from-z2jh.md"}
        if "additionalProperties" not in properties[key] and "properties" not in properties[key]:
            return
        schema = properties[key]
    schema["properties"].setdefault(path[-1], {"description": f"Of zero-to-jupyterhub, refused here: {instead}"})
