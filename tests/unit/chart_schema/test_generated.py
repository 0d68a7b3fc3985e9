"""What is generated from the values models is up to date, valid and complete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from hub_extensions.settings import Cull, Hub, Singleuser
from tools.chart_schema.__main__ import ROOT, generated
from tools.chart_schema.schema import one_of_each_type, optional_everywhere, values_schema
from tools.chart_schema.values import Values
from tools.chart_schema.z2jh import RETIRED

GENERATED = generated()


@pytest.mark.parametrize("path", GENERATED)
def test_committed_files_are_what_the_models_say(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == GENERATED[path], "run python -m tools.chart_schema"


def test_the_schema_is_valid_and_admits_the_defaults() -> None:
    schema = values_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    defaults = yaml.safe_load((ROOT / "helm/remuda/values.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(defaults)
    assert Values.model_validate(defaults) == Values()


def _objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield path, node
        for key, value in node.items():
            yield from _objects(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _objects(item, f"{path}/{index}")


def test_no_section_takes_keys_that_nobody_reads() -> None:
    for path, node in _objects(values_schema()):
        assert node.get("additionalProperties") is False, path


def test_every_value_is_described() -> None:
    for path, node in _objects(values_schema()):
        for key, value in node["properties"].items():
            assert value.get("description"), f"{path}: {key}"


def test_every_setting_of_the_hub_can_be_given_or_is_set_by_the_chart() -> None:
    properties = values_schema()["properties"]
    by_chart = {"hub": {"internalUrl", "connectUrl"}}
    sections: dict[str, type[BaseModel]] = {"hub": Hub, "singleuser": Singleuser, "cull": Cull}
    for section, model in sections.items():
        keys = {info.alias or name for name, info in model.model_fields.items()}
        assert keys - by_chart.get(section, set()) <= set(properties[section]["properties"]), section


def test_a_key_that_is_retired_is_not_a_value() -> None:
    for key in RETIRED:
        model: Any = Values
        for part in key.split("."):
            fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
            if part not in fields:
                break
            model = fields[part]
        else:
            pytest.fail(f"{key} is a value and retired")


PLAIN = [
    {"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "number", "minimum": 2}, {"type": "null"}]},
    {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
    {"anyOf": [{"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "m$"}]}, {"type": "null"}]},
    {
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
        ]
    },
    {"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "b$"}]},
    {"anyOf": [{"const": 1}, {"type": "string"}]},
    {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ]
    },
]
INSTANCES = ["a", "b", "ab", "5m", "", 0, 1, 1.5, 3, -1, None, True, {}, {"a": 1}, {"a": "x"}, {"b": 1}, [], ["a"], [1]]


@pytest.mark.parametrize("schema", PLAIN)
def test_merged_alternatives_admit_the_same(schema: dict[str, Any]) -> None:
    merged = one_of_each_type(schema)
    for instance in INSTANCES:
        before = jsonschema.Draft7Validator(schema).is_valid(instance)
        assert jsonschema.Draft7Validator(merged).is_valid(instance) == before, f"{instance!r}: {merged}"


def test_an_overlay_may_say_little_or_null() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    overlay = jsonschema.Draft7Validator(optional_everywhere(schema))
    assert overlay.is_valid({}) and overlay.is_valid({"a": None}) and overlay.is_valid({"a": 1})
    assert not overlay.is_valid({"b": 1}) and not overlay.is_valid({"a": "x"})
