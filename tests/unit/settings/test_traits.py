"""What settings become in JupyterHub's configuration."""

from __future__ import annotations

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.spawner import Spawner
from kubespawner import KubeSpawner

from hub_extensions.secret_files import Secrets, read_secrets
from hub_extensions.settings import Settings
from hub_extensions.settings_file import SettingsDocument, parse_settings
from hub_extensions.traits import can_log_in, default_login, hub_traits, kubernetes_traits
from spawner.kubernetes import WorkbenchSpawner


def settings(text: str = "") -> Settings:
    return parse_settings(SettingsDocument("settings.yaml", text))


EVERYTHING = """
singleuser:
  image: {name: registry/notebook, tag: "1", pullPolicy: Always, pullSecrets: [one, {name: two}]}
  serviceAccountName: robot
  extraEnv: {A: b, C: {valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}}
  storage: {extraVolumes: {scratch: {name: scratch, emptyDir: {}}}, extraVolumeMounts: [{name: scratch, mountPath: /s}]}
  cpu: {limit: 2, guarantee: 0.5}
  memory: {limit: 4G}
  podNameTemplate: "jupyter-{username}"
  schedulerName: packed
  priorityClassName: user
hub:
  connectUrl: http://hub:8081
  activeServerLimit: 9
  namedServerLimitPerUser: 2
  services: {report: {url: "http://report", oauthNoConfirm: true}}
  loadRoles: {reader: {scopes: ["list:users"], services: [report]}}
proxy: {command: [chp], bindUrl: "http://127.0.0.1:9", pidFile: p}
"""


def test_every_trait_we_set_exists():
    """A trait that a new JupyterHub or KubeSpawner renames would otherwise be ignored with a warning."""
    classes = {
        "JupyterHub": JupyterHub,
        "Spawner": Spawner,
        "ConfigurableHTTPProxy": ConfigurableHTTPProxy,
        "KubeSpawner": KubeSpawner,
        "WorkbenchSpawner": WorkbenchSpawner,
    }
    given = settings(EVERYTHING)
    traits = {**hub_traits(given, Secrets(), {}), **kubernetes_traits(given, {"POD_NAMESPACE": "n"})}
    for class_name, cls in classes.items():
        assert traits[class_name]
        unknown = set(traits[class_name]) - set(cls.class_traits(config=True))
        assert not unknown, class_name


def test_kubernetes_values_reach_kubespawner():
    traits = kubernetes_traits(settings(EVERYTHING), {"POD_NAMESPACE": "remuda"})["KubeSpawner"]
    assert traits["image"] == "registry/notebook:1"
    assert traits["image_pull_secrets"] == ["one", "two"]
    assert traits["namespace"] == "remuda"
    assert traits["volumes"] == [{"name": "scratch", "emptyDir": {}}]
    assert (traits["cpu_limit"], traits["cpu_guarantee"], traits["mem_limit"]) == (2, 0.5, "4G")
    assert traits["automount_service_account_token"] is True


def test_without_a_service_account_there_is_no_token():
    assert kubernetes_traits(settings(), {})["KubeSpawner"]["automount_service_account_token"] is False


def test_servers_outlive_the_hub_on_a_cluster_and_end_with_it_here():
    assert hub_traits(settings(), Secrets(), {})["JupyterHub"]["cleanup_servers"] is False
    assert hub_traits(settings("mode: local"), Secrets(), {})["JupyterHub"]["cleanup_servers"] is True


def test_a_proxy_on_its_own_is_found_by_its_service_and_never_stopped():
    env = {"PROXY_API_SERVICE_HOST": "10.0.0.7", "PROXY_API_SERVICE_PORT": "8001"}
    traits = hub_traits(settings(), Secrets(), env)
    assert traits["ConfigurableHTTPProxy"]["api_url"] == "http://10.0.0.7:8001"
    assert traits["ConfigurableHTTPProxy"]["should_start"] is False
    assert traits["JupyterHub"]["cleanup_proxy"] is False


def test_the_base_url_is_part_of_every_address():
    traits = hub_traits(settings("hub: {baseUrl: /jupyter/}\nproxy: {bindUrl: 'http://127.0.0.1:8000'}"), Secrets(), {})
    assert traits["JupyterHub"]["bind_url"] == "http://127.0.0.1:8000/jupyter/"
    assert traits["JupyterHub"]["hub_bind_url"] == "http://:8081/jupyter/"


def test_services_get_their_tokens_and_pythonic_names():
    given = hub_traits(settings(EVERYTHING), Secrets(service_tokens={"report": "t0ken"}), {})["JupyterHub"]
    assert given["services"] == [
        {"name": "report", "url": "http://report", "oauth_no_confirm": True, "api_token": "t0ken"}
    ]
    assert given["load_roles"] == [{"name": "reader", "scopes": ["list:users"], "services": ["report"]}]


@pytest.mark.parametrize(
    ("text", "secrets", "possible"),
    [
        ("", Secrets(), False),
        ("", Secrets(traits={"SharedPasswordAuthenticator": {"user_password": "p"}}), True),
        ("hub: {config: {SharedPasswordAuthenticator: {admin_password: p}}}", Secrets(), True),
        ("hub: {config: {JupyterHub: {authenticator_class: github}}}", Secrets(), True),
    ],
)
def test_a_hub_nobody_can_log_in_to_is_noticed(text: str, secrets: Secrets, possible: bool):
    assert can_log_in(settings(text), secrets) is possible


def test_another_authenticator_is_left_entirely_to_the_admin():
    assert default_login(settings("hub: {config: {JupyterHub: {authenticator_class: github}}}")) == {}
    assert default_login(settings())["Authenticator"]["allow_all"] is True


def test_secret_files_carry_z2jhs_names(tmp_path):
    for name, text in {
        "hub.config.JupyterHub.cookie_secret": "00ff",
        "hub.config.CryptKeeper.keys": "a;b",
        "hub.config.GitHubOAuthenticator.client_secret": "s3cret\n",
        "hub.db.password": "pw",
        "hub.services.report.apiToken": "t0ken",
        "hub.config.Empty.trait": "",
        "values.yaml": "not: ours",
    }.items():
        (tmp_path / name).write_text(text)
    secrets = read_secrets(str(tmp_path))
    assert secrets.traits == {
        "JupyterHub": {"cookie_secret": b"\x00\xff"},
        "CryptKeeper": {"keys": ["a", "b"]},
        "GitHubOAuthenticator": {"client_secret": "s3cret"},
    }
    assert (secrets.db_password, secrets.service_tokens) == ("pw", {"report": "t0ken"})
    assert "s3cret" not in repr(secrets)
    assert read_secrets(None) == Secrets()
