"""The Hub and the single-user server as processes: what their start says and imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_a_broken_catalog_ends_the_hub_with_every_mistake_and_no_traceback(tmp_path: Path) -> None:
    """The configuration file itself, as JupyterHub reads it: within an event loop."""
    file = tmp_path / "settings.yaml"
    broken = {"gpu": {"pool": "moon"}, "small-cpu": {"pricePerHour": -1}, "many-core": {"cpu": "lots"}}
    file.write_text(yaml.safe_dump({"mode": "local", "catalog": {"profiles": broken}}))
    (tmp_path / "hub.config.SharedPasswordAuthenticator.user_password").write_text("secret-word")
    done = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "-f", str(ROOT / "config" / "jupyterhub_config.py")],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "REMUDA_SETTINGS": str(file), "REMUDA_SECRETS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Remuda cannot start: 3 to correct." in done.stderr
    for words in ("'moon'", "pricePerHour", "'lots'"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_server_still_starts_without_what_was_put_off() -> None:
    """Fails when a newer JupyterHub or JupyterLab pulls a heavy module back into the start."""
    script = (
        "import sys\n"
        "from lab_extension import imports\n"
        "imports.import_jsonschema(); imports.import_hub_extension(); imports.import_lab()\n"
        "import lab_extension.server\n"
        "put_off = {'sqlalchemy', 'alembic', 'aiohttp', 'httpx', 'requests', 'jupyterhub.orm', 'isoduration',\n"
        "           'arrow', 'rfc3987_syntax', 'rfc3986_validator', 'IPython', 'nbconvert', 'pandas'}\n"
        "print(sorted(put_off & sys.modules.keys()))\n"
        "import aiohttp, sqlalchemy, httpx, requests, jupyterhub.orm, jupyterhub.singleuser\n"
        "print(aiohttp.ClientSession.__name__, sqlalchemy.select.__name__, httpx.get.__name__, requests.get.__name__,\n"
        "      jupyterhub.orm.User.__name__, jupyterhub.singleuser.main.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "ClientSession select get get User launch_instance"]
