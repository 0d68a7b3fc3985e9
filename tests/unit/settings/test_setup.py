"""The registration call: what a Hub of each mode is configured to be, and what the admin's own words win over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from hub_extensions.secret_files import Secrets
from hub_extensions.settings_file import SettingsDocument, SettingsErrors, parse_settings
from hub_extensions.setup import home_policy, load, load_machines, run_extra_config, setup, z2jh
from profiles.quantity import Memory

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = Secrets(traits={"SharedPasswordAuthenticator": {"user_password": "secret-word"}})


def configured(text: str = "", secrets: Secrets = PASSWORD) -> Config:
    settings = parse_settings(SettingsDocument("settings.yaml", text))
    c = Config()
    setup(c, settings, load_machines(settings.catalog), secrets, {})
    return c


def test_a_hub_has_machines_a_home_pages_and_a_way_in():
    c = configured()
    assert list(c.Spawner.catalog().profiles) == ["small-cpu", "many-core", "gpu"]
    assert c.Spawner.home.claim_name_template == "home-{username}"
    assert callable(c.Spawner.options_form)
    assert c.JupyterHub.authenticator_class == "shared-password"
    assert c.SharedPasswordAuthenticator.user_password == "secret-word"


def test_the_admins_own_words_win():
    c = configured(
        "hub:\n"
        "  config:\n"
        "    JupyterHub: {authenticator_class: github, template_paths: [/mine], load_roles: [{name: a}]}\n"
        "    KubeSpawner: {image: theirs}\n"
        "    Authenticator: {admin_users: [ada]}\n"
        "  loadRoles: {b: {scopes: []}}\n"
        "singleuser: {image: {name: ours}}\n",
        Secrets(),
    )
    assert c.JupyterHub.authenticator_class == "github"
    assert c.KubeSpawner.image == "theirs"
    assert c.Authenticator.admin_users == ["ada"]
    assert "allow_all" not in c.Authenticator, "only the shared password opens the door to all"
    assert c.JupyterHub.template_paths[0] == "/mine"
    assert len(c.JupyterHub.template_paths) > 1, "an admin's templates join ours, they do not replace them"
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["a", "b"]


def test_homes_are_what_the_storage_values_say():
    text = "singleuser: {storage: {capacity: 5Gi, dynamic: {storageAccessModes: [ReadWriteOnce], storageClass: fast}}}"
    home = home_policy(parse_settings(SettingsDocument("s", text)))
    assert home is not None
    assert (home.size, home.access_mode, home.storage_class) == (Memory.parse("5Gi"), "ReadWriteOnce", "fast")
    for text in ("mode: local", "singleuser: {storage: {type: none}}"):
        assert home_policy(parse_settings(SettingsDocument("s", text))) is None


def test_extra_config_runs_in_the_order_of_the_names_and_sees_c():
    namespace: dict[str, Any] = {"c": Config(), "told": []}
    run_extra_config({"20-b": "told.append('b')", "10-a": "told.append('a'); c.JupyterHub.x = 1"}, namespace)
    assert namespace["told"] == ["a", "b"]
    assert namespace["c"].JupyterHub.x == 1


def test_extra_config_that_fails_names_its_snippet():
    with pytest.raises(ZeroDivisionError) as raised:
        run_extra_config({"mine": "1 / 0"}, {})
    assert str(raised.traceback[-1].path) == "hub.extraConfig.mine"


def test_a_hub_without_any_way_in_does_not_start(tmp_path: Path):
    file = tmp_path / "settings.yaml"
    file.write_text("mode: local\n")
    with pytest.raises(SettingsErrors, match="nobody could log in"):
        load({"REMUDA_SETTINGS": str(file)})


class Z2jhValues:
    """`get_config` of z2jh's chart: dotted keys into its values."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def __call__(self, key: str, default: Any = None) -> Any:
        here: Any = self.values
        for part in key.split("."):
            if not isinstance(here, dict) or part not in here:
                return default
            here = here[part]
        return here


def test_one_line_gives_a_z2jh_hub_our_spawner_machines_and_pages():
    c = Config()
    c.KubeSpawner.profile_list = [{"display_name": "old"}]
    c.JupyterHub.authenticator_class = "github"
    storage = {"capacity": "20Gi", "dynamic": {"pvcNameTemplate": None, "storageAccessModes": ["ReadWriteOnce"]}}
    machines = {"currency": "USD", "profiles": {"gpu": {"enabled": False}}}
    z2jh(c, Z2jhValues({"custom": {"remuda": machines}, "singleuser": {"storage": storage}}))
    assert c.JupyterHub.spawner_class == "spawner.kubernetes.WorkbenchSpawner"
    assert c.JupyterHub.authenticator_class == "github"
    assert c.KubeSpawner.profile_list == []
    assert c.Spawner.catalog().currency == "USD"
    assert c.Spawner.home.claim_name_template == "claim-{username}"
    assert c.Spawner.home.access_mode == "ReadWriteOnce"
    assert c.WorkbenchSpawner.billed_finalizer is False, "that chart's role lets the hub take nothing off a pod"


@pytest.mark.parametrize(
    ("template", "kept"),
    [
        ("claim-{user_server}", "claim-{username}"),
        ("claim-{escaped_user_server}", "claim-{username}"),
        ("home-{username}", "home-{username}"),
    ],
)
def test_a_persons_claim_keeps_its_name(template: str, kept: str):
    c = Config()
    z2jh(c, Z2jhValues({"singleuser": {"storage": {"dynamic": {"pvcNameTemplate": template}}}}))
    assert c.Spawner.home.claim_name_template == kept


def test_z2jhs_own_culler_stays_in_charge_unless_ours_is_asked_for():
    c = Config()
    z2jh(c, Z2jhValues({}))
    assert {profile.idle_timeout.seconds for profile in c.Spawner.catalog().profiles.values()} == {0}


def test_a_database_that_can_hold_no_books_is_no_reason_to_stay_away(caplog: pytest.LogCaptureFixture) -> None:
    configured("hub: {db: {type: mysql, url: 'mysql+pymysql://hub@db/hub'}}")
    assert "No ledger is kept" in caplog.text
    assert "hub.admissionDbUrl" in caplog.text


def test_what_can_hardly_be_meant_is_logged_and_the_hub_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "mode: local\nhub: {config: {JupyterHub: {authenticator_class: dummy}}}\n"
        "catalog: {profiles: {gpu: {keepAliveAtMost: 48h}}}\n"
    )
    load({"REMUDA_SETTINGS": str(file)})
    [said] = caplog.messages
    assert said.startswith("Can this be meant? profiles.gpu.keepAliveAtMost: ")


def test_rules_need_books(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os._exit", _leave)
    rules = "catalog: {policies: {quotas: {each: {per: user, servers: 1}}}}"
    with pytest.raises(SystemExit):
        configured(f"hub: {{db: {{type: mysql, url: 'mysql+pymysql://hub@db/hub'}}}}\n{rules}")
    said = capfd.readouterr().err
    assert "1 to correct" in said
    assert "hub.admissionDbUrl" in said


def _leave(status: int) -> None:
    raise SystemExit(status)
