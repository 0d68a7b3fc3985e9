"""The shipped pools and profiles as one document, for templates that need to know pools and images."""

from __future__ import annotations

from typing import Any

import yaml

from hub_extensions.settings_file import merge
from profiles.catalog import shipped_documents


def shipped_catalog() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for document in shipped_documents():
        merged = merge(merged, yaml.safe_load(document.text) or {})
    return merged
