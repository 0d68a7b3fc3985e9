"""The API's description: complete, and the page in docs/reference as generated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub_extensions.shares_api.openapi import document, reference_page
from hub_extensions.shares_api.routes import ROUTES

ROOT = Path(__file__).resolve().parents[3]


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(each) for each in part.values()))
    return set().union(*(references(each) for each in part)) if isinstance(part, list) else set()


def test_every_reference_leads_somewhere() -> None:
    described = document("/prefix/hub/")
    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert references(described) == known, "nothing dangles, nothing is left over"
    assert described["servers"] == [{"url": "/prefix/hub/api/remuda"}]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_says_what_it_needs_and_answers(route: Any) -> None:
    described = document()["paths"][route.path]["get"]
    assert "Scopes:\n- " in described["description"]
    assert {"200", *map(str, route.errors)} == set(described["responses"])
    assert [each["name"] for each in described["parameters"]] == [each.name for each in route.parameters]


def test_the_reference_page_is_up_to_date() -> None:
    page = ROOT / "docs" / "reference" / "api.md"
    assert page.read_text(encoding="utf-8") == reference_page(), "run python -m tools.generate"
