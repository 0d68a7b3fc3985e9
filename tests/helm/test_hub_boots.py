"""The hub's own code reads what the chart mounts: from a rendered Secret to JupyterHub's configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from hub_extensions.setup import load, setup
from tests.helm.helm_chart import Rendered, render
from tests.helm.value_sets import VALUE_SETS

CONFIGURED = ["defaults", "keys in the values", "oidc", "postgres with a password in the values", "ingress with tls"]


def mounted(chart: Rendered, folder: Path) -> dict[str, str]:
    """The hub's environment, with the files that its volumes would hold."""
    env = {name: str(value) for name, value in chart.hub.container("hub").env.items() if isinstance(value, str)}
    settings, secrets = folder / "settings.yaml", folder / "secrets"
    settings.write_text(chart.settings_text, encoding="utf-8")
    secrets.mkdir()
    for key, value in chart.secret("hub").items():
        (secrets / key).write_text(value, encoding="utf-8")
    return {**env, "REMUDA_SETTINGS": str(settings), "REMUDA_SECRETS": str(secrets), "POD_NAMESPACE": "corral"}


def booted(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    env = mounted(render(VALUE_SETS[name]), folder)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    settings, catalog, secrets = load(env)
    config = Config()
    setup(config, settings, catalog, secrets, env)
    return config


@pytest.mark.parametrize("name", CONFIGURED)
def test_keys_and_addresses_arrive(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = booted(name, tmp_path, monkeypatch)
    keys = render(VALUE_SETS[name]).secret("hub")
    assert c.JupyterHub.cookie_secret.hex() == keys["hub.config.JupyterHub.cookie_secret"]
    assert ";".join(c["CryptKeeper"]["keys"]) == keys["hub.config.CryptKeeper.keys"]
    assert c.ConfigurableHTTPProxy.auth_token == keys["hub.config.ConfigurableHTTPProxy.auth_token"]
    assert c.ConfigurableHTTPProxy.api_url == "http://proxy-api:8001"
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.JupyterHub.hub_connect_url == "http://hub:8081"
    assert c.KubeSpawner.image == "remuda/notebook:0.1.0"
    assert c.KubeSpawner.extra_labels["release"] == "rodeo"


def test_the_default_login_has_its_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = booted("defaults", tmp_path, monkeypatch)
    keys = render().secret("hub")
    assert c.JupyterHub.authenticator_class == "shared-password"
    for which in ("admin_password", "user_password"):
        assert c.SharedPasswordAuthenticator[which] == keys[f"hub.config.SharedPasswordAuthenticator.{which}"]


def test_an_identity_provider_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = booted("oidc", tmp_path, monkeypatch)
    assert c.JupyterHub.authenticator_class == "generic-oauth"
    assert c.GenericOAuthenticator.client_secret == "hush-hush-hush"


def test_the_database_password_reaches_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    c = booted("postgres with a password in the values", tmp_path, monkeypatch)
    assert c.JupyterHub.db_url == "postgresql+psycopg://remuda@db.example.org/remuda", "the driver in the image"
    assert os.environ["PGPASSWORD"] == "s3cret-horse"


def test_the_public_address_follows_the_ingress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert booted("ingress with tls", tmp_path, monkeypatch).JupyterHub.public_url == "https://hub.example.org/"
