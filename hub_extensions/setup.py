"""The one registration call: settings in, JupyterHub's configuration out.

`config/jupyterhub_config.py` calls `setup` for Remuda's own chart and `make run`; `z2jh` is for hubs that keep
zero-to-jupyterhub's chart. Spawner classes are chosen there, not here: nothing in this package imports them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from hub_extensions import (
    admission,
    approvals,
    audit,
    capacity,
    culler,
    health,
    keep_on,
    machine_home,
    measured,
    notices,
    pending,
    queue,
    reservations,
    shares_api,
    spawn_page,
    switch,
    usage,
)
from hub_extensions.notices.values import Notices
from hub_extensions.secret_files import Secrets, read_secrets
from hub_extensions.settings import Settings
from hub_extensions.settings_file import SettingsError, SettingsErrors, read_settings
from hub_extensions.traits import Traits, can_log_in, default_login, hub_traits, kubernetes_traits, local_traits
from profiles.catalog import CatalogErrors, load_catalog, shipped_documents
from profiles.catalog import from_mapping as catalog_document
from profiles.doubts import doubts
from profiles.model import Catalog, HomePolicy

# Traits that extensions add to: what an admin gives joins them instead of replacing them.
ADDED_TO = {("JupyterHub", "template_paths"), ("JupyterHub", "services"), ("JupyterHub", "load_roles")}


def load(env: Mapping[str, str] = os.environ) -> tuple[Settings, Catalog, Secrets]:
    """Settings, catalog and secrets of this Hub. Raises `SettingsErrors` or `CatalogErrors` with all mistakes."""
    settings = read_settings(env.get("REMUDA_SETTINGS", ""))
    secrets = read_secrets(env.get("REMUDA_SECRETS"))
    if not can_log_in(settings, secrets):
        problem = "nobody could log in: neither an authenticator nor a password is set"
        remedy = "set hub.config.JupyterHub.authenticator_class, or the secret user_password (docs/how-to/log-in.md)"
        raise SettingsErrors([SettingsError("settings", "hub.config", problem, remedy)])
    check_notices(settings.hub.notices, secrets)
    machines = load_machines(settings.catalog, shipped=settings.shipped_profiles)
    catalog = culler.with_cull_limits(machines, settings.cull)
    warn_of_doubts(catalog)
    return settings, catalog, secrets


def load_machines(overlay: Mapping[str, Any], *, shipped: bool = True) -> Catalog:
    """The shipped machines with the admin's on top. Raises `CatalogErrors`."""
    base = shipped_documents() if shipped else ()
    return load_catalog(*([catalog_document("settings: catalog", dict(overlay))] if overlay else []), base=base)


def warn_of_doubts(catalog: Catalog) -> None:
    """What `python -m profiles check` would say, for whoever has not asked it."""
    for doubt in doubts(catalog):
        logging.getLogger(__name__).warning("Can this be meant? %s", doubt)


def setup(c: Any, settings: Settings, catalog: Catalog, secrets: Secrets, env: Mapping[str, str] = os.environ) -> None:
    """Configure the Hub `c` (JupyterHub's configuration object), extensions included."""
    apply(c, hub_traits(settings, secrets, env))
    apply(c, kubernetes_traits(settings, env) if settings.mode == "kubernetes" else local_traits(settings))
    apply(c, default_login(settings))
    # A function, because traitlets copies a configured object for every spawner it makes.
    c.Spawner.catalog = lambda: catalog
    c.Spawner.home = home_policy(settings)
    c.JupyterHub.template_paths = list(settings.hub.template_paths)
    register_pages(c, catalog)
    culler.register(c, settings.cull)
    health.register(c, catalog)
    apply(c, settings.hub.config)
    apply(c, secrets.traits)
    if secrets.db_password:
        os.environ["PGPASSWORD"] = secrets.db_password
    open_books(c, catalog, settings.hub.admission_db_url)  # last: they stand beside the Hub's own database
    notices.register_delivery(c, settings.hub.notices, secrets)


def check_notices(values: Notices, secrets: Secrets) -> None:
    """Raises `SettingsErrors` where something is to go out and cannot, for want of a secret."""
    errors = []
    email, remedy = values.email, "docs/how-to/notices.md says where secrets go"
    if email is not None and email.username is not None and not secrets.mail_password:
        problem = "a username is given, and the secret hub.notices.email.password is not"
        errors.append(SettingsError("settings", "hub.notices.email.username", problem, remedy))
    for name in values.webhooks:
        if name not in secrets.webhook_secrets:
            problem = f"there is no secret hub.notices.webhooks.{name}.secret to sign what is sent"
            errors.append(SettingsError("settings", f"hub.notices.webhooks.{name}", problem, remedy))
    if errors:
        raise SettingsErrors(errors)


def register_pages(c: Any, catalog: Catalog) -> None:
    """The pages people see, in front of JupyterHub's own."""
    spawn_page.register(c, catalog)
    pending.register(c)
    machine_home.register(c)
    keep_on.register(c)
    switch.register(c)
    capacity.register(c)
    usage.register(c)
    measured.register(c)
    approvals.register(c, catalog)
    reservations.register(c, catalog)
    audit.register(c, catalog)
    notices.register(c)
    queue.register(c)
    shares_api.register(c)


def run_extra_config(snippets: Mapping[str, str], namespace: dict[str, Any]) -> None:
    """Run the admin's Python in the order of the names, as z2jh does; a traceback names the snippet."""
    for name, code in sorted(snippets.items()):
        print(f"Loading hub.extraConfig: {name}")
        exec(compile(code, f"hub.extraConfig.{name}", "exec"), namespace)  # noqa: S102 - the admin's own code


def refuse_to_start(errors: SettingsErrors | CatalogErrors) -> NoReturn:
    """End the process with every mistake on its own line, and no traceback to dig them out of."""
    lines = "\n".join(f"  {error}" for error in errors.errors)
    print(f"Remuda cannot start: {len(errors.errors)} to correct.\n{lines}", file=sys.stderr, flush=True)
    # JupyterHub reads its configuration inside an asyncio task, which would print SystemExit with a traceback.
    os._exit(2)


def z2jh(c: Any, get_config: Callable[..., Any] | None = None) -> None:
    """Spawner, profiles and pages for a Hub that keeps zero-to-jupyterhub's chart: one line of `hub.extraConfig`.

    Machines come from `custom.remuda` of that chart's values (currency, defaultProfile, pools, profiles,
    shippedProfiles, cull, notices, billedFinalizer); everything else stays as the chart has set it.
    """
    if get_config is None:
        from z2jh import get_config  # the chart's own module, beside its jupyterhub_config.py
    given = dict(get_config("custom.remuda", {}) or {})
    try:
        shipped = bool(given.pop("shippedProfiles", True))
        told = Settings.model_validate({"hub": {"notices": given.pop("notices", {})}}).hub.notices
        secrets = read_secrets(os.environ.get("REMUDA_SECRETS"))
        check_notices(told, secrets)
        # That chart's role lets the hub patch no pods: nothing is put on them unless the values say that it may.
        c.WorkbenchSpawner.billed_finalizer = given.pop("billedFinalizer", False) is True
        cull = Settings.model_validate({"cull": given.pop("cull", {"enabled": False})}).cull
        catalog = culler.with_cull_limits(load_machines(given, shipped=shipped), cull)
        warn_of_doubts(catalog)
    except (CatalogErrors, SettingsErrors) as e:
        refuse_to_start(e)
    c.JupyterHub.spawner_class = "spawner.kubernetes.WorkbenchSpawner"
    c.Spawner.catalog = lambda: catalog
    c.KubeSpawner.profile_list = []
    c.Spawner.home = HomePolicy.model_validate(_z2jh_home(get_config))
    register_pages(c, catalog)
    culler.register(c, cull)
    health.register(c, catalog)
    open_books(c, catalog)
    notices.register_delivery(c, told, secrets)


def open_books(c: Any, catalog: Catalog, url: str | None = None) -> None:
    """Quotas, budgets and approvals need books of their own. A Hub whose database is none that they can stand beside
    (MySQL) goes on without them, unless there are rules to keep."""
    try:
        admission.register(c, catalog, url)
    except admission.NoPlace as e:
        if url or not catalog.policies.empty:
            refuse_to_start(SettingsErrors([SettingsError("settings", "hub.admissionDbUrl", e.problem, e.remedy)]))
        logging.getLogger(__name__).warning("No ledger is kept: %s. To have one, %s.", e.problem, e.remedy)


def apply(c: Any, traits: Traits | Mapping[str, Mapping[str, Any]]) -> None:
    """Set traits on the configuration."""
    for class_name, values in traits.items():
        section = c[class_name]
        for trait, value in values.items():
            if (class_name, trait) in ADDED_TO and trait in section:
                section[trait] = [*value, *section[trait]]
            else:
                section[trait] = value


def home_policy(settings: Settings) -> HomePolicy | None:
    """The home that follows a person over all machines; None where homes are not claims of their own."""
    storage = settings.singleuser.storage
    if settings.mode == "local" or storage.type != "dynamic":
        return None
    return HomePolicy(
        storage_class=storage.dynamic.storage_class,
        size=storage.capacity,
        access_mode=storage.dynamic.storage_access_modes[0],
        mount_path=storage.home_mount_path,
        claim_name_template=storage.dynamic.pvc_name_template,
        keep_when_user_removed=storage.keep_when_user_removed,
        labels=storage.extra_labels,
    )


def _z2jh_home(get_config: Callable[..., Any]) -> dict[str, Any]:
    """z2jh's storage values as a home; its claim name is kept, so that nobody's files are left behind.

    z2jh names claims by user *and* server; for a person's default server that is the name of the person alone.
    """
    dynamic = "singleuser.storage.dynamic"
    template = get_config(f"{dynamic}.pvcNameTemplate") or "claim-{username}"
    for placeholder in ("{escaped_user_server}", "{user_server}", "{username}{servername}", "{username}--{servername}"):
        template = template.replace(placeholder, "{username}")
    return {
        "storageClass": get_config(f"{dynamic}.storageClass"),
        "size": get_config("singleuser.storage.capacity", "10Gi"),
        "accessMode": get_config(f"{dynamic}.storageAccessModes", ["ReadWriteOnce"])[0],
        "mountPath": get_config("singleuser.storage.homeMountPath", "/home/jovyan"),
        "claimNameTemplate": template,
    }
