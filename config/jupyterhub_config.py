"""Composition root: settings in, a configured Hub out. Everything it calls lives in the packages."""

from __future__ import annotations

import os

from hub_extensions.settings_file import SettingsErrors
from hub_extensions.setup import load, refuse_to_start, run_extra_config, setup
from profiles.catalog import CatalogErrors

c = get_config()  # noqa: F821 - JupyterHub puts it here

# Spawners and pages know nothing of each other; they meet in this file.
SPAWNERS = {
    "kubernetes": "spawner.kubernetes.WorkbenchSpawner",
    "local": "spawner.local.LocalWorkbenchSpawner",
}

try:
    settings, catalog, secrets = load(os.environ)
except (SettingsErrors, CatalogErrors) as e:
    refuse_to_start(e)

c.JupyterHub.spawner_class = SPAWNERS[settings.mode]
setup(c, settings, catalog, secrets)
run_extra_config(settings.hub.extra_config, globals())
