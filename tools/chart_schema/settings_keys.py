"""Which values the hub reads: the keys of `hub_extensions.settings`; the chart hands over those and no others."""

from __future__ import annotations

from pydantic import BaseModel

from hub_extensions.settings import Cull, Hub, Section, Singleuser


def settings_keys() -> dict[str, list[str]]:
    sections: dict[str, type[Section]] = {"singleuser": Singleuser, "hub": Hub, "cull": Cull}
    return {section: _keys(model) for section, model in sections.items()}


def _keys(model: type[BaseModel]) -> list[str]:
    return sorted(info.alias or name for name, info in model.model_fields.items())
