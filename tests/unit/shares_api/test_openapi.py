"""The API's description: complete, and the page in docs/reference as generated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jupyterhub import handlers as hub_handlers
from traitlets.config import Config

from hub_extensions.setup import register_pages
from hub_extensions.shares_api.openapi import document, reference_page
from hub_extensions.shares_api.operation import PACKAGES, PREFIX, Operation, operations
from profiles.catalog import load_catalog

ROOT = Path(__file__).resolve().parents[3]
#: What only our own pages and JupyterLab's extension ask: no promise to others.
INTERNAL = (f"{PREFIX}/machine", f"{PREFIX}/progress")


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


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_every_operation_says_what_it_needs_and_answers(operation: Operation) -> None:
    described = document()["paths"][operation.path][operation.method]
    assert "Scopes:\n- " in described["description"]
    assert {str(operation.status), *map(str, operation.errors)} == set(described["responses"])
    assert [each["name"] for each in described["parameters"]] == [each.name for each in operation.parameters]
    assert ("requestBody" in described) is (operation.body is not None)
    in_path = [each.name for each in operation.parameters if each.in_path]
    assert re.findall(r"{(.*?)}", operation.path) == in_path


def test_no_two_operations_have_one_name() -> None:
    names = [operation.name for operation in operations()]
    assert len(names) == len(set(names))


def test_what_the_hub_answers_is_described_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_handlers, "default_handlers", [])
    register_pages(Config(), load_catalog())
    answered = {
        (re.sub(r"\([^)]*\)", "{}", pattern), method)
        for pattern, handler, *_ in hub_handlers.default_handlers
        if pattern.startswith(PREFIX) and not pattern.startswith(INTERNAL) and not pattern.endswith(r"openapi\.json")
        for method in ("get", "post", "put", "patch", "delete")
        if _from_ours(handler, method)
    }
    described = {(PREFIX + re.sub(r"{.*?}", "{}", each.path), each.method) for each in operations()}
    assert answered == described, f"a package's api.py tells of each, and the package is one of {PACKAGES}"


def _from_ours(handler: type, method: str) -> bool:
    """JupyterHub's and tornado's own only say 405."""
    return getattr(getattr(handler, method), "__module__", "").startswith("hub_extensions.")


def test_the_reference_page_is_up_to_date() -> None:
    page = ROOT / "docs" / "reference" / "api.md"
    assert page.read_text(encoding="utf-8") == reference_page(), "run python -m tools.generate"
