"""`python -m tools.generate` writes every generated file; `--check` only says what is out of date, and exits 1."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from profiles.schema import catalog_schema
from tools.profile_reference import profiles_page

ROOT = Path(__file__).resolve().parents[1]


def profile_files() -> dict[str, str]:
    """What comes from the catalog's models, by its path in the repository."""
    return {
        "docs/reference/profiles.md": profiles_page(),
        "docs/reference/profiles.schema.json": json.dumps(catalog_schema(), indent=1, ensure_ascii=False) + "\n",
    }


def chart_files() -> dict[str, str]:
    """What comes from the chart's values, which contain the catalog's models."""
    from tools.chart_schema.__main__ import generated

    return generated()


def data_files() -> dict[str, str]:
    """What comes from the data module: its settings, its public names."""
    from tools.data_api_page import api_page
    from tools.data_settings_page import settings_page

    return {"docs/reference/data-settings.md": settings_page(), "docs/reference/data.md": api_page()}


def explanation_files() -> dict[str, str]:
    """The tables of what a start's explanations mean; the prose above them is the page's own."""
    from spawner.explain.__main__ import with_tables

    page = "docs/reference/explanations.md"
    return {page: with_tables((ROOT / page).read_text(encoding="utf-8"))}


def api_files() -> dict[str, str]:
    """What comes from the REST API's routes and models."""
    from hub_extensions.shares_api.openapi import reference_page

    return {"docs/reference/api.md": reference_page()}


def main(arguments: list[str] | None = None, sources: tuple[Callable[[], dict[str, str]], ...] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    check = parser.parse_args(arguments).check
    stale = 0
    for source in sources or (profile_files, explanation_files, chart_files, data_files, api_files):
        for path, text in source().items():
            file = ROOT / path
            if file.exists() and file.read_text(encoding="utf-8") == text:
                continue
            stale += 1
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            print(f"{path}: {'out of date, run python -m tools.generate' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
