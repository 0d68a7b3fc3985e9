"""Tests of libraries as large as torch run where the library is: elsewhere they are deselected, which pytest counts."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = [item for item in items if any(not find_spec(mark.args[0]) for mark in item.iter_markers("library"))]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]
