"""The plain stack: JupyterHub and KubeSpawner as Zero to JupyterHub configures them, nothing of ours."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import inside_hub  # noqa: F401

c = get_config()  # noqa: F821
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
c.DummyAuthenticator.password = os.environ["BENCH_PASSWORD"]
c.JupyterHub.db_url = "sqlite:////state/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/state/cookie_secret"  # noqa: S105 - a path
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.last_activity_interval = 60
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.JupyterHub.concurrent_spawn_limit = 64
c.ConfigurableHTTPProxy.api_url = "http://proxy-api:8001"
c.ConfigurableHTTPProxy.should_start = False
c.KubeSpawner.image = os.environ["BENCH_IMAGE"]
c.KubeSpawner.image_pull_policy = "IfNotPresent"
c.KubeSpawner.start_timeout = 300
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.storage_class = "remuda-shared"
c.KubeSpawner.storage_access_modes = ["ReadWriteMany"]
c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
c.KubeSpawner.uid, c.KubeSpawner.gid, c.KubeSpawner.fs_gid = 1000, 100, 100
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.mem_guarantee = 0.05, "128M"
c.KubeSpawner.tolerations = [{"operator": "Exists"}]
c.KubeSpawner.default_url = "/lab"
c.KubeSpawner.profile_list = [
    {"display_name": name, "slug": slug, "kubespawner_override": {"node_selector": {"remuda.dev/pool": pool}}}
    for name, slug, pool in (("Small", "small-cpu", "general"), ("Many cores", "many-core", "many-core"))
]
