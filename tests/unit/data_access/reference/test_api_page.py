"""Every public name and every reason code is documented, and the page is what the code says."""

from __future__ import annotations

import importlib
import re

import pytest

import data_access
from data_access.errors import Reason
from tools.data_api_page import GROUPS, MODULES, REASONS, api_page
from tools.generate import ROOT


@pytest.fixture(scope="module")
def page() -> str:
    return api_page()


def test_the_committed_page_is_what_the_code_says(page: str) -> None:
    assert (ROOT / "docs/reference/data.md").read_text(encoding="utf-8") == page, "run python -m tools.generate"


def test_every_public_name_has_a_section_that_says_something(page: str) -> None:
    assert {name for names in GROUPS.values() for name in names} | set(MODULES) == set(data_access.__all__)
    for names in GROUPS.values():
        for name in names:
            text = page.split(f"\n### {name}\n", 1)[1].split("\n### ", 1)[0]
            assert len(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()) > 8, f"{name} has no docstring"


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_a_public_module_is_listed_with_what_it_is(page: str, module: str) -> None:
    for name in importlib.import_module(f"data_access.{module}").__all__:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{module}.{name}` |"))
        assert row.split("|")[2].strip(), f"{module}.{name} has no docstring"


def test_every_reason_is_explained(page: str) -> None:
    assert list(REASONS) == list(Reason)
    for reason in Reason:
        assert f"\n| `{reason}` | " in page


def test_links_of_the_page_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page):
        assert (ROOT / "docs/reference" / target).exists(), target
