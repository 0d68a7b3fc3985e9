"""JSON schema of a catalog file as an admin writes it: for editors, and for whoever checks files without Python.

It sees one file, so nothing is required (a file may change one key of a shipped machine) and null takes a key away.
What needs the whole catalog is `python -m profiles check`'s to say.
"""

from __future__ import annotations

from typing import Any

from profiles.model import Catalog

Schema = dict[str, Any]


def catalog_schema() -> Schema:
    """Draft 2020-12."""
    schema: Schema = _relaxed(Catalog.model_json_schema(by_alias=True, mode="validation"))
    schema["properties"]["shippedProfiles"] = {
        "type": ["boolean", "null"],
        "default": True,
        "description": "Start from the shipped small-cpu, many-core and gpu.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Catalog of machines",
    }


def _relaxed(node: Any) -> Any:
    if isinstance(node, list):
        return [_relaxed(item) for item in node]
    if not isinstance(node, dict):
        return node
    relaxed: Schema = {key: _relaxed(value) for key, value in node.items() if key not in {"required", "title"}}
    if "properties" in node:  # titles and required of models; a property may well be called "title"
        relaxed["properties"] = {key: _or_null(_relaxed(value)) for key, value in node["properties"].items()}
    if "patternProperties" in node:
        entries = {pattern: _or_null(_relaxed(value)) for pattern, value in node["patternProperties"].items()}
        relaxed["patternProperties"], relaxed["additionalProperties"] = entries, False
    elif isinstance(node.get("additionalProperties"), dict):
        relaxed["additionalProperties"] = _or_null(_relaxed(node["additionalProperties"]))
    return relaxed


def _or_null(schema: Schema) -> Schema:
    outer: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in outer}
    if not inner:
        return schema
    if {"type": "null"} in inner.get("anyOf", ()):
        return schema
    return {"anyOf": [inner, {"type": "null"}], **outer}
