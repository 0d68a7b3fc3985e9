"""PURE: what `Settings` become in JupyterHub's configuration, as `{class name: {trait: value}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub_extensions.secret_files import Secrets
from hub_extensions.settings import Amount, NamedThings, Settings, Singleuser, Storage

Traits = dict[str, dict[str, Any]]


def hub_traits(settings: Settings, secrets: Secrets, env: Mapping[str, str]) -> Traits:
    """Traits of the Hub itself, in every mode. `env` is the Hub's environment (service addresses, namespace)."""
    hub = settings.hub
    return {
        "JupyterHub": _stated(
            base_url=hub.base_url,
            hub_bind_url=_ending_in(hub.internal_url or "http://:8081", hub.base_url),
            hub_connect_url=hub.connect_url,
            bind_url=settings.proxy.bind_url and _ending_in(settings.proxy.bind_url, hub.base_url),
            db_url=hub.db.url or _default_db(hub.db.type),
            upgrade_db=hub.db.upgrade,
            concurrent_spawn_limit=hub.concurrent_spawn_limit,
            active_server_limit=hub.active_server_limit,
            allow_named_servers=hub.allow_named_servers,
            named_server_limit_per_user=hub.named_server_limit_per_user,
            redirect_to_server=hub.redirect_to_server,
            shutdown_on_logout=hub.shutdown_on_logout,
            authenticate_prometheus=hub.authenticate_prometheus,
            template_vars=hub.template_vars,
            services=[_service(name, spec, secrets) for name, spec in hub.services.items()],
            load_roles=[{"name": name, **_snake_keys(role)} for name, role in hub.load_roles.items()],
            # Running servers outlive the Hub on a cluster; on this computer nobody else would end them.
            cleanup_servers=settings.mode == "local",
            cleanup_proxy=bool(settings.proxy.command),
            # Activity decides about idle servers: look at the proxy's figures at least as often as the culler looks.
            last_activity_interval=min(300, max(60, settings.cull.every)),
        ),
        "Spawner": _stated(
            cmd=_command(settings.singleuser.cmd),
            default_url=settings.singleuser.default_url,
            start_timeout=settings.singleuser.start_timeout,
            http_timeout=settings.singleuser.http_timeout,
            consecutive_failure_limit=hub.consecutive_failure_limit,
        ),
        "ConfigurableHTTPProxy": _proxy(settings, env),
        "Authenticator": {},
    }


def kubernetes_traits(settings: Settings, env: Mapping[str, str]) -> Traits:
    """Traits of KubeSpawner, which WorkbenchSpawner inherits; profiles go on top of these."""
    user = settings.singleuser
    return {
        "KubeSpawner": _stated(
            namespace=env.get("POD_NAMESPACE"),
            image=user.image.reference or None,
            image_pull_policy=user.image.pull_policy,
            image_pull_secrets=user.image.pull_secret_names or None,
            uid=user.uid,
            fs_gid=user.fs_gid,
            service_account=user.service_account_name,
            automount_service_account_token=user.service_account_name is not None,
            allow_privilege_escalation=user.allow_privilege_escalation,
            environment=dict(user.extra_env),
            extra_labels={**user.extra_labels},
            extra_annotations={**user.extra_annotations},
            extra_pod_config={**user.extra_pod_config},
            extra_containers=list(user.extra_containers),
            init_containers=list(user.init_containers),
            lifecycle_hooks={**user.lifecycle_hooks},
            node_selector={**user.node_selector},
            tolerations=list(user.extra_tolerations),
            scheduler_name=user.scheduler_name,
            priority_class_name=user.priority_class_name,
            pod_name_template=user.pod_name_template,
            events_enabled=user.events,
            volumes=_listed(user.storage.extra_volumes),
            volume_mounts=_listed(user.storage.extra_volume_mounts),
            **_amounts(user),
            **_home_traits(user.storage),
        ),
        "WorkbenchSpawner": {
            "billed_finalizer": settings.hub.billed_finalizer,
            **({"placeholder": settings.warming.placeholder} if settings.warming is not None else {}),
        },
    }


def local_traits(settings: Settings) -> Traits:
    return {
        "LocalWorkbenchSpawner": {
            "homes": settings.local.homes,
            "logs": settings.local.logs,
            "environment": {
                key: value for key, value in settings.singleuser.extra_env.items() if isinstance(value, str)
            },
        }
    }


def default_login(settings: Settings) -> Traits:
    """JupyterHub's shared password, where `hub.config` names no other way to log in.

    Everyone with the user's password may come in under any name: for one computer or a first look at a cluster.
    """
    if "authenticator_class" in settings.hub.config.get("JupyterHub", {}):
        return {}
    return {
        "JupyterHub": {"authenticator_class": "shared-password"},
        "Authenticator": {"allow_all": True, "admin_users": {"admin"}},
    }


def can_log_in(settings: Settings, secrets: Secrets) -> bool:
    """False when the shared password is the way in and there is no password."""
    if "authenticator_class" in settings.hub.config.get("JupyterHub", {}):
        return True
    given = settings.hub.config.get("SharedPasswordAuthenticator", {})
    names = ("user_password", "admin_password")
    return any(given.get(name) or secrets.has("SharedPasswordAuthenticator", name) for name in names)


def _proxy(settings: Settings, env: Mapping[str, str]) -> dict[str, Any]:
    proxy = settings.proxy
    service = f"http://{env.get('PROXY_API_SERVICE_HOST', 'proxy-api')}:{env.get('PROXY_API_SERVICE_PORT', '8001')}"
    return _stated(
        api_url=proxy.api_url or service,
        should_start=bool(proxy.command),
        command=proxy.command or None,
        pid_file=proxy.pid_file,
    )


def _home_traits(storage: Storage) -> dict[str, Any]:
    """A dynamic home is WorkbenchSpawner's own (`home`); the other kinds are plain volumes."""
    if storage.type != "static" or storage.static is None:
        return {"delete_pvc": not storage.keep_when_user_removed}
    claim = {"name": "home", "persistentVolumeClaim": {"claimName": storage.static.pvc_name}}
    mount = {"name": "home", "mountPath": storage.home_mount_path, "subPath": storage.static.sub_path}
    return {
        "delete_pvc": False,
        "volumes": [claim, *_listed(storage.extra_volumes)],
        "volume_mounts": [mount, *_listed(storage.extra_volume_mounts)],
    }


def _amounts(user: Singleuser) -> dict[str, Any]:
    def of(amount: Amount, prefix: str) -> dict[str, Any]:
        return {f"{prefix}_guarantee": amount.guarantee, f"{prefix}_limit": amount.limit}

    return {**of(user.cpu, "cpu"), **of(user.memory, "mem")}


def _service(name: str, spec: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    service = {"name": name, **_snake_keys(spec)}
    if name in secrets.service_tokens:
        service["api_token"] = secrets.service_tokens[name]
    return service


def _snake_keys(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {re.sub(r"(?<=[a-z])[A-Z]", lambda found: "_" + found.group().lower(), key): v for key, v in spec.items()}


def _default_db(kind: str) -> str | None:
    """sqlite-pvc as z2jh has it: a file on the claim mounted at /srv/jupyterhub, where the Hub runs."""
    return {"sqlite-memory": "sqlite://", "sqlite-pvc": "sqlite:///jupyterhub.sqlite"}.get(kind)


def _command(command: str | list[str] | None) -> list[str] | None:
    return [command] if isinstance(command, str) else command


def _listed(things: NamedThings) -> list[dict[str, Any]]:
    return list(things.values()) if isinstance(things, dict) else list(things)


def _ending_in(url: str, path: str) -> str:
    return url.rstrip("/") + path


def _stated(**traits: Any) -> dict[str, Any]:
    """Only what is said: None leaves JupyterHub's own default."""
    return {name: value for name, value in traits.items() if value is not None}
