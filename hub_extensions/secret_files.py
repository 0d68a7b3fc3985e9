"""Secrets as files in one directory, under the names zero-to-jupyterhub gives the keys of its secret.

`hub.config.<Class>.<trait>` sets that trait; `hub.db.password`, `hub.services.<name>.apiToken`,
`hub.notices.email.password` and `hub.notices.webhooks.<name>.secret` have their place in `Secrets`. So an existing
secret made for z2jh fits.
"""

from __future__ import annotations

from binascii import a2b_hex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Secrets:
    """`repr` shows no secret: this ends up in logs and test reports."""

    traits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    db_password: str | None = field(default=None, repr=False)
    service_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    mail_password: str | None = field(default=None, repr=False)
    webhook_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def has(self, class_name: str, trait: str) -> bool:
        return trait in self.traits.get(class_name, {})


def read_secrets(folder: str | None) -> Secrets:
    """Every secret in the folder; none when there is no folder. Empty files count as absent."""
    traits: dict[str, dict[str, Any]] = {}
    tokens: dict[str, str] = {}
    hooks: dict[str, str] = {}
    password = mail_password = None
    for name, value in _files(folder):
        parts = name.split(".")
        if name == "hub.db.password":
            password = value
        elif name == "hub.notices.email.password":
            mail_password = value
        elif parts[:3] == ["hub", "notices", "webhooks"] and parts[4:] == ["secret"]:
            hooks[parts[3]] = value
        elif parts[:2] == ["hub", "config"] and len(parts) == 4:
            traits.setdefault(parts[2], {})[parts[3]] = _as_trait(parts[2], parts[3], value)
        elif parts[:2] == ["hub", "services"] and parts[-1] == "apiToken":
            tokens[".".join(parts[2:-1])] = value
    return Secrets(traits, password, tokens, mail_password, hooks)


def _files(folder: str | None) -> list[tuple[str, str]]:
    if not folder or not Path(folder).is_dir():
        return []
    # Kubernetes mounts a secret as links into a hidden directory, which is no secret itself.
    files = [file for file in sorted(Path(folder).iterdir()) if file.is_file() and not file.name.startswith(".")]
    texts = [(file.name, file.read_text(encoding="utf-8").strip()) for file in files if file.name != "values.yaml"]
    return [(name, text) for name, text in texts if text]


def _as_trait(class_name: str, trait: str, value: str) -> Any:
    if (class_name, trait) == ("JupyterHub", "cookie_secret"):
        return a2b_hex(value)
    if (class_name, trait) == ("CryptKeeper", "keys"):
        return value.split(";")
    return value
